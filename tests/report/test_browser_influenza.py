"""The page of the study that comes along, influenza, made with few draws: all of it used in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genelight.study import Study, run

from .chrome import MARKS, opened, printed, search, walked

pytest.importorskip("selenium", reason="no selenium here: pip install -e .[dev]")
pytestmark = MARKS
MOST_BYTES = 10_000_000


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = Study.demo()
    few = {
        "model": study.model.model_copy(update={"seeds": 0, "epochs": 2}),
        "module": study.module.model_copy(update={"bootstraps": 10, "permutations": 19, "folds": 3}),
        "tests": study.tests.model_copy(update={"draws": 99}),
    }
    return run(study.model_copy(update=few), tmp_path_factory.mktemp("influenza") / "RUN").folder


def test_everything_on_the_page_can_be_used(chrome: Any, done: Path) -> None:
    assert (done / "report.html").stat().st_size < MOST_BYTES
    assert walked(chrome, done / "report.html") > 60
    assert len(printed(chrome)) > 10


def test_genes_of_the_answer_to_a_virus_are_found_by_any_name(chrome: Any, done: Path) -> None:
    opened(chrome, done / "report.html")
    for asked, gene in (("IFI44L", "IFI44L"), ("MX1", "MX1"), ("RIGI", "DDX58")):
        assert search(chrome, asked)[0].startswith(gene)
