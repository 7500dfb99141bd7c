"""Patients in a run: scores that follow a planted measure, the report's part, and ids only where asked."""

import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

import genelight as gl
from genelight import cli
from genelight.errors import InputError, UnknownNameError
from genelight.nouns import Severity
from genelight.report._read import read_run
from genelight.report.sections._patients import Patients as Section
from genelight.study import Study, run
from genelight.study._inputs import Inputs
from genelight.study._readings import expression
from genelight.study._template import template
from genelight.study.steps import Bench
from genelight.study.steps._patients import score_patients

from ..small_study import write_priors

STUDY = """
[data]
expression = "cohort.h5ad"
subject = "subject"

[contrast]
case = 'condition == "case"'
control = 'condition == "control"'

[model]
widths = [12, 6]
epochs = 3
seeds = 0

[network]
file = "network.csv"

[[sets]]
file = "sets.gmt"
name = "planted"

[module]
size = 40
bootstraps = 10
permutations = 9
folds = 3

[tests]
n_top = 40
draws = 99

[patients]
measure = "activity"
permutations = 9
shown = 3
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patients")
    cohort = gl.simulate.cohort(
        30, visits=2, n_genes=200, programmes=gl.simulate.Programmes(number=4, size=30, diseased=2, effect=2.0), seed=1
    )
    rng = np.random.default_rng(0)
    cohort.obs["activity"] = np.asarray(cohort[:, cohort.var["module"]].X).mean(1) * 5 + rng.normal(size=60) * 0.2
    cohort.obs["subject"] = [f"Person-{s}" for s in cohort.obs["subject"]]
    cohort.obs_names = [f"Visit-{i}" for i in range(60)]
    cohort.write_h5ad(folder / "cohort.h5ad")
    write_priors(folder, cohort, n_random=5)
    (folder / "study.toml").write_text(STUDY)
    return folder


@pytest.fixture(scope="module")
def trained():
    """Samples of each training of the study's autoencoder, in order."""
    return []


@pytest.fixture(scope="module")
def done(folder, trained):
    fit = gl.models.Autoencoder.fit

    def counted(self, adata, **given):
        trained.append(adata.n_obs)
        return fit(self, adata, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gl.models.Autoencoder, "fit", counted)
        return run(Study.load(folder / "study.toml"), folder / "RUN").folder


def test_a_run_trains_each_fold_once_and_everyone_once(done, trained):
    assert trained == [40, 40, 40, 60]
    assert Severity.load(done / "07_severity.parquet").about["refitted"]


def table(done, name="07_patients.tsv"):
    return pd.read_csv(done / name, sep="\t")


def shown(done):
    return (done / "report.html").read_text(), (done / "report.json").read_text()


def test_scores_follow_the_planted_measure_and_intervals_hold_it(done):
    rows = table(done)
    assert len(rows) == 60
    assert spearmanr(rows["score"], rows["measure"]).statistic > 0.5
    assert rows["measure"].between(rows["low"], rows["high"]).mean() > 0.75
    assert rows.groupby("patient")["sample"].count().eq(2).all()


def test_figures_in_the_report_are_those_of_the_frozen_score(done):
    score = Severity.load(done / "07_severity.parquet")
    found = json.loads(shown(done)[1])["patients"]
    assert [row["value"] for row in found["figures"]] == pytest.approx(list(score.figures["value"]))
    assert "all genes" in [row["label"] for row in found["figures"]]
    assert len(found["calibration"]) == 5
    assert "stable groups" in found["groups"]["verdict"]


def test_the_most_severe_stand_in_order_with_what_drives_them(done):
    rows = table(done).sort_values("score", ascending=False).drop_duplicates("patient")
    found = json.loads(shown(done)[1])["patients"]["most_severe"]
    assert [row["name"] for row in found] == [str(p) for p in rows["patient"].head(3)]
    others = rows["score"].iloc[1:]
    assert found[0]["others"] == 29
    assert found[0]["inside"] == int(others.between(rows["low"].iloc[0], rows["high"].iloc[0]).sum())
    assert [row["place"] for row in found] == [1, 2, 3]
    assert all(len(row["genes"]) == 6 for row in found)


def test_drivers_are_of_the_very_samples_with_the_highest_scores(done):
    drivers = table(done, "07_drivers.tsv")
    highest = table(done).sort_values("score", ascending=False).drop_duplicates("patient").head(3)
    assert set(zip(drivers["patient"], drivers["sample"], strict=True)) == set(
        zip(highest["patient"], highest["sample"], strict=True)
    )
    assert (drivers.groupby("patient")["rank"].max() == 10).all()


def test_says_once_that_it_is_no_medical_device(done):
    assert shown(done)[0].count("ot a medical device") == 1


