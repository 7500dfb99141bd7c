"""What a run folder holds; every piece may be absent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from .._core.provenance import altered_files, check_seal, read_json, read_toml
from ..errors import FormatError, InputError, first_three
from ..nouns import Evidence, Module, NodeGenes
from ..nouns.labels import feature_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY = "07_patients_key.tsv"
"""Which id has which number: the one file of patients that is not for sharing."""

Noun = TypeVar("Noun")

MADE = ("report.html", "report.json")
RECORD = "run.json"

CONTROLS = {"PC": "PCA", "IC": "ICA"}
"""Layers of baseline models, shown beside the model's own, and what they are called."""


@dataclass(frozen=True)
class Run:
    """A run folder in memory; ``None`` or an empty container stands for a file that is not there."""

    folder: Path
    study: Mapping[str, Any] = field(default_factory=dict)
    prepare: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    history: pd.DataFrame | None = None
    node_genes: Mapping[str, NodeGenes] = field(default_factory=dict)
    nodes: pd.DataFrame | None = None
    module: Module | None = None
    held_out: pd.DataFrame | None = None
    scores: pd.DataFrame | None = None
    evidence: Evidence | None = None
    show_ids: bool = False

    @property
    def about(self) -> Mapping[str, Any]:
        """What the module says of itself."""
        return {} if self.module is None else self.module.about

    @property
    def method(self) -> str:
        """The module's derivation as the held-out tables name it: ``"direction"``, or ``"direction L2"`` on request."""
        if self.module is None:
            return ""
        held_out = set() if self.held_out is None else set(self.held_out["method"])
        on_layer = f"{self.module.method} {self.about.get('layer')}"
        asked = self.section("module").get("layer") or self.module.method not in held_out
        return on_layer if asked and on_layer in held_out else self.module.method

    @property
    def words(self) -> dict[str, str]:
        """What the measured features and their values are called."""
        account = self.prepare.get("account", {})
        return feature_words(account.get("features", "gene"), unit=account.get("unit", "log2"))

    @property
    def module_over_genes(self) -> Module | None:
        """The module where networks and gene sets know it: of features that are no genes, as carried to genes.

        Raises
        ------
        FormatError
            If that file is damaged.
        """
        return self.noun("05_module_genes.tsv", Module.load) or self.module

    @property
    def units(self) -> str:
        """What was held out and counted: subjects where the study says whose a sample is, else samples."""
        data = self.section("data")
        return "subjects" if data.get("subject") or data.get("subject_pattern") or not self.study else "samples"

    def section(self, name: str) -> Mapping[str, Any]:
        """A table of the study file, empty if absent."""
        found = self.study.get(name, {})
        return found if isinstance(found, dict) else {}

    def mean(self, method: str, metric: str) -> float | None:
        """A held-out figure of a method, averaged over folds; None where there is none."""
        if self.held_out is None:
            return None
        rows = self.held_out[(self.held_out["method"] == method) & (self.held_out["metric"] == metric)]
        return float(rows["value"].mean()) if len(rows) else None

    def visible(self, text: Any) -> Any:
        """`text` with quoted ids of the run's own samples and subjects blanked, as a query may name them."""
        if not isinstance(text, str) or self.scores is None:
            return text
        ids = {str(i) for c in ("sample", "subject") if c in self.scores for i in self.scores[c].unique()}
        return re.sub(r"""(["'])(.*?)\1""", lambda hit: "'…'" if hit[2] in ids else hit[0], text)

    @property
    def statistics(self) -> pd.DataFrame | None:
        """Every gene's ``mean``, ``change`` (log2), ``t``, ``p`` and ``q``, from the module by differential expression.

        Raises
        ------
        FormatError
            If that module is damaged.
        """
        module = self.noun("05_module_de.tsv", Module.load)
        if module is None:
            return None
        found = module.table.rename(columns={"average": "mean", "logfc": "change"})
        columns = ["gene", "mean", "change", "t", "p", "q"]
        return found[columns].astype({"gene": str}) if set(columns) <= set(found) else None

    @property
    def baselines(self) -> Mapping[str, str]:
        """Layers of baseline models and their names; PCA is none where it is the model itself, as of a reference."""
        layers = set(self.node_genes) | (set() if self.nodes is None else set(self.nodes["layer"]))
        own = layers - set(CONTROLS) or {"PC"} & layers
        return {layer: name for layer, name in CONTROLS.items() if layer not in own}

    @property
    def several(self) -> Module | None:
        """Every gene over several cohorts, where the run asked several: the module itself, or beside it.

        Raises
        ------
        FormatError
            If that file is damaged.
        """
        module = self.noun("05_cohorts.tsv", Module.load) or self.module
        return module if module is not None and module.about.get("cohorts") and "effect" in module.table else None

    def table(self, name: str, columns: Sequence[str], *, separator: str = "\t") -> pd.DataFrame | None:
        """A table of the folder, with or without a stamp in its first line; None where there is no such file.

        Only the empty cell is a missing value.

        Raises
        ------
        FormatError
            If it cannot be read, or lacks one of `columns`.
        """
        path = self.folder / name
        if not path.exists():
            return None
        try:
            with path.open(encoding="utf-8", newline="") as handle:
                if not handle.readline().startswith("# genelight "):
                    handle.seek(0)
                table = pd.read_csv(handle, sep=separator, keep_default_na=False, na_values=[""])
        except pd.errors.EmptyDataError:
            return None
        except (ValueError, UnicodeDecodeError) as error:
            msg = f"{path} is not a readable table: {error}"
            raise FormatError(msg) from error
        absent = [c for c in columns if c not in table]
        if absent:
            msg = f"{path} lacks the columns {', '.join(absent)}; it has {', '.join(map(str, table.columns))}"
            raise FormatError(msg)
        return table

    def json(self, name: str) -> dict[str, Any]:
        """A JSON object of the folder; empty where there is no such file.

        Raises
        ------
        FormatError
            If it is damaged.
        """
        path = self.folder / name
        content = read_json(path) if path.exists() else {}
        if not isinstance(content, dict):
            msg = f"{path} holds no JSON object"
            raise FormatError(msg)
        return content

    def noun(self, name: str, load: Callable[[Path], Noun]) -> Noun | None:
        """What a noun's `load` makes of a file of the folder; None where there is no such file.

        Raises
        ------
        FormatError
            If it is damaged.
        """
        path = self.folder / name
        return load(path) if path.exists() else None


