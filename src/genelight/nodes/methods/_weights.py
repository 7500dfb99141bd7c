"""The decoder's weights, multiplied through."""

from __future__ import annotations

import numpy as np
from torch import nn

from ...nouns import Model
from .._registry import ATTRIBUTIONS, Attributed
from ..gradients import steps_of


@ATTRIBUTIONS.register("weights", doi="10.1016/S0304-3800(02)00064-9")
def weight_product(model: Model, layer: str, *, rest_k: np.ndarray, level_k: np.ndarray) -> Attributed:
    """Product of the decoder's weights from the node to each gene, times the node's step; activations are left out.

    The connection weights of Olden and Jackson 2002; what light-up gives where every activation is straight.
    """
    steps = steps_of(model, method="weights")
    path_kw = np.diag((level_k - rest_k).astype(np.float32))
    for module in steps.decoder(layer).modules():
        if isinstance(module, nn.Linear):
            path_kw = path_kw @ module.weight.numpy().T
    return Attributed(path_kw @ steps.exit_wg)
