"""Codes of samples."""

from __future__ import annotations

import numpy as np
from anndata import AnnData

from ..errors import InputError
from ..nouns import Model
from ..nouns.model import Stored
from .layers import check_layer

__all__ = ["encode"]


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
