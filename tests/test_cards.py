"""What is printed: every noun, and everything that a public function returns, is a card of a few lines without ids."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import genelight as gl
from genelight._core.registry import Registry
from genelight.errors import GenelightError
from genelight.nouns.changes import Changes
from genelight.patients.response_score import ResponseScores
from genelight.patients.score import Scores
from genelight.pp.preparation import Preparation
from genelight.study._check import Checked
from genelight.study._rerun import Compared
from genelight.study._run import Outcome

from .conftest import Treated
from .small_study import DISEASED
from .test_face import CLASSES, FUNCTIONS, PUBLIC, returned

MOST_LINES, MOST_CHARACTERS = 12, 1500
SAMPLE, SUBJECT = "sample-id", "subject-id"
QUERY = {"case": 'condition == "case"', "control": 'condition == "control"', "subject": "subject"}
RECIPE = gl.models.DeepRecipe(epochs=2)

# What a user writes is printed as it was written, to be pasted; it holds no data.
WRITTEN = {
    "Adjust": lambda: gl.pp.Adjust(("age", "sex"), batch="plate"),
    "Autoencoder": gl.models.Autoencoder,
    "Compendium": gl.simulate.Compendium,
    "Deep": gl.models.Deep,
    "DeepRecipe": gl.models.DeepRecipe,
    "Eigengenes": lambda: gl.models.Eigengenes(8),
    "Grid": gl.models.Grid,
    "ICA": lambda: gl.models.ICA(8),
    "NMF": lambda: gl.models.NMF(8),
    "Nuisance": gl.simulate.Nuisance,
    "PCA": lambda: gl.models.PCA(8, preparation=gl.pp.PreparationSettings(variable=1000, normalise="rank")),
    "PreparationSettings": gl.pp.PreparationSettings,
    "Programmes": gl.simulate.Programmes,
    "Protocol": gl.patients.Protocol,
    "Random": gl.models.Random,
    "ResponsePlan": gl.patients.ResponsePlan,
}
# A network is a module of torch and prints as one.
FOREIGN = {"Stack"}


class Made:
    """One of everything, from sixty simulated people with ids that are easily told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def adata(self) -> Any:
        adata = gl.simulate.cohort(60, visits=2, n_genes=200, programmes=DISEASED, seed=1)
        adata.obs_names = [f"{SAMPLE}-{i}" for i in range(adata.n_obs)]
        adata.obs["subject"] = [f"{SUBJECT}-{whose}" for whose in adata.obs["subject"]]
        adata.obs["time"] = adata.obs["visit"].astype(float)
        return adata

    @cached_property
    def contrast(self) -> Any:
        return gl.Contrast.of(self.adata.obs, **QUERY)

    @cached_property
    def model(self) -> Any:
        return gl.models.PCA(4, subject="subject").fit(self.adata)

    @cached_property
    def nodes(self) -> Any:
        return gl.light_up(self.model, "PC")

    @cached_property
    def network(self) -> Any:
        return gl.simulate.network(self.adata)

    @cached_property
    def sets(self) -> Any:
        return gl.simulate.sets(self.adata, n_random=30)

    @cached_property
    def module(self) -> Any:
        return self.derived("de")

    def derived(self, method: str) -> Any:
        return gl.disease_module(self.adata, self.model, contrast=self.contrast, method=method, size=40, bootstraps=5)

    @cached_property
    def evidence(self) -> Any:
        tests = ["distance", "hypergeometric"]
        return gl.assess(self.nodes, network=self.network, sets=[self.sets], tests=tests, n_top=30, draws=99)

    @cached_property
    def reading(self) -> Any:
        codes = gl.encode(self.adata, self.model, layer="PC")
        return gl.evidence.Reading(self.nodes, codes, "pca", 1)

    @cached_property
    def samples(self) -> Any:
        return gl.evidence.Samples(self.adata.obs, labels=["condition"], subject="subject")

    @cached_property
    def severity(self) -> Any:
        protocol = gl.patients.Protocol(folds=3, draws=9)
        return gl.severity(self.adata, self.model, measure="severity", subject="subject", protocol=protocol)

    @cached_property
    def groups(self) -> Any:
        return gl.stratify(self.adata, self.model, subject="subject", resamples=20)

    @cached_property
    def response(self) -> Any:
        cohorts = Treated().cohorts(4, signature=1.5)
        for name, cohort in cohorts.items():
            cohort.obs_names = [f"{SAMPLE}-{name}-{i}" for i in range(cohort.n_obs)]
        return gl.response(cohorts, plan=gl.patients.ResponsePlan(draws=9))

    @cached_property
    def folds(self) -> Any:
        return gl.Folds.by_subject(self.adata, self.model.spec, k=3)

    @cached_property
    def table(self) -> Path:
        path = self.folder / "table.h5ad"
        self.adata.write_h5ad(path)
        return path


