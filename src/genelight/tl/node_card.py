"""Everything known of one hidden node, on one card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from .._core.checks import check_positive
from .._core.errors import InputError, UnknownNameError
from .._core.types import EVIDENCE_COLUMNS, Evidence, Model, NodeGenes
from ._associations import COLUMNS, associations
from ._card import NodeCard
from ._layers import node_names
from ._nodes import find_node
from ._states import code_correlation, is_dead, states_of
from .light_up import light_up
from .reproducibility import match_nodes
from .top_genes import top_genes

__all__ = ["node_card"]

NEIGHBOURS = 3
STABLE_AMONG = 100
NEIGHBOUR_COLUMNS = ("node", "layer", "correlation")


def node_card(
    model: Model,
    node: str,
    *,
    adata: AnnData | None = None,
    subject: str | None = None,
    evidence: Evidence | None = None,
    reproducibility: pd.DataFrame | None = None,
    others: Sequence[NodeGenes] = (),
    n: int = 10,
) -> NodeCard:
    """Gather what is known of one hidden node.

    Parameters
    ----------
    model
        A trained model.
    node
        Name of the node, ``"L2.17"``.
    adata
        Samples x genes on the scale the model was trained on. Without it the card has no tests of sample columns
        and no neighbours.
    subject
        Column of ``obs`` that says whose sample it is; tests then have the subject as their unit.
    evidence
        Results of :func:`genelight.assess` with rows on this node.
    reproducibility
        Table of :func:`genelight.tl.reproducibility` with a row on this node.
    others
        Light-up of the same layer of models trained with other seeds. A gene's stability is the share of them in
        whose matching node it is among the 100 strongest genes, with the same sign.
    n
        How many genes at most of either sign.

    Returns
    -------
    The card. No sample, no subject and no identifier is named in it.

    Raises
    ------
    UnknownNameError
        If there is no such layer, node or column; says which may have been meant, and the range.
    GeneMismatchError
        If the table has too few of the model's genes.
    InputError
        If the model has no hidden layers, or subjects are missing.

    Notes
    -----
    q of the tests is over the columns of this node's card: browsing many cards is another family of tests, for which
    :func:`genelight.tl.node_activity` corrects. Cost: light-up of the layer, and one pass of the table through the
    encoder per layer.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.models.fit_pca(adata, width=4)
    >>> card = gl.tl.node_card(model, "PC.0", adata=adata, subject="subject", n=3)
    >>> len(card.genes), sorted(card.obs["column"])
    (6, ['age', 'condition', 'hours', 'hours_label', 'sex'])
    """
    check_positive(n=n)
    layer, position = find_node(model, node)
    lit = light_up(model, layer)
    span = model.code_range(layer)
    codes = {} if adata is None else _codes(model, adata)
    activity = {
        f"{what} in training": float(getattr(span, what)[position]) for what in ("mean", "sd", "minimum", "maximum")
    }
    if adata is None:
        state = "dead" if is_dead(span)[position] else ""
        tested = pd.DataFrame(columns=list(COLUMNS))
    else:
        code_n = codes[layer][:, position]
        activity |= {"mean": float(code_n.mean()), "sd": float(code_n.std())}
        state = states_of(codes[layer], span, node_names(model, layer))[position]
        tested = associations(code_n, adata.obs, subject=subject)
    return NodeCard(
        node=node,
        layer=layer,
        model=model.name,
        state=state,
        genes=_genes(lit, node, others=others, n=n),
        activity=activity,
        obs=tested,
        neighbours=_neighbours(model, codes, layer=layer, position=position),
        evidence=pd.DataFrame(columns=list(EVIDENCE_COLUMNS)) if evidence is None else evidence.of(node),
        reproducibility=_reproducibility(reproducibility, node),
    )


def _codes(model: Model, adata: AnnData) -> dict[str, np.ndarray]:
    x_ng = model.prepare(adata)
    return {layer: model.encode(x_ng, layer).astype(np.float64) for layer in model.widths}


def _genes(lit: NodeGenes, node: str, *, others: Sequence[NodeGenes], n: int) -> pd.DataFrame:
    table = top_genes(lit, n=n)
    table = table[table["node"] == node].drop(columns="node").reset_index(drop=True)
    shares = [_among_strongest(lit, node, other=other, table=table) for other in others]
    table["stability"] = np.mean(shares, axis=0) if shares else np.nan
    return table


def _among_strongest(lit: NodeGenes, node: str, *, other: NodeGenes, table: pd.DataFrame) -> np.ndarray:
    """Whether the other model's matching node has each gene among its strongest, with the same sign."""
    matched = match_nodes(lit, other).set_index("node").loc[node]
    if not matched["match"]:
        return np.zeros(len(table))
    values_g = other.values_kg[other.nodes.index(matched["match"])] * np.sign(matched["correlation"])
    position = [other.genes.position[gene] for gene in table["gene"]]
    limit = np.sort(np.abs(values_g))[-min(STABLE_AMONG, len(values_g))]
    signed = values_g[position] * np.where(table["sign"] == "up", 1, -1)
    return (signed >= limit) & (signed > 0)


def _neighbours(model: Model, codes: Mapping[str, np.ndarray], *, layer: str, position: int) -> pd.DataFrame:
    rows: list[tuple[str, str, float]] = []
    for other in [name for name in codes if name != layer]:
        correlation_k = code_correlation(codes[layer][:, [position]], codes[other])[0]
        names = node_names(model, other)
        nearest = np.argsort(-np.abs(correlation_k), kind="stable")[:NEIGHBOURS]
        rows += [(names[i], other, float(correlation_k[i])) for i in nearest]
    return pd.DataFrame(rows, columns=list(NEIGHBOUR_COLUMNS))


def _reproducibility(table: pd.DataFrame | None, node: str) -> dict[str, float]:
    if table is None:
        return {}
    if "node" not in table:
        raise UnknownNameError("column", "node", table.columns, where="the reproducibility table")
    row = table[table["node"] == node]
    if len(row) != 1:
        msg = f"the reproducibility table has {len(row)} rows on node {node}; pass the one of this model"
        raise InputError(msg)
    return {str(name): float(value) for name, value in row.select_dtypes("number").iloc[0].items()}
