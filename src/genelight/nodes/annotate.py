"""A model's reading of a table, in the slots where scanpy and its kin look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from anndata import AnnData

from ..errors import InputError, UnknownNameError
from ..nouns import Model, NodeGenes
from .layers import check_layer, encode, node_names
from .light_up import light_up, states

__all__ = ["annotate"]

SHOWN = 100
"""Genes of each node in the tables that scanpy reads."""


def annotate(
    adata: AnnData,
    model: Model,
    *,
    layers: Sequence[str] | None = None,
    rest: str = "minimum",
    level: str = "max",
    obs: Sequence[str] = (),
) -> None:
    """Write codes and light-up of a model's layers into an AnnData.

    ``obsm["X_L1"]`` holds the codes (``sc.pl.embedding(adata, "X_L1", ...)``, ``sc.pp.neighbors(adata,
    use_rep="X_L1")``), ``varm["lightup_L1"]`` the genes of every node, NaN for genes that the model does not have,
    ``uns["lightup_L1"]`` each node's hundred highest genes as ``rank_genes_groups`` has them
    (``sc.get.rank_genes_groups_df(adata, group="L1.3", key="lightup_L1")``), and ``uns["genelight"]`` what they were
    made with; all of it goes into an h5ad file.

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
    obs
        Nodes, ``"L2.5"``, whose codes also become columns of ``adata.obs``: ``sc.pl.umap(adata, color="L2.5")``.

    Raises
    ------
    UnknownNameError
        If there is no such layer, rest, level or node.
    GeneMismatchError
        If the table has too few of the model's genes.
    InputError
        If the model has no hidden layers.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> gl.nodes.annotate(adata, gl.models.PCA(4).fit(adata), obs=["PC.0"])
    >>> adata.obsm["X_PC"].shape, adata.varm["lightup_PC"].shape, adata.uns["genelight"]["model"], "PC.0" in adata.obs
    ((252, 4), (4147, 4), 'pca', True)
    """
    wanted = list(model.widths) if layers is None else list(layers)
    if not wanted:
        msg = f"model {model.name} has no hidden layers, or layers=[] was passed; there is nothing to write"
        raise InputError(msg)
    for layer in wanted:
        states(model, check_layer(model, layer), rest=rest, level=level)
    places = {name: (layer, k) for layer in wanted for k, name in enumerate(node_names(model, layer))}
    for name in obs:
        if name not in places:
            raise UnknownNameError("node", name, places, where=f"layers {', '.join(wanted)}")
    for layer in wanted:
        encode(adata, model, layer=layer, key_added=f"X_{layer}")
        lit = light_up(model, layer, rest=rest, level=level)
        adata.varm[f"lightup_{layer}"] = _by_gene(lit, adata)
        adata.uns[f"lightup_{layer}"] = _ranked(lit)
    for name in obs:
        layer, k = places[name]
        adata.obs[name] = adata.obsm[f"X_{layer}"][:, k]
    adata.uns["genelight"] = {
        "model": model.name,
        "digest": model.digest,
        "layers": {layer: int(model.widths[layer]) for layer in wanted},
        "rest": rest,
        "level": level,
    }


def _by_gene(lit: NodeGenes, adata: AnnData) -> np.ndarray:
    """A column per node in the table's order of genes, NaN for genes that the model does not have."""
    index_g = lit.genes.align(adata.var_names).index
    values_gk = np.full((adata.n_vars, len(lit.nodes)), np.nan, dtype=np.float32)
    values_gk[index_g[index_g >= 0]] = lit.values_kg[:, index_g >= 0].T
    return values_gk


def _ranked(lit: NodeGenes) -> dict[str, object]:
    """The highest genes of every node in the arrays that ``rank_genes_groups`` writes."""
    top_kn = lit.top_kn(SHOWN, sign=1)
    names_kn = np.asarray(lit.genes.ids, dtype=object)[top_kn]
    columns = {"names": names_kn, "scores": np.take_along_axis(lit.values_kg, top_kn, 1).astype(np.float32)}
    # scanpy asks for all five; nothing of the kind of the last three is known of a node.
    columns |= dict.fromkeys(("logfoldchanges", "pvals", "pvals_adj"), np.full(top_kn.shape, np.nan, dtype=np.float32))
    params = {"reference": lit.about["rest"], "method": lit.method, "groupby": lit.layer, "use_raw": False}
    found = {c: np.rec.fromarrays(list(v), dtype=[(n, v.dtype) for n in lit.nodes]) for c, v in columns.items()}
    return {"params": params, **found}
