"""meta-module: tables with sheets of their own, one table by a column, a picture, and options that do not fit."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import genelight as gl
from genelight.cli import app

ASKED = ("--case", 'state == "ill"', "--control", 'state == "well"', "--subject", "person")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two cohorts out of the embedded one, as CSV with sheets of two kinds, and both in one table."""
    folder = tmp_path_factory.mktemp("several")
    adata = gl.demo.cohort()[:, :500]
    adata = adata[adata.obs["hours"] >= 60].copy()
    adata.obs["state"] = np.where(adata.obs["condition"] == "symptomatic", "ill", "well")
    adata.obs["person"] = adata.obs["subject"].astype(str)
    adata.obs["site"] = "north"
    for side in ("ill", "well"):
        people = adata.obs.loc[adata.obs["state"] == side, "person"].unique()
        adata.obs.loc[adata.obs["person"].isin(people[::2]), "site"] = "south"
    adata.obs.loc[adata.obs["person"] == people[1], "site"] = "west"
    for site, name in (("north", "a"), ("south", "b")):
        part = adata[adata.obs["site"] == site]
        pd.DataFrame(part.X.T, index=part.var_names, columns=part.obs_names).to_csv(folder / f"{name}.csv")
        sheet = part.obs[["state", "person"]].rename_axis("sample")
        sheet.rename(columns={"state": "group"} if name == "b" else {}).to_csv(folder / f"{name}.sheet.csv")
    adata.write_h5ad(folder / "both.h5ad")
    return folder


def call(folder, monkeypatch, *words):
    monkeypatch.chdir(folder)
    return CliRunner().invoke(app, ["meta-module", *map(str, words)])


OWN = (
    *("--case", 'state == "ill"', "--case", 'group == "ill"', "--control", 'state == "well"'),
    *("--control", 'group == "well"', "--subject", "person"),
    *("--samples", "a.sheet.csv", "--samples", "b.sheet.csv"),
)


@pytest.fixture(scope="module")
def two_tables(folder):
    """What two tables with sheets and questions of their own give."""
    with pytest.MonkeyPatch.context() as patch:
        asked = ("a.csv", "b.csv", *OWN, "--size", 30, "--forest", "f.svg", "--judged", "j.tsv", "--out", "m.tsv")
        return call(folder, patch, *asked)


def test_tables_with_sheets_and_questions_of_their_own(folder, two_tables):
    assert two_tables.exit_code == 0, two_tables.output
    module = gl.Module.load(folder / "m.tsv")
    assert [row["name"] for row in module.about["cohorts"]] == ["a", "b"]
    assert len(module.selected) == 30
    assert "cohort b: b.csv" in two_tables.output
    assert f"m.tsv: 30 genes, first {', '.join(module.selected[:5])}" in two_tables.output
    assert "<svg" in (folder / "f.svg").read_text(encoding="utf-8")
    assert pd.read_csv(folder / "j.tsv", sep="\t")["name"].tolist() == ["a", "b"]


def test_one_table_by_a_column_is_the_same_and_tells_what_is_left_out(folder, two_tables, monkeypatch):
    assert two_tables.exit_code == 0
    page = ("--report", "PAGE")
    done = call(folder, monkeypatch, "both.h5ad", "--by", "site", *ASKED, "--out", "by.tsv", *page, "--json")
    assert done.exit_code == 0, done.output
    assert {path.name for path in (folder / "PAGE").iterdir()} == {"05_module.tsv", "report.html", "report.json"}
    assert "Over 2 cohorts" in (folder / "PAGE" / "report.html").read_text(encoding="utf-8")
    facts = json.loads(done.stdout)
    assert [row["name"] for row in facts["cohorts"]] == ["north", "south"]
    assert "cohorts left out for fewer than 3 subjects of a group: 1 (west (0 cases, 1 controls))" in facts["notes"]
    tables = [gl.Module.load(folder / f"{name}.tsv").table.set_index("gene")["p"].sort_index() for name in ("by", "m")]
    # A column that names visits, and the part of it that names the person.
    by_name = ("--subject", "visit", "--subject-pattern", "^(.+)@", *ASKED[:4])
    adata = gl.read(folder / "both.h5ad")
    adata.obs["visit"] = adata.obs["person"].astype(str) + "@" + adata.obs["hours"].astype(str)
    adata.write_h5ad(folder / "visits.h5ad")
    done = call(folder, monkeypatch, "visits.h5ad", "--by", "site", *by_name, "--out", "visits.tsv")
    assert done.exit_code == 0, done.output
    again = gl.Module.load(folder / "visits.tsv").table
    pd.testing.assert_frame_equal(again, gl.Module.load(folder / "by.tsv").table)
    # Values of the CSV are decimal.
    np.testing.assert_allclose(*tables, rtol=1e-3)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("both.h5ad", *ASKED), "both.h5ad is one table; give one for each cohort, or say .*--by study"),
        (("a.csv", "b.csv", "--by", "site", *ASKED), "--by site goes with one table, not with 2"),
        (("a.csv", "a.csv", *ASKED), "a table is given twice"),
        (("both.h5ad", "--by", "place", *ASKED), "'place'"),
        (("both.h5ad", "--by", "condition", *ASKED), "condition has 0 cohorts with 3 cases and 3 controls"),
        (("both.h5ad", "--by", "site", *ASKED[:4]), "taken for as many people"),
        (
            ("a.csv", "b.csv", "both.h5ad", *ASKED, "--drop", "x > 1", "--drop", "y > 1"),
            "--drop is given 2 times for 3 ",
        ),
    ],
)
def test_what_does_not_go_together_is_told_before_anything_is_written(folder, monkeypatch, words, says):
    done = call(folder, monkeypatch, *words, "--out", "none.tsv")
    assert isinstance(done.exception, gl.GenelightError), done.output
    with pytest.raises(gl.GenelightError, match=says):
        raise done.exception
    assert not (folder / "none.tsv").exists()
