"""The disease module: its genes and gene sets, how often bootstraps select them; its network; a second cohort."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ... import pl
from ..._core.tables import read_tsv
from .._evidence import module_sets, set_rows, tested_module
from .._words import number
from ._section import Figure, Section, figure

if TYPE_CHECKING:
    from .._read import Run

LEAD = 20
NETWORK, PLACED = "05_module_network.tsv", ("gene", "role", "score", "degree", "p", "nearness", "part")
MEASURED = ["measure", "null", "value", "low", "high", "null_mean", "p", "q"]
COUNTED = ("samples", "case_subjects", "control_subjects", "module_genes", "module_genes_shared", "genes_shared")


class Module(Section):
    """The module of the study's derivation."""

    name = "module"
    anchor = "module"
    label = "The module"

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """Size, certainty, genes and gene sets."""
        if run.module is None:
            return None
        chosen = run.module.table[run.module.table["selected"]]
        often = chosen["frequency"].notna().any()
        statistics = run.statistics
        shown = chosen[["gene", "score", "rank", "frequency"]]
        if statistics is not None:
            shown = shown.merge(statistics.drop(columns="p"), on="gene", how="left")
        about, over_genes = run.about, run.module_over_genes
        return {
            "name": run.visible(run.module.name),
            "method": run.module.method,
            "layer": about.get("layer"),
            "size": len(chosen),
            "led": None if over_genes is None or over_genes is run.module else len(over_genes.selected),
            "measured": len(run.module.table),
            "up": int((chosen["score"] > 0).sum()),
            "down": int((chosen["score"] < 0).sum()),
            "stable": about.get("stable", int((chosen["frequency"] >= 0.9).sum()) if often else None),
            "bootstraps": about.get("bootstraps"),
            "auc": about.get("auc", run.mean(run.method, "auc")),
            "auc_interval": about.get("auc_interval"),
            "auc_by_method": {method: dict(found) for method, found in about.get("auc_by_method", {}).items()},
            "auc_permutation_p": about.get("auc_permutation_p"),
            "because": about.get("because"),
            "supported": (about.get("supported") or {}).get("says"),
            "forecast": (about.get("forecast") or {}).get("says"),
            "sizes": (about.get("supported") or {}).get("sizes", []),
            "cohorts": [dict(cohort) for cohort in about.get("cohorts", ())],
            "tested": statistics is not None,
            "genes": shown.to_dict("records"),
            "pathways": set_rows(evidence, tested_module(run), n=15),
        }

    def missing(self, found: Any) -> dict[str, str]:
        """Module or pathways."""
        if found is None:
            return {"module": "The run has no disease module (05_module.tsv)."}
        if not found["pathways"]:
            return {"pathways": "The module was not tested against gene sets (06_evidence.parquet)."}
        return {}

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """Strongest genes, and gene sets."""
        return {**_genes(run, found), **_pathways(run, found)}


def _genes(run: Run, found: Any) -> dict[str, Figure]:
    module = run.module
    if module is None or not found["genes"]:
        return {}
    n = min(LEAD, found["size"])
    first = found["genes"][0]
    return figure(
        lambda ax: pl.module(module, ax, n_top=n),
        table=pd.DataFrame(found["genes"]).head(n),
        name="module",
        caption=f"The {n} strongest {run.words['many']} of the module, by absolute score. Beside each bar: how often "
        f"subject bootstraps select the {run.words['one']}.",
        alt=f"Bars of the {n} strongest {run.words['many']}, longest for {first['gene']} with a score of "
        f"{number(first['score'])}.",
        height=0.6 + 0.2 * n,
    )


def _pathways(run: Run, found: Any) -> dict[str, Figure]:
    evidence, tested = module_sets(run), tested_module(run)
    if not found or not found["pathways"]:
        return {}
    n = min(10, len(found["pathways"]))
    top = found["pathways"][0]
    return figure(
        lambda ax: pl.gene_sets(evidence, tested, ax, n=n),
        table=pd.DataFrame(found["pathways"]).head(n),
        name="pathways",
        caption=f"The {n} gene sets with the smallest q among all tested. Faint bars have a q above 0.05.",
        alt=f"Bars of -log10 q for {n} gene sets; the longest is {top['name']}.",
        height=0.6 + 0.36 * n,
    )


class ModuleNetwork(Section):
    """The module on the network: what of it hangs together, what connects it, and its parts."""

    name = "module_network"
    anchor = "module-network"
    label = "Module network"
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """Counts, connectors by p, and the genes of each part."""
        nodes = run.table(NETWORK, PLACED)
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
        nodes, edges = run.table(NETWORK, PLACED), run.table("05_module_network_edges.tsv", ("source", "target"))
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


class SecondCohort(Section):
    """How much of the module is in a second cohort, and a verdict."""

    name = "second_cohort"
    anchor = "second-cohort"
    label = "Second cohort"
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """The verdict, counts, and one record per measure."""
        path = run.folder / "05_second_cohort.tsv"
        if not path.exists():
            return None
        table, about = read_tsv(path, kind="preservation", newest=1, text=("measure", "null"))
        shown = {name: about["about"].get(name) for name in COUNTED}
        together = run.several is not None
        return {
            "verdict": about["verdict"],
            **shown,
            "measures": table[MEASURED].to_dict("records"),
            "together": together,
            "apart": about["about"].get("apart", ""),
        }
