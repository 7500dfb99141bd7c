"""A study read through a model of other samples: nothing is trained, everything else is as it was."""

import html
import json

import numpy as np
import pandas as pd
import pytest

import genelight as gl
from genelight._core.provenance import read_json
from genelight.errors import InputError
from genelight.models.reference.panel import Panel
from genelight.nouns import Genes
from genelight.report._render import render
from genelight.report._summary import summarise
from genelight.study import Study, check, rerun, run, verify
from genelight.study._inputs import Inputs

from ..small_study import REFERENCE, by_group, everyone, write_priors

STUDY = f"""
[data]
expression = "cohort.h5ad"
subject = "subject"
{REFERENCE}"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a reference of 68 people and a cohort of six against six others, on 260 of its genes."""
    folder = tmp_path_factory.mktemp("reference")
    people = everyone()
    ill, well = by_group(people)
    few = [*ill[:6], *well[:6]]
    others = people[~people.obs_names.isin(few)].copy()
    others.obs["study"] = np.resize(["one", "two", "three"], others.n_obs)
    model = gl.models.PCA(8).fit(others)
    gl.models.learn_within(others, model, group="study")
    model.save(folder / "reference")
    people[few, 20:280].copy().write_h5ad(folder / "cohort.h5ad")
    write_priors(folder, people)
    (folder / "study.toml").write_text(STUDY)
    return folder


@pytest.fixture(scope="module")
def done(world):
    return run(Study.load(world / "study.toml"), world / "RUN")


def study_with(world, name, text):
    path = world / f"{name}.toml"
    path.write_text(text)
    return path


def test_nothing_is_trained_and_all_else_is_there(done, world):
    names = {path.name for path in done.folder.iterdir()}
    assert {"03_model", "04_nodes_PC.parquet", "05_module.tsv", "05_module_de.tsv", "05_held_out.tsv"} <= names
    assert {"05_reference.json", "06_evidence.parquet", "report.html", "run.json"} <= names
    assert not names & {"03_ensemble", "03_pca", "05_module_pca.tsv", "07_scorecard.parquet"}
    assert gl.load(done.folder / "03_model").digest == gl.load(world / "reference").digest
    assert any("read through the model" in account for account in done.accounts)


def test_a_second_cohort_of_the_same_samples_is_not_combined_and_that_is_said(world):
    sides = [f"{side} = 'condition == \"{side}\"'" for side in ("case", "control")]
    second = "\n".join(["[second]", 'expression = "cohort.h5ad"', 'subject = "subject"', *sides])
    found = run(Study.load(study_with(world, "same", STUDY + second)), world / "SAME").folder
    assert not (found / "05_cohorts.tsv").exists()
    page = html.unescape((found / "report.html").read_text(encoding="utf-8"))
    assert "Genes are not combined over both cohorts" in page
    assert json.loads((found / "report.json").read_text(encoding="utf-8"))["second_cohort"]["apart"] in page


def test_the_module_is_of_the_measured_genes_by_the_reference(done):
    module = gl.Module.load(done.folder / "05_module.tsv")
    assert module.about["chosen"] == "reference"
    assert len(module.table) == 260
    assert {"t", "lfsr"} <= set(module.table)
    assert module.table["lfsr"].notna().all()
    assert 0 <= module.about["auc"] <= 1


def test_what_the_reference_adds_is_written_down(done):
    found = read_json(done.folder / "05_reference.json")
    assert found["fit"]["verdict"] == "fits"
    assert found["fit"]["samples"] == 12
    assert 0 < found["concordance"] <= 1
    module = gl.Module.load(done.folder / "05_module.tsv").table.set_index("gene")
    for gene in found["genes"]:
        assert gene["score"] == pytest.approx(module.loc[gene["gene"], "score"])
        assert gene["rank"] == module.loc[gene["gene"], "rank"]
    axes = {axis["axis"]: axis for axis in found["axes"]}
    lead = found["genes"][0]
    assert {part["axis"] for part in lead["axes"]} <= set(axes)
    assert sum(axis["share"] for axis in axes.values()) <= 1 + 1e-9


def test_the_report_says_what_the_reference_adds(done):
    summary = summarise(done.folder)
    found = summary["reference"]
    assert found["short"] == "Which genes change together"
    assert "of the change that exceeds noise lies along the 8 axes of reference" in found["text"]
    assert found["genes"][0]["moved"] == found["genes"][0]["rank_t"] - found["genes"][0]["rank"]
    assert found["forecast"]
    assert "other cohorts of this disease are expected to find" in summary["module"]["forecast"]
    assert summary["findings"][3].startswith("Read through the model reference")
    assert [a["question"] for a in summary["verdict"]["answers"]][-1] == "What does the reference add?"
    assert not {"reconstruction", "nodes"} & set(summary["missing"])
    assert {node["node"] for node in summary["nodes"]} == {f"PC.{k}" for k in range(8)}
    assert not any(row["control"] for row in summary["layers"])
    assert "No model was trained on these samples" in summary["paragraph"]["text"]
    page = (done.folder / "report.html").read_text()
    assert 'id="reference"' in page
    assert "Leading genes by t and through the reference" in page
    assert "## What the reference adds" in render(summary, "markdown")


