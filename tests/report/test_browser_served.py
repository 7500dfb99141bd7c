"""Runs served by the viewer: from the page to the full tables behind it, and back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from genelight import report
from genelight.cli._viewer import Viewer
from genelight.nouns import NodeGenes

from .chrome import MARKS, asked, saved, until

pytest.importorskip("selenium", reason="no selenium here: pip install -e .[dev]")
pytestmark = MARKS


@pytest.fixture(scope="module")
def viewer(planted: Path) -> Iterator[Viewer]:
    report.report(planted)
    with Viewer([planted, planted]) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def served(chrome: Any, viewer: Viewer) -> Iterator[Any]:
    """The first run, opened from the page of all runs; nothing is asked of anybody else."""
    chrome.get("about:blank")
    chrome.get_log("browser")
    chrome.get(viewer.address)
    chrome.find_element("css selector", "a[href='run/0/']").click()
    until(lambda: chrome.execute_script("return document.documentElement.dataset.ready"))
    yield chrome
    assert [entry["message"] for entry in chrome.get_log("browser")] == []
    assert {url for url in asked(chrome) if not url.startswith(viewer.address)} == set()


def follow(driver: Any, words: str, *, away: bool = True) -> None:
    """Click the link of these words, and wait until what it leads to is there, where it leads away."""
    before = driver.current_url
    link = until(lambda: next(iter(driver.find_elements("link text", words)), None))
    driver.execute_script("arguments[0].click()", link)
    if away:
        loaded = "return location.href !== arguments[0] && document.readyState === 'complete'"
        until(lambda: driver.execute_script(loaded, before))


def genes(driver: Any) -> list[str]:
    return [row.text for row in driver.find_elements("css selector", "tbody tr td:first-child")]


def test_every_gene_of_a_node_is_paged_searched_sorted_and_saved(served: Any, planted: Path) -> None:
    values = NodeGenes.load(planted / "04_nodes_L1.parquet").of("L1.1")
    served.execute_script("location.hash = '#node=L1.1'")
    follow(served, "All 200 genes of L1.1")
    assert genes(served) == list(values.index[:100])
    follow(served, "Next")
    assert genes(served) == list(values.index[100:])
    follow(served, "value")
    assert genes(served)[0] == values.index[-1]
    box = served.find_element("css selector", "[name=words]")
    box.send_keys("ifi\ue007")
    until(lambda: served.execute_script("return document.querySelector('output')?.textContent.startsWith('3 of 200')"))
    path = saved(served, "*_node.csv", lambda: follow(served, "CSV", away=False))
    assert (
        list(pd.read_csv(path)["gene"]) == genes(served) == list(values[values.index.str.contains("IFI")].index[::-1])
    )
    follow(served, "IFI44L")
    until(lambda: "rank by the module" in served.find_element("id", "panel").text)


@pytest.mark.parametrize(
    ("at", "words", "rows"),
    [
        ("gene=MX1", "Its value in every node", 28),
        ("node=L2.1", "Every test of it", 2),
        ("set=Reactome: REACTOME_CELL_CYCLE", "Everything tested against it", 1),
    ],
)
def test_the_panel_leads_to_all_that_is_known(served: Any, at: str, words: str, rows: int) -> None:
    served.execute_script("location.hash = arguments[0]", "#" + at)
    follow(served, words)
    assert len(served.find_elements("css selector", "tbody tr")) == rows


def test_tables_lead_to_full_ones_on_a_phone_too(served: Any) -> None:
    for name in ("genes", "nodes"):
        link = served.find_element("css selector", f".table-tools a[href^={name}]")
        served.execute_script("arguments[0].click()", link)
        until(lambda: served.execute_script("return Boolean(document.querySelector('form'))"))
        assert len(served.find_elements("css selector", "tbody tr")) >= 28
        assert served.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        served.back()
        until(lambda: served.execute_script("return document.documentElement.dataset.ready"))


def test_a_page_that_nobody_serves_has_no_such_links(chrome: Any, planted: Path) -> None:
    chrome.get((planted / "report.html").as_uri())
    until(lambda: chrome.execute_script("return document.documentElement.dataset.ready"))
    assert chrome.find_elements("css selector", ".full") == []
