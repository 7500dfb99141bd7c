"""Codes of samples."""

from __future__ import annotations

import numpy as np
from anndata import AnnData

from .._core.types import Model
from ._layers import check_layer

__all__ = ["encode"]


def encode(model: Model, adata: AnnData, *, layer: str, key_added: str | None = None) -> np.ndarray:
    """Codes of every sample in one hidden layer.

    Parameters
    ----------
    model
        A trained model.
    adata
        Samples x genes on the scale the model was trained on; the model prepares them itself.
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

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.models.fit_pca(adata, width=4)
    >>> gl.tl.encode(model, adata, layer=list(model.widths)[-1], key_added="X_pca").shape
    (252, 4)
    """
    check_layer(model, layer)
    h_nk = model.encode(model.prepare(adata), layer)
    if key_added is not None:
        adata.obsm[key_added] = h_nk
    return h_nk
