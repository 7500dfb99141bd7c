"""Runs of other sizes and shapes in the browser: each page opens, draws what there is, and writes no error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from genelight import report
from genelight._core.tables import read_parquet, write_parquet
from genelight.nouns import Module
from genelight.study.steps._report import _axes

from .chrome import MARKS, asked, opened, shown, until

pytest.importorskip("selenium", reason="no selenium here: pip install -e .[dev]")
pytestmark = MARKS


def drawn(chrome: Any, run: Path) -> set[str]:
    """Open a run's report, draw everything, and say which pictures there are; there must be no error."""
    opened(chrome, report.report(run))
    chrome.execute_script("document.querySelectorAll('figure.drawn').forEach((f) => f.drawNow?.())")
    found = "[...document.querySelectorAll('figure.drawn')].filter((f) => !f.hidden).map((f) => f.dataset.draw)"
    names = chrome.execute_script(f"return {found}")
    assert chrome.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert [entry["message"] for entry in chrome.get_log("browser")] == []
    assert asked(chrome) == []
    return set(names)


def resized(run: Path, size: int) -> Path:
    module = Module.load(run / "05_module.tsv")
    replace(module, table=module.table.assign(selected=np.arange(len(module.table)) < size)).save(run / "05_module.tsv")
    return run


def test_a_module_of_one_gene(chrome: Any, make_run: Callable[..., Path]) -> None:
    names = drawn(chrome, resized(make_run(), 1))
    assert {"volcano", "ma"} <= names
    rows = chrome.find_elements("css selector", "#gene-table tbody tr")
    assert len(rows) == 1
    assert "1 of 200" in shown(chrome, "gene", "IFI44L")


def test_a_module_of_five_thousand_genes(chrome: Any, make_run: Callable[..., Path]) -> None:
    leaders = ("IFI44L", "RSAD2", "ISG15", "IFIT1", "OAS3", "MX1", "IFI27", "SIGLEC1", "XAF1", "HERC5")
    run = resized(make_run(genes=leaders + tuple(f"GENE{i}" for i in range(5_990))), 5_000)
    assert {"volcano", "ma"} <= drawn(chrome, run)
    assert chrome.execute_script("return document.querySelectorAll('#gene-table tbody tr').length") == 5_000
    chrome.execute_script("document.querySelectorAll('#gene-table thead button')[1].click()")
    first = chrome.execute_script(
        "return [...document.querySelectorAll('#gene-table tbody tr')].map((r) => r.dataset.gene)"
    )
    assert first[:3] == ["GENE0", "GENE1", "GENE2"]
    assert first[-1] == "XAF1"


def test_one_group_of_three(chrome: Any, make_run: Callable[..., Path]) -> None:
    run = make_run()
    table = pd.read_csv(run / "02_samples.tsv", sep="\t", dtype=str)
    table["contrast_group"] = ["case"] * 3 + ["control"] * (len(table) - 3)
    table.to_csv(run / "02_samples.tsv", sep="\t", index=False)
    assert {"map", "heat"} <= drawn(chrome, run)
    text = shown(chrome, "gene", "IFI44L")
    assert "cases" in text
    assert "controls" in text


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "absent"])
def test_no_network(chrome: Any, make_run: Callable[..., Path], empty: bool) -> None:
    run = make_run()
    for path in (run / "01_neighbours.parquet", *run.glob("05_module_network*")):
        path.unlink()
    if empty:  # as a study without a network writes it
        none = pd.DataFrame({"source": [], "target": [], "weight": []}).astype({"source": str, "target": str})
        write_parquet(run / "01_neighbours.parquet", none, kind="neighbours", version=1, about={})
    assert drawn(chrome, run) == {"volcano", "ma", "heat", "running", "map"}
    text = shown(chrome, "gene", "IFI44L")
    assert "Gene sets" in text
    assert "Neighbours" not in text


def test_hostile_names_of_sets_samples_and_columns_stay_text(chrome: Any, make_run: Callable[..., Path]) -> None:
    run, hostile = make_run(), '<script>document.title = "taken"</script>' + "Å" * 300
    sets, _ = read_parquet(run / "01_sets.parquet", kind="gene sets", newest=1)
    write_parquet(run / "01_sets.parquet", sets.replace("SET_1", hostile), kind="gene sets", version=1, about={})
    table = pd.read_csv(run / "02_samples.tsv", sep="\t", dtype=str)
    table = table.rename(columns={"sex": hostile}).replace({hostile: {"f": hostile + "f"}})
    table.to_csv(run / "02_samples.tsv", sep="\t", index=False)
    assert "map" in drawn(chrome, run)
    (reference,) = chrome.execute_script("return DATA.sets.reference.filter((r) => r.includes('<script>'))")
    assert hostile in shown(chrome, "set", reference)
    assert hostile in shown(chrome, "sample", "1")
    chrome.execute_script("const f = mapFigure; f.choice.value = arguments[0]; f.draw()", f"column:{hostile}")
    assert "taken" not in chrome.title
    assert chrome.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_a_run_half_finished_says_which_files_are_not_there(chrome: Any, make_run: Callable[..., Path]) -> None:
    run = make_run()
    for pattern in ("05_*", "06_*", "02_samples.tsv"):
        for path in run.glob(pattern):
            path.unlink()
    assert drawn(chrome, run) == set()
    said = [part.text for part in chrome.find_elements("css selector", ".absent")]
    for name in ("05_module.tsv", "02_samples.tsv", "05_scores.tsv"):
        assert any(name in sentence for sentence in said), name
    assert until(lambda: "What it stands for" in shown(chrome, "node", "L1.1"))


def test_a_study_that_fits_no_pca_has_a_map_all_the_same(chrome: Any, make_run: Callable[..., Path]) -> None:
    run = make_run()
    codes, _ = read_parquet(run / "04_codes.parquet", kind="codes", newest=1)
    own = codes[[c for c in codes if not c.startswith("PC.")]]
    places = _axes(np.random.default_rng(0).normal(size=(len(codes), 50)))
    for table, there in ((pd.concat([own, places], axis=1), True), (own, False)):
        write_parquet(run / "04_codes.parquet", table, kind="codes", version=1, about={})
        assert ("map" in drawn(chrome, run)) is there
        assert chrome.execute_script("return DATA.codes.node.some((name) => name.startsWith('axis'))") is False
