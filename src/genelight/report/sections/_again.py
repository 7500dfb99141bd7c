"""How to do it again: the command, and what lies in the run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ._section import Section

if TYPE_CHECKING:
    import pandas as pd

    from .._read import Run

__all__ = ["Again"]

FILES = {
    "study.toml": "every setting, also those left to their defaults",
    "02_samples.tsv": "samples, groups and the sample table (holds ids)",
    "03_model": "the model",
    "04_nodes.tsv": "every node: effect, p, q, reproducibility",
    "04_codes.parquet": "each sample's activation of each node",
    "05_module.tsv": "every gene with its score and rank",
    "05_differential.tsv": "every gene with fold change, t, p and q",
    "05_module_network.cx2": "the module's network, for Cytoscape",
    "06_evidence.parquet": "every test",
    "07_patients.tsv": "scores of patients",
}


class Again(Section):
    """Command, seed and files."""

    name = "again"
    anchor = "again"
    label = "Do it again"
    empty: ClassVar[Any] = {"version": None, "seed": None, "expression": None, "priors": None, "files": []}

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any]:
        """Plain values."""
        there = [{"file": f, "what": what} for f, what in FILES.items() if (run.folder / f).exists()]
        return {
            "version": (run.record.get("versions") or {}).get("genelight"),
            "seed": run.record.get("seed"),
            "expression": run.record.get("expression"),
            "priors": run.record.get("priors"),
            "files": there,
        }