def new_patients(made: Made) -> Any:
    patients = Treated().cohort(20, signature=1.5, seed=7)
    patients.obs_names = [f"{SAMPLE}-{i}" for i in range(patients.n_obs)]
    return gl.patients.score_response(patients, response=made.response)


def a_sheet(made: Made) -> Any:
    path = made.folder / "sheet.csv"
    made.adata.obs.reset_index(names="sample").iloc[3:].to_csv(path, index=False)
    return gl.io.match_sheet(made.adata, path)


def a_second_cohort(made: Made) -> Any:
    prepared = gl.prepare(made.adata)
    return gl.modules.preservation(made.adata, made.module, contrast=made.contrast, prepared=prepared, draws=99)


def of_counts() -> Any:
    cells = gl.simulate.features("cell", 10, visits=20, n_features=60, seed=4)
    prepared = gl.prepare(cells, features="cell", scale="counts")
    return gl.fit(cells, preset="counts", widths=(8, 4, 8), subject="subject", preparation=prepared, epochs=1)


def verified(made: Made) -> Any:
    made.model.save(made.folder / "pca")
    return gl.study.verify(made.folder / "pca")


FACTS = {"samples": 80, "genes": 300, "called": "genes", "cases": 40, "controls": 40, "trainings": 6}
CARDS: dict[str, Callable[[Made], Any]] = {
    "Alignment": lambda made: made.model.genes.align(made.model.genes.ids[5:]),
    "Applicability": lambda made: made.severity.applicability,
    "Atlas": lambda made: gl.modules.atlas({name: made.derived(name) for name in ("de", "variance")}),
    "Changes": lambda made: gl.patients.contrast(made.adata, made.model, treatment=made.contrast, adjust=["age"]),
    "Checked": lambda _: Checked("study.toml", (f"drop {SAMPLE}-1",), (f"{SAMPLE}-2 has no row",), FACTS),
    "CodeRange": lambda made: made.model.code_range("PC"),
    "Compared": lambda _: Compared(Path("run"), ("a.tsv",), {"b.tsv": "0.1 off"}, (("numpy", "2.0", "2.1"),)),
    "Consensus": lambda made: gl.nodes.consensus([made.nodes, made.nodes, made.nodes], draws=3),
    "Contrast": lambda made: made.contrast,
    "Edges": lambda made: made.sets,
    "Ensemble": lambda made: gl.models.Ensemble.fit(made.adata, made.model, seeds=3),
    "Entry": lambda _: gl.modules.DERIVATIONS.entry("de"),
    "Evidence": lambda made: made.evidence,
    "FittedAutoencoder": lambda made: gl.fit(made.adata, widths=(8, 4, 8), epochs=2, subject="subject"),
    "FittedCounts": lambda _: of_counts(),
    "FittedDeep": lambda made: gl.models.Deep((16, 4, 16), subject="subject", recipe=RECIPE).fit(made.adata),
    "FittedLinear": lambda made: gl.models.ICA(4).fit(made.adata),
    "FittedNMF": lambda made: gl.models.NMF(4).fit(made.adata),
    "Folds": lambda made: made.folds,
    "Genes": lambda made: made.model.genes,
    "Groups": lambda made: made.groups,
    "HeldOut": lambda made: gl.modules.hold_out(
        made.adata, contrast=made.contrast, folds={"pca": made.folds}, methods=("de", "direction"), size=40
    ),
    "Inspection": lambda made: gl.io.inspect(made.table),
    "Interactome": lambda made: gl.evidence.distances(made.network),
    "LinearAtTheEnd": lambda made: gl.models.Random(widths=(8, 4)).fit(made.adata),
    "Model": lambda made: made.model,
    "Module": lambda made: made.module,
    "ModuleAgreement": lambda made: gl.modules.module_agreement(
        made.adata, made.model, contrast=made.contrast, methods=("direction", "de"), size=40
    ),
    "ModuleNetwork": lambda made: gl.modules.module_network(made.module, made.network),
    "NodeCard": lambda made: gl.nodes.node_card(made.model, "PC.0", adata=made.adata, evidence=made.evidence),
    "NodeGenes": lambda made: made.nodes,
    "Outcome": lambda _: Outcome(Path("run"), Path("run/report.html"), ("It was found.", "And that."), (SAMPLE,)),
    "Permutation": lambda made: gl.modules.permutation_test(made.adata, made.model, contrast=made.contrast, draws=9),
    "Preparation": lambda made: gl.prepare(made.adata),
    "Preservation": a_second_cohort,
    "Reading": lambda made: made.reading,
    "Registry": lambda _: gl.modules.DERIVATIONS,
    "Replication": lambda made: gl.modules.replication(made.adata, made.model, contrast=made.contrast, bootstraps=4),
    "Response": lambda made: made.response,
    "ResponseScores": new_patients,
    "Samples": lambda made: made.samples,
    "Scorecard": lambda made: gl.evidence.scorecard([made.reading], made.samples, sets=[made.sets], draws=50),
    "Scores": lambda made: gl.score(made.adata[:9], made.model, severity=made.severity, groups=made.groups),
    "Severity": lambda made: made.severity,
    "SheetMatch": a_sheet,
    "Stability": lambda made: gl.modules.stability(made.adata, made.model, contrast=made.contrast, pairs=4),
    "Store": lambda made: gl.io.pack([made.table], made.folder / "table.zarr"),
    "Study": lambda _: gl.study.Study.demo(),
    "Verified": verified,
}
# Of these a user meets the words of a whole account under ``str``.
SENTENCES = {"Alignment", "Checked", "Replication", "SheetMatch", "Stability"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("cards"))