def read_run(folder: Path, *, show_ids: bool = False) -> Run:
    """Read a run folder; `show_ids` lets sections name patients, as the study may.

    Raises
    ------
    InputError
        If there is no such folder, or nothing of a run in it, or no ids to show.
    FormatError
        If a file is damaged, altered since the run made it, of another kind, or lacks columns; names it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        msg = f"{folder} is not a folder; pass the folder that genelight run --out wrote"
        raise InputError(msg)
    if not any((folder / name).exists() for name in ("study.toml", "03_model", "05_module.tsv")):
        msg = (
            f"{folder} holds no study.toml, no 03_model and no 05_module.tsv; pass the folder that genelight run wrote"
        )
        raise InputError(msg)
    if show_ids and not (folder / KEY).exists():
        msg = f"{folder} has no {KEY}, which says whose number is whose; add [patients] to the study and run it again"
        raise InputError(msg)
    check_unaltered(folder)
    node_genes = {lit.layer: lit for lit in map(NodeGenes.load, sorted(folder.glob("04_nodes_*.parquet")))}
    run = Run(folder, study=read_toml(folder / "study.toml") if (folder / "study.toml").exists() else {})
    return replace(
        run,
        prepare=run.json("02_prepare.json"),
        model=run.json("03_model/config.json"),
        record=run.json(RECORD),
        history=run.table("03_model/history.csv", ("epoch",), separator=","),
        node_genes=node_genes,
        nodes=run.table("04_nodes.tsv", ("node", "layer", "effect", "p", "q")),
        module=run.noun("05_module.tsv", Module.load),
        held_out=run.table("05_held_out.tsv", ("method", "fold", "metric", "value")),
        scores=run.table("05_scores.tsv", ("group", "method", "score")),
        evidence=run.noun("06_evidence.parquet", Evidence.load),
        show_ids=show_ids or run.section("patients").get("show_ids") is True,
    )


def check_unaltered(folder: Path) -> None:
    """Stop where a file is not as the run left it; what is shown would be nobody's result.

    Raises
    ------
    FormatError
        If files are missing or altered; names them.
    """
    wrong = altered_files(folder, but=MADE)
    if (folder / RECORD).is_file():
        try:
            check_seal(read_json(folder / RECORD), where=folder / RECORD)
        except FormatError:
            wrong[RECORD] = "altered"
    if wrong:
        named = first_three((f"{file} ({what})" for file, what in wrong.items()), n=6)
        msg = (
            f"{folder}: {len(wrong)} files are not as the run left them: {named}; run the same study with --out "
            f"{folder} again, it makes them anew (see also: genelight verify {folder})"
        )
        raise FormatError(msg)
