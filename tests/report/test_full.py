"""The full tables behind the page: what the files have, searched, sorted, by pages and as CSV, in bounded memory."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from html import unescape
from io import StringIO
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
import pytest

from genelight import report
from genelight._core.provenance import Ledger
from genelight.cli._viewer import Viewer
from genelight.errors import FormatError
from genelight.nouns import Evidence, Module, NodeGenes
from genelight.report import _full

from ..test_cli_viewer import asked


@pytest.fixture(scope="module")
def full(planted: Path) -> Iterator[Viewer]:
    report.report(planted)
    with Viewer([planted]) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def cells(viewer: Viewer, asked_for: str) -> list[list[str]]:
    """The words of a full table's cells, as its page shows them."""
    status, page = asked(viewer, f"/{viewer.token}/run/0/{asked_for}")
    assert status == 200, page
    rows = re.findall(r"<tr>(.*?)</tr>", page.partition("<tbody>")[2], re.DOTALL)
    return [[re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row)] for row in rows]


def saved(viewer: Viewer, asked_for: str) -> pd.DataFrame:
    status, text = asked(viewer, f"/{viewer.token}/run/0/{asked_for}")
    assert status == 200, text
    return pd.read_csv(StringIO(text))


def test_the_whole_module_is_paged_searched_sorted_and_saved(full: Viewer) -> None:
    module = Module.load(full.folders[0] / "05_module.tsv").table
    pages = [row[0] for page in (1, 2) for row in cells(full, f"genes?page={page}")]
    assert pages == list(module["gene"])
    assert [row[0] for row in cells(full, "genes?words=gene1&sort=score")][:2] == ["GENE1", "GENE189"]
    assert [row[0] for row in cells(full, "genes?words=ddx58+ifi")] == ["IFI44L"]
    assert cells(full, "genes?words=nothing+like+it") == [["No row has all of these words."]]
    table = saved(full, "genes.csv")
    pd.testing.assert_series_equal(table["score"], module["score"])
    assert {"mean", "change", "t", "p", "q", "aliases"} <= set(table)
    down = saved(full, "genes.csv?words=gene1&sort=gene&down=1")
    assert list(down["gene"]) == sorted((g for g in module["gene"] if "gene1" in g.lower()), reverse=True)


def test_every_gene_of_every_node_is_there(full: Viewer) -> None:
    lit = NodeGenes.load(full.folders[0] / "04_nodes_L2.parquet")
    for node in lit.nodes:
        table = saved(full, f"node.csv?of={node}")
        expected = lit.of(node)
        assert list(table["value"]) == pytest.approx(list(expected))
        assert set(table["gene"]) == set(expected.index)
    over = saved(full, "gene.csv?of=MX1").set_index("node")["value"]
    assert over["L2.3"] == pytest.approx(lit.of("L2.3")["MX1"])
    assert len(over) == 28
    assert len(cells(full, "nodes")) == 28


def test_every_test_of_a_node_and_of_a_set_is_there(full: Viewer) -> None:
    evidence = Evidence.load(full.folders[0] / "06_evidence.parquet").table
    of = saved(full, "tests.csv?of=L1.1")
    assert sorted(of["reference"]) == sorted(evidence.loc[evidence["tested"] == "L1.1", "reference"])
    name = "Reactome: REACTOME_INTERFERON_ALPHA_BETA_SIGNALING"
    against = saved(full, f"set.csv?{urlencode({'of': name, 'sort': 'p', 'down': '1'})}")
    assert list(against["p"]) == pytest.approx(sorted(evidence.loc[evidence["reference"] == name, "p"], reverse=True))
    assert len(cells(full, f"set?{urlencode({'of': name})}")) == len(against)


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("node?of=L2.99", "did you mean"),
        ("gene?of=NOBODY", "NOBODY"),
        ("tests?of=", "no test of"),
        ("set?of=%3Cscript%3E", "&lt;script&gt;"),
        ("genes?sort=%3Cscript%3E", "unknown column"),
    ],
)
def test_what_is_not_there_is_said(full: Viewer, page: str, says: str) -> None:
    status, text = asked(full, f"/{full.token}/run/0/{page}")
    assert status == 404
    assert says in text
    assert "<script" not in text


@pytest.mark.parametrize("number", ["0", "-3", "99999999", "x", "٣"])
def test_a_page_that_is_not_there_is_one_that_is(full: Viewer, number: str) -> None:
    assert len(cells(full, f"genes?{urlencode({'page': number})}")) == 100


def test_names_of_any_kind_stay_text_in_full_tables(make_run: Callable[..., Path]) -> None:
    hostile = ("<script>alert(1)</script>", "Ä" * 300, 'A|B,"C"', "=1+1")
    folder = make_run(genes=(*hostile, *(f"G{i}" for i in range(196))))
    report.report(folder)
    page = _full.page_of(folder, "genes", _full.Query())
    assert "<script" not in page
    assert "&lt;script&gt;alert" in page
    with _full.csv_of(folder, "genes", _full.Query()) as file:
        file.seek(0)
        assert tuple(pd.read_csv(file)["gene"][:4]) == hostile
    assert hostile[2] in unescape(_full.page_of(folder, "genes", _full.Query(words='b,"c')))


def test_a_full_table_is_held_by_the_page(make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches, and the first rows of the order so far: never the whole table."""
    folder = make_run()
    monkeypatch.setattr(_full, "BATCH", 7)
    monkeypatch.setattr(_full, "MOST", 100)
    monkeypatch.setattr(_full, "PAGE", 50)
    monkeypatch.setattr(_full, "IN_ORDER", 20)
    rows = pd.read_parquet(folder / "04_nodes_L1.parquet")["L1.3"].sort_values(ascending=False)
    page = _full.page_of(folder, "node", _full.Query(of="L1.3", page=2))
    assert re.findall(r"#gene=(\w+)", page) == list(rows.index[50:100])
    assert "Page 2 of 2" in page
    assert "The first 100 in this order" in page
    assert "in the order of the file" in page
    with _full.csv_of(folder, "node", _full.Query(of="L1.3")) as file:
        file.seek(0)
        assert list(pd.read_csv(file)["gene"]) == list(pd.read_parquet(folder / "04_nodes_L1.parquet").index)


def test_a_run_half_finished_has_the_tables_that_it_has(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    for path in (folder / "05_module.tsv", folder / "06_evidence.parquet"):
        path.unlink()
    assert _full.at_hand(folder) == ["nodes", "node", "gene"]


def test_an_altered_run_is_not_shown(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    ledger = Ledger(folder.parent / "whole")
    copied = partial(shutil.copytree, folder, ledger.folder, dirs_exist_ok=True)
    ledger.step("all", inputs=[], outputs=["05_module.tsv"], work=lambda: str(copied()))
    report.report(ledger.folder)
    Viewer([ledger.folder]).server_close()
    with (ledger.folder / "05_module.tsv").open("a") as file:
        file.write("MX1\t9\t1\tTrue\t1\n")
    for shown in (lambda folder: Viewer([folder]), report.report):
        with pytest.raises(FormatError, match=r"05_module.tsv \(altered\); run the same study"):
            shown(ledger.folder)
