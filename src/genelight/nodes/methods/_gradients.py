"""Gradients by captum: of the decoder, at rest and on the way from rest to level, and of the encoder."""

from __future__ import annotations

import numpy as np
import torch

from ...nouns import Model
from .._registry import ATTRIBUTIONS, Attributed
from ..gradients import captum_for, each_output, steps_of
from ..layers import chunks
from ._light_up import lit_states

POINTS = 50


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


@ATTRIBUTIONS.register("integrated_gradients", doi="10.48550/arXiv.1703.01365")
def integrated_gradients(model: Model, layer: str, *, rest_k: np.ndarray, level_k: np.ndarray) -> Attributed:
    """Integrated gradients of the decoded genes as all nodes of the layer go from rest to level together (captum).

    On a way of its own each node would give its light-up, by the fundamental theorem of calculus; here the others
    move as well, so a reading that depends on the others' state differs. Summed over the nodes, values give the
    change of every gene between the two states, up to the error of the quadrature: ``about["completeness_gap"]``
    is its largest over genes, relative to the largest change.
    """
    captum, steps = captum_for("integrated_gradients"), steps_of(model, method="integrated_gradients")
    net = steps.decoder(layer)
    method = captum.IntegratedGradients(net)
    rest = torch.from_numpy(rest_k.astype(np.float32))
    level_wk = np.broadcast_to(level_k, (len(steps.exit_wg), len(level_k)))

    def attribute(rows: torch.Tensor, unit: torch.Tensor) -> torch.Tensor:
        return method.attribute(rows, rest.expand_as(rows), target=unit, n_steps=POINTS)

    share_wk = each_output(level_wk, attribute, copies=POINTS)
    with torch.no_grad():
        level = torch.from_numpy(level_k.astype(np.float32))
        change_w = net(torch.stack((rest, level))).diff(dim=0).numpy()[0]
    largest = float(np.abs(change_w @ steps.exit_wg).max())
    gap = float(np.abs((share_wk.sum(1) - change_w) @ steps.exit_wg).max())
    about = {"completeness_gap": gap / largest if largest else 0.0, "points": POINTS}
    return Attributed(np.ascontiguousarray(share_wk.T) @ steps.exit_wg, about)


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