def words(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize("name", CARDS)
def test_it_prints_as_a_card(made, name):
    thing = CARDS[name](made)
    assert name in {cls.__name__ for cls in type(thing).__mro__} or isinstance(thing, CLASSES[name])
    text = repr(thing)
    assert 2 <= len(text.splitlines()) <= MOST_LINES, text
    assert len(text) <= MOST_CHARACTERS, text
    assert SAMPLE not in text, text
    assert SUBJECT not in text, text
    assert not re.search(r"\bnp\.|array\(|<[\w.]+ object|\bnan\b|DataFrame", text), text
    assert (str(thing) != text) == (name in SENTENCES)
    html = thing._repr_html_()
    assert words(unescape(re.sub(r"<[^>]*>", " ", html))) == words(text)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_a_user_writes_prints_as_it_was_written(name):
    thing = WRITTEN[name]()
    assert type(thing).__name__ == name
    text = repr(thing)
    assert len(text) <= MOST_CHARACTERS
    assert eval(text, {cls.__name__: cls for cls in (*CLASSES.values(),)}) == thing


@pytest.mark.parametrize("registry", [thing for thing in PUBLIC.values() if isinstance(thing, Registry)])
def test_a_registry_prints_its_names(registry):
    text = repr(registry)
    assert len(text.splitlines()) <= MOST_LINES
    assert set(registry) <= set(re.findall(r"[\w-]+", text))


NOTHING = pd.DataFrame(columns=["name", "effect", "low", "high", "p", "q"])
EMPTY = [
    gl.Genes(()),
    gl.Genes(()).align(()),
    gl.Edges("none", pd.DataFrame({"source": [], "target": [], "weight": []})),
    gl.Evidence.join([]),
    gl.NodeGenes(np.zeros((0, 0)), (), gl.Genes(()), "L1", "pca", "light_up"),
    gl.NodeGenes(np.zeros((1, 2)), ("L1.0",), gl.Genes(("A", "B")), "L1", "pca", "light_up"),
    gl.Contrast(np.zeros(2, bool), np.zeros(2, bool), np.array(["a", "b"]), "nobody"),
    gl.nouns.Groups(NOTHING, pd.DataFrame({"subject": [], "group": []}), NOTHING, NOTHING),
    Changes(NOTHING),
    Scores(pd.DataFrame({"inside": [], "severity": [], "group": []}).astype({"inside": bool})),
    Registry("kind of nothing"),
]


@pytest.mark.parametrize("thing", EMPTY, ids=lambda thing: type(thing).__name__)
def test_what_holds_nothing_prints_too(thing):
    assert 1 <= len(repr(thing).splitlines()) <= MOST_LINES
    assert thing._repr_html_().startswith("<table>")


def test_what_is_long_is_cut_at_a_word():
    name = " or ".join(f'disease == "{i}"' for i in range(200))
    lines = repr(gl.Contrast(np.ones(2, bool), np.zeros(2, bool), np.array(["a", "b"]), name)).splitlines()
    assert len(lines) == 3
    assert len(lines[0]) <= 300
    assert lines[0].endswith(" ...")


def methods(cls: type) -> list[object]:
    """Public methods of a class, those of pydantic apart."""
    bound = [member for name, member in inspect.getmembers(cls) if not name.startswith("_")]
    functions = [getattr(member, "__func__", member) for member in bound]
    return [each for each in functions if inspect.isfunction(each) and each.__module__.startswith("genelight")]


ARCHIVE = Path(__file__).parent / "nouns" / "archive" / "v1"
ARCHIVED = {
    "changes.tsv": Changes,
    "evidence.parquet": gl.Evidence,
    "groups.parquet": gl.nouns.Groups,
    "module.tsv": gl.Module,
    "node_genes.parquet": gl.NodeGenes,
    "prepare.json": Preparation,
    "response.parquet": gl.nouns.Response,
    "response_scores.tsv": ResponseScores,
    "scores.tsv": Scores,
    "severity.parquet": gl.nouns.Severity,
}


@pytest.mark.parametrize("file", ARCHIVED)
def test_what_an_older_version_wrote_prints_too(file):
    text = repr(ARCHIVED[file].load(ARCHIVE / file))
    assert 2 <= len(text.splitlines()) <= MOST_LINES, text
    assert len(text) <= MOST_CHARACTERS


def test_everything_that_a_user_meets_is_here():
    """A public class, or one that comes back from a public function or method, is printed above."""
    met = {name for name, cls in CLASSES.items() if not issubclass(cls, GenelightError)}
    for function in [*FUNCTIONS.values(), *(method for name in met for method in methods(CLASSES[name]))]:
        met |= returned(function)
    assert not met - CARDS.keys() - WRITTEN.keys() - FOREIGN


def test_one_of_a_thing_is_one():
    genes = gl.Genes(("MX1",))
    assert repr(genes).startswith("1 gene by symbol")
    many = gl.Genes(tuple(f"G{i}" for i in range(1001)))
    assert repr(many).startswith("1,001 genes by symbol")
    assert repr(gl.Genes(tuple(f"G{i}" for i in range(31)))).startswith("31 genes")