def test_a_run_through_a_reference_is_whole_and_done_again_alike(done):
    assert verify(done.folder).whole
    again = rerun(done.folder)
    assert not again.differ, again.to_text()
    assert read_json(done.folder / "run.json")["reference"]


def test_the_same_run_again_does_nothing(done, world):
    before = {path: path.stat().st_mtime_ns for path in done.folder.rglob("*") if path.is_file()}
    run(Study.load(world / "study.toml"), done.folder)
    assert before == {path: path.stat().st_mtime_ns for path in done.folder.rglob("*") if path.is_file()}


def test_another_reference_is_another_run(done, world):
    record = json.loads((done.folder / "run.json").read_text())
    other = gl.models.PCA(4).fit(gl.io.read(world / "cohort.h5ad", dense=True))
    other.save(world / "other")
    text = STUDY.replace('"reference"\n', '"other"\n')
    inputs = Inputs.read(Study.load(study_with(world, "other_study", text)))
    assert inputs.reference.digest != record["reference"]


def test_check_expects_no_training_and_says_what_is_read(world):
    found = check(world / "study.toml")
    assert not found.problems, found
    assert found.facts["trainings"] == 0
    assert "on 260 of its 300 genes" in str(found)
    assert 'reference = "human"' not in str(found)


def test_check_does_not_advise_a_reference_that_lacks_the_genes(world):
    found = check(study_with(world, "own", STUDY.replace('reference = "reference"', "widths = [4, 2, 2]")))
    assert not found.problems
    assert 'reference = "human"' not in str(found)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("widths = [8, 4, 2]", r"is trained already; leave out widths"),
        ('preset = "deep"', r"is trained already; leave out preset"),
        ('[scorecard]\nlabels = ["condition"]', r"\[scorecard\] judges how a model is trained"),
    ],
)
def test_settings_that_contradict_a_given_model_are_refused(world, more, says):
    text = STUDY + more if more.startswith("[") else STUDY.replace('"reference"\n', f'"reference"\n{more}\n')
    with pytest.raises(InputError, match=says):
        Inputs.read(Study.load(study_with(world, "wrong", text)))


def test_ratios_are_refused_with_what_they_are(world):
    adata = gl.io.read(world / "cohort.h5ad", dense=True)
    adata.X = np.asarray(adata.X) - np.asarray(adata.X).mean(0) + 8
    adata.write_h5ad(world / "ratios.h5ad")
    text = STUDY.replace("cohort.h5ad", "ratios.h5ad")
    with pytest.raises(InputError, match="do not stand in the order that the model knows"):
        Inputs.read(Study.load(study_with(world, "ratios", text)))


def test_three_against_three_hold_nobody_out(world):
    adata = gl.io.read(world / "cohort.h5ad", dense=True)
    adata[[0, 1, 2, 6, 7, 8]].copy().write_h5ad(world / "few.h5ad")
    study = Study.load(study_with(world, "few", STUDY.replace("cohort.h5ad", "few.h5ad")))
    done = run(study, world / "FEW")
    names = {path.name for path in done.folder.iterdir()}
    assert "05_module.tsv" in names
    assert not names & {"05_held_out.tsv", "03_pca"}
    module = gl.Module.load(done.folder / "05_module.tsv")
    assert module.about["chosen"] == "reference"
    assert "auc" not in module.about


def test_a_panel_reads_as_the_whole_model_does(world):
    whole = gl.load(world / "reference")
    adata = gl.io.read(world / "cohort.h5ad", dense=True)
    panel = Panel(whole, Genes(tuple(adata.var_names)))
    x_ng = panel.prepare(adata)
    np.testing.assert_allclose(x_ng, whole.prepare(adata)[:, panel.index_g], atol=1e-5)
    h_nk = whole.encode(whole.prepare(adata), "PC")
    np.testing.assert_allclose(panel.encode(x_ng, "PC"), h_nk, atol=1e-4)
    np.testing.assert_allclose(panel.decode(h_nk, "PC"), whole.decode(h_nk, "PC")[:, panel.index_g], atol=1e-5)
    assert pd.Index(panel.genes.ids).equals(adata.var_names)
