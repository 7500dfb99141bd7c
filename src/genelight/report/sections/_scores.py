"""Samples: the module's score by group, from models that never saw the subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...pl._samples import scores
from .._words import number
from ._section import Figure, Section, figure

if TYPE_CHECKING:
    import pandas as pd

    from .._read import Run

__all__ = ["Scores"]


class Scores(Section):
    """Quartiles of scores; no sample or subject is named."""

    name = "scores"
    anchor = "samples"
    label = "Samples"

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """One record per group."""
        if run.scores is None or run.scores.empty:
            return None
        method = run.method if run.method in set(run.scores["method"]) else run.scores["method"].iloc[0]
        rows = run.scores[run.scores["method"] == method]
        return {
            "method": method,
            "groups": [_group(group, part, units=run.units) for group, part in rows.groupby("group")],
        }

    def missing(self, found: Any) -> dict[str, str]:
        """Scores."""
        return {} if found else {"scores": "The run has no scores of samples (05_scores.tsv)."}

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """Dots and boxes by group."""
        table = run.scores
        if found is None or table is None:
            return {}
        rows = table[table["method"] == found["method"]]
        medians = " and ".join(f"{number(g['median'])} in {g['group']}" for g in found["groups"])
        return figure(
            lambda ax: scores(rows, ax),
            name="scores",
            caption="Score of every sample from models that never saw its subject, over boxes of quartiles.",
            alt=f"Dots and boxes by group; the median score is {medians}.",
            height=3.2,
            # Whose score it is stays in the run folder.
            table=rows[["group", "score"]],
        )


def _group(group: object, part: pd.DataFrame, *, units: str) -> dict[str, Any]:
    low, median, high = np.nanquantile(part["score"], [0.25, 0.5, 0.75])
    return {
        "group": group,
        "samples": len(part),
        "subjects": part["subject"].nunique() if "subject" in part and units == "subjects" else None,
        "median": median,
        "low_quartile": low,
        "high_quartile": high,
    }
