"""The change of state that a regularised head sees between control and case, decoded to genes; alone, or with t."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ...errors import InputError
from ...nodes.layers import check_layer, decode_change, node_names
from ...stats.discriminant import Head, Validation, cross_validate, fit_head, groups_of, head_weights
from ...stats.subjects import group_sizes, kinds
from .._registry import DERIVATIONS, Question
from ._de import De

LEAST_SUBJECTS = 4  # a group of five loses one to a fold


@DERIVATIONS.register("direction", doi="10.1016/j.neuroimage.2013.10.067")
class Direction:
    """A head's activation pattern, decoded as the change from the control state.

    A ridge-regularised discriminant is fitted on a layer's standardised codes, subjects with equal weight, with
    the penalty (and the layer, unless one is asked for) that loses least on held-out subjects. Its weights become
    the pattern they stand for by Haufe's transformation (Haufe et al. 2014): weights say how to filter, the
    pattern says what differs. The mean control is moved along it and decoded, less the decoded mean control.
    Bootstraps keep layer and penalty.
    """

    reads_codes: ClassVar[bool] = True

    def __init__(self, question: Question) -> None:
        self._model, self._contrast = question.model, question.contrast
        fewest = min(group_sizes(kinds(self._contrast)))
        if fewest < LEAST_SUBJECTS:
            msg = (
                f"{self._contrast.name}: the smaller group has {fewest} subjects, and a head on codes needs "
                f"{LEAST_SUBJECTS} in each; ask for method='reference', with a model of many other samples, or 'de'"
            )
            raise InputError(msg)
        codes = layer_codes(question)
        self._other_nd = question.other_nd
        figures = {
            layer: cross_validate(h_nk, self._contrast, seed=question.seed, other_nd=self._other_nd)
            for layer, h_nk in codes.items()
        }
        self._layer = best_layer(figures)
        self._penalty = figures[self._layer].penalty
        self._h_nk = codes[self._layer]
        share_k = self._fit(np.ones(int(self._contrast.subject_n.max()) + 1)).share_k()
        self.about: Mapping[str, Any] = {
            "layer": self._layer,
            "layers": {name: vars(figure) for name, figure in figures.items()},
            **vars(figures[self._layer]),
            "node_share": dict(zip(node_names(self._model, self._layer), share_k.tolist(), strict=True)),
        }

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Decoded change from control to case, shape ``(b, g)``, in prepared units."""
        heads = [self._fit(count_s) for count_s in count_bs]
        control_bk = np.stack([head.control_k for head in heads])
        change_bk = np.stack([self.change_k(head) for head in heads])
        return decode_change(self._model, self._layer, rest_bk=control_bk, change_bk=change_bk)

    @staticmethod
    def change_k(head: Head) -> np.ndarray:
        """How the codes move, shape ``(k,)``."""
        return head.activation_k()

    def _fit(self, count_s: np.ndarray) -> Head:
        weight_n = head_weights(self._contrast, groups_of(self._contrast, self._other_nd), count_s)
        return fit_head(self._h_nk, self._contrast, weight_n, penalty=self._penalty, other_nd=self._other_nd)


@DERIVATIONS.register("joint", doi="10.1016/0169-2070(89)90012-5")
class Joint(Direction):
    """The mean of ``direction`` and ``de``, each divided by its root mean square over genes.

    Both estimate one thing with errors of their own: a gene's t is noisy and knows nothing of other genes; the decoded
    change borrows strength from all genes of a programme and loses what the model does not hold. Combined forecasts
    with equal weights err less than either where the errors are not the same (Clemen 1989).
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self._de = De(question)
        self.about = {**self._de.about, **self.about}

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Mean of both, shape ``(b, g)``, in units of their spread over genes."""
        return (_unit_spread(super().score(count_bs)) + _unit_spread(self._de.score(count_bs))) / 2


def layer_codes(question: Question) -> dict[str, np.ndarray]:
    """Codes of the layer asked for, or of every layer of the model.

    Raises
    ------
    UnknownNameError
        If the layer does not exist.
    """
    model = question.model
    layers = list(model.widths) if question.layer is None else [check_layer(model, question.layer)]
    return {layer: model.encode(question.x_ng, layer).astype(np.float64) for layer in layers}


def best_layer(figures: Mapping[str, Validation]) -> str:
    """The layer with the smallest held-out squared error (it tells apart what an AUC of 1 does not); ties: deepest."""
    return min(reversed(list(figures)), key=lambda layer: figures[layer].loss)


def _unit_spread(score_bg: np.ndarray) -> np.ndarray:
    """Scores over their root mean square, row by row; a row of zeros stays as it is."""
    rms_b1 = np.sqrt(np.mean(np.square(score_bg, dtype=np.float64), axis=1, keepdims=True))
    return np.divide(score_bg, rms_b1, out=np.zeros(score_bg.shape), where=rms_b1 > 0)
