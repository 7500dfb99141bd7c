"""Random genes: the floor that any module must clear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from .._registry import DERIVATIONS, Question

__all__ = ["Random"]


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
