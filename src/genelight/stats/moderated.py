"""Moderated t statistics on subjects' means, for many weightings of the subjects at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from ..nouns import Contrast
from .subjects import group_sizes, kinds, subject_means

__all__ = ["Moderated", "SubjectDesign", "pairs_of", "squeeze"]

LEAST_PAIRS = 5


@dataclass(frozen=True)
class Moderated:
    """Results of b weightings for g genes.

    Attributes
    ----------
    t_bg
        Moderated t, above zero where cases are higher.
    df_b
        Its degrees of freedom, residual and prior together.
    prior_df_b, prior_variance_b
        The prior that genes share.
    """

    t_bg: np.ndarray
    df_b: np.ndarray
    prior_df_b: np.ndarray
    prior_variance_b: np.ndarray


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
class SubjectDesign:
    """Subjects' means, ready to be compared under any weighting of subjects.

    Two groups, or differences within the subject (then `control_sg` is None), as :func:`pairs_of` decides.
    """

    case_sg: np.ndarray
    case_s: np.ndarray
    control_sg: np.ndarray | None
    control_s: np.ndarray | None

    @classmethod
    def of(cls, x_ng: np.ndarray, contrast: Contrast) -> SubjectDesign:
        """Average the samples of each subject and group; the contrast has subjects as positions."""
        case_sg, case_s = subject_means(x_ng, contrast.case_n, contrast.subject_n)
        control_sg, control_s = subject_means(x_ng, contrast.control_n, contrast.subject_n)
        pair_s = pairs_of(contrast)
        if not len(pair_s):
            return cls(case_sg, case_s, control_sg, control_s)
        return cls(case_sg[np.isin(case_s, pair_s)] - control_sg[np.isin(control_s, pair_s)], pair_s, None, None)

    @property
    def paired(self) -> bool:
        """Whether differences within the subject are tested."""
        return self.control_sg is None

    @property
    def df(self) -> int:
        """Residual degrees of freedom."""
        return len(self.case_s) - 1 if self.control_s is None else len(self.case_s) + len(self.control_s) - 2

    @cached_property
    def _sides(self) -> tuple[_Side, _Side | None]:
        return _Side.of(self.case_sg), None if self.control_sg is None else _Side.of(self.control_sg)

    def moderated(self, count_bs: np.ndarray) -> Moderated:
        """Moderated t when subject ``s`` enters ``count_bs[b, s]`` times (limma's lmFit and eBayes on these means).

        References
        ----------
        Smyth 2004, doi 10.2202/1544-6115.1027.
        """
        cases, controls = self._sides
        effect_bg, squares_bg, n_b = cases.moments(count_bs[:, self.case_s])
        unit_b, df_b = 1 / n_b, n_b - 1
        if controls is not None and self.control_s is not None:
            control_bg, control_squares_bg, control_n_b = controls.moments(count_bs[:, self.control_s])
            effect_bg = effect_bg - control_bg
            squares_bg = squares_bg + control_squares_bg
            unit_b, df_b = unit_b + 1 / control_n_b, df_b + control_n_b - 1
        variance_bg, prior_df_b, prior_variance_b = squeeze(squares_bg / df_b[:, None], df_b)
        t_bg = effect_bg / np.sqrt(variance_bg * unit_b[:, None])
        total_b = np.minimum(df_b + prior_df_b, df_b * effect_bg.shape[1])
        return Moderated(t_bg, total_b, prior_df_b, prior_variance_b)


@dataclass(frozen=True)
class _Side:
    """One group's rows, centred, and their squares: made once for all weightings."""

    centre_g: np.ndarray
    centred_sg: np.ndarray
    squared_sg: np.ndarray

    @classmethod
    def of(cls, x_sg: np.ndarray) -> _Side:
        centre_g = x_sg.mean(0)
        centred_sg = x_sg - centre_g
        return cls(centre_g, centred_sg, centred_sg**2)

    def moments(self, count_bs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean and sum of squares about it, both ``(b, g)``, and number of subjects ``(b,)``."""
        n_b = count_bs.sum(1).astype(np.float64)
        share_bs = count_bs / n_b[:, None]
        mean_bg = share_bs @ self.centred_sg
        squares_bg = np.maximum(share_bs @ self.squared_sg - mean_bg**2, 0.0) * n_b[:, None]
        return mean_bg + self.centre_g, squares_bg, n_b


def squeeze(variance_bg: np.ndarray, df_b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the genes' variances towards a common prior, row by row.

    The prior (its degrees of freedom and its variance) is fitted to the mean and variance of the log variances,
    which under the model follow a scaled F distribution.

    Parameters
    ----------
    variance_bg
        Residual variances.
    df_b
        Their degrees of freedom.

    Returns
    -------
    Posterior variances ``(b, g)``, prior degrees of freedom ``(b,)`` (infinite where genes vary no more than chance
    has it) and prior variance ``(b,)``.
    """
    middle_b = np.median(variance_bg, axis=1)
    floor_b = 1e-5 * np.where(middle_b > 0, middle_b, 1.0)
    floored_bg = np.maximum(variance_bg, floor_b[:, None])
    half_b = df_b / 2
    log_bg = np.log(floored_bg) - (special.digamma(half_b) - np.log(half_b))[:, None]
    excess_b = log_bg.var(axis=1, ddof=1) - special.polygamma(1, half_b)
    finite_b = excess_b > 0
    prior_half_b = _inverse_trigamma(np.where(finite_b, excess_b, 1.0))
    prior_df_b = np.where(finite_b, 2 * prior_half_b, np.inf)
    fitted_b = np.exp(log_bg.mean(1) + special.digamma(prior_half_b) - np.log(prior_half_b))
    prior_variance_b = np.where(finite_b, fitted_b, floored_bg.mean(1))
    # With d0 -> infinity the weighted mean of variance and prior becomes the prior.
    trust_b = np.where(finite_b, df_b / (df_b + np.where(finite_b, prior_df_b, 0.0)), 0.0)
    posterior_bg = trust_b[:, None] * variance_bg + ((1 - trust_b) * prior_variance_b)[:, None]
    return posterior_bg, prior_df_b, prior_variance_b


def _inverse_trigamma(value_b: np.ndarray) -> np.ndarray:
    """Solve ``trigamma(y) = value`` by Newton's method on ``1 / trigamma``, which is nearly linear in y."""
    y_b = 0.5 + 1 / value_b
    for _ in range(50):
        trigamma_b = special.polygamma(1, y_b)
        step_b = trigamma_b * (1 - trigamma_b / value_b) / special.polygamma(2, y_b)
        y_b = y_b + step_b
        if np.all(np.abs(step_b) < 1e-10 * y_b):
            break
    return y_b
