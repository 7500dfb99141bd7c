"""Values that are missing: whether they lie low, and what to put there where no model is at hand to expect them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from scipy.special import log_expit

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Detection", "fill_gaps"]

LEAST_SEEN = 4
LEAST_FEATURES = 20
AT_RANDOM = -0.1  # a rank correlation of level and gaps above this says nothing of a limit
STEEPEST = 5.0
# A gene that more samples lack is left out; with as few gaps as this its mean changes no comparison much.
MOST_MISSING = 0.2


@dataclass(frozen=True)
class Detection:
    """The chance that a value is seen, logistic in the value itself.

    Where seen values of a feature are normal with variance v, those not seen are normal too, with the same variance
    and a mean that is lower by ``slope * v`` (Li and Smyth 2023, doi 10.1093/bioinformatics/btad200).

    Attributes
    ----------
    slope
        Log odds of being seen per unit of the value, 0 where gaps have nothing to do with it.
    missing
        Share of the values that are missing.
    correlation
        Rank correlation, over features, of the mean of what was seen and the share that was not.
    """

    slope: float
    missing: float
    correlation: float

    @classmethod
    def of(cls, y_ng: np.ndarray) -> Detection:
        """Learn it from log intensities with gaps (NaN), features of any share of gaps among them.

        Examples
        --------
        >>> import numpy as np
        >>> from genelight.pp.gaps import Detection
        >>> rng = np.random.default_rng(0)
        >>> y_ng = rng.normal(rng.normal(20, 2, 300), 1, (60, 300))
        >>> y_ng[rng.random(y_ng.shape) > 1 / (1 + np.exp(-(y_ng - 18)))] = np.nan
        >>> 0.7 < Detection.of(y_ng).slope < 1.3
        True
        """
        # In a function, for they take a second and 50 MB, which most tables do without.

        from scipy.optimize import minimize
        from scipy.stats import spearmanr

        seen_g = (~np.isnan(y_ng)).sum(0)
        some_g = seen_g >= LEAST_SEEN
        missing = float(np.isnan(y_ng).mean()) if y_ng.size else 0.0
        gap_g = len(y_ng) - seen_g[some_g]
        if some_g.sum() < LEAST_FEATURES or np.ptp(gap_g) == 0:
            return cls(0.0, missing, 0.0)
        mean_g, var_g = np.nanmean(y_ng[:, some_g], 0), np.nanvar(y_ng[:, some_g], 0, ddof=1)
        correlation = float(spearmanr(mean_g, gap_g).statistic) if np.ptp(mean_g) else 0.0
        if not correlation < AT_RANDOM:
            return cls(0.0, missing, correlation)
        centre, seen_g = float(mean_g.mean()), seen_g[some_g]

        def lost(at: np.ndarray) -> float:
            # Log odds of a gap: the mean over what was seen of the odds of not being seen, exp(-(a + b y)).
            odds_g = -at[0] - at[1] * (mean_g - centre) + 0.5 * at[1] ** 2 * var_g
            return -float(gap_g @ log_expit(odds_g) + seen_g @ log_expit(-odds_g))

        start = np.array([-np.log(max(missing, 1e-3) / (1 - min(missing, 0.999))), 0.5])
        found = minimize(lost, start, method="L-BFGS-B", bounds=[(None, None), (0.0, STEEPEST)])
        return cls(float(found.x[1]), missing, correlation)

    def says(self) -> str:
        """In words."""
        if not self.missing:
            return "no value is missing"
        where = (
            f"the more so the lower a feature lies (rank correlation {self.correlation:.2f}), so not at random: log "
            f"odds of being seen rise by {self.slope:.2f} a unit, and what is missing is filled in lower than seen"
            if self.slope
            else f"and not more where features lie low (rank correlation {self.correlation:.2f}): taken as at random"
        )
        return f"{self.missing:.1%} of the values are missing, {where}"


def fill_gaps(adata: AnnData) -> tuple[AnnData, str]:
    """A table without gaps, and what was done about them in words, empty where there were none.

    A missing value is given its gene's mean over the samples that have it; a gene that more than a fifth of the
    samples lack is left out. With a model, ``model.prepare`` gives what its genes let expect instead.

    Parameters
    ----------
    adata
        Samples x genes; returned as it is where nothing is missing.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()[:10, :3].copy()
    >>> adata.X[2, 1] = float("nan")
    >>> from genelight.pp.gaps import fill_gaps
    >>> fill_gaps(adata)[1]
    '1 missing values (3.33%) were given the mean of their gene'
    """
    x = adata.X
    if sp.issparse(x):
        if not np.isnan(x.data).any():
            return adata, ""
        x = x.toarray()
    gap_ng = np.isnan(x)
    if not gap_ng.any():
        return adata, ""
    kept_g = gap_ng.mean(0) <= MOST_MISSING
    kept = adata[:, kept_g].copy()
    gap_nk, x_nk = gap_ng[:, kept_g], np.asarray(x)[:, kept_g]
    kept.X = np.where(gap_nk, np.nanmean(x_nk, axis=0), x_nk).astype(x_nk.dtype)
    said = f"{int(gap_nk.sum()):,} missing values ({gap_ng.mean():.2%}) were given the mean of their gene"
    lost = int((~kept_g).sum())
    return kept, said + f"; {lost:,} genes that more than {MOST_MISSING:.0%} of the samples lack were left out" * bool(
        lost
    )
