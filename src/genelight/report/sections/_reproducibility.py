"""Refits: which nodes are reproducible, the programmes that trainings agree on, and PCA and ICA beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import pl
from .._evidence import SIGNIFICANT
from .._read import CONTROLS
from ._section import Figure, Section, figure

if TYPE_CHECKING:
    import pandas as pd

    from .._read import Run

SHOWN = 30


class Reproducibility(Section):
    """Nodes and programmes over other trainings, layer by layer."""

    name = "reproducibility"
    anchor = "training-again"
    label = "Training again"
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """One record per layer and per programme that passes."""
        scored = _scored(run)
        agreed = run.table("04_programmes.tsv", ("layer", "programme", "support", "members", "q", "node", "up", "down"))
        if scored is None or agreed is None:
            return None
        sure = agreed[agreed["q"] <= SIGNIFICANT]
        return {
            "members": int(scored["members"].max()),
            "layers": [
                {**_layer(str(la), part, sure), "control": la in run.baselines}
                for la, part in scored.groupby("layer", sort=False)
            ],
            "unmatched": [
                {"layer": layer, "nodes": len(lit.nodes)}
                for layer, lit in run.node_genes.items()
                if layer not in set(scored["layer"])
            ],
            "programmes": _programmes(sure[~sure["layer"].isin(run.baselines)]),
        }

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """A strip of dots per layer."""
        scored = _scored(run)
        if found is None or scored is None:
            return {}
        table = scored.assign(layer=scored["layer"].map(lambda la: CONTROLS.get(la, la)))
        sure = int((table["q"] <= SIGNIFICANT).sum())
        return figure(
            lambda ax: pl.reproducibility(table, ax),
            name="reproducibility",
            caption="Every node and component, one dot each: how well it is found again in models trained on other "
            "draws of the subjects. The upright line is what arbitrary directions of the same space reach; faint dots "
            "have a q above 0.05.",
            alt=f"One strip of dots per layer; {sure} of {len(table)} nodes are reproducible beyond chance.",
            height=0.7 + 0.55 * table["layer"].nunique(),
            table=table,
        )


def _scored(run: Run) -> pd.DataFrame | None:
    columns = ("node", "layer", "reproducibility", "support", "members", "null_mean", "q")
    return run.table("04_reproducibility.tsv", columns)


def _layer(layer: str, part: pd.DataFrame, sure: pd.DataFrame) -> dict[str, Any]:
    passed = int((part["q"] <= SIGNIFICANT).sum())
    return {
        "layer": CONTROLS.get(layer, layer),
        "nodes": len(part),
        "reproducible": passed,
        "share": passed / len(part),
        "median": part["reproducibility"].median(),
        "chance": part["null_mean"].mean(),
        "programmes": int((sure["layer"] == layer).sum()),
    }


def _programmes(sure: pd.DataFrame) -> list[dict[str, Any]]:
    """Programmes of the model's own layers, best agreed on first within a layer."""
    return [
        {
            "programme": f"{row['layer']} {row['programme']}",
            "support": int(row["support"]),
            "correlation": row.get("correlation"),
            "q": row["q"],
            "node": row["node"] if isinstance(row["node"], str) else "",
            "likeness": row.get("likeness"),
            "up": _names(row["up"]),
            "down": _names(row["down"]),
        }
        for _, part in sure.groupby("layer", sort=False)
        for _, row in part.head(SHOWN).iterrows()
    ]


def _names(text: object) -> str:
    return ", ".join(text.split(",")[:5]) if isinstance(text, str) else ""
