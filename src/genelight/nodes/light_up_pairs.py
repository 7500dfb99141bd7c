"""What two nodes do together that neither does alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..nouns import Model, NodeGenes
from ._names import find_node
from .layers import check_layer, chunks
from .light_up import light_up, states
from .methods._light_up import lit_states

__all__ = ["light_up_pairs"]


def light_up_pairs(
    model: Model, layer: str, *, pairs: Sequence[tuple[str, str]], rest: str = "minimum", level: str = "max"
) -> NodeGenes:
    """Switch on two nodes at once, and take off what each does alone.

    Parameters
    ----------
    model
        A trained model.
    layer
        Hidden layer of the nodes.
    pairs
        Pairs of nodes: ``[("L1.3", "L1.17")]``.
    rest, level
        As in :func:`genelight.nodes.light_up`.

    Returns
    -------
    One row per pair, named ``"L1.3 x L1.17"``: the genes of both lit, less those of either lit, all relative to the
    resting decode. Zero where the two only add up, as everywhere in a linear model and in every last hidden layer
    with a linear output.

    Raises
    ------
    UnknownNameError
        If there is no such layer, node, rest or level.
    InputError
        If there are no pairs, a pair names one node twice, or its nodes are not of `layer`.

    Notes
    -----
    Cost: one decode of as many rows as there are pairs, besides the light-up of the layer; memory is that of the
    result.

    Examples
    --------
    >>> import genelight as gl
    >>> model = gl.fit(gl.demo.cohort(), widths=(8, 4), subject="subject", epochs=1)
    >>> gl.nodes.light_up_pairs(model, "L1", pairs=[("L1.0", "L1.1")]).nodes
    ('L1.0 x L1.1',)
    """
    node_bm = _positions(model, check_layer(model, layer), pairs)
    rest_k, level_k = states(model, layer, rest=rest, level=level)
    alone = light_up(model, layer, rest=rest, level=level)
    resting_g = model.decode(rest_k[None].astype(np.float32), layer)[0]
    values_bg = np.empty((len(pairs), len(model.genes)), dtype=np.float32)
    for part in chunks(len(pairs), columns=3 * len(model.genes)):
        both_bg = model.decode(lit_states(node_bm[part], rest_k=rest_k, level_k=level_k), layer) - resting_g
        values_bg[part] = both_bg - alone.values_kg[node_bm[part]].sum(1)
    names = tuple(f"{a} x {b}" for a, b in pairs)
    return NodeGenes(values_bg, names, model.genes, layer, model.name, "light_up_pairs", alone.about)


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
