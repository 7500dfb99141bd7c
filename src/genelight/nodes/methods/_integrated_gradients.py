"""Each node's share of what the whole layer does on its way from rest to level."""

from __future__ import annotations

import numpy as np
import torch

from ...nouns import Model
from .._registry import ATTRIBUTIONS, Attributed
from ..gradients import captum_for, each_output, steps_of

__all__ = ["integrated_gradients"]

POINTS = 50


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
