"""The whole thread on a small simulated cohort: every artefact, planted truth, resuming, and nothing half-written."""

import json
import shutil
import sys
from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

import genelight as gl
from genelight._core.provenance import Ledger
from genelight.errors import FormatError, GenelightError, InputError, UnknownNameError
from genelight.modules.second_cohort import Preservation
from genelight.nouns.scorecard import Scorecard
from genelight.report._full import TABLES, Query, at_hand, csv_of, page_of
from genelight.study import Study, run
from genelight.study._template import template, to_toml
from genelight.study.steps import STEPS

from ..small_study import write_priors

STUDY = """
[data]
expression = "cohort.h5ad"
subject = "subject"

[contrast]
case = 'condition == "case"'
control = 'condition == "control"'

[model]
widths = [24, 12, 6]
epochs = 5
seeds = 3

[network]
file = "network.csv"

[[sets]]
file = "sets.gmt"
name = "planted"

[module]
size = 60
bootstraps = 20
permutations = 39
folds = 3

[tests]
n_top = 40
draws = 99
"""


SCORECARD = """
[scorecard]
labels = ["condition"]
controls = ["pca", "random"]
"""


SECOND = """
[second]
expression = "second.h5ad"
case = 'condition == "case"'
control = 'condition == "control"'
subject = "title"
subject_pattern = "^(S[0-9]+)"
"""


@pytest.fixture(scope="module")
def cohort():
    return gl.simulate.cohort(
        30, visits=2, n_genes=300, programmes=gl.simulate.Programmes(number=5, size=30, diseased=2, effect=2.0), seed=1
    )


@pytest.fixture
def folder(tmp_path, cohort):
    write_inputs(tmp_path, cohort)
    return tmp_path


@pytest.fixture(scope="module")
def plain(tmp_path_factory, cohort):
    """A run of the study as it stands, and what it said."""
    folder = tmp_path_factory.mktemp("plain")
    write_inputs(folder, cohort)
    said = []
    return run(Study.load(folder / "study.toml"), folder / "RUN", say=said.append), said


@pytest.fixture
def ran(plain, tmp_path):
    """A folder of one's own with that run in it."""
    return shutil.copytree(plain[0].folder.parent, tmp_path / "ran")


@pytest.fixture(scope="module")
def searched():
    """Networks whose distances were searched in the run, in order."""
    return []


@pytest.fixture(scope="module")
def lit():
    """Digests of models and layers that were lit up in the run, in order."""
    return []


