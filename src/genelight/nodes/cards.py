"""Everything known of one hidden node, on one card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from anndata import AnnData

from .._core.checks import check_positive
from ..errors import InputError, UnknownNameError
from ..evidence._registry import calibrated
from ..nouns import Evidence, Model, NodeGenes
from ..nouns.card import NodeCard
from ..nouns.evidence import EVIDENCE_COLUMNS
from ..nouns.model import CodeRange
from ._associations import COLUMNS, associations
from .activity import code_correlation, is_dead, states_of
from .layers import find_node, node_names
from .light_up import light_up
from .reproduce import match_nodes

__all__ = ["node_card", "node_cards"]

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
    n_top: int = 10,
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
        Table of :func:`genelight.nodes.reproducibility` with a row on this node.
    others
        Light-up of the same layer of models trained with other seeds. A gene's stability is the share of them in
        whose matching node it is among the 100 strongest genes of the same sign.
    n_top
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
    q of the tests is over the columns of this node's card, times the number of the model's nodes: the card that one
    opens is the most striking of them. Cost: light-up of the layer, and one pass of the table through the
    encoder per layer.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.models.PCA(4).fit(adata)
    >>> card = gl.nodes.node_card(model, "PC.0", adata=adata, subject="subject", n_top=3)
    >>> len(card.genes), sorted(card.obs["column"])
    (6, ['age', 'condition', 'hours', 'hours_label', 'sex'])
    """
    layer, _ = find_node(model, node)
    (card,) = node_cards(
        model,
        [node],
        adata=adata,
        subject=subject,
        evidence=evidence,
        reproducibility=reproducibility,
        lit={layer: [light_up(model, layer), *others]},
        n_top=n_top,
    )
    return card


def node_cards(
    model: Model,
    nodes: Sequence[str],
    *,
    adata: AnnData | None = None,
    subject: str | None = None,
    evidence: Evidence | None = None,
    reproducibility: pd.DataFrame | None = None,
    lit: Mapping[str, Sequence[NodeGenes]],
    n_top: int = 10,
) -> list[NodeCard]:
    """Gather the cards of several hidden nodes: one pass of the table, and one matching per layer.

    Parameters
    ----------
    model, adata, subject, evidence, reproducibility, n_top
        As in :func:`node_card`.
    nodes
        Names of nodes, of whichever layers.
    lit
        By layer, its light-up in the model, then in refits of it.

    Returns
    -------
    One card per node, in the order of `nodes`.

    Raises
    ------
    UnknownNameError
        If there is no such layer, node or column.
    GeneMismatchError
        If the table, or another model, has other genes.
    InputError
        If the model has no hidden layers, or subjects are missing.

    Examples
    --------
    >>> import genelight as gl
    >>> from genelight.nodes.cards import node_cards
    >>> model = gl.models.PCA(4).fit(gl.demo.cohort())
    >>> lit = {"PC": [gl.light_up(model, "PC")]}
    >>> [card.node for card in node_cards(model, ["PC.2", "PC.0"], lit=lit, n_top=3)]
    ['PC.2', 'PC.0']
    """
    check_positive(n_top=n_top)
    places = [find_node(model, node) for node in nodes]
    layers = dict.fromkeys(layer for layer, _ in places)
    codes = {}
    if adata is not None:
        x_ng = model.prepare(adata)
        codes = {layer: model.encode(x_ng, layer).astype(np.float64) for layer in model.widths}
    readings = {la: _Reading.of(model, la, codes=codes, lit=lit[la]) for la in layers}
    cards = []
    for node, (layer, position) in zip(nodes, places, strict=True):
        reading, tested = readings[layer], pd.DataFrame(columns=list(COLUMNS))
        if adata is not None:
            tested = associations(codes[layer][:, position], adata.obs, subject=subject)
            tested["q"] = np.minimum(1.0, tested["q"] * sum(model.widths.values()))
        card = NodeCard(
            node=node,
            layer=layer,
            model=model.name,
            state=reading.states[position],
            genes=_genes(reading, node, n_top=n_top),
            activity=_activity(reading, position),
            obs=tested,
            neighbours=_neighbours(model, codes, layer=layer, position=position),
            evidence=_evidence(evidence, node),
            reproducibility=_reproducibility(reproducibility, node),
        )
        cards.append(card)
    return cards


def _evidence(evidence: Evidence | None, node: str) -> pd.DataFrame:
    """Its rows of calibrated tests: a card's best line rests on no other."""
    if evidence is None:
        return pd.DataFrame(columns=list(EVIDENCE_COLUMNS))
    rows = evidence.of(node)
    return rows[calibrated(rows["test"])]


@dataclass(frozen=True)
class _Reading:
    """What the cards of one layer share: its light-up, its codes and states, and its matches in other models."""

    lit: NodeGenes
    span: CodeRange
    h_nk: np.ndarray | None
    states: Sequence[str]
    others: Sequence[tuple[NodeGenes, Mapping[str, tuple[str, float]]]]

    @classmethod
    def of(cls, model: Model, layer: str, *, codes: Mapping[str, np.ndarray], lit: Sequence[NodeGenes]) -> _Reading:
        (own, *others), span, h_nk = lit, model.code_range(layer), codes.get(layer)
        if h_nk is None:
            states = ["dead" if dead else "" for dead in is_dead(span)]
        else:
            states = states_of(h_nk, span, node_names(model, layer))
        matched = []
        for other in others:
            table = match_nodes(own, other)
            pairs = zip(table["match"], table["correlation"], strict=True)
            matched.append((other, dict(zip(table["node"], pairs, strict=True))))
        return cls(own, span, h_nk, states, matched)


def _activity(reading: _Reading, position: int) -> dict[str, float]:
    figures = {
        f"{what} in training": float(getattr(reading.span, what)[position])
        for what in ("mean", "sd", "minimum", "maximum")
    }
    if reading.h_nk is not None:
        code_n = reading.h_nk[:, position]
        figures |= {"mean": float(code_n.mean()), "sd": float(code_n.std())}
    return figures


def _genes(reading: _Reading, node: str, *, n_top: int) -> pd.DataFrame:
    table = reading.lit.top(n_top)
    table = table[table["node"] == node].drop(columns="node").reset_index(drop=True)
    shares = [_among_strongest(table, other, matches[node]) for other, matches in reading.others]
    table["stability"] = np.mean(shares, axis=0) if shares else np.nan
    return table


def _among_strongest(table: pd.DataFrame, other: NodeGenes, matched: tuple[str, float]) -> np.ndarray:
    """Whether the other model's matching node has each gene among its strongest of the same sign."""
    match, correlation = matched
    if not match:
        return np.zeros(len(table))
    values_g = other.values_kg[other.nodes.index(match)] * np.sign(correlation)
    position = [other.genes.position[gene] for gene in table["gene"]]
    up = (table["sign"] == "up").to_numpy()
    # A node that raises more than it lowers is judged on what it lowers all the same.
    ordered, last = np.sort(values_g), min(STABLE_AMONG, len(values_g))
    limit = np.where(up, ordered[-last], -ordered[last - 1])
    signed = values_g[position] * np.where(up, 1, -1)
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
