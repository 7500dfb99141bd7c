"""Layers: their names and those of their nodes, codes of samples, and decoding in chunks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from anndata import AnnData

from ..errors import InputError, UnknownNameError
from ..nouns import Model
from ..nouns.model import Stored

__all__ = ["check_layer", "chunks", "decode_change", "encode", "find_node", "node_names"]

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


def encode(adata: AnnData | Stored, model: Model, *, layer: str, key_added: str | None = None) -> np.ndarray:
    """Codes of every sample in one hidden layer.

    Parameters
    ----------
    adata
        Samples x genes on the scale the model was trained on; the model prepares them itself. A store is
        read block by block.
    model
        A trained model.
    layer
        Hidden layer: ``"L1"``.
    key_added
        Also write the codes to ``adata.obsm[key_added]``; scverse tools look for keys such as ``"X_L1"``.

    Returns
    -------
    Codes, shape ``(n, k)``.

    Raises
    ------
    UnknownNameError
        If the model has no such layer.
    InputError
        If a store is asked to keep the codes.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.models.PCA(4).fit(adata)
    >>> gl.nodes.encode(adata, model, layer=list(model.widths)[-1], key_added="X_pca").shape
    (252, 4)
    """
    check_layer(model, layer)
    if isinstance(adata, Stored):
        if key_added is not None:
            msg = f"key_added = {key_added!r}: a store is never changed; keep the codes that encode returns"
            raise InputError(msg)
        return np.concatenate([model.encode(model.prepare(block), layer) for _, block in adata.tables()])
    h_nk = model.encode(model.prepare(adata), layer)
    if key_added is not None:
        adata.obsm[key_added] = h_nk
    return h_nk


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
