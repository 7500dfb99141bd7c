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
