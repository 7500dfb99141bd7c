"""Every node as the page's script draws it: the same evidence that the table of nodes names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._words import known

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["browser"]

SETS = 6
SHOWN = ("effect", "q", "share", "network_z", "network_q", "reproducibility", "reproducibility_q")


def browser(evidence: pd.DataFrame, found: Mapping[str, Any], *, numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """One record per row of the table of nodes, with its leading gene sets and, where it has a card, what that says.

    Parameters
    ----------
    evidence
        Its evidence with further columns.
    found
        What the sections gathered.
    numbers
        Number of each gene set by its reference.
    """
    cards = {card["node"]: card for card in found.get("cards") or ()}
    leading = _leading_sets(evidence, numbers)
    return [
        {
            "node": n["node"],
            "place": n["place"],
            "state": n["state"],
            **{name: float(f"{n[name]:.4g}") if known(n[name]) else None for name in SHOWN},
            "trainings": n["trainings"],
            "of_trainings": n["of_trainings"],
            "network_test": n["network_test"],
            "sets": leading.get(n["node"], []),
            **_of_card(cards.get(n["node"])),
        }
        for n in found.get("nodes") or ()
    ]


def _leading_sets(evidence: pd.DataFrame, numbers: Mapping[str, int]) -> dict[str, list[list[float]]]:
    """For everything tested the gene sets with the smallest q by the main test: number, overlap, expected and q."""
    rows = evidence[evidence["main"].astype(bool) & evidence["is_set"].astype(bool)]
    rows = rows[rows["reference"].isin(numbers)].sort_values(["q", "p"], kind="stable").groupby("tested").head(SETS)
    found: dict[str, list[list[float]]] = {}
    columns = ["tested", "reference", "statistic", "null_mean", "q"]
    for tested, reference, statistic, expected, q in rows[columns].to_numpy().tolist():
        figures = [float(f"{v:.4g}") if known(v) else None for v in (statistic, expected, q)]
        found.setdefault(tested, []).append([numbers[reference], *figures])  # type: ignore[list-item]
    return found


def _of_card(card: Mapping[str, Any] | None) -> dict[str, Any]:
    if card is None:
        return {}
    columns = ("column", "test", "effect", "highest", "q")
    return {
        "sentence": card["sentence"],
        "columns": [{c: row.get(c) for c in columns} for row in card["obs"][:6]],
        "stability": {row["gene"]: row.get("stability") for row in card["genes"]},
    }
