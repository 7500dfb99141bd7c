"""The module on the network: what of it hangs together, what connects it, and its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import pl
from ._section import Figure, Section, figure

if TYPE_CHECKING:
    import pandas as pd

    from .._read import Run

__all__ = ["ModuleNetwork"]

NODES, EDGES = "05_module_network.tsv", "05_module_network_edges.tsv"
COLUMNS = ("gene", "role", "score", "degree", "p", "nearness", "part")


class ModuleNetwork(Section):
    """Core, connectors and parts."""

    name = "module_network"
    anchor = "module-network"
    label = "Module network"
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """Counts, connectors by p, and the genes of each part."""
        nodes = run.table(NODES, COLUMNS)
        if nodes is None:
            return None
        count = nodes["role"].value_counts()
        connectors = nodes[nodes["role"] == "connector"].sort_values("p", kind="stable")
        joined = nodes[nodes["part"] > 0].sort_values("nearness", ascending=False, kind="stable")
        there = set(nodes["gene"].astype(str))
        module = run.module_over_genes
        chosen = [] if module is None else [str(g) for g in module.selected]
        return {
            "apart_genes": list(nodes.loc[nodes["role"] == "apart", "gene"].astype(str)),
            "outside_genes": [gene for gene in chosen if gene not in there],
            "network": run.section("network").get("name"),
            "size": None if module is None else len(module.selected),
            **{role: int(count.get(role, 0)) for role in ("core", "connector", "apart")},
            "connectors": connectors[["gene", "score", "degree", "p", "nearness"]].to_dict("records"),
            "parts": [
                {
                    "part": int(members["part"].iloc[0]),
                    "genes": list(members.loc[members["role"] == "core", "gene"]),
                    "connectors": list(members.loc[members["role"] == "connector", "gene"]),
                }
                for _, members in joined.groupby("part")
            ],
        }

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """The network."""
        nodes, edges = run.table(NODES, COLUMNS), run.table(EDGES, ("source", "target"))
        if found is None or nodes is None or edges is None:
            return {}
        return figure(
            lambda ax: pl.module_network(nodes, edges, ax),
            name="module_network",
            caption="The module’s genes that hang together, in colour: one for up in cases, one for down. Hollow: "
            "genes that connect them. Larger with more neighbours here.",
            alt=f"A network of {found['core']} genes of the module and {found['connector']} that connect them, "
            f"in {len(found['parts'])} parts.",
            height=5.4,
            width=6.4,
            table=edges[["source", "target"]],
        )
