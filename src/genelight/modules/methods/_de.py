"""Differential expression, gene by gene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ...errors import InputError
from .._registry import DERIVATIONS, Question

__all__ = ["De"]


@DERIVATIONS.register("de", doi="10.2202/1544-6115.1027", control=True)
class De:
    """Moderated t of every gene on subjects' means, without a model.

    The empirical Bayes t of limma (Smyth 2004) on prepared values, unpaired, or on differences within the subject
    where enough subjects are in both groups. Prepared values are standardised gene by gene, so the prior is one
    constant, without a trend over expression.
    """

    reads_codes: ClassVar[bool] = False

    def __init__(self, question: Question) -> None:
        self._design = question.design
        if self._design.df < 1:
            msg = f"{question.contrast.name}: a t statistic needs three subjects or more; widen case or control"
            raise InputError(msg)
        result = self._design.moderated(np.ones((1, int(question.contrast.subject_n.max()) + 1)))
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
