"""Scorecard: what each layer holds beside its controls, and the verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import pl
from ..._core.tables import records
from ...nouns.scorecard import Scorecard as Card
from ._section import Figure, Section, figure

if TYPE_CHECKING:
    import pandas as pd

    from .._read import Run

__all__ = ["Scorecard"]


class Scorecard(Section):
    """Claims on what goes with depth, each with its verdict."""

    name = "scorecard"
    anchor = "scorecard"
    label = "Scorecard"
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """One record per claim."""
        card = _card(run)
        if card is None:
            return None
        columns = ["question", "measure", "claim", "verdict", "value", "low", "high", "p", "control", "sentence"]
        seeds = card.table.loc[~card.table["control"], "seed"].nunique()
        return {"trainings": int(seeds), "controls": card.controls, "verdicts": records(card.verdicts[columns])}

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """Layers and controls side by side."""
        card = _card(run)
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


def _card(run: Run) -> Card | None:
    path = run.folder / "07_scorecard.parquet"
    return Card.load(path) if path.exists() else None
