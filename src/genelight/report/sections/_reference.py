"""What a model of other samples adds, where the study was read through one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._words import known, number, percent
from ._section import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from .._read import Run

FILE = "05_reference.json"
HOLDS = 0.25
"""Share of the change along the model's axes below which its ranking is nearly that of t, as the derivation has it."""
SPECIFIC = 20
AXES = 6


class Reference(Section):
    """Its verdict for this cohort, how well it holds, the leading genes by t and through it, the generic ranking."""

    name = "reference"
    anchor = "reference"
    label = "What the reference adds"
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """Plain values."""
        found = run.json(FILE)
        if not found:
            return None
        short, tone = _short(found)
        return {
            "short": short,
            "tone": tone,
            "text": _text(found),
            "model": found["model"],
            "verdict": found["verdict"],
            "fit": found["fit"],
            "seen": found["seen"],
            "concordance": found["concordance"],
            "genes": [{**gene, "moved": gene["rank_t"] - gene["rank"]} for gene in found["genes"]],
            "axes": sorted(found["axes"], key=lambda axis: -axis["share"])[:AXES],
            "forecast": bool(run.about.get("forecast")),
            "generic": run.about.get("generic"),
            "specific": _specific(run),
        }


def _short(found: Mapping[str, Any]) -> tuple[str, str]:
    """In a few words, and how good that is."""
    verdict = found["verdict"]
    if found["fit"]["verdict"] != "fits" or found["seen"]["samples"]:
        return "Read with care", "worse"
    if not known(verdict["on_axes"]) or verdict["on_axes"] < HOLDS:
        return "Little", "equal"
    return "Which genes change together", "better"


def _text(found: Mapping[str, Any]) -> str:
    """The same in a sentence or two."""
    verdict, model, seen = found["verdict"], found["model"], found["seen"]
    text = (
        f"{percent(verdict['on_axes'])} of the change that exceeds noise lies along the {verdict['axes']} axes of "
        f"{model['name']}, of which {percent(verdict['axes_weight'])} is believed, and "
        f"{percent(verdict['own_weight'])} of what genes do by themselves; the sign of {verdict['sure']:,} of "
        f"{model['measured']:,} genes is sure. Its ranking and that of t agree at {number(found['concordance'])}"
    )
    if found["fit"]["verdict"] != "fits":
        return f"{text}. But {found['fit']['says']}."
    if seen["samples"]:
        return (
            f"{text}. But {seen['samples']} of these samples were in its training, so what it says of them is no test."
        )
    return f"{text}."


def _specific(run: Run) -> list[dict[str, Any]]:
    """The leading genes with the generic part taken out; none through a model that knows no such part."""
    if run.module is None or "rank_specific" not in run.module.table:
        return []
    table = run.module.table.sort_values("rank_specific").head(SPECIFIC)
    rows = table[["gene", "rank_specific", "rank", "generic", "score"]].to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]
