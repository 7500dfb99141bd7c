"""Twelve samples, a CSV and a sheet, read through a reference, asked of a second cohort: its page in a browser."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import genelight as gl
from genelight.study import Study, run

from ..small_study import GROUPS, REFERENCE, by_group, everyone, write_priors
from .chrome import MARKS, opened, printed, saved, shown, walked

pytest.importorskip("selenium", reason="no selenium here: pip install -e .[dev]")
pytestmark = MARKS
STUDY = f"""
[data]
expression = "cohort.csv"
samples = "sheet.csv"
{REFERENCE}
[second]
expression = "second.csv"
samples = "second_sheet.csv"
{GROUPS}"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of six against six, with six against six others beside it, and a reference of 56 people."""
    folder = tmp_path_factory.mktemp("twelve")
    people = everyone()
    ill, well = by_group(people)
    gl.models.PCA(8).fit(people[~people.obs_names.isin([*ill[:12], *well[:12]])].copy()).save(folder / "reference")
    for table, sheet, at in (("cohort", "sheet", slice(0, 6)), ("second", "second_sheet", slice(6, 12))):
        few = people[[*ill[at], *well[at]], 20:280]
        pd.DataFrame(few.X.T, index=few.var_names, columns=few.obs_names).to_csv(folder / f"{table}.csv")
        few.obs[["condition"]].rename_axis("sample").to_csv(folder / f"{sheet}.csv")
    write_priors(folder, people)
    (folder / "study.toml").write_text(STUDY)
    return run(Study.load(folder / "study.toml"), folder / "RUN").folder


def test_everything_on_the_page_can_be_used(chrome: Any, done: Path) -> None:
    assert walked(chrome, done / "report.html") > 30
    assert any("small cohort" in sheet.lower() for sheet in printed(chrome))


def test_a_gene_that_is_searched_has_its_forest(chrome: Any, done: Path) -> None:
    walked(chrome, done / "report.html", most=1)
    together = gl.Module.load(done / "05_cohorts.tsv").table.set_index("gene")
    gene = together.index[5]
    text = shown(chrome, "gene", gene)
    assert "Over cohorts" in text
    assert "second cohort" in text
    figure = chrome.find_element("css selector", "[data-draw=forest]")
    assert figure.find_element("css selector", ".options strong").text == gene
    words = figure.find_element("css selector", ".frame").text
    row = together.loc[gene]
    for part in ("this cohort", "second cohort", "together", f"{row['effect']:.2f}".replace("-", "−"), "I² "):
        assert part in words
    button = "document.querySelector('[data-draw=forest] .saves button:last-child').click()"
    path = saved(chrome, "forest*.csv", lambda: chrome.execute_script(button))
    table = {row[0]: row[1:] for row in csv.reader(path.read_text().splitlines())}
    assert float(table["second cohort"][0]) == pytest.approx(row["effect second cohort"], abs=1e-3)
    assert float(table["together"][0]) == pytest.approx(row["effect"], abs=1e-3)
    assert float(table["I2"][0]) == pytest.approx(row["i2"], abs=1e-3)


def test_the_page_of_a_module_of_several_cohorts(chrome: Any, done: Path) -> None:
    folder = done.parent
    asked_of = {"case": 'condition == "case"', "control": 'condition == "control"', "subject": None}
    cohorts = {}
    for table, sheet in (("cohort", "sheet"), ("second", "second_sheet")):
        adata = gl.io.read(folder / f"{table}.csv")
        adata.obs = pd.read_csv(folder / f"{sheet}.csv", index_col=0).loc[adata.obs_names]
        cohorts[f"<b>{table}"] = adata, gl.Contrast.of(adata.obs, **asked_of)
    (folder / "META").mkdir()
    module = gl.meta_module(cohorts, size=20)
    module.save(folder / "META" / "05_module.tsv")
    walked(chrome, gl.report.report(folder / "META"))
    opened(chrome, folder / "META" / "report.html")
    text = shown(chrome, "gene", module.selected[0])
    assert "Over cohorts" in text
    assert "<b>second" in text
    assert len(chrome.find_elements("css selector", "[aria-label=Cohorts] tbody tr")) == 2
    assert chrome.find_element("css selector", ".answer .short").text == "Not shown"
