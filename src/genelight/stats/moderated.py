"""Moderated t statistics on subjects' means, with covariates or without, for many weightings or labels at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy import optimize, stats

from ..nouns import Contrast
from .squeeze import squeeze
from .subjects import group_sizes, kinds, subject_means

__all__ = ["Design", "Moderated", "Remembered", "detectable", "pairs_of"]

LEAST_PAIRS = 5
RECENT = 3
AT_ONCE = 2**23
POWER = 0.8


@dataclass(frozen=True)
class Moderated:
    """Results of b weightings, or b ways to label, for g genes.

    Attributes
    ----------
    t_bg
        Moderated t, above zero where cases are higher.
    effect_bg
        Difference between the groups (of means, adjusted where there are covariates), in units of the values.
    df_bg
        Degrees of freedom of t, residual and prior together, shape ``(b, 1)`` or ``(b, g)``.
    prior_df_b, prior_variance_b
        The prior that genes share; their medians where genes have priors of their own.
    unit_b
        Variance of the difference where a subject's is one.
    variance_bg
        Moderated variance of each gene.
    """

    t_bg: np.ndarray
    effect_bg: np.ndarray
    df_bg: np.ndarray
    prior_df_b: np.ndarray
    prior_variance_b: np.ndarray
    unit_b: np.ndarray
    variance_bg: np.ndarray

    def p_bg(self) -> np.ndarray:
        """Two-sided p of t, shape ``(b, g)``."""
        return np.asarray(2 * stats.t.sf(np.abs(self.t_bg), self.df_bg))


def pairs_of(contrast: Contrast) -> np.ndarray:
    """Positions of the subjects whose two groups are compared within the subject; none in an unpaired design.

    The design is paired when at least five subjects, and at least half of the smaller group, are in both groups;
    subjects in one group only then have no say. Otherwise a subject in both groups counts as two, which is
    conservative where its two means are positively correlated.
    """
    kind_s = kinds(contrast)
    (both,) = np.nonzero(kind_s == 3)
    return both if len(both) >= max(LEAST_PAIRS, min(group_sizes(kind_s)) / 2) else both[:0]


@dataclass(frozen=True)
class Design:
    """Subjects' means with a linear model, ready to be compared under any weighting or labelling of the subjects.

    Values belong on the scale on which they were measured (log2): genes brought to one variance have no prior
    to share, and their t is no longer moderated.

    Attributes
    ----------
    x_rg
        Means of each subject in each group, cases first, or differences within the subject, as :func:`pairs_of`
        decides.
    tested_r
        1 for cases and 0 for controls; 1 throughout for differences.
    other_rk
        A constant (not for differences) and covariates.
    subject_r
        Subject of each row, as positions.
    paired
        Whether rows are differences.
    average_g
        Average of each gene over subjects.
    trend, robust
        Whether the prior follows that average, and whether it is fitted robustly, see
        :func:`genelight.stats.squeeze.squeeze`.
    there_g
        Genes that were measured; the values of others come from a model, have no say in the prior and a t of zero.
        None for all.
    """

    x_rg: np.ndarray
    tested_r: np.ndarray
    other_rk: np.ndarray
    subject_r: np.ndarray
    paired: bool
    average_g: np.ndarray
    trend: bool = False
    robust: bool = False
    there_g: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        x_ng: np.ndarray,
        contrast: Contrast,
        *,
        trend: bool = False,
        robust: bool = False,
        there_g: np.ndarray | None = None,
    ) -> Design:
        """Average the samples and the covariates of each subject and group; the contrast has subjects as positions."""
        covariate_nc = np.zeros((len(x_ng), 0)) if contrast.covariate_nc is None else contrast.covariate_nc
        sides = []
        for mask_n in (contrast.case_n, contrast.control_n):
            mean_sg, subject_s = subject_means(x_ng, mask_n, contrast.subject_n)
            sides.append((mean_sg, subject_means(covariate_nc, mask_n, contrast.subject_n)[0], subject_s))
        (case_sg, case_sc, case_s), (control_sg, control_sc, control_s) = sides
        pair_s = pairs_of(contrast)
        if len(pair_s):
            ill, well = np.isin(case_s, pair_s), np.isin(control_s, pair_s)
            average_g = (case_sg[ill].mean(0) + control_sg[well].mean(0)) / 2
            step_sg, step_sc = case_sg[ill] - control_sg[well], case_sc[ill] - control_sc[well]
            ones = np.ones(len(pair_s))
            return cls(step_sg, ones, step_sc, pair_s, True, average_g, trend, robust, there_g)  # noqa: FBT003
        x_rg = np.vstack((case_sg, control_sg))
        other_rk = np.column_stack((np.ones(len(x_rg)), np.vstack((case_sc, control_sc))))
        tested_r = np.repeat((1.0, 0.0), (len(case_s), len(control_s)))
        subject_r = np.concatenate((case_s, control_s))
        return cls(x_rg, tested_r, other_rk, subject_r, False, x_rg.mean(0), trend, robust, there_g)  # noqa: FBT003

    @property
    def df(self) -> int:
        """Residual degrees of freedom."""
        return len(self.x_rg) - int(np.linalg.matrix_rank(self._columns_rk))

    @property
    def residual_rg(self) -> np.ndarray:
        """What the linear model leaves of each row."""
        columns_rk = self._columns_rk
        return np.asarray(self.x_rg - columns_rk @ (np.linalg.pinv(columns_rk, rcond=1e-10) @ self.x_rg))

    @cached_property
    def _columns_rk(self) -> np.ndarray:
        return np.column_stack((self.tested_r, self.other_rk))

    @cached_property
    def _centred(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean of each gene, and rows about it: squares lose no digits, and it adds to differences alone."""
        centre_g = self.x_rg.mean(0)
        return centre_g, self.x_rg - centre_g

    @cached_property
    def _squares_rg(self) -> np.ndarray:
        return np.asarray(self._centred[1] ** 2)

    def moderated(self, count_bs: np.ndarray | None = None) -> Moderated:
        """Moderated t when subject ``s`` enters ``count_bs[b, s]`` times; everyone once if not given.

        limma's lmFit and eBayes on these rows. Where a weighting leaves nothing to tell the groups from a covariate,
        t is zero.

        References
        ----------
        Smyth 2004, doi 10.2202/1544-6115.1027.
        """
        if count_bs is None:
            count_bs = np.ones((1, int(self.subject_r.max()) + 1))
        count_br = count_bs[:, self.subject_r].astype(np.float64)
        step = max(1, AT_ONCE // (self.x_rg.shape[1] * self._columns_rk.shape[1]))
        blocks = [self._weighted(count_br[i : i + step]) for i in range(0, len(count_br), step)]
        effect_bg, squares_bg, unit_b, df_b = (np.concatenate(part) for part in zip(*blocks, strict=True))
        return self._with_prior(effect_bg, squares_bg, unit_b=unit_b, df_b=df_b)

    def _weighted(self, count_br: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Effects and sums of squares ``(b, g)``, unit variances and degrees of freedom ``(b,)``."""
        centre_g, x_rg = self._centred
        columns_rk = self._columns_rk
        draws, k = len(count_br), columns_rk.shape[1]
        product_rkk = columns_rk[:, :, None] * columns_rk[:, None]
        inner_bkk = (count_br @ product_rkk.reshape(len(x_rg), -1)).reshape(draws, k, k)
        weighted_bkr = count_br[:, None] * columns_rk.T
        moment_bkg = (weighted_bkr.reshape(draws * k, -1) @ x_rg).reshape(draws, k, -1)
        inverse_bkk = np.linalg.pinv(inner_bkk, rcond=1e-10, hermitian=True)
        slope_bkg = inverse_bkk @ moment_bkg
        reach_bkk = inverse_bkk @ inner_bkk
        told_b = np.abs(reach_bkk[:, 0, 0] - 1) < 1e-6
        effect_bg = slope_bkg[:, 0] + centre_g if self.paired else slope_bkg[:, 0]
        squares_bg = np.maximum(count_br @ self._squares_rg - (slope_bkg * moment_bkg).sum(1), 0.0)
        df_b = np.maximum(count_br.sum(1) - np.trace(reach_bkk, axis1=1, axis2=2), 1.0)
        return (
            np.where(told_b[:, None], effect_bg, 0.0),
            squares_bg,
            np.where(told_b, inverse_bkk[:, 0, 0], 1.0),
            df_b,
        )

    def under(self, tested_br: np.ndarray) -> Moderated:
        """Moderated t under other values of the tested column, shape ``(b, r)``: shuffled labels, or signs of rows."""
        left, size, _ = np.linalg.svd(self.other_rk, full_matrices=False)
        known_rk = left[:, size > 1e-10 * size.max(initial=0.0)]
        left_rg = self.x_rg - known_rk @ (known_rk.T @ self.x_rg)
        moved_br = tested_br - (tested_br @ known_rk) @ known_rk.T
        size_b = (moved_br**2).sum(1)
        told_b = size_b > 1e-10 * (tested_br**2).sum(1)
        size_b = np.where(told_b, size_b, 1.0)
        effect_bg = np.where(told_b[:, None], moved_br @ left_rg / size_b[:, None], 0.0)
        squares_bg = np.maximum((left_rg**2).sum(0) - effect_bg**2 * size_b[:, None], 0.0)
        df_b = np.full(len(tested_br), max(len(left_rg) - known_rk.shape[1] - 1.0, 1.0))
        return self._with_prior(effect_bg, squares_bg, unit_b=1 / size_b, df_b=df_b)

    def _with_prior(
        self, effect_bg: np.ndarray, squares_bg: np.ndarray, *, unit_b: np.ndarray, df_b: np.ndarray
    ) -> Moderated:
        there_g = slice(None) if self.there_g is None else np.flatnonzero(self.there_g)
        along_g = self.average_g[there_g] if self.trend else None
        prior = squeeze(squares_bg[:, there_g] / df_b[:, None], df_b, average_g=along_g, robust=self.robust)
        t_bg = effect_bg[:, there_g] / np.sqrt(prior.variance_bg * unit_b[:, None])
        # The genes together cannot know more than all their own degrees of freedom.
        df_bg = np.minimum(df_b[:, None] + prior.prior_df_bg, df_b[:, None] * t_bg.shape[1])
        shared = np.median(prior.prior_df_bg, axis=1), np.median(prior.prior_variance_bg, axis=1)

        def full(value_bg: np.ndarray, absent: float = 0.0) -> np.ndarray:
            """Values of some genes among all, those of one column for all as they are."""
            if self.there_g is None or value_bg.shape[1] == 1:
                return value_bg
            full_bg = np.full((len(value_bg), len(self.there_g)), absent)
            full_bg[:, self.there_g] = value_bg
            return full_bg

        return Moderated(full(t_bg), effect_bg, full(df_bg, 1.0), *shared, unit_b, full(prior.variance_bg))


class Remembered:
    """A design that keeps its last answers: derivations of one question, and of every layer, ask for the same draws."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.paired, self.df = design.paired, design.df
        self._ask = lru_cache(maxsize=RECENT)(self._answer)

    def moderated(self, count_bs: np.ndarray | None = None) -> Moderated:
        """Moderated t when subject ``s`` enters ``count_bs[b, s]`` times; everyone once if not given."""
        if count_bs is None:
            count_bs = np.ones((1, int(self.design.subject_r.max()) + 1))
        count_bs = np.ascontiguousarray(count_bs, dtype=np.int64)
        return self._ask(count_bs.tobytes(), count_bs.shape[1])

    def _answer(self, content: bytes, subjects: int) -> Moderated:
        return self.design.moderated(np.frombuffer(content, dtype=np.int64).reshape(-1, subjects))


def detectable(result: Moderated, *, p: float, power: float = POWER) -> float:
    """Difference that a gene needs to have a two-sided p of at most `p` with this power, in its standard deviations.

    That of the first row of `result`, at its median degrees of freedom, from the noncentral t distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight import Contrast
    >>> case = np.arange(40) < 20
    >>> x = np.random.default_rng(0).normal(size=(40, 500))
    >>> result = Design.of(x, Contrast(case, ~case, np.arange(40), "")).moderated()
    >>> round(detectable(result, p=0.05), 2)
    0.89
    """
    df = float(np.median(result.df_bg[0]))
    # Beyond this the two distributions are one to every digit that is printed.
    df = min(df, 1e4)
    least = stats.t.isf(p / 2, df)
    centre = float(optimize.brentq(lambda c: stats.nct.sf(least, df, c) - power, 0.0, 10 * least + 10))
    return centre * float(np.sqrt(result.unit_b[0]))
