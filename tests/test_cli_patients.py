"""The command line of patients, on the embedded cohort."""

import sys

import pytest

import genelight as gl
from genelight import cli


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patients")
    adata = gl.demo.cohort()[:, :200].copy()
    adata.write_h5ad(folder / "flu.h5ad")
    gl.models.fit_pca(adata, width=8).save(folder / "model")
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
    ill = 'condition == "symptomatic" and hours >= 45 against hours == 0'
    assert call(*learn, ill, "--out", "d.parquet") == 0
    assert "severity auc" in " ".join(capsys.readouterr().out.split())
    assert call(*learn, "condition", "--out", "e.parquet") == 2
    assert "not numbers" in capsys.readouterr().err


def test_groups_and_scores_of_new_samples(call, files, capsys):
    assert call("stratify", "flu.h5ad", "--model", "model", "--out", "g.parquet", "--explain", "age,sex") == 0
    assert "stable groups" in capsys.readouterr().out
    new = ["score", "flu.h5ad", "--model", "model", "--out", "scores.tsv"]
    assert call(*new) == 2
    assert "nothing to score by" in capsys.readouterr().err
    assert call(*new, "--groups", "g.parquet") == 0
    assert "252 samples" in capsys.readouterr().out
    assert len(gl.tl.Scores.load(files / "scores.tsv").table) == 252
    assert call("score", "flu.h5ad", "--model", "model", "--out", "x.tsv", "--groups", "flu.h5ad") == 2


def test_treatment_and_time(call, files, capsys):
    who = ["flu.h5ad", "--model", "model", "--subject", "subject", "--out"]
    ask = ["--treated", "hours >= 60", "--untreated", "hours <= 12", "--adjust", "age"]
    assert call("contrast", *who, "c.tsv", *ask) == 0
    assert "Observational" in capsys.readouterr().out
    assert call("trajectories", *who, "t.tsv", "--time", "hours") == 0
    assert "PC." in capsys.readouterr().out
    assert len(gl.tl.Changes.load(files / "t.tsv").table) == 8
