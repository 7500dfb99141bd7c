"""Node cards: everything known of the leading nodes, one picture and one sentence each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from ... import pl
from ...errors import FormatError
from ...nouns import EVIDENCE_COLUMNS, NodeCard
from .._evidence import counted
from ._section import Figure, Section, figure

if TYPE_CHECKING:
    from .._read import Run

__all__ = ["Cards"]


class Cards(Section):
    """The cards that the run has written; the others are a command away."""

    name = "cards"
    anchor = "cards"
    label = "Node cards"
    empty = ()
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> list[dict[str, Any]]:
        """One record per card, with its sentence."""
        return [{**card.to_record(), "sentence": run.visible(card.sentence)} for card in _cards(run)]

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """One picture per card."""
        drawn: dict[str, Figure] = {}
        for card in _cards(run):
            genes = card.genes["gene"]
            lead = f", first {genes.iloc[0]}" if len(genes) else ""
            drawn |= figure(
                partial(pl.node, card),
                name=f"card-{card.node}",
                caption="",
                alt=f"Card of node {card.node}: bars of {len(genes)} genes{lead}; its sample columns, nearest nodes "
                "and evidence.",
                height=5.0,
                width=9.2,
            )
        return drawn


def _cards(run: Run) -> list[NodeCard]:
    """The cards, with the run's evidence.

    Raises
    ------
    FormatError
        If the file is damaged.
    """
    records = run.json("04_cards.json").get("cards", [])
    if not isinstance(records, list):
        msg = f"{run.folder / '04_cards.json'} holds no list of cards; make it again with genelight run"
        raise FormatError(msg)
    return [NodeCard.of_record(record, evidence=_evidence(run, str(record.get("node")))) for record in records]


def _evidence(run: Run, node: str) -> pd.DataFrame:
    """A node's rows, those of controls left out."""
    if run.evidence is None:
        return pd.DataFrame(columns=list(EVIDENCE_COLUMNS))
    rows = run.evidence.of(node).dropna(subset="q")
    return rows[counted(run, rows)]
