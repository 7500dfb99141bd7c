"""Light-up: one node on, the others at rest."""

from __future__ import annotations

import numpy as np

from ...models.steps import Differentiable
from ...nouns import Model
from .._registry import ATTRIBUTIONS, Attributed
from ..layers import chunks

__all__ = ["lit_nodes", "lit_states"]


@ATTRIBUTIONS.register("light_up", doi="10.1038/s41467-020-14666-6")
def lit_nodes(model: Model, layer: str, *, rest_k: np.ndarray, level_k: np.ndarray) -> Attributed:
    """One node at its level, the others at rest, decoded, less the decoded rest."""
    rest, level = rest_k.astype(np.float32), level_k.astype(np.float32)
    if isinstance(model, Differentiable) and not len(model.steps.decoder(layer)):
        # Behind the last hidden layer all is linear: a node's genes are its weights, and no product is needed.
        return Attributed((level - rest)[:, None] * model.steps.exit_wg)
    resting_g = model.decode(rest[None], layer)[0]
    values_kg = np.empty((len(rest), len(model.genes)), dtype=np.float32)
    for part in chunks(len(rest), columns=len(model.genes) + len(rest)):
        state_bk = lit_states(np.arange(part.start, part.stop)[:, None], rest_k=rest, level_k=level)
        np.subtract(model.decode(state_bk, layer), resting_g, out=values_kg[part], casting="same_kind")
    # Rows of one product differ from one another by rounding; a node that did not move moved no gene.
    values_kg[rest == level] = 0.0
    return Attributed(values_kg)


def lit_states(node_bm: np.ndarray, *, rest_k: np.ndarray, level_k: np.ndarray) -> np.ndarray:
    """States of a layer, shape ``(b, k)``: in row ``b`` the m nodes ``node_bm[b]`` are lit, the others rest."""
    state_bk = np.tile(rest_k.astype(np.float32), (len(node_bm), 1))
    state_bk[np.arange(len(node_bm))[:, None], node_bm] = level_k[node_bm]
    return state_bk
