"""How fast genes begin to move when a node leaves its rest."""

from __future__ import annotations

import numpy as np

from ...nouns import Model
from .._registry import ATTRIBUTIONS, Attributed
from ..gradients import captum_for, each_output, steps_of

__all__ = ["gradient"]


@ATTRIBUTIONS.register("gradient", doi="10.48550/arXiv.1605.01713")
def gradient(model: Model, layer: str, *, rest_k: np.ndarray, level_k: np.ndarray) -> Attributed:
    """Gradient of each decoded gene with respect to the node, at rest, times the node's step (captum's Saliency)."""
    captum, steps = captum_for("gradient"), steps_of(model, method="gradient")
    net = steps.decoder(layer)
    saliency = captum.Saliency(net)
    rest_wk = np.broadcast_to(rest_k, (len(steps.exit_wg), len(rest_k)))
    slope_wk = each_output(rest_wk, lambda rows, unit: saliency.attribute(rows, target=unit, abs=False))
    path_kw = slope_wk.T * (level_k - rest_k)[:, None]
    return Attributed(path_kw.astype(np.float32) @ steps.exit_wg)
