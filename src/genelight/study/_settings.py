"""The study file: every key typed, documented and checked before anything is computed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .._core.printed import Card, Printed, leading
from .._core.provenance import parse_toml
from ..errors import FormatError, InputError, ResourceError, UnknownNameError
from ..io.stores._bucket import Url, located
from ..nouns.module import DERIVATION

EMBEDDED = "embedded"
"""In place of a file name: the data that come with the package."""
# In place of a table of probes: GEO's name of the array, whose table is fetched.
_PLATFORM = re.compile(r"GPL\d+")


def _no_ensemble_of_one(seeds: int) -> int:
    if seeds == 1:
        msg = "an ensemble of one has nothing to compare; use 10, at least 2, or 0 for none"
        raise ValueError(msg)
    return seeds


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(_Section):
    """Which samples, and whose."""

    expression: str = Field(description="expression table in any format that genelight reads")
    samples: str | None = Field(default=None, description="sample sheet beside it: CSV, TSV or Excel, joined by name")
    samples_id: str | None = Field(default=None, description="its column of sample names; unset for what fits best")
    orientation: Literal["genes-in-rows", "samples-in-rows"] | None = Field(
        default=None, description="genes-in-rows or samples-in-rows, where names do not tell"
    )
    modality: str | None = Field(default=None, description="which modality of a MuData file")
    column: str | None = Field(
        default=None,
        description="which column of a folder of tables, of a table of pairs, or of several measures of a sample",
    )
    annotations: list[str] | None = Field(
        default=None,
        description="columns or rows that describe samples or genes; what else does is told, unless 'none' stands last",
    )
    drop_empty: bool = Field(default=False, description="set samples aside whose every value is zero or missing")
    subject: str | None = Field(default=None, description="obs column: whose sample it is; a subject is never split")
    subject_pattern: str | None = Field(
        default=None, description="regular expression whose first group names the person in that column"
    )
    drop: str | None = Field(default=None, description="samples to leave out, a query on obs columns")
    scale: str = Field(
        default="log2",
        description="scale of the values: log2, counts, linear, or auto to tell it; features that are no genes have "
        "their own, told where unset",
    )
    features: str | None = Field(
        default=None,
        description="kind of feature: gene, cpg, protein, metabolite, mirna, taxon; unset for what the ids tell, else "
        "genes",
    )
    feature_genes: str | None = Field(
        default=None,
        description="of features that are no genes: table of features and their genes, for network, sets and genetics",
    )
    ids: str = Field(
        default="symbol", description="kind of gene id: symbol, entrez, ensembl; an expression file of others is mapped"
    )
    id_table: str | None = Field(
        default=None, description="table of ids and genes for that, such as GEO's of a platform"
    )
    above_floor: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="keep genes above the floor (lowest value, shared by many) in this share of samples; unset for "
        "half, of taxa a tenth",
    )
    variable: int | None = Field(
        default=None, ge=10, description="keep only so many genes, the most variable; unset for all"
    )

    @property
    def reading(self) -> dict[str, Any]:
        """Options of reading the table."""
        return {key: getattr(self, key) for key in ("orientation", "modality", "column", "annotations", "drop_empty")}


class Model(_Section):
    """How the autoencoder is built and trained; it never sees a label. Or which model of other samples is taken."""

    reference: str | None = Field(
        default=None,
        description="trained model of other samples to read these through, in place of one of their own: human, which "
        "ships, or a model folder",
    )

    preset: str = Field(
        default="default",
        description="default, deep for a bottleneck in the middle, or plain for a textbook autoencoder; the default is "
        "deep from 1,000 samples on, or where a group is named",
    )
    group: str | None = Field(
        default=None, description="obs column whose samples are left out together, such as the study of a compendium"
    )
    widths: tuple[int, ...] | None = Field(
        default=None, description="hidden layers from input to output; unset to fit the data"
    )
    epochs: int | None = Field(default=None, gt=0, description="in place of the preset's")
    learning_rate: float | None = Field(default=None, gt=0, description="in place of the preset's")
    seed: int = Field(default=0, description="for everything that is drawn")
    seeds: Annotated[int, Field(ge=0), AfterValidator(_no_ensemble_of_one)] = Field(
        default=10, description="refits on bootstrapped subjects that say which nodes are reproducible; 0 for none"
    )


class Contrast(_Section):
    """Cases and controls, as comparisons of obs columns: disease == 'lupus' and age > 17."""

    name: str | None = Field(default=None, description="the contrast in words, for the report")
    case: str = Field(description="which samples are cases")
    control: str = Field(description="which samples are controls")
    covariates: tuple[str, ...] = Field(default=(), description="obs columns to adjust for, such as age, sex, batch")


class Network(_Section):
    """Protein interactions."""

    file: str = Field(default=EMBEDDED, description="edge table, or 'embedded' for STRING v12 physical, score >= 900")
    cut: float = Field(default=0.0, ge=0, description="smallest weight to keep")
    name: str | None = Field(default=None, description="what the report calls it")


class Sets(_Section):
    """One collection of gene sets."""

    file: str = Field(default=EMBEDDED, description="GMT file, or 'embedded' for Reactome")
    name: str | None = Field(default=None, description="what the report calls it")


class Genetics(_Section):
    """Known disease genes."""

    file: str = Field(description="table of disease and gene")
    disease: str = Field(description="disease as the table names it")
    keep: dict[str, str | list[str]] = Field(default_factory=dict, description="further columns and their values")
    name: str | None = Field(default=None, description="what the report calls it")


class ModuleSettings(_Section):
    """The disease module and how sure it is."""

    method: str = Field(
        default=DERIVATION, description="auto: joint (model and genes) or de (genes alone), what replicates better"
    )
    layer: str | None = Field(
        default=None, description="hidden layer it is read from; unset to choose by cross-validation"
    )
    size: int = Field(default=200, gt=0, description="how many genes")
    bootstraps: int = Field(default=200, ge=0, description="subject bootstraps behind each gene's frequency")
    permutations: int = Field(default=199, gt=0, description="shuffles of the labels behind the module's p")
    folds: int = Field(default=5, ge=2, description="folds of held-out subjects")


class Tests(_Section):
    """Tests of nodes and modules."""

    n_top: Annotated[int, Field(ge=5)] | Literal["knee"] = Field(
        default=150, description="genes of a node that are tested; 'knee': where its sorted values stop falling"
    )
    draws: int = Field(default=1000, ge=99, description="matched random draws for each node")


class ScorecardSettings(_Section):
    """What the layers are asked beside the network and sets, and what they are compared with."""

    labels: list[str] = Field(default_factory=list, description="obs columns that layers should know of")
    batch: list[str] = Field(default_factory=list, description="obs columns that layers should not know of")
    controls: list[str] = Field(default_factory=list, description="baselines; empty for the usual ones")


class Second(_Section):
    """A second cohort that is asked whether it has the module too."""

    expression: str = Field(description="its expression table")
    samples: str | None = Field(default=None, description="its sample sheet: CSV, TSV or Excel")
    samples_id: str | None = Field(default=None, description="the sheet's column of sample names")
    case: str = Field(description="which of its samples are cases")
    control: str = Field(description="which of its samples are controls")
    subject: str | None = Field(default=None, description="its obs column of subjects")
    subject_pattern: str | None = Field(
        default=None, description="regular expression whose first group names the person in that column"
    )
    scale: str = Field(default="log2", description="scale of its values: log2, counts or linear")
    id_table: str | None = Field(default=None, description="table of ids and genes, where its columns are no genes")


class Patients(_Section):
    """How severely each patient is affected, and which patients are alike; trains the model again for every fold."""

    measure: str = Field(description="obs column, higher for more severe; 'QUERY against QUERY'; 'TIME until EVENT'")
    time: str | None = Field(default=None, description="obs column that orders a subject's visits: less noise")
    beside: list[str] = Field(default_factory=list, description="obs columns to learn with the measure: c3, esr")
    drop: str | None = Field(default=None, description="samples to leave out, a query on obs columns")
    permutations: int = Field(default=99, ge=0, description="permutations of the measure, behind the score's p")
    groups: bool = Field(default=True, description="look for groups of patients, at least 20 are needed")
    explain: list[str] = Field(default_factory=list, description="obs columns that groups should not be: batch, age")
    shown: int = Field(default=5, ge=1, description="how many of the most severe patients the report shows")
    show_ids: bool = Field(default=False, description="name them in the report, in place of numbers")


class Study(Printed, _Section):
    """A study, validated.

    Examples
    --------
    >>> from genelight.study import Study
    >>> Study.demo().model.widths
    (64, 32, 16)
    """

    data: Data
    contrast: Contrast
    model: Model = Model()
    network: Network | Literal[False] = Network()
    sets: list[Sets] = [Sets()]
    genetics: list[Genetics] = []
    module: ModuleSettings = ModuleSettings()
    tests: Tests = Tests()
    scorecard: ScorecardSettings | None = None
    second: Second | None = None
    patients: Patients | None = None

    def _card(self) -> Card:
        data, asked, model = self.data, self.contrast, self.model
        trained = model.reference or f"{model.preset}, layers of {', '.join(map(str, model.widths or ('the preset',)))}"
        return f"study of {asked.name or f'{asked.case} against {asked.control}'}", [
            ("data", data.expression + (f", sheet {data.samples}" if data.samples else "")),
            ("subject", data.subject or "a subject each"),
            ("model", f"{trained}; seed {model.seed}"),
            ("module", f"{self.module.size} genes by {self.module.method}"),
            ("network", (self.network.name or self.network.file) if self.network else "none"),
            ("gene sets", leading([each.name or each.file for each in self.sets])),
            ("genetics", leading([each.name or each.disease for each in self.genetics])),
            ("second", self.second.expression if self.second else ""),
            ("severity", self.patients.measure if self.patients else ""),
        ]

    @classmethod
    def load(cls, path: str | Path) -> Study:
        """Read a study file; file names in it are relative to its folder.

        Parameters
        ----------
        path
            TOML file; ``genelight init`` writes one to fill in.

        Raises
        ------
        ResourceError
            If there is no such file.
        FormatError
            If it is not TOML; names the line.
        UnknownNameError
            If a key does not exist; says which may have been meant.
        InputError
            If a key is missing or its value does not fit.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            msg = f"cannot read the study file {path}: {error.strerror}; write one with: genelight init {path}"
            raise ResourceError(msg) from error
        except UnicodeDecodeError as error:
            msg = f"{path} is no text file; a study file is TOML, write one with: genelight init study.toml"
            raise FormatError(msg) from error
        return cls._parse(text, where=str(path))._relative_to(path.parent)

    @classmethod
    def demo(cls) -> Study:
        """The embedded study: influenza at its height against baseline."""
        text = resources.files("genelight.demo").joinpath("study.toml").read_text(encoding="utf-8")
        return cls._parse(text, where="the embedded study")

    @classmethod
    def _parse(cls, text: str, *, where: str) -> Study:
        try:
            return cls.model_validate(parse_toml(text, where=where))
        except ValidationError as error:
            raise explain(error.errors()[0], where) from None

    def showing_ids(self) -> Study:
        """The same, its report naming patients.

        Raises
        ------
        InputError
            If the study has no patients to show.
        """
        if self.patients is None:
            msg = "the study has no section [patients], so its report shows no patient; add it or leave out --show-ids"
            raise InputError(msg)
        return self.model_copy(update={"patients": self.patients.model_copy(update={"show_ids": True})})

    def _relative_to(self, folder: Path) -> Study:
        return self._placed(lambda name: str(folder / name))

    def seen_from(self, folder: Path) -> Study:
        """The same with its files named as they lie from a folder, for a study file that is to be written there."""
        return self._placed(lambda name: os.path.relpath(name, folder))

    def _placed(self, at: Callable[[str], str]) -> Study:
        def place(name: str) -> str:
            anywhere = name == EMBEDDED or _PLATFORM.fullmatch(name) or isinstance(located(name), Url)
            return name if anywhere else at(name)

        def move(part: Any) -> Any:
            return part.model_copy(update={"file": place(part.file)})

        def files(part: Any) -> Any:
            named = {key: getattr(part, key, None) for key in ("expression", "samples", "id_table", "feature_genes")}
            return part.model_copy(update={key: place(name) for key, name in named.items() if name is not None})

        name = self.model.reference
        # One word that names nothing here is the name of a shared model.
        if name is not None and (len(Path(name).parts) > 1 or Path(at(name)).exists() or Path(name).exists()):
            name = at(name)
        return self.model_copy(
            update={
                "model": self.model.model_copy(update={"reference": name}),
                "data": files(self.data),
                "network": self.network and move(self.network),
                "sets": [move(s) for s in self.sets],
                "genetics": [move(g) for g in self.genetics],
                "second": self.second and files(self.second),
            }
        )


