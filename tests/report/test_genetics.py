"""Known disease genes: what is shared, what chance gives, and a verdict that follows from both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from genelight.nouns import Evidence
from genelight.nouns.evidence import EVIDENCE_COLUMNS
from genelight.report._render import render
from genelight.report._summary import summarise

Make = Callable[..., Path]
LIST = "GWAS catalog 2015, high confidence"
MODULE = "ill at 45 h or later against baseline"


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = "genelight.report.sections._section.svg"
    monkeypatch.setattr(drawn, lambda draw, *, name, alt, size: f"<svg id='{name}' aria-label=''/>")


def row(method: str, overlap: int, *, test: str, expected: float, p: float) -> dict[str, object]:
    subject = method if "." in method else f"{MODULE} [{method}]"
    values = {"tested": subject, "test": test, "reference": f"{LIST}: influenza", "n": 20, "statistic": overlap}
    return (
        dict.fromkeys(EVIDENCE_COLUMNS, 0)
        | values
        | {"effect": overlap / expected, "null_mean": expected, "null_sd": 1.0, "p": p, "q": p}
    )


def with_genetics(
    folder: Path,
    overlaps: dict[str, int],
    *,
    p: float = 1e-9,
    p_matched: float | None = None,
    name: str | None = LIST,
) -> dict[str, Any]:
    """Add a list of disease genes to the run, tested plainly and, if `p_matched` is given, matched."""
    named = f'name = "{name}"' if name else ""
    study = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(f'{study}\n[[genetics]]\nfile = "a.tsv"\ndisease = "influenza"\n{named}\n')
    found = Evidence.load(folder / "06_evidence.parquet")
    rows = [row(m, k, test="hypergeometric", expected=0.5, p=p) for m, k in overlaps.items()]
    if p_matched is not None:
        rows += [row(m, k, test="hypergeometric_matched", expected=1.5, p=p_matched) for m, k in overlaps.items()]
    account = {"sets": 1, "members measured": 12, "members not measured": 9}
    about = {**found.about, "hypergeometric": {"universe": 200, "collections": {LIST: account}, "calibrated": False}}
    about["hypergeometric_matched"] = {"universe": 200, "matched on": "mean and variance of expression"}
    Evidence(pd.concat([found.table, pd.DataFrame(rows)]), about).save(folder / "06_evidence.parquet")
    return summarise(folder)


def test_one_row_per_module_and_the_genes_that_are_measured(make_run: Make) -> None:
    overlaps = {"L1.0": 9, "direction": 4, "pca": 3, "de": 0, "variance": 2}
    (found,) = with_genetics(make_run(), overlaps, p_matched=0.01)["genetics"]
    assert (found["disease"], found["collection"]) == ("influenza", LIST)
    assert (found["measured"], found["lost"], found["universe"]) == (12, 9, 200)
    assert [(r["method"], r["overlap"], r["own"]) for r in found["modules"]] == [
        ("direction", 4, True),
        ("pca", 3, False),
        ("de", 0, False),
        ("variance", 2, False),
    ]
    own = found["modules"][0]
    assert (own["label"], own["size"], own["expected"], own["expected_matched"]) == (
        "the module (direction)",
        20,
        0.5,
        1.5,
    )
    assert (own["fold"], own["p"], own["p_matched"]) == (pytest.approx(4 / 1.5), 1e-9, 0.01)


@pytest.mark.parametrize(
    ("overlaps", "p", "p_matched", "short", "words"),
    [
        (
            {"direction": 4, "variance": 2},
            1e-9,
            0.01,
            "More than chance",
            "hold 4 of the 12; as many random genes, matched on expression and variance, hold 1.5 on average, so this "
            "is more than chance (p = 0.01), and more than the ranking by variance alone, which sees no labels (2).",
        ),
        (
            {"direction": 4, "variance": 4},
            1e-9,
            0.01,
            "Cannot tell",
            "but no more than the ranking by variance alone, which sees no labels (4).",
        ),
        ({"direction": 4}, 1e-9, 0.01, "More than chance", "so this is more than chance (p = 0.01)."),
        (
            {"direction": 4, "variance": 2},
            0.03,
            0.2,
            "No more than chance",
            "hold 1.5 on average, so this may be chance (p = 0.2); unmatched, p = 0.03 would suggest otherwise.",
        ),
        ({"direction": 0, "variance": 2}, 1.0, 1.0, "No more than chance", "hold 0 of the 12; as many random"),
        ({"direction": 4, "variance": 2}, 1e-9, None, "Not matched", "so this proves nothing."),
        ({"pca": 4}, 1e-9, 0.01, "Not tested", "The module was not tested against these genes."),
    ],
)
def test_verdict(
    make_run: Make, overlaps: dict[str, int], p: float, p_matched: float | None, short: str, words: str
) -> None:
    (found,) = with_genetics(make_run(), overlaps, p=p, p_matched=p_matched)["genetics"]
    assert found["short"] == short
    assert words in found["sentence"]


@pytest.mark.parametrize("name", [LIST, None], ids=["named", "unnamed"])
def test_findings_pathways_and_best_sets_stay_as_they_were(
    make_run: Make, summary: dict[str, Any], name: str | None
) -> None:
    changed = with_genetics(make_run(), {"L1.0": 9, "direction": 9, "variance": 1}, p=1e-99, p_matched=1e-99, name=name)
    assert len(changed["genetics"]) == 1
    assert changed["findings"] == summary["findings"]
    assert changed["module"]["pathways"] == summary["module"]["pathways"]
    assert changed["nodes"] == summary["nodes"]


def test_of_disease_genes_the_calibrated_test_is_the_main_one(make_run: Make) -> None:
    changed = with_genetics(make_run(), {"L1.0": 9, "direction": 9}, p=1e-9, p_matched=0.3)
    rows = {(r["test"], r["main"]): r["significant"] for r in changed["layers"] if r["kind"] == "GWAS catalog 2015"}
    assert rows == {("hypergeometric", False): 1, ("hypergeometric_matched", True): 0}
    nulls = {t["test"]: t["null"] for t in changed["methods"]["tests"] if t["collection"] == LIST}
    assert nulls == {
        "hypergeometric": "exact",
        "hypergeometric matched": "exact, matched on mean and variance of expression",
    }


def test_page_and_markdown_show_the_table_only_with_genetics(make_run: Make, summary: dict[str, Any]) -> None:
    changed = with_genetics(make_run(), {"direction": 4, "variance": 2}, p_matched=0.01)
    page, text = render(changed), render(changed, "markdown")
    assert '<a href="#genetics">Disease genes</a>' in page
    assert "12 of 21 known genes are among the 200 measured; the other 9 are not in the data" in page
    assert "| the module (direction) | 4 | 20 | 0.5 | 1 × 10⁻⁹ | 1.5 | 2.7 | 0.01 |" in text
    assert "## Known disease genes: influenza" in text
    assert "Known disease genes</h2>" not in render(summary)
