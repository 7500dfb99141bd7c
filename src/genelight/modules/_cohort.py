"""A second cohort in the genes of a module: one row per subject and group, and what its labels could have been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from anndata import AnnData
from scipy import stats

from ..nouns import Contrast, Genes, Module
from ..nouns.genes import check_coverage
from ..stats.auc import weighted_auc
from ..stats.moderated import SubjectDesign, pairs_of
from ..stats.subjects import bootstrap_counts, indexed, permuted, subject_means, weights_under

__all__ = ["Prepared", "SecondCohort", "matched_draws"]

LEAST_GENES = 10
PARTS = 10


class Prepared(Protocol):
    """What :func:`genelight.pp.prepare` learned of a table."""

    @property
    def genes(self) -> Genes:
        """Genes kept, in order."""
        ...

    @property
    def mean_g(self) -> np.ndarray:
        """Their means on the log2 scale."""
        ...

    @property
    def sd_g(self) -> np.ndarray:
        """Their standard deviations on the log2 scale."""
        ...

    def transform(self, adata: AnnData) -> np.ndarray:
        """Standardised values, shape ``(n, g)``."""
        ...


@dataclass(frozen=True)
class SecondCohort:
    """Means of each subject in each group (row r), in the genes that module and cohort share.

    Attributes
    ----------
    x_rg
        Standardised expression.
    rows
        Group and subject of each row; subjects as positions.
    score_g
        The module's scores.
    top
        Positions of its selected genes.
    bin_g
        Bin of each gene by mean and variance of expression.
    """

    x_rg: np.ndarray
    rows: Contrast
    score_g: np.ndarray
    top: np.ndarray
    bin_g: np.ndarray

    @classmethod
    def of(cls, module: Module, adata: AnnData, *, contrast: Contrast, prepared: Prepared) -> SecondCohort:
        """Average each subject's samples in the shared genes.

        Raises
        ------
        GeneMismatchError
            If module and cohort share fewer than ten selected genes, or kinds of gene id differ.
        """
        chosen = Genes(tuple(module.selected), module.genes.namespace)
        check_coverage(
            chosen.align(prepared.genes), least=LEAST_GENES, what=f"the module {module.name!r}", reference="the cohort"
        )
        alignment = module.genes.align(prepared.genes)
        shared = alignment.index >= 0
        column = alignment.index[shared]
        part = indexed(contrast)
        x_ng = prepared.transform(adata[contrast.used_n])[:, column]
        case_sg, case_s = subject_means(x_ng, part.case_n, part.subject_n)
        control_sg, control_s = subject_means(x_ng, part.control_n, part.subject_n)
        case_r = np.arange(len(case_s) + len(control_s)) < len(case_s)
        rows = Contrast(case_r, ~case_r, np.concatenate((case_s, control_s)), contrast.name)
        top = np.flatnonzero(np.isin(np.asarray(module.genes.ids, dtype=object)[shared], module.selected))
        bins = _bins(prepared.mean_g[column], prepared.sd_g[column])
        return cls(np.vstack((case_sg, control_sg)), rows, module.score_g()[shared], top, bins)

    @property
    def paired(self) -> bool:
        """Whether groups are compared within the subject."""
        return len(pairs_of(self.rows)) > 0

    def t_under_bootstrap(self, draws: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Moderated t with all subjects, shape ``(g,)``, and of draws of subjects, shape ``(b, g)``."""
        count_bs = bootstrap_counts(self.rows, draws=draws, seed=seed)
        design = SubjectDesign.of(self.x_rg, self.rows)
        t_bg = design.moderated(np.vstack((np.ones((1, count_bs.shape[1]), dtype=np.int64), count_bs))).t_bg
        return t_bg[0], t_bg[1:]

    def shuffles(self, draws: int, *, seed: int) -> np.ndarray:
        """Which rows are cases when labels are shuffled over whole subjects, boolean, shape ``(b, r)``."""
        rng = np.random.default_rng(seed)
        return np.stack([permuted(self.rows, rng).case_n for _ in range(draws)])

    def t_under_labels(self, case_br: np.ndarray) -> np.ndarray:
        """Moderated t of every gene under other labels of the rows, shape ``(b, g)``."""
        pair_s = pairs_of(self.rows)
        if not len(pair_s):
            row_r = np.arange(len(self.x_rg))
            design = SubjectDesign(self.x_rg, row_r, self.x_rg, row_r + len(row_r))
            return design.moderated(np.hstack((case_br, ~case_br)).astype(np.int64)).t_bg
        paired = SubjectDesign.of(self.x_rg, self.rows).case_sg
        row_s = np.array([np.flatnonzero(self.rows.case_n & (self.rows.subject_n == s))[0] for s in pair_s])
        kept_bs = case_br[:, row_s]
        both_ways = SubjectDesign(np.vstack((paired, -paired)), np.arange(2 * len(paired)), None, None)
        return both_ways.moderated(np.hstack((kept_bs, ~kept_bs)).astype(np.int64)).t_bg

    def module_score_r(self) -> np.ndarray:
        """Mean of the module's genes, signed as in the first cohort, shape ``(r,)``."""
        return self.x_rg[:, self.top] @ np.sign(self.score_g[self.top]) / len(self.top)

    @staticmethod
    def auc_under_labels(score_r: np.ndarray, case_br: np.ndarray) -> np.ndarray:
        """AUC of a score of the rows under other labels, shape ``(b,)``."""
        cases_b = case_br.sum(1)
        above_b = case_br @ stats.rankdata(score_r) - cases_b * (cases_b + 1) / 2
        return above_b / (cases_b * (case_br.shape[1] - cases_b))

    def auc_under_bootstrap(self, score_r: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
        """AUC of a score of the rows over draws of subjects, shape ``(b,)``."""
        count_bs = bootstrap_counts(self.rows, draws=draws, seed=seed)
        return np.array([weighted_auc(score_r, self.rows, weights_under(self.rows, count_s)) for count_s in count_bs])

    def unit_residuals(self) -> np.ndarray:
        """Rows less their group's mean, every gene with sum of squares one, shape ``(r, g)``."""
        case_r = self.rows.case_n
        left_rg = np.vstack(
            (self.x_rg[case_r] - self.x_rg[case_r].mean(0), self.x_rg[~case_r] - self.x_rg[~case_r].mean(0))
        )
        norm_g = np.linalg.norm(left_rg, axis=0)
        return np.divide(left_rg, norm_g, out=np.zeros_like(left_rg), where=norm_g > 0)


def matched_draws(bin_g: np.ndarray, top: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Random genes, as many from each bin as `top` has there, without replacement, shape ``(b, len(top))``."""
    rng = np.random.default_rng(seed)
    parts = []
    for label, count in zip(*np.unique(bin_g[top], return_counts=True), strict=True):
        members = np.flatnonzero(bin_g == label)
        parts.append(rng.permuted(np.broadcast_to(members, (draws, len(members))), axis=1)[:, :count])
    return np.hstack(parts)


def _bins(mean_g: np.ndarray, sd_g: np.ndarray) -> np.ndarray:
    """Up to ten parts by mean and ten of each by spread, every bin with 25 genes and more where there are as many."""
    parts = int(np.clip(np.sqrt(len(mean_g) / 25), 1, PARTS))
    by_mean_g = stats.rankdata(mean_g, method="ordinal").astype(np.int64) - 1
    part_g = by_mean_g * parts // len(mean_g)
    bin_g = np.empty(len(mean_g), dtype=np.int64)
    for part in range(parts):
        members = np.flatnonzero(part_g == part)
        by_sd = stats.rankdata(sd_g[members], method="ordinal").astype(np.int64) - 1
        bin_g[members] = part * parts + by_sd * parts // len(members)
    return bin_g
