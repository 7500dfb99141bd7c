"""What genes do by themselves and what the model makes of them together, in equal parts."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .._registry import DERIVATIONS, Question
from ._de import De
from ._direction import Direction

__all__ = ["Joint", "unit_spread"]


@DERIVATIONS.register("joint", doi="10.1016/0169-2070(89)90012-5")
class Joint(Direction):
    """The mean of ``direction`` and ``de``, each divided by its root mean square over genes.

    Both estimate one thing with errors of their own: a gene's t is noisy and knows nothing of other genes; the decoded
    change borrows strength from all genes of a programme and loses what the model does not hold. Combined forecasts
    with equal weights err less than either where the errors are not the same (Clemen 1989).
    """

    reads_codes: ClassVar[bool] = True

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self._de = De(question)
        self.about = {**self._de.about, **self.about}

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Mean of both, shape ``(b, g)``, in units of their spread over genes."""
        return (unit_spread(super().score(count_bs)) + unit_spread(self._de.score(count_bs))) / 2


def unit_spread(score_bg: np.ndarray) -> np.ndarray:
    """Scores over their root mean square, row by row; a row of zeros stays as it is."""
    rms_b1 = np.sqrt(np.mean(np.square(score_bg, dtype=np.float64), axis=1, keepdims=True))
    return np.divide(score_bg, rms_b1, out=np.zeros(score_bg.shape), where=rms_b1 > 0)
