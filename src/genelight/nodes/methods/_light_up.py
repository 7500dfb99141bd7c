"""Light-up: one node on, or two, the others at rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import InputError
from ...models.steps import Differentiable
from ...nouns import Model
from .._registry import ATTRIBUTIONS, Attributed
from ..layers import chunks, find_node


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


def lit_states(node_bm: np.ndarray, *, rest_k: np.ndarray, level_k: np.ndarray) -> np.ndarray:
    """States of a layer, shape ``(b, k)``: in row ``b`` the m nodes ``node_bm[b]`` are lit, the others rest."""
    state_bk = np.tile(rest_k.astype(np.float32), (len(node_bm), 1))
    state_bk[np.arange(len(node_bm))[:, None], node_bm] = level_k[node_bm]
    return state_bk
