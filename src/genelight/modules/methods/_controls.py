"""Controls that never see a label: random genes, the floor that any module must clear, and genes by variance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from ...pp.features import kind_of
from .._registry import DERIVATIONS, Question


@DERIVATIONS.register("random", control=True)
class Random:
    """Scores drawn from a normal distribution, anew for every bootstrap."""

    reads_codes: ClassVar[bool] = False

    def __init__(self, question: Question) -> None:
        self._rng = np.random.default_rng(question.seed)
        self._genes = len(question.model.genes)
        self.about: Mapping[str, Any] = {}

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Random numbers, shape ``(b, g)``."""
        return self._rng.standard_normal((len(count_bs), self._genes))


@DERIVATIONS.register("variance", control=True)
class Variance:
    """Variance of each gene before preparation, subjects with equal weight, labels unseen.

    Values are taken as the table has them, so it ranks well only what is on a log scale; of features that are no
    genes, and where values are missing, as the model takes them. Scores have no sign; genes that the table does not
    have score zero.
    """

    reads_codes: ClassVar[bool] = False

    def __init__(self, question: Question) -> None:
        contrast = question.contrast
        self._subject_n = contrast.subject_n
        self._per_subject_s = np.bincount(self._subject_n)
        index = question.model.genes.align(question.samples.var_names).index
        x = question.samples.X
        self._x_ng = np.asarray(x.toarray() if sparse.issparse(x) else x, dtype=np.float64)[:, np.maximum(index, 0)]
        settings = getattr(getattr(question.model, "preparation", None), "settings", None)
        if settings is not None and (np.isnan(self._x_ng).any() or not kind_of(settings).genes):
            self._x_ng = question.measured_ng
        self._x_ng -= self._x_ng.mean(0)
        self._x_ng[:, index < 0] = 0.0
        self.about: Mapping[str, Any] = {"genes_absent": int(np.sum(index < 0))}

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Variance, shape ``(b, g)``."""
        weight_bn = (count_bs / self._per_subject_s)[:, self._subject_n]
        weight_bn /= weight_bn.sum(1, keepdims=True)
        return weight_bn @ self._x_ng**2 - (weight_bn @ self._x_ng) ** 2