@pytest.fixture(scope="module")
def done(tmp_path_factory, cohort, searched, lit):
    folder = tmp_path_factory.mktemp("study")
    write_inputs(folder, cohort)
    second = cohort.copy()
    second.obs["title"] = [f"S{subject} visit {i}" for i, subject in enumerate(pd.factorize(cohort.obs["subject"])[0])]
    # Other people, if much alike: cohorts that share samples are not combined.
    second.X = second.X + np.random.default_rng(0).normal(scale=0.2, size=second.shape)
    second.write_h5ad(folder / "second.h5ad")
    (folder / "study.toml").write_text(STUDY + SCORECARD + SECOND)
    module = sys.modules["genelight.evidence.distances"]
    search = module._search

    def counted(*given):
        searched.append(given[-1])
        return search(*given)

    entry = gl.nodes.ATTRIBUTIONS.entry("light_up")

    def lighting(model, layer, **given):
        lit.append((model.digest, layer))
        return entry.what(model, layer, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_search", counted)
        patch.setitem(gl.nodes.ATTRIBUTIONS._entries, "light_up", replace(entry, what=lighting))
        return run(Study.load(folder / "study.toml"), folder / "RUN")


def test_the_network_is_searched_once_for_all_steps(done, searched):
    assert len(searched) == 1


def test_nodes_are_lit_once_for_all_steps(done, lit):
    assert len(set(lit)) == len(lit)
    assert {layer for _, layer in lit} >= {"L1", "PC", "IC"}


def write_inputs(folder, cohort):
    cohort.write_h5ad(folder / "cohort.h5ad")
    write_priors(folder, cohort)
    (folder / "study.toml").write_text(STUDY)


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_leaves_every_artefact_of_the_thread(done):
    assert names(done.folder) >= {
        "study.toml", "01_genes.tsv", "02_prepare.json", "03_model", "04_nodes_L1.parquet", "04_nodes_L2.parquet",
        "04_nodes_L3.parquet", "04_nodes_PC.parquet", "04_nodes.tsv", "04_cards.json", "03_ensemble",
        "04_reproducibility.tsv", "04_programmes.tsv", "04_programmes_L1.parquet", "04_programmes_IC.parquet",
        "05_module.tsv", "05_module_pca.tsv",
        "05_module_de.tsv", "05_held_out.tsv", "05_scores.tsv", "06_evidence.parquet", "07_scorecard.parquet",
        "report.html", "report.json", "run.json",
    }  # fmt: skip
    assert len(done.findings) == 5
    assert not [name for name in names(done.folder) if name.startswith(".")]


def test_every_full_table_of_a_run_opens_and_goes_into_a_file(done):
    evidence = gl.nouns.Evidence.load(done.folder / "06_evidence.parquet").table
    lit = gl.nouns.NodeGenes.load(done.folder / "04_nodes_L1.parquet")
    of = {"node": lit.nodes[0], "gene": lit.genes.ids[0]}
    of |= {"tests": evidence["tested"][0], "set": evidence["reference"][0]}
    assert set(at_hand(done.folder)) == set(TABLES)
    for name, table in TABLES.items():
        query = Query(of=of.get(name, ""))
        assert escape(table.title) in page_of(done.folder, name, query)
        with csv_of(done.folder, name, query) as file:
            file.seek(0)
            assert len(file.read().splitlines()) > 1


def test_a_full_table_that_is_empty_is_named(ran):
    (ran / "RUN" / "04_nodes.tsv").write_text("")
    with pytest.raises(FormatError, match=r"04_nodes\.tsv is empty; run the same study"):
        page_of(ran / "RUN", "nodes", Query())


def test_the_scorecard_holds_every_training_and_control_and_is_shown(done):
    card = Scorecard.load(done.folder / "07_scorecard.parquet")
    assert set(card.table.loc[~card.table["control"], "seed"]) == {0, 1, 2}
    assert card.controls == ["pca", "random", "permuted genes"]
    assert set(card.table["kind"]) >= {"network", "sets", "label"}
    found = json.loads((done.folder / "report.json").read_text())["scorecard"]
    assert [row["verdict"] for row in found["verdicts"]] == card.verdicts["verdict"].tolist()
    page = (done.folder / "report.html").read_text()
    assert all(row["claim"] in page for row in found["verdicts"])


def test_the_module_stands_on_the_network_of_the_study(done):
    nodes = pd.read_csv(done.folder / "05_module_network.tsv", sep="\t")
    edges = pd.read_csv(done.folder / "05_module_network_edges.tsv", sep="\t")
    module = gl.Module.load(done.folder / "05_module.tsv")
    network = pd.read_csv(done.folder.parent / "network.csv")
    known = set(network.iloc[:, 0]) | set(network.iloc[:, 1])
    assert set(nodes.loc[nodes["role"] != "connector", "gene"]) == known & set(module.selected)
    assert set(edges["source"]) | set(edges["target"]) <= set(nodes["gene"])
    assert len(nx.read_graphml(done.folder / "05_module_network.graphml").edges) == len(edges)
    shown = json.loads((done.folder / "report.json").read_text())["module_network"]
    assert [shown[role] for role in ("core", "connector", "apart")] == [
        int((nodes["role"] == role).sum()) for role in ("core", "connector", "apart")
    ]
    assert all(str(gene["gene"]) in (done.folder / "report.html").read_text() for gene in shown["connectors"])


def test_a_second_cohort_is_asked_by_its_own_subjects_and_shown(done, cohort):
    found = Preservation.load(done.folder / "05_second_cohort.tsv")
    assert found.verdict == "preserved"
    assert found.about["case_subjects"] + found.about["control_subjects"] == cohort.obs["subject"].nunique()
    shown = json.loads((done.folder / "report.json").read_text())["second_cohort"]
    assert [row["measure"] for row in shown["measures"]] == found.table["measure"].tolist()
    assert "In a second cohort" in (done.folder / "report.html").read_text()


def test_every_gene_stands_over_both_cohorts(done):
    table = gl.Module.load(done.folder / "05_cohorts.tsv").table
    assert {f"{what} {name}" for what in ("effect", "se") for name in ("this cohort", "second cohort")} <= set(table)
    own = gl.Module.load(done.folder / "05_module_de.tsv").table.set_index("gene")["t"]
    assert np.sign(table["effect this cohort"]).tolist() == np.sign(own.loc[table["gene"]]).tolist()
    assert 'data-draw="forest"' in (done.folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [("case", "nothing == 1", "nothing"), ("expression", "absent.h5ad", "absent.h5ad"), ("subjct", "x", "subject")],
)
def test_a_second_cohort_that_does_not_fit_stops_before_anything_is_written(folder, key, value, error):
    settings = {"expression": "cohort.h5ad", "case": 'condition == "case"', "control": 'condition == "control"'}
    lines = [f"{name} = {json.dumps(text)}" for name, text in (settings | {key: value}).items()]
    (folder / "study.toml").write_text("\n".join([STUDY, "[second]", *lines]))
    with pytest.raises(GenelightError, match=error):
        run(Study.load(folder / "study.toml"), folder / "RUN")
    assert not (folder / "RUN").exists()


def test_a_second_cohort_of_other_genes_is_refused(folder, cohort):
    other = cohort.copy()
    other.var_names = [f"OTHER{i}" for i in range(other.n_vars)]
    other.write_h5ad(folder / "second.h5ad")
    (folder / "study.toml").write_text(
        STUDY + SECOND.replace('subject = "title"', 'subject = "subject"').replace("^(S[0-9]+)", "(.*)")
    )
    with pytest.raises(GenelightError, match="second"):
        run(Study.load(folder / "study.toml"), folder / "RUN")
    assert not (folder / "RUN").exists()


def test_finds_the_planted_module_and_its_sets(done, cohort):
    module = gl.Module.load(done.folder / "05_module.tsv")
    truth = set(cohort.var_names[cohort.var["module"]])
    assert len(truth & set(module.selected)) > 0.7 * min(len(truth), 60)
    evidence = gl.Evidence.load(done.folder / "06_evidence.parquet")
    rows = evidence.of(f"{module.name} [{module.method}]")
    best = rows[rows["test"] == "hypergeometric"].iloc[0]
    relabelled = rows[rows["test"] == "overlap_relabelled"].iloc[0]
    planted = cohort.uns["simulate"]["disease_programmes"]
    assert best["q"] < 1e-6
    assert relabelled["q"] <= 0.05
    assert any(str(name) in best["reference"] for name in planted)


def test_nodes_are_ranked_by_reproducibility_times_effect(done, cohort):
    table = pd.read_csv(done.folder / "04_nodes.tsv", sep="\t")
    scored = pd.read_csv(done.folder / "04_reproducibility.tsv", sep="\t").set_index("node")
    product = scored.loc[table["node"], "reproducibility"].to_numpy() * table["effect"].abs()
    np.testing.assert_allclose(table["rank_score"], product)
    assert table["rank_score"].is_monotonic_decreasing
    assert set(scored["layer"]) == {"L1", "L2", "L3", "PC", "IC"}
    assert set(scored["members"]) == {3}
    shown = [row for row in json.loads((done.folder / "report.json").read_text())["nodes"] if not row["state"]]
    assert [row["rank_score"] for row in shown] == sorted((row["rank_score"] for row in shown), reverse=True)


def test_cards_of_the_first_nodes_carry_stability_and_no_subject(done, cohort):
    cards = json.loads((done.folder / "04_cards.json").read_text())["cards"]
    table = pd.read_csv(done.folder / "04_nodes.tsv", sep="\t", keep_default_na=False)
    assert [card["node"] for card in cards] == list(table.loc[table["state"] == "", "node"].head(len(cards)))
    stability = [gene["stability"] for card in cards for gene in card["genes"]]
    assert all(0 <= share <= 1 for share in stability)
    assert cards[0]["reproducibility"]["members"] == 3
    text = json.dumps(cards)
    assert not [subject for subject in cohort.obs["subject"].unique() if f'"{subject}"' in text]


def test_without_seeds_nothing_of_an_ensemble_is_there(ran):
    (ran / "study.toml").write_text(STUDY.replace("seeds = 3", "seeds = 0"))
    run(Study.load(ran / "study.toml"), ran / "RUN")
    assert not {"04_reproducibility.tsv", "04_programmes.tsv"} & names(ran / "RUN")
    report = json.loads((ran / "RUN" / "report.json").read_text())
    assert report["reproducibility"] is None
    assert report["cards"]
    effects = [abs(row["effect"]) for row in report["nodes"] if not row["state"] and row["support"] == 0]
    assert effects == sorted(effects, reverse=True)


def test_held_out_figures_are_of_subjects_never_seen(done, cohort):
    scores = pd.read_csv(done.folder / "05_scores.tsv", sep="\t")
    assert (scores.groupby("subject")["fold"].nunique() == 1).all()
    held_out = json.loads((done.folder / "03_model" / "config.json").read_text())["held_out"]
    by_subject = pd.read_csv(done.folder / "05_r2_by_subject.tsv", sep="\t")
    model = by_subject[by_subject["model"] == "autoencoder"]
    assert held_out["r2"] == pytest.approx(1 - model["sse"].sum() / model["sst"].sum())
    assert held_out["subjects"] == cohort.obs["subject"].nunique()


def test_the_resolved_study_is_read_back_the_same(done):
    study = Study.load(done.folder / "study.toml")
    assert study.model.widths == (24, 12, 6)
    assert to_toml(study.seen_from(done.folder)) == (done.folder / "study.toml").read_text()


def test_nothing_is_done_twice(plain):
    outcome, said = plain
    before = {p: p.stat().st_mtime_ns for p in outcome.folder.rglob("*") if p.is_file()}
    again = []
    run(Study.load(outcome.folder.parent / "study.toml"), outcome.folder, say=again.append)
    optional = {"reference", "scorecard", "second_cohort", "patients"}
    assert len(said) == 1 + len([step for step in STEPS if step.name not in optional])
    assert again == ["reading and checking"]
    assert before == {p: p.stat().st_mtime_ns for p in outcome.folder.rglob("*") if p.is_file()}


def test_only_what_a_change_touches_is_done_again(ran):
    (ran / "study.toml").write_text(STUDY.replace("draws = 99", "draws = 199"))
    said = []
    run(Study.load(ran / "study.toml"), ran / "RUN", say=said.append)
    assert said == ["reading and checking", "testing nodes and modules", "writing the report"]


def test_what_a_study_no_longer_has_is_removed(ran):
    (ran / "study.toml").write_text(STUDY.replace("[24, 12, 6]", "[24, 12]"))
    run(Study.load(ran / "study.toml"), ran / "RUN")
    assert "04_nodes_L3.parquet" not in names(ran / "RUN")
    assert {"04_nodes_L1.parquet", "04_nodes_L2.parquet"} < names(ran / "RUN")


def test_a_step_that_is_dropped_takes_its_files_with_it_and_no_others(tmp_path):
    ledger = Ledger(tmp_path / "RUN")
    ledger.step("a", inputs=[1], outputs=["a.txt"], work=lambda: (tmp_path / "RUN" / "a.txt").touch() or None)
    (tmp_path / "kept.txt").touch()
    ledger.steps["a"]["outputs"]["../kept.txt"] = "made up"
    ledger.drop("a")
    assert names(tmp_path / "RUN") == {"steps.json"}
    assert (tmp_path / "kept.txt").exists()
    assert Ledger(tmp_path / "RUN").steps == {}


def test_every_step_stands_behind_those_it_reads_from():
    seen = []
    for step in STEPS:
        assert set(step.after or ()) <= set(seen), step.name
        seen.append(step.name)
    assert len(set(seen)) == len(seen)
    assert seen[-1] == "report"


def test_a_damaged_artefact_is_made_again(ran):
    whole = (ran / "RUN" / "05_module.tsv").read_text()
    (ran / "RUN" / "05_module.tsv").write_text(whole[:100])
    run(Study.load(ran / "study.toml"), ran / "RUN")
    assert (ran / "RUN" / "05_module.tsv").read_text() == whole


def test_two_runs_give_the_same_numbers(plain, folder):
    first = plain[0]
    second = run(Study.load(folder / "study.toml"), folder / "RUN")
    assert first.findings == second.findings
    for name in ("05_module.tsv", "05_held_out.tsv", "04_nodes.tsv"):
        assert (first.folder / name).read_text() == (second.folder / name).read_text()


def test_the_template_is_a_study_once_filled_in(folder):
    (folder / "new.toml").write_text(template())
    study = Study.load(folder / "new.toml")
    assert study.module.size == 200
    assert study.network.file == "embedded"


@pytest.mark.parametrize(
    ("old", "new", "kind", "words"),
    [
        ("widths = [24", "widhts = [24", UnknownNameError, "did you mean 'widths'"),
        ("[module]", "[modul]", UnknownNameError, "did you mean 'module'"),
        ("[contrast]", "[data.contrast]", InputError, "contrast"),
        ("seeds = 3", "seeds = 1", InputError, "an ensemble of one has nothing to compare; use 10"),
        ("size = 60", 'size = "many"', InputError, "size = 'many' does not fit"),
        ("size = 60", "size = 290", InputError, "more than half of the 300 genes"),
        ("folds = 3", "folds = 300", InputError, "only 15 subjects; write folds = 15"),
        ("folds = 3", 'folds = 3\nmethod = "directoin"', UnknownNameError, "did you mean 'direction'"),
        ("folds = 3", 'folds = 3\nlayer = "L4"', UnknownNameError, "there are 3: L1, L2, L3"),
        ("widths = [24, 12, 6]", "widths = [2400, 12, 6]", InputError, "widths = [2400, 12, 6]"),
        ('subject = "subject"', 'subject = "subjcet"', UnknownNameError, "did you mean 'subject'"),
        ('condition == "case"', 'conditoin == "case"', UnknownNameError, "did you mean 'condition'"),
        ('condition == "case"', 'condition == "ill"', InputError, "selects none of 60 samples; condition has 'c"),
        ('"cohort.h5ad"', '"absent.h5ad"', GenelightError, "absent.h5ad"),
        ('"network.csv"', '"sets.gmt"', GenelightError, "sets.gmt"),
        ("[data]", "[data", FormatError, "not valid TOML"),
    ],
)
def test_a_bad_study_says_what_to_type_and_leaves_nothing(folder, old, new, kind, words):
    assert old in STUDY
    (folder / "study.toml").write_text(STUDY.replace(old, new))
    before = names(folder)
    with pytest.raises(kind) as caught:
        run(Study.load(folder / "study.toml"), folder / "RUN")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names(folder) == before


def spoil_nan(adata):
    adata.X[3, 5] = np.nan
    return adata


def spoil_infinite(adata):
    adata.X[3, 5] = np.inf
    return adata


def spoil_duplicates(adata):
    adata.var_names = [*adata.var_names[:-1], adata.var_names[0]]
    return adata


def spoil_constant(adata):
    adata.X[:] = 7.0
    return adata


def spoil_few(adata):
    return adata[:6].copy()


def spoil_subjects(adata):
    adata.obs["subject"] = ["a", "b"] * (adata.n_obs // 2)
    return adata


def spoil_ids(adata):
    adata.var_names = [f"ENSG{i:011d}" for i in range(adata.n_vars)]
    return adata


def spoil_scale(adata):
    adata.X = np.round(2**adata.X)
    return adata


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_nan, "1 missing (NaN) and 0 infinite values in 1 genes"),
        (spoil_infinite, "0 missing (NaN) and 1 infinite values in 1 genes"),
        (spoil_duplicates, "occur more than once"),
        (spoil_constant, "300 are constant"),
        (spoil_few, "at least 3 subjects are needed"),
        (spoil_subjects, "at least 3 subjects are needed"),
        (spoil_ids, "only 2 of 300 ids"),
        (spoil_scale, "look like scale = 'counts'"),
    ],
)
def test_bad_expression_says_what_it_is_and_leaves_nothing(folder, cohort, spoil, words):
    spoil(cohort.copy()).write_h5ad(folder / "cohort.h5ad")
    before = names(folder)
    with pytest.raises(GenelightError) as caught:
        run(Study.load(folder / "study.toml"), folder / "RUN")
    assert words in str(caught.value)
    assert names(folder) == before


def test_a_folder_with_other_things_in_it_is_left_alone(folder):
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(InputError, match="no run folder"):
        run(Study.load(folder / "study.toml"), folder / "thesis")
    assert names(folder / "thesis") == {"chapter.txt"}


def test_a_deep_model_goes_the_whole_way(folder):
    text = STUDY.replace("widths = [24, 12, 6]", 'group = "subject"\nwidths = [16, 6, 32]').replace(
        "seeds = 3", "seeds = 2"
    )
    (folder / "study.toml").write_text(text)
    outcome = run(Study.load(folder / "study.toml"), folder / "RUN")
    assert gl.load(folder / "RUN" / "03_model").name == "deep"
    assert "PCA" in (folder / "RUN" / "report.html").read_text()
    assert len(outcome.findings) == 5