def explain(first: Mapping[str, Any], where: str) -> InputError:
    """One thing that is wrong, in one line."""
    place = [str(p) for p in first["loc"] if p not in ("Network", "literal[False]")]
    section = _section([p for p in place[:-1] if not p.isdigit()])
    table = f"[{'.'.join(place[:-1])}] of {where}" if place[:-1] else where
    if first["type"] == "extra_forbidden":
        return UnknownNameError("study key", place[-1], section.model_fields, where=table)
    if first["type"] == "missing":
        field = section.model_fields[place[-1]]
        if field.description is None:
            return InputError(f"{where} lacks the section [{place[-1]}]; see: genelight init study.toml")
        return InputError(f'{table} lacks {place[-1]} ({field.description}); add: {place[-1]} = "..."')
    return InputError(f"{table}: {place[-1]} = {first['input']!r} does not fit ({first['msg'].lower()})")


def _section(path: list[str]) -> type[BaseModel]:
    sections: dict[str, type[BaseModel]] = {
        "data": Data,
        "contrast": Contrast,
        "model": Model,
        "network": Network,
        "sets": Sets,
        "genetics": Genetics,
        "module": ModuleSettings,
        "tests": Tests,
        "scorecard": ScorecardSettings,
        "second": Second,
        "patients": Patients,
    }
    return sections.get(path[0], Study) if path else Study
