"""Hidden nodes: where the groups differ, what they stand for, their evidence; their cards; those without a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ... import pl
from ...errors import FormatError
from ...nouns.card import NodeCard
from ...nouns.evidence import EVIDENCE_COLUMNS
from ...pl._strip import nodes
from .._evidence import SIGNIFICANT, best, counted, in_order, leading_node, set_record
from .._words import known
from ._section import Figure, Section, figure

if TYPE_CHECKING:
    from .._read import Run

LEAD = 20


class Nodes(Section):
    """One record per node of the model."""

    name = "nodes"
    anchor = "nodes"
    label = "Nodes"
    empty = ()

    def gather(self, run: Run, evidence: pd.DataFrame) -> list[dict[str, Any]]:
        """Nodes ranked by reproducibility times effect; where no ensemble was trained, by kinds of evidence first."""
        if run.nodes is None:
            return []
        main = evidence[evidence["main"].astype(bool)]
        network, sets = best(main[~main["is_set"] & ~main["disease"]]), best(main[main["is_set"]])
        own = run.nodes[~run.nodes["layer"].isin(run.baselines)]
        records = [_record(row, network, sets) for _, row in own.iterrows()]
        return [{"place": i, **r} for i, r in enumerate(sorted(records, key=_place), 1)]

    def missing(self, found: Any) -> dict[str, str]:
        """The table of nodes."""
        return {} if found else {"nodes": "The run has no table of node activity (04_nodes.tsv)."}

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """All nodes, and the leading one."""
        return {**_strips(found), **_leading(run, found)} if found else {}


def _place(record: dict[str, Any]) -> tuple[bool, float, int, float]:
    score = record["rank_score"]
    effect = abs(record["effect"]) if known(record["effect"]) else 0.0
    return bool(record["state"]), -score if known(score) else 0.0, -record["support"], -effect


def _record(row: pd.Series, network: pd.DataFrame, sets: pd.DataFrame) -> dict[str, Any]:
    name = row["node"]
    of_network = network.loc[name].to_dict() if name in network.index else {}
    of_sets = set_record(sets.loc[name]) if name in sets.index else None
    q_values = (row["q"], of_network.get("q"), (of_sets or {}).get("q"))
    return {
        "node": name,
        "layer": row["layer"],
        "effect": row["effect"],
        "p": row["p"],
        "q": row["q"],
        "share": row.get("share"),
        "state": _text(row.get("state")),
        "top_genes": _text(row.get("top_genes")).replace(",", ", ").replace(",  ", ", "),
        "network_test": of_network.get("test"),
        "network_z": of_network.get("effect"),
        "network_q": of_network.get("q"),
        "best_set": of_sets,
        "reproducibility": row.get("reproducibility"),
        "reproducibility_q": row.get("q_reproducibility"),
        "trainings": _count(row.get("support")),
        "of_trainings": _count(row.get("members")),
        "rank_score": row.get("rank_score"),
        "support": len([q for q in q_values if known(q) and q <= SIGNIFICANT]),
    }


def _count(value: Any) -> int | None:
    return int(value) if known(value) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _strips(found: Any) -> dict[str, Figure]:
    table = pd.DataFrame(found)[["node", "layer", "effect", "q"]].astype({"effect": float, "q": float})
    order = in_order(table["layer"].unique())
    table = table.sort_values("layer", key=lambda c: c.map(order.index), kind="stable")
    strong = int((table["q"] <= SIGNIFICANT).sum())
    return figure(
        lambda ax: nodes(table, ax),
        name="nodes",
        caption="Every hidden node, one dot each: how far cases lie from controls on it, subjects weighted equally. "
        "Faint dots have a q above 0.05; the strongest of each layer is named.",
        alt=f"One strip of dots per layer; {strong} of {len(table)} nodes differ between the groups at a q of 0.05.",
        height=0.7 + 0.75 * table["layer"].nunique(),
        table=table,
    )


def _leading(run: Run, found: Any) -> dict[str, Figure]:
    name = (leading_node(found) or {"node": ""})["node"]
    lit = next((lit for la, lit in run.node_genes.items() if la not in run.baselines and name in lit.nodes), None)
    if lit is None:
        return {}
    values = lit.of(name)
    n = min(LEAD, len(values))
    return figure(
        lambda ax: pl.node_genes(lit, name, ax, n_top=n),
        name="node",
        caption=f"What node {name} stands for: the {run.words['many']} that it raises and lowers most when it is lit.",
        alt=f"Bars of {n} {run.words['many']} for node {name}, from {values.index[0]} (raised most) to "
        f"{values.index[-1]} (lowered most).",
        height=0.6 + 0.2 * n,
        table=values.rename_axis("gene").rename("change").reset_index(),
    )


class Cards(Section):
    """The cards that the run has written; the others are a command away."""

    name = "cards"
    anchor = "cards"
    label = "Leading nodes"
    empty = ()
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> list[dict[str, Any]]:
        """One record per card, with its sentence."""
        return [{**card.to_record(), "sentence": run.visible(card.sentence)} for card in _cards(run, evidence)]


def _cards(run: Run, evidence: pd.DataFrame) -> list[NodeCard]:
    """The cards, with the evidence that the table of nodes shows."""
    records = run.json("04_cards.json").get("cards", [])
    if not isinstance(records, list):
        msg = f"{run.folder / '04_cards.json'} holds no list of cards; make it again with genelight run"
        raise FormatError(msg)
    return [NodeCard.of_record(record, evidence=_rows_of(run, evidence, str(record.get("node")))) for record in records]


def _rows_of(run: Run, evidence: pd.DataFrame, node: str) -> pd.DataFrame:
    """A node's rows of the first calibrated test of each collection: those that its row of the table is made from."""
    rows = evidence[(evidence["tested"] == node) & evidence["main"].astype(bool) & ~evidence["disease"].astype(bool)]
    rows = rows[list(EVIDENCE_COLUMNS)]
    return rows[counted(run, rows)]


class Unknown(Section):
    """Nodes that are reproducible, or differ between the groups, and that no test explains."""

    name = "unknown"
    anchor = "unknown"
    label = "Unknown patterns"
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """The nodes, and what made them worth a look; None where no gene set was tested."""
        if not len(evidence) or not evidence["is_set"].astype(bool).any():
            return None
        found = Nodes().gather(run, evidence)
        refitted = any(known(n["reproducibility_q"]) for n in found)
        test = "reproducibility_q" if refitted else "q"
        sound = [n for n in found if not n["state"] and _passes(n[test])]
        unnamed = [n for n in sound if not _passes((n["best_set"] or {}).get("q")) and not _passes(n["network_q"])]
        return {"again": refitted, "sound": len(sound), "nodes": unnamed}


def _passes(q: Any) -> bool:
    return known(q) and q <= SIGNIFICANT
