"""What the head's own weights read: integrated gradients through the encoder, and the weights lit back to genes."""

from __future__ import annotations

import numpy as np

from ...nodes.gradients import path_gradients, steps_of
from ...stats.discriminant import Head
from ...stats.subjects import weights_under
from .._registry import DERIVATIONS, Question
from ._direction import Direction

POINTS = 20


@DERIVATIONS.register("gradient", doi="10.48550/arXiv.1703.01365")
class HeadGradient(Direction):
    """What each gene adds to the head's output on the straight way from the mean control to the mean case.

    Integrated gradients (Sundararajan et al. 2017) through the encoder, by the midpoint rule at 20 points; the sum over
    genes is the head's gap, up to ``about["completeness_gap"]``. A gene's score is its share times the sign of its
    own change, so that above zero is up in cases where the head reads it so. Like all readings of weights, it says
    what the head uses, not what the disease changes, and replicates worse than ``direction``.
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        steps = steps_of(question.model, method="gradient")
        self._x_ng = question.x_ng
        self._steps = steps
        ones_s = np.ones(int(self._contrast.subject_n.max()) + 1, dtype=np.int64)
        share_g, change_g, head = self._shares(ones_s)
        ends = self._model.encode(np.stack((self._rest_g(ones_s), self._rest_g(ones_s) + change_g)), self._layer)
        gap = float((head.weight_k / head.sd_k) @ (ends[1] - ends[0]))
        self.about = {
            **self.about,
            "points": POINTS,
            "completeness_gap": abs(float(share_g.sum()) - gap) / abs(gap) if gap else 0.0,
        }

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Share of each gene in the head's gap, with the sign of its change, shape ``(b, g)``."""
        rows = []
        for count_s in count_bs:
            share_g, change_g, _ = self._shares(count_s)
            rows.append(share_g * np.sign(change_g))
        return np.stack(rows)

    def _shares(self, count_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, Head]:
        """Each gene's share and change, ``(g,)``, and the head."""
        head = self._fit(count_s)
        rest_g = self._rest_g(count_s)
        weight_n = weights_under(self._contrast, count_s)
        change_g = (weight_n * self._contrast.case_n) @ self._x_ng - rest_g
        share_ng = path_gradients(
            self._steps,
            rest_g[None],
            change_g[None],
            layer=self._layer,
            weight_k=head.weight_k / head.sd_k,
            points=POINTS,
        )
        return share_ng[0], change_g, head

    def _rest_g(self, count_s: np.ndarray) -> np.ndarray:
        """The mean control, ``(g,)``."""
        return (weights_under(self._contrast, count_s) * self._contrast.control_n) @ self._x_ng


@DERIVATIONS.register("paper", doi="10.1038/s41467-020-14666-6")
class Paper(Direction):
    """A head's raw weights lit back to genes, as in the paper.

    The mean control is moved along the weights themselves, far enough that the head's output goes from its
    control mean to its case mean. Weights also cancel noise that is no part of the disease, so this replicates
    worse in a second cohort than ``direction``; it is here to compare.
    """

    @staticmethod
    def change_k(head: Head) -> np.ndarray:
        """How the codes move, shape ``(k,)``."""
        return head.push_k()
