"""The command line of response: cohorts in one table or several, a page, and new patients by the rule."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import genelight as gl
from genelight import cli
from genelight.patients.response_score import ResponseScores


@pytest.fixture(scope="module")
def files(tmp_path_factory, treated):
    folder = tmp_path_factory.mktemp("response")
    given = treated.cohorts(4, signature=2.0)
    words = {"R": "Responder", "NR": "non-responder"}
    for name, adata in given.items():
        adata.to_df().to_csv(folder / f"{name}.csv")
        sheet = pd.DataFrame({"sample": adata.obs_names, "outcome": adata.obs["response"].map(words).to_numpy()})
        sheet.to_csv(folder / f"{name}_sheet.csv", index=False)
    one = AnnData(
        np.vstack([a.X for a in given.values()]),
        obs=pd.concat([a.obs.assign(study=name) for name, a in given.items()]),
        var=given["c1"].var,
    )
    one.write_h5ad(folder / "all.h5ad")
    pd.DataFrame({"source": "planted", "target": treated.PLANTED}).groupby("source")["target"].apply(
        lambda genes: "\t".join(["planted", "none", *genes])
    ).to_csv(folder / "sets.gmt", index=False, header=False, quoting=3, sep="\x07")
    treated.cohort(12, signature=2.0, seed=77).to_df().to_csv(folder / "new.csv")
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


def test_tables_with_sheets_become_a_page_and_score_new_patients(call, capsys, treated):
    tables = [f"c{c}.csv" for c in range(1, 5)]
    sheets = [word for c in range(1, 5) for word in ("--samples", f"c{c}_sheet.csv")]
    ask = ["response", *tables, *sheets, "--response", "outcome", "--model", "none"]
    assert call(*ask, "--permutations", "20", "--sets", "sets.gmt", "--out", "r") == 0
    said = capsys.readouterr().out
    assert "No rule beat the interferon-gamma signature" in said
    assert "can't be told" in said
    found = gl.nouns.Response.load(Path("r/response.parquet"))
    assert "planted" in set(found.programmes["name"])
    page = Path("r/response.html").read_text()
    assert page.count("<svg") == 6
    assert "src=" not in page
    assert json.loads(Path("r/response.json").read_text())["rule"] == found.rule
    assert len(pd.read_csv("r/cohorts.tsv", sep="\t")) == 4
    assert call(*ask, "--out", "r") == 2
    capsys.readouterr()
    assert call("response-score", "new.csv", "--rule", "r", "--out", "p", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert len(facts["scores"]) == 12
    assert len(ResponseScores.load(Path("p/scores.tsv")).table) == 12
    one = ["response-score", "new.csv", "--rule", "r/response.parquet", "--patient", "s77_3"]
    assert (
        call(*one, "--local", "c1.csv", "--local-samples", "c1_sheet.csv", "--response", "outcome", "--out", "q") == 0
    )
    page = Path("q/patient.html").read_text()
    assert "s77_3" in page
    assert "s77_4" not in page
    assert "Not a medical device" in page
    assert all(gene in page for gene in treated.SIX)
    sheet = pd.read_csv("c1_sheet.csv")
    sheet = pd.concat(
        [sheet.assign(visit="Pre"), sheet.iloc[:8].assign(sample=lambda t: "on_" + t["sample"], visit="On")]
    )
    sheet.assign(person=sheet["sample"].str.replace("on_", "")).to_csv("local_sheet.csv", index=False)
    given = pd.read_csv("c1.csv", index_col=0)
    pd.concat([given, (given.iloc[:8] + 0.3).rename("on_{}".format)]).to_csv("local.csv")
    local = [*one, "--local", "local.csv", "--local-samples", "local_sheet.csv", "--response", "outcome"]
    assert call(*local, "--out", "t") == 2
    assert "8 of 48 biopsies are not from before" in capsys.readouterr().err
    assert call(*local, "--before", "visit.notna()", "--out", "t", "--subject", "person") == 0
    assert "mean of 40 local patients" in capsys.readouterr().out
    assert call(*local, "--before", "visit == 'Pre'", "--subject", "person", "--out", "u") == 0
    assert "mean of 40 local patients" in capsys.readouterr().out
    assert call("response-score", "new.csv", "--rule", "r", "--patient", "nobody", "--out", "s") == 2
    assert "unknown patient 'nobody'" in capsys.readouterr().err


def test_one_table_by_a_column(call, capsys):
    ask = ["response", "all.h5ad", "--by", "study", "--permutations", "0"]
    assert call(*ask, "--model", "none", "--out", "one") == 0
    capsys.readouterr()
    assert call("response", "all.h5ad", "--model", "none", "--out", "two") == 2
    assert "--by study" in capsys.readouterr().err
    assert call(*ask, "--out", "two", "--quiet") == 2
    assert "of the model's" in capsys.readouterr().err
    assert call(*ask, "--model", "none", "--words", "SD", "--out", "two") == 2
    assert "--words SD=NR" in capsys.readouterr().err
    assert call("response", "c1.csv", "c2.csv", "--samples", "c1_sheet.csv", "--model", "none", "--out", "two") == 2
    assert "once for each table" in capsys.readouterr().err
    assert call("response", "c1.csv", "c1.csv", "--model", "none", "--out", "two") == 2
    assert "a table is given twice" in capsys.readouterr().err
