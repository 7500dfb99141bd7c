"""Differential expression, gene by gene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ...errors import InputError
from ...stats.moderated import Remembered
from ...stats.pvalues import adjust
from .._registry import DERIVATIONS, Question


@DERIVATIONS.register("de", doi="10.2202/1544-6115.1027", control=True)
class De:
    """Moderated t of every gene on subjects' means, without a model.

    The empirical Bayes t of limma (Smyth 2004), unpaired, or on differences within the subject where enough subjects
    are in both groups. Values are taken back to the scale on which they were measured: among genes brought to one
    variance there is nothing to moderate by. The prior is one constant. The module's table has for every gene ``logfc``
    (the difference, adjusted where there are covariates), ``average``, ``t``, ``p`` and ``q`` (Benjamini-Hochberg); of
    genes that the cohort lacks they are missing.
    """

    reads_codes: ClassVar[bool] = False
    trend: ClassVar[bool] = False
    robust: ClassVar[bool] = False

    def __init__(self, question: Question) -> None:
        self._design = question.design
        if self.trend or self.robust:
            self._design = Remembered(replace(question.design.design, trend=self.trend, robust=self.robust))
        if self._design.df < 1:
            msg = f"{question.contrast.name}: a t statistic needs three subjects or more; widen case or control"
            raise InputError(msg)
        result = self._design.moderated()
        there_g = np.ones(result.t_bg.shape[1], dtype=bool) if question.there_g is None else question.there_g
        p_g, q_g = result.p_bg()[0], np.ones(len(there_g))
        q_g[there_g] = adjust(p_g[there_g])
        columns = {
            "logfc": result.effect_bg[0],
            "average": self._design.design.average_g,
            "t": result.t_bg[0],
            "p": p_g,
            "q": q_g,
        }
        self.columns: Mapping[str, np.ndarray] = {
            c: np.where(there_g, value_g, np.nan) for c, value_g in columns.items()
        }
        prior_df = float(result.prior_df_b[0])
        self.about: Mapping[str, Any] = {
            "paired": self._design.paired,
            "df": self._design.df,
            "prior_df": prior_df if np.isfinite(prior_df) else "infinite",
            "prior_variance": float(result.prior_variance_b[0]),
        }

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Moderated t, shape ``(b, g)``."""
        return self._design.moderated(count_bs).t_bg


@DERIVATIONS.register("de_trend", doi="10.1214/16-AOAS920", control=True)
class DeTrend(De):
    """The same with a prior that follows average expression and outliers kept out of it.

    limma's ``eBayes(trend=TRUE, robust=TRUE)``: for RNA-seq as log2 counts per million (Law et al. 2014), where the
    spread falls with expression, and where single samples make single genes wild (Phipson et al. 2016).
    """

    trend: ClassVar[bool] = True
    robust: ClassVar[bool] = True
