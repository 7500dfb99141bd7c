"""Patterns without a name: nodes that are reproducible, or differ between the groups, and that no test explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._evidence import SIGNIFICANT
from .._words import known
from ._nodes import Nodes
from ._section import Section

if TYPE_CHECKING:
    import pandas as pd

    from .._read import Run

__all__ = ["Unknown"]


class Unknown(Section):
    """Nodes to look into."""

    name = "unknown"
    anchor = "unknown"
    label = "Unknown patterns"
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """The nodes, and what made them worth a look; None where no gene set was tested."""
        if not len(evidence) or not evidence["is_set"].astype(bool).any():
            return None
        nodes = Nodes().gather(run, evidence)
        again = any(known(n["reproducibility_q"]) for n in nodes)
        test = "reproducibility_q" if again else "q"
        sound = [n for n in nodes if not n["state"] and _passes(n[test])]
        unnamed = [n for n in sound if not _passes((n["best_set"] or {}).get("q")) and not _passes(n["network_q"])]
        return {"again": again, "sound": len(sound), "nodes": unnamed}


def _passes(q: Any) -> bool:
    return known(q) and q <= SIGNIFICANT
