"""Moderated t statistics with covariates, for many weightings of the subjects at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..nouns import Contrast
from .moderated import Moderated, SubjectDesign, pairs_of, squeeze
from .subjects import subject_means

__all__ = ["AdjustedDesign", "Remembered", "design_of"]

RECENT = 3


@dataclass(frozen=True)
class AdjustedDesign:
    """Subjects' means with a linear model: the first column is what is tested.

    Attributes
    ----------
    x_rg
        Means of each subject in each group, or differences within the subject.
    design_rk
        Group (or, within subjects, a constant) and covariates.
    subject_r
        Subject of each row, as positions.
    paired
        Whether rows are differences.
    """

    x_rg: np.ndarray
    design_rk: np.ndarray
    subject_r: np.ndarray
    paired: bool

    @classmethod
    def of(cls, x_ng: np.ndarray, contrast: Contrast) -> AdjustedDesign:
        """Average the samples and the covariates of each subject and group."""
        covariate_nc = np.zeros((len(x_ng), 0)) if contrast.covariate_nc is None else contrast.covariate_nc
        sides = []
        for mask_n in (contrast.case_n, contrast.control_n):
            mean_sg, subject_s = subject_means(x_ng, mask_n, contrast.subject_n)
            sides.append((mean_sg, subject_means(covariate_nc, mask_n, contrast.subject_n)[0], subject_s))
        (case_sg, case_sc, case_s), (control_sg, control_sc, control_s) = sides
        pair_s = pairs_of(contrast)
        if len(pair_s):
            ill, well = np.isin(case_s, pair_s), np.isin(control_s, pair_s)
            change_sc = case_sc[ill] - control_sc[well]
            return cls(case_sg[ill] - control_sg[well], _with_ones(change_sc), pair_s, paired=True)
        group_r = np.repeat((1.0, 0.0), (len(case_s), len(control_s)))
        design_rk = np.column_stack((group_r, _with_ones(np.vstack((case_sc, control_sc)))))
        return cls(np.vstack((case_sg, control_sg)), design_rk, np.concatenate((case_s, control_s)), paired=False)

    @property
    def df(self) -> int:
        """Residual degrees of freedom."""
        return len(self.x_rg) - int(np.linalg.matrix_rank(self.design_rk))

    def moderated(self, count_bs: np.ndarray) -> Moderated:
        """Moderated t of the tested column when subject ``s`` enters ``count_bs[b, s]`` times.

        Where a weighting leaves nothing to tell the groups from a covariate, t is zero.
        """
        count_br = count_bs[:, self.subject_r].astype(np.float64)
        draws, genes = len(count_bs), self.x_rg.shape[1]
        effect_bg, squares_bg = np.zeros((draws, genes)), np.empty((draws, genes))
        unit_b, df_b = np.ones(draws), np.empty(draws)
        total_bg = count_br @ self.x_rg**2
        for b, count_r in enumerate(count_br):
            weighted_rk = self.design_rk * count_r[:, None]
            inner_kk, moment_kg = weighted_rk.T @ self.design_rk, weighted_rk.T @ self.x_rg
            inverse_kk = np.linalg.pinv(inner_kk, rcond=1e-10, hermitian=True)
            slope_kg = inverse_kk @ moment_kg
            reach_kk = inverse_kk @ inner_kk
            if abs(reach_kk[0, 0] - 1) < 1e-6:
                effect_bg[b], unit_b[b] = slope_kg[0], inverse_kk[0, 0]
            squares_bg[b] = np.maximum(total_bg[b] - (slope_kg * moment_kg).sum(0), 0.0)
            df_b[b] = max(count_r.sum() - np.trace(reach_kk), 1.0)
        variance_bg, prior_df_b, prior_variance_b = squeeze(squares_bg / df_b[:, None], df_b)
        t_bg = effect_bg / np.sqrt(variance_bg * unit_b[:, None])
        return Moderated(t_bg, np.minimum(df_b + prior_df_b, df_b * genes), prior_df_b, prior_variance_b)


class Remembered:
    """A design that keeps its last answers: derivations of one question, and of every layer, ask for the same draws."""

    def __init__(self, design: SubjectDesign | AdjustedDesign) -> None:
        self._design = design
        self.paired, self.df = design.paired, design.df
        self._ask = lru_cache(maxsize=RECENT)(self._answer)

    def moderated(self, count_bs: np.ndarray) -> Moderated:
        """Moderated t when subject ``s`` enters ``count_bs[b, s]`` times."""
        count_bs = np.ascontiguousarray(count_bs, dtype=np.int64)
        return self._ask(count_bs.tobytes(), count_bs.shape[1])

    def _answer(self, content: bytes, subjects: int) -> Moderated:
        return self._design.moderated(np.frombuffer(content, dtype=np.int64).reshape(-1, subjects))


def design_of(x_ng: np.ndarray, contrast: Contrast) -> Remembered:
    """The design that a contrast asks for, with covariates or without."""
    return Remembered((SubjectDesign if contrast.covariate_nc is None else AdjustedDesign).of(x_ng, contrast))


def _with_ones(c_rc: np.ndarray) -> np.ndarray:
    return np.column_stack((np.ones(len(c_rc)), c_rc))
