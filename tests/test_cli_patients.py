"""The command line of patients, on the embedded cohort."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import genelight as gl
from genelight import cli
from genelight.nouns.changes import Changes
from genelight.patients.score import Scores


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patients")
    adata = gl.demo.cohort()[:, :200].copy()
    adata.obs["gap"] = adata.obs["hours"].where(adata.obs["hours"] < 100)
    adata.write_h5ad(folder / "flu.h5ad")
    gl.models.PCA(8).fit(adata).save(folder / "model")
    return folder


@pytest.fixture
def call(monkeypatch, files):
    monkeypatch.chdir(files)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["genelight", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code

    return run


def test_severity(call, files, capsys):
    learn = ["severity", "flu.h5ad", "--model", "model", "--subject", "subject", "--measure"]
    assert call(*learn, "hours", "--drop", "hours > 80", "--out", "s.parquet") == 0
    assert "severity spearman" in " ".join(capsys.readouterr().out.split())
    assert call(*learn, "hours", "--beside", "age", "--layer", "PC", "--seed", "3", "--out", "b.parquet") == 0
    learned = gl.nouns.Severity.load(Path("b.parquet"))
    assert learned.about["beside"] == ["age"]
    assert learned.parts == ["PC"]
    assert call(*learn, "hours", "--layer", "L9", "--out", "e.parquet") == 2
    assert "L9" in capsys.readouterr().err
    assert call(*learn, "hours", "--beside", "hours", "--out", "e.parquet") == 2
    assert "beside 'hours' is the measure" in capsys.readouterr().err
    ill = 'condition == "symptomatic" and hours >= 45 against hours == 0'
    assert call(*learn, ill, "--out", "d.parquet") == 0
    assert "severity auc" in " ".join(capsys.readouterr().out.split())
    assert call(*learn, "condition", "--out", "e.parquet") == 2
    assert "not numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("measure", "subject", "words"),
    [
        ("same", "subject", "is 3 for all 252 samples that have it; nothing to learn"),
        ("few", "subject", "missing for 242 of 252 samples"),
        ("hours", "one", "252 samples of 1 subject, at least 5 subjects are needed"),
        ("hours until condition", "subject", "event 'condition' has 252 values that are not numbers"),
    ],
)
def test_a_measure_that_says_nothing_is_refused_in_one_line(call, files, capsys, measure, subject, words):
    if " until " in measure:
        pytest.importorskip("lifelines")
    adata = gl.demo.cohort()[:, :200].copy()
    adata.obs = adata.obs.assign(same=3.0, few=np.where(np.arange(252) < 10, adata.obs["hours"], np.nan), one="me")
    adata.write_h5ad(files / "bad.h5ad")
    learn = ["severity", "bad.h5ad", "--model", "model", "--out", "bad.parquet"]
    assert call(*learn, "--measure", measure, "--subject", subject) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (files / "bad.parquet").exists()


def test_groups_and_scores_of_new_samples(call, files, capsys):
    assert call("stratify", "flu.h5ad", "--model", "model", "--out", "g.parquet", "--explain", "age,sex") == 0
    assert "stable groups" in capsys.readouterr().out
    new = ["score", "flu.h5ad", "--model", "model", "--out", "scores.tsv"]
    assert call(*new) == 2
    assert "nothing to score by: this pca kept no record" in capsys.readouterr().err
    assert call(*new, "--groups", "g.parquet") == 0
    assert "252 samples" in capsys.readouterr().out
    assert len(Scores.load(files / "scores.tsv").table) == 252
    assert call("score", "flu.h5ad", "--model", "model", "--out", "x.tsv", "--groups", "flu.h5ad") == 2


def test_groups_over_cohorts(call, capsys):
    ask = ["stratify", "flu.h5ad", "--model", "model", "--out", "h.parquet", "--tested", "condition"]
    assert call(*ask) == 2
    assert "--by study" in capsys.readouterr().err
    assert call(*ask, "--by", "hours", "--explain", "age") == 2
    assert "--tested age" in capsys.readouterr().err
    assert call(*ask, "--by", "hours") == 0
    assert "stable groups" in capsys.readouterr().out
    found = gl.nouns.Groups.load(Path("h.parquet"))
    assert found.about["cohort"] == "hours"


def test_treatment_and_time(call, files, capsys):
    who = ["flu.h5ad", "--model", "model", "--subject", "subject", "--out"]
    ask = ["--treated", "hours >= 60", "--untreated", "hours <= 12", "--adjust", "age"]
    assert call("contrast", *who, "c.tsv", *ask) == 0
    assert "Observational" in capsys.readouterr().out
    assert call("trajectories", *who, "t.tsv", "--time", "hours") == 0
    assert call("trajectories", *who, "g.tsv", "--time", "gap") == 2
    assert "drop = 'gap.isna()'" in capsys.readouterr().err
    assert call("trajectories", *who, "g.tsv", "--time", "gap", "--drop", "gap.isna()") == 0
    assert "PC." in capsys.readouterr().out
    assert len(Changes.load(files / "t.tsv").table) == 8


def test_a_model_alone_scores_by_what_it_has_seen(call, files, capsys):
    gl.fit(gl.demo.cohort()[:, :200], widths=(8, 4), subject="subject", epochs=2).save(files / "alone")
    assert call("score", "flu.h5ad", "--model", "alone", "--out", "alone.tsv") == 0
    table = Scores.load(files / "alone.tsv").table
    assert table["severity"].isna().all()
    inside = table[table["inside"]]
    assert len(inside) > 150
    assert inside["programmes"].str.contains(r"^L2\.\d+ \(").all()
    assert table.loc[~table["inside"], "reasons"].str.contains("p = ").all()


def test_a_model_with_a_score_and_groups_inside_or_a_run_around_it_uses_them(call, files, capsys):
    learn = ["flu.h5ad", "--model", "model", "--subject", "subject"]
    assert call("severity", *learn, "--measure", "hours", "--out", "model/severity.parquet") == 0
    assert call("score", "flu.h5ad", "--model", "model", "--out", "carried.tsv") == 0
    assert "by model/severity.parquet" in capsys.readouterr().out
    assert Scores.load(files / "carried.tsv").table["severity"].notna().sum() > 150
    (files / "run").mkdir()
    shutil.copytree(files / "model", files / "run" / "03_model", ignore=lambda *_: ["severity.parquet"])
    shutil.move(files / "model" / "severity.parquet", files / "run" / "07_severity.parquet")
    for model in ("run", "run/03_model"):
        assert call("score", "flu.h5ad", "--model", model, "--out", f"{model.replace('/', '_')}.tsv") == 0
        assert "07_severity.parquet" in capsys.readouterr().out


def test_samples_of_another_laboratory_are_refused_with_what_to_type(call, files, capsys):
    assert call("severity", "flu.h5ad", "--model", "model", "--measure", "hours", "--out", "lab.parquet") == 0
    shifted = gl.demo.cohort()[:, :200].copy()
    shifted.X = shifted.X + np.random.default_rng(0).normal(size=200).astype(np.float32)
    shifted.write_h5ad(files / "shifted.h5ad")
    shifted[:1].write_h5ad(files / "one.h5ad")
    score = ["score", "--model", "model", "--severity", "lab.parquet", "--out"]
    capsys.readouterr()
    assert call(*score, "a1.tsv", "shifted.h5ad") == 0
    said = capsys.readouterr().out
    assert "most are refused, the first because its genes are reconstructed" in said
    assert "add --recentre" in said
    assert call(*score, "b1.tsv", "shifted.h5ad", "--recentre") == 0
    assert Scores.load(files / "b1.tsv").refused < 30
    assert call(*score, "c1.tsv", "one.h5ad") == 0
    assert "give 20 or more of its samples: --reference TABLE" in capsys.readouterr().out
    assert call(*score, "d1.tsv", "one.h5ad", "--recentre") == 2
    assert "1 samples have no mean to recentre by" in capsys.readouterr().err
    assert call(*score, "e1.tsv", "one.h5ad", "--reference", "shifted.h5ad") == 0
    alone, among = (Scores.load(files / f"{name}.tsv").table for name in ("e1", "b1"))
    assert alone.loc[0, "severity"] == pytest.approx(among.loc[0, "severity"], abs=1e-3)


def test_reversal(call, files, capsys):
    rng = np.random.default_rng(0)
    genes = list(gl.demo.cohort().var_names[:200])
    long = pd.DataFrame({"gene": np.repeat(genes, 3), "drug": ["a", "b", "c"] * 200, "logFC": rng.normal(size=600)})
    long.to_csv(files / "drugs.csv", index=False)
    ask = ["--case", 'condition == "symptomatic" and hours >= 45', "--control", "hours == 0", "--subject", "subject"]
    more = ["--perturbations", "drugs.csv", "--out", "r.tsv"]
    assert call("reversal", "flu.h5ad", "--model", "model", *ask, *more) == 0
    said = capsys.readouterr().out
    assert "600 rows, 200 genes, 3 perturbations, 0 averaged rows" in said
    assert "a hypothesis for experiments" in said
    assert list(Changes.load(files / "r.tsv").table["name"].sort_values()) == ["a", "b", "c"]
