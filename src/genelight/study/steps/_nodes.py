"""Every node in a row, the leading ones on cards, and how layers feed one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ... import models, nodes
from ..._core.provenance import write_json
from ..._core.tables import write_plain
from ...nodes.cards import node_cards
from ...nodes.reproduce import rank_nodes
from ...nouns import Model, Module
from ._ensemble import FOLDER
from ._step import Bench, Step

__all__ = ["Nodes"]

CARDS, CARD_GENES, SIGNIFICANT = 6, 10, 0.05
BETWEEN = ("04_layer_map.tsv", "04_layer_likeness.tsv")


class Nodes(Step):
    """Activity of every node in cases and controls, ranked by reproducibility times effect."""

    name = "nodes"
    says = "comparing nodes between cases and controls"
    after = ("fit", "light_up", "ensemble", "derive")

    def depends(self, bench: Bench) -> Sequence[object]:
        """Contrast and subjects."""
        return [bench.contrast_digest, bench.study.data.subject]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """A table of nodes, cards, and how layers go together where there are two or more."""
        return ["04_nodes.tsv", "04_cards.json", *(BETWEEN if len(bench.layers) > 1 else ())]

    def work(self, bench: Bench) -> None:
        """Compare, rank, write cards of the first."""
        model = bench.models()[0]
        module = Module.load(bench.folder / "05_module.tsv")
        scored = None
        if bench.refitted:
            scored = pd.read_csv(
                bench.folder / "04_reproducibility.tsv", sep="\t", keep_default_na=False, na_values=[""]
            )
            scored = scored[scored["layer"].isin(bench.matched_layers)]
        table = _activity(bench, model, module=module, scored=scored)
        write_plain(bench.folder / "04_nodes.tsv", table)
        write_json(
            bench.folder / "04_cards.json", {"format": 1, "cards": _cards(bench, model, table=table, scored=scored)}
        )
        if len(bench.layers) > 1:
            edges = nodes.layer_map(bench.inputs.adata, model)
            called = edges[["q", "q_direction"]].min(axis=1) <= SIGNIFICANT
            write_plain(bench.folder / BETWEEN[0], edges[called])
            write_plain(bench.folder / BETWEEN[1], nodes.layer_likeness(bench.inputs.adata, model))


def _activity(bench: Bench, model: Model, *, module: Module, scored: pd.DataFrame | None) -> pd.DataFrame:
    table = nodes.node_activity(bench.inputs.adata, model, contrast=bench.inputs.contrast)
    table["share"] = table["node"].map(dict(module.about.get("node_share", {})))
    ids = np.asarray(bench.inputs.preparation.genes.ids, dtype=object)
    lit = bench.node_genes(bench.layers)
    table["top_genes"] = [",".join(ids[top]) for nodes in lit for top in nodes.top_kn(5, sign=1)]
    if scored is None:
        return table
    return rank_nodes(scored, table.merge(scored[["node", "support", "members"]], on="node"))


def _cards(bench: Bench, model: Model, *, table: pd.DataFrame, scored: pd.DataFrame | None) -> list[dict[str, object]]:
    """Cards of the first usable nodes; of those whose place in the table rests on effect alone, by effect."""
    usable = table[table["state"] == ""]
    if scored is None:
        usable = usable.iloc[np.argsort(-usable["effect"].abs().to_numpy(), kind="stable")]
    members = models.Ensemble.load(bench.folder / FOLDER) if scored is not None else ()
    cards = node_cards(
        model,
        list(usable["node"].head(CARDS)),
        adata=bench.inputs.persons,
        subject=bench.study.data.subject,
        reproducibility=scored,
        lit={
            layer: [bench.light_up(each, layer) for each in (model, *members)]
            for layer in (bench.matched_layers if scored is not None else bench.layers)
        },
        n=CARD_GENES,
    )
    return [card.to_record() for card in cards]
