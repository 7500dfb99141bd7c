"""How a run came about: settings, tests and their nulls, versions, limits; and how to do it again."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from ..._core.provenance import versions
from ._section import Section

if TYPE_CHECKING:
    import pandas as pd

    from .._read import Run

PATHS = ("expression", "path", "file")
FILES = {
    "study.toml": "every setting, also those left to their defaults",
    "02_samples.tsv": "samples, groups and the sample table (holds ids)",
    "03_model": "the model",
    "04_nodes.tsv": "every node: effect, p, q, reproducibility",
    "04_codes.parquet": "each sample's activation of each node",
    "05_module.tsv": "every gene with its score and rank",
    "05_module_network.cx2": "the module's network, for Cytoscape",
    "06_evidence.parquet": "every test",
    "07_patients.tsv": "scores of patients",
}
LIMITS = (
    "What a node stands for is read from the decoder's response when the node is lit. It describes the model, not a "
    "mechanism in the cell.",
    "A module ranks {many} by how they differ between the two groups. It does not say which {one} causes the disease.",
    "Cell mixture, batch, treatment and age can differ between the groups too; nothing here corrects for them unless "
    "the settings say so.",
    "Held-out subjects come from the same cohort. A second cohort, from another place and platform, is the stronger "
    "test.",
    "Known disease genes come from studies of their own, often of these very genes; that a module shares some does not "
    "say that it is right, and that it shares none does not say that it is wrong.",
    "Each q value is adjusted over the tests of its own family (one test, one layer or module, one reference), not "
    "over this whole page.",
    "Intervals and selection frequencies rest on resampled subjects; with few subjects they are rough.",
)


class Methods(Section):
    """Settings, tests, versions and limits."""

    name = "methods"
    anchor = "methods"
    label = "Methods"
    empty: ClassVar[Any] = {"settings": [], "tests": [], "versions": {}, "limits": []}

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any]:
        """Plain lists."""
        return {
            "settings": _settings(run),
            "tests": _tests(run, evidence),
            "versions": run.record.get("versions") or run.model.get("versions") or versions(),
            "limits": [limit.format(**run.words) for limit in LIMITS],
        }


def _settings(run: Run) -> list[dict[str, Any]]:
    rows = [
        {"section": section, "setting": key, "value": _value(run, key, value)}
        for section, table in run.study.items()
        for entry in (table if isinstance(table, list) else [table])
        if isinstance(entry, dict)
        for key, value in entry.items()
    ]
    given = {(r["section"], r["setting"]) for r in rows}
    learned = {k: v for k, v in run.model.get("settings", {}).items() if ("model", k) not in given}
    return rows + [{"section": "model", "setting": key, "value": _value(run, key, v)} for key, v in learned.items()]


def _value(run: Run, key: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(run.visible(v)) for v in value)
    if key in PATHS and isinstance(value, str):
        return PurePath(value).name
    return f"{value:.6g}" if isinstance(value, float) else str(run.visible(value))


def _tests(run: Run, evidence: pd.DataFrame) -> list[dict[str, Any]]:
    """One record per test and reference: what was tested, over which genes, and what the null is."""
    about = {} if run.evidence is None else run.evidence.about
    records = []
    for (collection, test), rows in evidence.groupby(["collection", "test"], sort=False):
        draws = sorted({int(d) for d in rows["draws"]} - {0})
        found = about.get(str(test), {})
        facts = found if isinstance(found, dict) else {}
        exact = f"exact, matched on {facts['matched on']}" if "matched on" in facts else "exact"
        records.append(
            {
                "collection": collection,
                "test": str(test).replace("_", " "),
                "tested": int(rows["tested"].nunique()),
                "universe": facts.get("universe"),
                "null": " or ".join(f"{d:,}" for d in draws) + " random draws" if draws else exact,
                "seed": " or ".join(str(s) for s in sorted(set(rows["seed"]))) if draws else "",
            }
        )
    return records


class Rerun(Section):
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
