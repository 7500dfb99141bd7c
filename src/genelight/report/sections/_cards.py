"""Node cards: everything known of the leading nodes, one sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import FormatError
from ...nouns.card import NodeCard
from ...nouns.evidence import EVIDENCE_COLUMNS
from .._evidence import counted
from ._section import Section

if TYPE_CHECKING:
    import pandas as pd

    from .._read import Run

__all__ = ["Cards"]


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
    """The cards, with the evidence that the table of nodes shows.

    Raises
    ------
    FormatError
        If the file is damaged.
    """
    records = run.json("04_cards.json").get("cards", [])
    if not isinstance(records, list):
        msg = f"{run.folder / '04_cards.json'} holds no list of cards; make it again with genelight run"
        raise FormatError(msg)
    return [NodeCard.of_record(record, evidence=_of(run, evidence, str(record.get("node")))) for record in records]


def _of(run: Run, evidence: pd.DataFrame, node: str) -> pd.DataFrame:
    """A node's rows of the first calibrated test of each collection: those that its row of the table is made from."""
    rows = evidence[(evidence["tested"] == node) & evidence["main"].astype(bool) & ~evidence["disease"].astype(bool)]
    rows = rows[list(EVIDENCE_COLUMNS)]
    return rows[counted(run, rows)]
