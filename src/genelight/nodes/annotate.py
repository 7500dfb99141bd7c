"""A model's reading of a table, in the slots where scanpy and its kin look."""

from __future__ import annotations

from collections.abc import Sequence

from anndata import AnnData

from ..errors import InputError
from ..nouns import Model
from .encode import encode
from .layers import check_layer
from .light_up import light_up, states

__all__ = ["annotate"]


def annotate(
    adata: AnnData,
    model: Model,
    *,
    layers: Sequence[str] | None = None,
    rest: str = "minimum",
    level: str = "max",
) -> None:
    """Write codes and light-up of a model's layers into an AnnData.

    ``obsm["X_L1"]`` holds the codes (``sc.pl.embedding(adata, "X_L1", ...)``, ``sc.pp.neighbors(adata,
    use_rep="X_L1")``), ``varm["lightup_L1"]`` the genes of every node, NaN for genes that the model does not have,
    and ``uns["genelight"]`` what they were made with; all of it goes into an h5ad file.

    Parameters
    ----------
    adata
        Samples x genes on the scale the model was trained on; changed in place.
    model
        A trained model.
    layers
        Hidden layers; all unless given.
    rest, level
        As in :func:`genelight.nodes.light_up`.

    Raises
    ------
    UnknownNameError
        If there is no such layer, rest or level.
    GeneMismatchError
        If the table has too few of the model's genes.
    InputError
        If the model has no hidden layers.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> gl.nodes.annotate(adata, gl.models.PCA(4).fit(adata))
    >>> adata.obsm["X_PC"].shape, adata.varm["lightup_PC"].shape, adata.uns["genelight"]["model"]
    ((252, 4), (4147, 4), 'pca')
    """
    wanted = list(model.widths) if layers is None else list(layers)
    if not wanted:
        msg = f"model {model.name} has no hidden layers, or layers=[] was passed; there is nothing to write"
        raise InputError(msg)
    for layer in wanted:
        states(model, check_layer(model, layer), rest=rest, level=level)
    for layer in wanted:
        encode(adata, model, layer=layer, key_added=f"X_{layer}")
        light_up(model, layer, rest=rest, level=level, adata=adata)
    adata.uns["genelight"] = {
        "model": model.name,
        "digest": model.digest,
        "layers": {layer: int(model.widths[layer]) for layer in wanted},
        "rest": rest,
        "level": level,
    }
