"""Layers: how many of their nodes pass each test, beside PCA and ICA; and the scorecard of what each holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ... import pl
from ..._core.tables import records
from ...nouns.scorecard import Scorecard as Card
from ...pl._evidence import layers
from .._evidence import layer_nodes, layer_shares
from .._words import percent
from ._section import Figure, Section, figure

if TYPE_CHECKING:
    from .._read import Run

NODES = 20
"""Nodes of a layer in the map."""


class Layers(Section):
    """Shares of nodes with evidence, by test and layer."""

    name = "layers"
    anchor = "layers"
    label = "Layers"
    empty = ()

    def gather(self, run: Run, evidence: pd.DataFrame) -> list[dict[str, Any]]:
        """One record per test and layer."""
        return layer_shares(evidence, layer_nodes(run), baselines=run.baselines)

    def missing(self, found: Any) -> dict[str, str]:
        """Tests of nodes."""
        return {} if found else {"layers": "No node was tested against a network or gene sets (06_evidence.parquet)."}

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """Bars by layer, and how layers feed one another."""
        return {**_shares(found), **_connections(run)}


def _shares(found: Any) -> dict[str, Figure]:
    if not found:
        return {}
    table = pd.DataFrame([row for row in found if row["main"]])
    top = table.iloc[int(table["share"].argmax())]
    rows = len(table) + table["layer"].nunique()
    return figure(
        lambda ax: layers(table, ax),
        name="layers",
        caption="Share of each layer's nodes whose strongest genes hang together in the network, or gather in a "
        "gene set, with a q of 0.05 or less. PCA and ICA components are held to the same tests.",
        alt=f"Bars by layer; the longest is {top['layer']} in {top['kind']} with {percent(top['share'])}.",
        height=0.9 + 0.17 * rows + 0.15 * table["kind"].nunique(),
        table=table,
    )


def _connections(run: Run) -> dict[str, Figure]:
    edges = run.table("04_layer_map.tsv", ("source", "target", "source_layer", "target_layer", "weight", "q"))
    if edges is None or not len(edges):
        return {}
    first = edges.iloc[int(edges["weight"].abs().argmax())]
    nodes = run.nodes
    if nodes is not None and "top_genes" in nodes:
        nodes = nodes.assign(gene=nodes["top_genes"].fillna("").str.split(",").str[0])
    return figure(
        lambda ax: pl.layer_map(edges, ax, nodes=nodes, per_layer=NODES),
        name="layer_map",
        caption="How layers build on one another: connections to the next layer, between the nodes of each layer "
        f"in which cases and controls differ most, each with the {run.words['one']} that it raises most. Full lines "
        "are stronger than the source's connections shuffled among targets, dashed ones only than an input of random "
        "direction (q of 0.05 or less). Purple lines raise, green ones lower; orange nodes are higher in cases, blue "
        f"ones lower, larger where they differ more.{_copies(run)}",
        alt=f"A graph of layers from left to right; the strongest connection is from {first['source']} to "
        f"{first['target']}.",
        height=5.2,
        width=7.0,
        table=edges,
    )


def _copies(run: Run) -> str:
    """Which layers say what another has said, in a sentence."""
    table = run.table("04_layer_likeness.tsv", ("layer", "other", "median_r", "copy"))
    if table is None or table["median_r"].isna().all():
        return ""
    copies = table[table["copy"]]
    if not len(copies):
        highest = f"a median |r| of {table['median_r'].max():.2f} at most"
        return f" No layer is a copy of another: nodes matched between two layers have {highest}."
    named = ", ".join(
        f"{row.layer} and {row.other} (median |r| of matched nodes {row.median_r:.3f})" for row in copies.itertuples()
    )
    return f" Layers that copy one another, so that either tells what the other does: {named}."


class Scorecard(Section):
    """Claims on what goes with depth, each with its verdict."""

    name = "scorecard"
    anchor = "scorecard"
    label = "Scorecard"
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """One record per claim."""
        card = run.noun("07_scorecard.parquet", Card.load)
        if card is None:
            return None
        columns = ["question", "measure", "claim", "verdict", "value", "low", "high", "p", "control", "sentence"]
        seeds = card.table.loc[~card.table["control"], "seed"].nunique()
        return {"trainings": int(seeds), "controls": card.controls, "verdicts": records(card.verdicts[columns])}

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """Layers and controls side by side."""
        card = run.noun("07_scorecard.parquet", Card.load)
        if found is None or card is None:
            return {}
        held = sum(row["verdict"] == "holds" for row in found["verdicts"])
        questions = card.verdicts[["question", "measure"]].drop_duplicates()
        return figure(
            lambda ax: pl.scorecard(card, ax),
            name="scorecard",
            caption="What each layer holds, and controls as wide; means over trainings. A dot’s area is what lies "
            "above chance, over the largest of its row.",
            alt=f"A table of dots, one row per question; {held} of {len(found['verdicts'])} claims hold.",
            height=1.4 + 0.42 * len(questions),
            table=card.table,
            width=3.2 + 0.75 * (len(card.layers) + len(card.controls)) + 2.4,
        )