def test_ids_are_shown_only_where_asked(done):
    shared = [(done / name).read_text() for name in ("07_patients.tsv", "07_drivers.tsv")]
    assert not any("Person-" in text or "Visit-" in text for text in (*shown(done), *shared))
    key = table(done, "07_patients_key.tsv")
    numbers = [row["name"] for row in json.loads(shown(done)[1])["patients"]["most_severe"]]
    asked = Section().gather(read_run(done, show_ids=True), pd.DataFrame())
    named = [key.loc[key["patient"] == int(n), "subject_id"].iloc[0] for n in numbers]
    assert [row["name"] for row in asked["most_severe"]] == named
    assert all(name.startswith("Person-") for name in named)


def test_the_page_names_patients_where_the_command_line_asks(done, tmp_path, monkeypatch):
    for path in (done / "study.toml", *done.glob("07_*")):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(sys, "argv", ["genelight", "report", str(tmp_path), "--show-ids"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert all("Person-" in text for text in shown(tmp_path))
    assert "names patients" in shown(tmp_path)[0]


def test_the_command_run_asks_for_ids_and_nothing_is_computed_again_for_it(folder, done, monkeypatch):
    asked = []
    monkeypatch.setattr(gl.study, "run", lambda study, out: asked.append(study))
    for words in ([], ["--show-ids"]):
        monkeypatch.setattr(sys, "argv", ["genelight", "run", str(folder / "study.toml"), "--out", "RUN", *words])
        with pytest.raises((SystemExit, AttributeError)):
            cli.main()
    assert [study.patients.show_ids for study in asked] == [False, True]
    benches = [Bench(Inputs.read(study), done) for study in asked]
    assert score_patients.depends(benches[0]) == score_patients.depends(benches[1])


def test_show_ids_without_patients_says_what_is_missing(folder, tmp_path):
    (tmp_path / "study.toml").write_text("")
    with pytest.raises(InputError, match="07_patients_key"):
        gl.report.report(tmp_path, show_ids=True)
    with pytest.raises(InputError, match=r"no section \[patients\]"):
        Study.demo().showing_ids()


@pytest.mark.parametrize(
    ("old", "new", "kind", "words"),
    [
        ('"activity"', '"activty"', UnknownNameError, "did you mean 'activity'"),
        ('"activity"', '"condition"', InputError, "not numbers"),
        ('"activity"', "'condition == \"ill\" against hours == 0'", InputError, "selects none"),
        ("shown = 3", 'time = "visits"', UnknownNameError, "did you mean 'visit'"),
        ("shown = 3", 'beside = ["visits"]', UnknownNameError, "did you mean 'visit'"),
        ("shown = 3", 'explain = ["batch no"]', UnknownNameError, "batch no"),
        ("shown = 3", "drop = 'condition == \"case\"'", InputError, "set groups = false"),
        ("shown = 3", "show_id = true", UnknownNameError, "did you mean 'show_ids'"),
    ],
)
def test_a_bad_section_says_what_to_type_before_anything_is_computed(folder, old, new, kind, words):
    (folder / "bad.toml").write_text(STUDY.replace(old, new))
    with pytest.raises(kind) as caught:
        run(Study.load(folder / "bad.toml"), folder / "BAD")
    assert words in str(caught.value)
    assert not (folder / "BAD").exists()


def test_the_template_has_the_section_commented_out():
    assert "# [patients]" in template()
    assert '# measure = "sledai"' in template()


def test_visits_of_a_person_count_as_one_subject_everywhere(folder, tmp_path):
    cohort = gl.read(folder / "cohort.h5ad")
    order = cohort.obs.groupby("subject", observed=True).cumcount()
    titles = [f"{s}V{i}" for s, i in zip(cohort.obs["subject"].astype(str), order, strict=True)]
    persons = cohort.obs["subject"].astype(str).to_numpy()
    cohort.obs["subject"] = titles
    cohort.write_h5ad(tmp_path / "cohort.h5ad")
    for name in ("network.csv", "sets.gmt"):
        shutil.copy(folder / name, tmp_path / name)
    named = STUDY.replace('subject = "subject"', "subject = \"subject\"\nsubject_pattern = '(.+)V[0-9]+$'")
    (tmp_path / "study.toml").write_text(named)
    bench = Bench(Inputs.read(Study.load(tmp_path / "study.toml")), tmp_path / "RUN")
    persons = pd.Series(persons, cohort.obs_names)[bench.inputs.persons.obs_names]
    np.testing.assert_array_equal(bench.inputs.persons.obs["subject"], persons)
    np.testing.assert_array_equal(bench.inputs.spec.subjects(bench.inputs.adata), persons)
    np.testing.assert_array_equal(bench.folds.subject_n, persons)


@pytest.mark.parametrize("standardise", ["zscore", "minmax", "centre"])
def test_expression_is_given_back_on_the_scale_it_was_read_on(standardise):
    adata = gl.demo.cohort()[:60, :50].copy()
    model = gl.models.PCA(4).fit(adata, preparation=gl.prepare(adata, standardise=standardise))
    log2_ng = adata[:, list(model.genes.ids)].X
    np.testing.assert_allclose(expression(model, adata), log2_ng, atol=1e-4)
