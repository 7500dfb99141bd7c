"""Light-up: one node on, the others at rest."""

from __future__ import annotations

import numpy as np

from .._core.types import Model
from ._layers import chunks
from ._registry import ATTRIBUTIONS

__all__ = ["lit_nodes"]


@ATTRIBUTIONS.register("light_up", doi="10.1038/s41467-020-14666-6")
def lit_nodes(model: Model, layer: str, *, rest_k: np.ndarray, level_k: np.ndarray) -> np.ndarray:
    """One node at its level, the others at rest, decoded, less the decoded rest."""
    rest, level = rest_k.astype(np.float32), level_k.astype(np.float32)
    resting_g = model.decode(rest[None], layer)[0]
    values_kg = np.empty((len(rest), len(model.genes)), dtype=np.float32)
    for part in chunks(len(rest), columns=len(model.genes) + len(rest)):
        node = np.arange(part.start, part.stop)
        state_bk = np.tile(rest, (len(node), 1))
        state_bk[np.arange(len(node)), node] = level[node]
        np.subtract(model.decode(state_bk, layer), resting_g, out=values_kg[part], casting="same_kind")
    # Rows of one product differ from one another by rounding; a node that did not move moved no gene.
    values_kg[rest == level] = 0.0
    return values_kg
