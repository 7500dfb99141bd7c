"""Layers by name, and decoding in chunks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import InputError, UnknownNameError
from ..nouns import Model

__all__ = ["check_layer", "chunks", "decode_change", "node_names"]

CHUNK_BYTES = 64 << 20


def check_layer(model: Model, layer: str) -> str:
    """The layer's name, if the model has it.

    Raises
    ------
    UnknownNameError
        If it has not.
    InputError
        If the model has no hidden layer at all.
    """
    if not model.widths:
        msg = f"model {model.name} has no hidden layers, so there is nothing to light up; fit one with widths=(128,)"
        raise InputError(msg)
    if layer not in model.widths:
        raise UnknownNameError("layer", layer, model.widths, where=f"model {model.name}")
    return layer


def node_names(model: Model, layer: str) -> tuple[str, ...]:
    """Names of a layer's nodes: ``L1.0, L1.1, ...``."""
    return tuple(f"{layer}.{i}" for i in range(model.widths[layer]))


def chunks(rows: int, *, columns: int) -> Iterator[slice]:
    """Slices over `rows` such that a few float64 matrices with `columns` columns stay small."""
    step = max(1, CHUNK_BYTES // (8 * max(1, columns)))
    for start in range(0, rows, step):
        yield slice(start, min(rows, start + step))


def decode_change(model: Model, layer: str, *, rest_bk: np.ndarray, change_bk: np.ndarray) -> np.ndarray:
    """What a change of codes does to the genes, shape ``(b, g)``: ``decode(rest + change) - decode(rest)``."""
    rest = rest_bk.astype(np.float32)
    moved = (rest_bk + change_bk).astype(np.float32)
    return model.decode(moved, layer) - model.decode(rest, layer)
