"""Nodes by name."""

from __future__ import annotations

from ..errors import UnknownNameError
from ..nouns import Model
from .layers import check_layer, node_names

__all__ = ["find_node"]


def find_node(model: Model, node: str) -> tuple[str, int]:
    """Layer and position of a node, ``("L2", 17)`` for ``"L2.17"``.

    Raises
    ------
    UnknownNameError
        If the model has no such layer or node; says what may have been meant, and the range.
    InputError
        If the model has no hidden layers.
    """
    layer, _, _ = node.rpartition(".")
    check_layer(model, layer or node)
    names = node_names(model, layer or node)
    if node not in names:
        raise UnknownNameError("node", node, names, where=f"layer {layer or node} ({names[0]} to {names[-1]})")
    return layer, names.index(node)
