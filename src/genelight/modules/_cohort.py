"""A second cohort in the genes of a module: one row per subject and group, and what its labels could have been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from anndata import AnnData

from ..nouns import Contrast, Genes, Module
from ..nouns.genes import check_coverage
from ..stats.intervals import auc_of_each, weighted_auc
from ..stats.matched import match_bins, matched_orders
from ..stats.moderated import Design
from ..stats.subjects import Labels, bootstrap_counts, indexed, subject_means, weights_under

LEAST_GENES = 10
PARTS = 10
TIE = 1e-9


class Prepared(Protocol):
    """What :func:`genelight.pp.prepare` learned of a table."""

    @property
    def genes(self) -> Genes:
        """Genes kept, in order."""
        ...

    def transform(self, adata: AnnData) -> np.ndarray:
        """Standardised values, shape ``(n, g)``."""
        ...

    def restore(self, z_ng: np.ndarray) -> np.ndarray:
        """Values before they were standardised, shape ``(n, g)``."""
        ...


@dataclass(frozen=True)
class SecondCohort:
    """Means of each subject in each group (row r), in the genes that module and cohort share.

    Attributes
    ----------
    x_rg
        Standardised expression, cases first: what the module's score is made of.
    design
        The same on the measured scale, as it is tested.
    rows
        Group, subject and covariates of each row; subjects as positions.
    score_g
        The module's scores.
    top
        Positions of its selected genes.
    bin_g
        Bin of each gene by mean and variance of expression.
    """

    x_rg: np.ndarray
    design: Design
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
        z_ng = prepared.transform(adata[contrast.used_n])
        x_ng, measured_ng = z_ng[:, column], prepared.restore(z_ng)[:, column]
        case_sg, case_s = subject_means(x_ng, part.case_n, part.subject_n)
        control_sg, control_s = subject_means(x_ng, part.control_n, part.subject_n)
        case_r = np.arange(len(case_s) + len(control_s)) < len(case_s)
        covariate_rc = None
        if part.covariate_nc is not None:
            sides = [subject_means(part.covariate_nc, m, part.subject_n)[0] for m in (part.case_n, part.control_n)]
            covariate_rc = np.vstack(sides)
        rows = Contrast(case_r, ~case_r, np.concatenate((case_s, control_s)), contrast.name, covariate_rc)
        top = np.flatnonzero(np.isin(np.asarray(module.genes.ids, dtype=object)[shared], module.selected))
        bin_g = match_bins(np.ones(len(column)), x_nu=measured_ng, most_parts=PARTS)
        design = Design.of(measured_ng, part)
        return cls(np.vstack((case_sg, control_sg)), design, rows, module.score_g()[shared], top, bin_g)

    def t_under_bootstrap(self, draws: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Moderated t with all subjects, shape ``(g,)``, and of draws of subjects, shape ``(b, g)``."""
        count_bs = bootstrap_counts(self.rows, draws=draws, seed=seed)
        t_bg = self.design.moderated(np.vstack((np.ones((1, count_bs.shape[1]), dtype=np.int64), count_bs))).t_bg
        return t_bg[0], t_bg[1:]

    def shuffles(self, draws: int, *, seed: int) -> np.ndarray:
        """Which rows are cases when labels are shuffled over whole subjects, boolean, shape ``(b, r)``."""
        rng = np.random.default_rng(seed)
        labels = Labels.of(self.rows, rng)
        return np.stack([labels.draw(rng).case_n for _ in range(draws)])

    def t_under_labels(self, case_br: np.ndarray) -> np.ndarray:
        """Moderated t of every gene under other labels of the rows, shape ``(b, g)``."""
        if not self.design.paired:
            return self.design.under(case_br.astype(np.float64)).t_bg
        first = [np.flatnonzero(self.rows.case_n & (self.rows.subject_n == s))[0] for s in self.design.subject_r]
        return self.design.under(np.where(case_br[:, first], 1.0, -1.0)).t_bg

    def score_br(self, draw_bm: np.ndarray, sign_bm: np.ndarray) -> np.ndarray:
        """Mean of lists of genes, signed, shape ``(b, r)``."""
        return np.stack([self.x_rg[:, m] @ sign for m, sign in zip(draw_bm, sign_bm, strict=True)]) / draw_bm.shape[1]

    def adjusted_br(self, score_br: np.ndarray, case_br: np.ndarray) -> np.ndarray:
        """Scores without what goes with covariates, as fitted together with the labels, shape ``(b, r)``."""
        if self.rows.covariate_nc is None:
            return score_br
        left_br = np.empty(score_br.shape)
        for b, (score_r, case_r) in enumerate(zip(score_br, case_br, strict=True)):
            columns = np.column_stack((np.ones(len(case_r)), case_r, self.rows.covariate_nc))
            slope = np.linalg.lstsq(columns, score_r, rcond=None)[0]
            left_br[b] = score_r - self.rows.covariate_nc @ slope[2:]
        return left_br

    def auc_b(self, score_br: np.ndarray, case_br: np.ndarray) -> np.ndarray:
        """AUC of scores of the rows under labels, one of each a draw, shape ``(b,)``.

        Where groups are told apart completely every AUC is one: the billionth part of the difference of the means over
        the spread within groups is added, which tells such draws apart and no others.
        """
        score_br, case_br = np.broadcast_arrays(score_br, case_br)
        cases_b = case_br.sum(1)
        controls_b = case_br.shape[1] - cases_b
        score_br = self.adjusted_br(score_br, case_br)
        case_b, control_b = (case_br * score_br).sum(1) / cases_b, (~case_br * score_br).sum(1) / controls_b
        within_b = (score_br - np.where(case_br, case_b[:, None], control_b[:, None])).std(axis=1)
        gap_b = np.divide(case_b - control_b, within_b, out=np.zeros(len(within_b)), where=within_b > 0)
        return auc_of_each(score_br, case_br) + TIE * np.clip(gap_b, -1e3, 1e3)

    def auc_under_bootstrap(self, score_r: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
        """AUC of a score of the rows over draws of subjects, shape ``(b,)``."""
        count_bs = bootstrap_counts(self.rows, draws=draws, seed=seed)
        score_r = self.adjusted_br(score_r[None], self.rows.case_n[None])[0]
        return np.array([weighted_auc(score_r, self.rows, weights_under(self.rows, count_s)) for count_s in count_bs])

    def unit_residuals(self) -> np.ndarray:
        """Rows less their group's mean, every gene with sum of squares one, shape ``(r, g)``."""
        case_r = self.rows.case_n
        left_rg = self.x_rg - np.where(case_r[:, None], self.x_rg[case_r].mean(0), self.x_rg[~case_r].mean(0))
        norm_g = np.linalg.norm(left_rg, axis=0)
        return np.divide(left_rg, norm_g, out=np.zeros_like(left_rg), where=norm_g > 0)


def matched_draws(bin_g: np.ndarray, top: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Random genes, as many from each bin as `top` has there, without replacement, shape ``(b, len(top))``."""
    labels, count_b = np.unique(bin_g[top], return_counts=True)
    return matched_orders([np.flatnonzero(bin_g == label) for label in labels], count_b, draws=draws, seed=seed)
