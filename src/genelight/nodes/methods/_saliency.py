"""Which genes switch a node on: the encoder's side."""

from __future__ import annotations

import numpy as np

from ...nouns import Model
from .._registry import ATTRIBUTIONS, Attributed
from ..gradients import captum_for, each_output, steps_of
from ..layers import chunks
from ._light_up import lit_states

__all__ = ["saliency"]


@ATTRIBUTIONS.register("saliency", doi="10.48550/arXiv.1312.6034")
def saliency(model: Model, layer: str, *, rest_k: np.ndarray, level_k: np.ndarray) -> Attributed:
    """Gradient of the node's code with respect to each gene, at the expression that the lit node stands for (captum).

    In code units per unit of the prepared gene. Where the other methods say what a node writes, this says what it
    reads. It is asked where the node is lit because at rest a rectified node has no gradient.
    """
    captum, steps = captum_for("saliency"), steps_of(model, method="saliency")
    net = steps.encoder(layer)
    method = captum.Saliency(net)
    lit_kc = np.empty((len(rest_k), steps.entry_gc.shape[1]), dtype=np.float32)
    for part in chunks(len(rest_k), columns=len(model.genes) + len(rest_k)):
        state_bk = lit_states(np.arange(part.start, part.stop)[:, None], rest_k=rest_k, level_k=level_k)
        lit_kc[part] = model.decode(state_bk, layer) @ steps.entry_gc
    slope_kc = each_output(lit_kc, lambda rows, unit: method.attribute(rows, target=unit, abs=False))
    slope_kc[rest_k == level_k] = 0.0
    return Attributed(slope_kc @ steps.entry_gc.T)
