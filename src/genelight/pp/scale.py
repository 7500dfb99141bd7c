"""Is a matrix on the scale it is said to be on, and how it comes to what a model learns from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from .._core.checks import check_finite
from ..errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["SCALES", "TOTAL", "Scale", "check_scale", "logged", "to_log2"]

TOTAL = "map_ids_total"
"""Column of obs: the sum of all columns of a table of counts, those that became no gene included."""

# Above this no log2 expression value is found: 2^50 is more than any scanner or sequencer gives.
_LOG2_CEILING = 50.0
# Beta values beyond these say no more than the ends of an array's range do; Du et al. 2010 have an offset in its place.
_LEAST_BETA = 1e-3
_M_CEILING = 20.0
_PER_CELL = 1e4
_PSEUDO = 0.5
_ONE = (1.0, 100.0)  # what fractions and percents add up to


@dataclass(frozen=True)
class Scale:
    """A scale of values in a file, and the way from it.

    Attributes
    ----------
    to_model
        From values of shape ``(n, g)``, and the samples' totals where columns were left out, to as many.
    check
        Complains of values that are not on it.
    unit
        Of what comes out, in words.
    alone
        Whether each value comes out by itself; else a sample's others take part, and none may be missing.
    among
        Whether values have a meaning among the columns that are kept alone, so that these are chosen first.
    counted
        Whether values are counts.
    zero_is_missing
        Whether a zero in the file says that nothing was seen, not that nothing was there.
    """

    to_model: Callable[[np.ndarray, np.ndarray | None], np.ndarray]
    check: Callable[[np.ndarray], None]
    unit: str = "log2"
    alone: bool = True
    among: bool = False
    counted: bool = False
    zero_is_missing: bool = False

    @property
    def plain(self) -> bool:
        """Whether a model learns from the values as they are."""
        return self.to_model is _log2

    def gaps(self, x: Any) -> np.ndarray:
        """Which values of a matrix, sparse or not, are missing."""
        x_ng = x.toarray() if sp.issparse(x) else np.asarray(x)
        gap_ng = np.isnan(x_ng)
        return gap_ng | (x_ng == 0) if self.zero_is_missing else gap_ng


def _counts(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    """log2 of counts per million + 1."""
    return np.log2(x_ng * (1e6 / _total(x_ng, total_n)) + 1.0)


def _linear(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    """log2(x + 1) of intensities, TPM or FPKM."""
    del total_n
    return np.log2(x_ng + 1.0)


def _log2(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    del total_n
    return x_ng


def _ln(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    """A natural logarithm to base 2."""
    del total_n
    return x_ng / np.log(2.0)


def _beta(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    """M values, log2 of methylated over unmethylated, of beta values held off 0 and 1 (Du et al. 2010)."""
    del total_n
    held_ng = np.clip(x_ng, _LEAST_BETA, 1.0 - _LEAST_BETA)
    return np.log2(held_ng / (1.0 - held_ng))


def _intensity(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    """log2 of intensities, of which a zero is no value (nothing was detected)."""
    del total_n
    return np.log2(np.where(x_ng > 0, x_ng, np.nan))


def _composition(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    """Centred log ratios (Aitchison 1982): ln of each part over the sample's geometric mean.

    Half a count is added to counts; zeros among fractions become half of the sample's smallest part.
    """
    del total_n
    whole_n1 = (x_ng == np.round(x_ng)).all(1, keepdims=True)
    least_n1 = np.where(x_ng > 0, x_ng, np.inf).min(1, keepdims=True, initial=np.inf)
    least_n1 = np.where(np.isfinite(least_n1), least_n1, 1.0)
    log_ng = np.log(np.where(whole_n1, x_ng + _PSEUDO, np.where(x_ng > 0, x_ng, _PSEUDO * least_n1)))
    return log_ng - log_ng.mean(1, keepdims=True) if log_ng.size else log_ng


def _molecules(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    """ln(1 + molecules per ten thousand of the cell's), as scanpy has it."""
    return np.log1p(x_ng * (_PER_CELL / _total(x_ng, total_n)))


def _total(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    total_n1 = x_ng.sum(1, keepdims=True) if total_n is None else np.asarray(total_n)[:, None]
    return np.maximum(total_n1, 1.0)


def _check_log(scale: str, x_ng: np.ndarray) -> None:
    high = float(np.fmax.reduce(x_ng, axis=None))
    if high <= _LOG2_CEILING:
        return
    low = float(np.fmin.reduce(x_ng, axis=None))
    whole = bool(np.all(x_ng == np.round(x_ng)))
    likely = "counts" if whole and low >= 0 else "linear"
    msg = (
        f"the values go from {low:g} to {high:g}{', all whole numbers' if whole else ''}, "
        f"so they are not {scale}; they look like scale = '{likely}': say so (--scale {likely})"
    )
    raise InputError(msg)


def _check_amounts(scale: str, x_ng: np.ndarray) -> None:
    low = float(x_ng.min())
    if low < 0:
        msg = f"scale = '{scale}' cannot have values below zero (lowest {low:g}); logged data are scale = 'log2'"
        raise InputError(msg)


def _check_counts(x_ng: np.ndarray) -> None:
    _check_amounts("counts", x_ng)
    if not np.all(x_ng == np.round(x_ng)):
        low, high = float(x_ng.min()), float(x_ng.max())
        msg = f"scale = 'counts' needs whole numbers, but values from {low:g} to {high:g} have fractions; use 'linear'"
        raise InputError(msg)


def _check_linear(x_ng: np.ndarray) -> None:
    _check_amounts("linear", x_ng)
    # Sample by sample, so that the company a sample comes in decides nothing.
    high = float(x_ng.max(1).min())
    if high <= _LOG2_CEILING:
        msg = f"scale = 'linear' but a sample's highest value is {high:g}, as in logged data; use scale = 'log2'"
        raise InputError(msg)


def _check_beta(x_ng: np.ndarray) -> None:
    out_ng = (x_ng < 0) | (x_ng > 1)
    if out_ng.any():
        low, high = float(np.fmin.reduce(x_ng, axis=None)), float(np.fmax.reduce(x_ng, axis=None))
        likely = "percents: divide them by 100" if low >= 0 and high > 2 else "M values: say scale = 'm' (--scale m)"
        msg = (
            f"beta values go from 0 to 1, but {int(out_ng.sum())} of {x_ng.size} lie outside (from {low:g} to "
            f"{high:g}); they look like {likely}, or were adjusted after they were made: pass M values then"
        )
        raise InputError(msg)


def _check_m(x_ng: np.ndarray) -> None:
    low, high = float(np.fmin.reduce(x_ng, axis=None)), float(np.fmax.reduce(x_ng, axis=None))
    if max(-low, high) > _M_CEILING:
        msg = f"M values lie within {_M_CEILING:g} of 0, but these go from {low:g} to {high:g}; see scale = 'beta'"
        raise InputError(msg)
    if low >= 0 and high <= 1:
        msg = f"M values lie on both sides of 0, but these go from {low:g} to {high:g}, as beta values: scale = 'beta'"
        raise InputError(msg)


def _check_composition(x_ng: np.ndarray) -> None:
    low = float(x_ng.min())
    if low < 0:
        msg = (
            f"parts of a whole cannot be below zero (lowest {low:g}); of taxa, pass counts or fractions as they were "
            "before any log ratio was taken"
        )
        raise InputError(msg)
    whole_n = (x_ng == np.round(x_ng)).all(1)
    sum_n = x_ng.sum(1)
    bad_n = ~whole_n & ~np.any([np.abs(sum_n / one - 1) < 0.01 for one in _ONE], axis=0)
    if bad_n.any():
        msg = (
            f"fractions add up to 1 (or 100) in every sample, but in {int(bad_n.sum())} of {len(x_ng)} they add up "
            f"to {sum_n[bad_n].min():g} to {sum_n[bad_n].max():g}: taxa were left out, or these are no fractions. Pass "
            "all taxa, or counts; if the rest is meant to be a whole: adata.X = adata.X / adata.X.sum(1, keepdims=True)"
        )
        raise InputError(msg)


def _check_molecules(x_ng: np.ndarray) -> None:
    low, high = float(x_ng.min()), float(x_ng.max())
    broken = int((x_ng != np.round(x_ng)).sum())
    if low < 0 or broken:
        msg = (
            f"cells need counts of molecules, but {broken} of {x_ng.size} values have fractions and the lowest is "
            f"{low:g}; pass the counts as they were before normalising, often adata.layers['counts'] or adata.raw"
        )
        raise InputError(msg)
    if high <= 1 and x_ng.size > 1:
        msg = "every value is 0 or 1: whether a gene was seen, not how often; pass the counts"
        raise InputError(msg)


def _check_intensity(x_ng: np.ndarray) -> None:
    low, high = float(x_ng.min()), float(x_ng.max())
    if low < 0:
        msg = f"intensities cannot be below zero (lowest {low:g}); logged ones are scale = 'log2'"
        raise InputError(msg)
    if x_ng.size and high <= _LOG2_CEILING:
        msg = f"intensities are large numbers, but the highest is {high:g}, as in logged data; use scale = 'log2'"
        raise InputError(msg)


SCALES: dict[str, Scale] = {
    "log2": Scale(_log2, partial(_check_log, "log2")),
    "counts": Scale(_counts, _check_counts, alone=False, counted=True),
    "linear": Scale(_linear, _check_linear),
    "ln": Scale(_ln, partial(_check_log, "ln")),
    "beta": Scale(_beta, _check_beta, unit="M value"),
    "m": Scale(_log2, _check_m, unit="M value"),
    "intensity": Scale(_intensity, _check_intensity, zero_is_missing=True),
    "composition": Scale(_composition, _check_composition, unit="centred log ratio (ln)", alone=False, among=True),
    "molecules": Scale(_molecules, _check_molecules, unit="ln(1 + molecules per 10,000)", alone=False, counted=True),
}
"""By name, what values in a file may be. ``beta``: doi 10.1186/1471-2105-11-587; ``composition``: doi
10.1111/j.2517-6161.1982.tb01195.x; ``molecules``: doi 10.1038/s41592-023-01814-1."""


def to_log2(x_ng: np.ndarray, scale: str, *, total_n: np.ndarray | None = None) -> np.ndarray:
    """Bring values of a named scale to that of a model, log2 of expression; `total_n` are depths of samples."""
    return SCALES[scale].to_model(x_ng, total_n)


def check_scale(x_ng: np.ndarray, scale: str) -> None:
    """Stop when the values contradict the scale they are said to be on.

    Parameters
    ----------
    x_ng
        Values as found in the file.
    scale
        A name in ``SCALES``: ``"log2"``; ``"ln"`` (natural logarithm); ``"counts"`` (whole numbers, not normalised);
        ``"linear"`` (intensities, TPM, FPKM); ``"beta"`` and ``"m"`` (methylation); ``"intensity"`` (of mass
        spectrometry, zeros missing); ``"composition"`` (counts or fractions of a whole); ``"molecules"`` (of cells).

    Raises
    ------
    UnknownNameError
        If there is no such scale.
    InputError
        If the values do not fit it; says which scale they look like.
    """
    if scale not in SCALES:
        raise UnknownNameError("scale", scale, SCALES)
    if x_ng.size:
        SCALES[scale].check(x_ng)


def logged(adata: AnnData, scale: str, *, missing: bool = False, columns: np.ndarray | None = None) -> np.ndarray:
    """Values of a table as a model learns from them, log2 of expression, float64, shape ``(n, genes)``.

    With `missing` some may be NaN; `columns` are those to give, by default all.

    Raises
    ------
    InputError
        If there are none, values are missing or infinite, or they are on another scale.
    """
    x = adata.X
    if x is None:
        msg = "the table has no X; put the expression matrix there, for example adata.X = adata.layers['log2']"
        raise InputError(msg)
    if sp.issparse(x):
        x = x.toarray()
    # Sums depend on the order in memory in their last bit, and with it the digest.
    x_ng = np.asarray(x, dtype=np.float64, order="C")
    there_ng = np.nan_to_num(x_ng, nan=0.0, posinf=np.inf, neginf=-np.inf) if missing else x_ng
    check_finite(there_ng, samples=list(adata.obs_names), genes=list(adata.var_names), where="the expression matrix")
    whole = not missing or bool(np.isfinite(x_ng.sum()))
    # What is missing takes no part in a sample's total, and is missing still.
    there_ng = x_ng if whole else there_ng
    check_scale(there_ng, scale)
    total_n, among = adata.obs.get(TOTAL), columns is not None and SCALES[scale].among
    # Counts per million need every gene of the sample, so the scale comes before the choice of genes.
    y_ng = to_log2(there_ng[:, columns] if among else there_ng, scale, total_n=total_n)
    x_ng = x_ng[:, columns] if among else x_ng
    y_ng = y_ng if whole else np.where(np.isnan(x_ng), np.nan, y_ng)
    return y_ng if among or columns is None else y_ng[:, columns]
