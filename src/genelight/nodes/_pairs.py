"""What two nodes do together that neither does alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..nouns import Model
from ._names import find_node
from .layers import chunks
from .methods._light_up import lit_nodes, lit_states

__all__ = ["together"]


def together(
    model: Model, layer: str, pairs: Sequence[tuple[str, str]], *, rest_k: np.ndarray, level_k: np.ndarray
) -> np.ndarray:
    """Genes of both nodes of each pair lit, less those of either lit, shape ``(b, g)``; all relative to the rest.

    Raises
    ------
    UnknownNameError
        If there is no such node.
    InputError
        If there are no pairs, a pair names one node twice, or its nodes are not of `layer`.
    """
    node_bm = _positions(model, layer, pairs)
    alone_kg = lit_nodes(model, layer, rest_k=rest_k, level_k=level_k).values_kg
    resting_g = model.decode(rest_k[None].astype(np.float32), layer)[0]
    values_bg = np.empty((len(pairs), len(model.genes)), dtype=np.float32)
    for part in chunks(len(pairs), columns=3 * len(model.genes)):
        both_bg = model.decode(lit_states(node_bm[part], rest_k=rest_k, level_k=level_k), layer) - resting_g
        values_bg[part] = both_bg - alone_kg[node_bm[part]].sum(1)
    return values_bg


def _positions(model: Model, layer: str, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """Positions of the nodes of each pair, shape ``(b, 2)``."""
    if not pairs:
        msg = f"no pairs to light up; pass for example [('{layer}.0', '{layer}.1')]"
        raise InputError(msg)
    positions = []
    for pair in pairs:
        found = [find_node(model, node) for node in pair]
        if len({*found}) != 2 or {of for of, _ in found} != {layer}:
            msg = f"pair {' and '.join(map(repr, pair))} is not two different nodes of {layer}"
            raise InputError(msg)
        positions.append([position for _, position in found])
    return np.asarray(positions)
