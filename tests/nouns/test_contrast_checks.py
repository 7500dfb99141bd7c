"""Who is in neither group is told, and a value that is missed by a blank is named."""

from __future__ import annotations

import pandas as pd
import pytest

from genelight import Contrast
from genelight._core.expressions import columns_named
from genelight.nouns.contrast_checks import left_over


def told(obs: pd.DataFrame, case: str, control: str) -> str:
    contrast = Contrast.of(obs, case=case, control=control, subject=None)
    return left_over(obs, contrast, case=case, control=control)


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ([], ""),
        (["SLE ", "sle"], "'SLE ' is 'SLE' but for blanks or capitals"),
        (["RA"] * 4 + [None], "5 of 15 samples are in neither group: disease is 'RA' (4), '(missing)' (1)"),
        (list("abcde"), " and 2 more"),
    ],
)
def test_samples_in_neither_group_are_listed(rest: list[str | None], says: str) -> None:
    obs = pd.DataFrame({"disease": ["SLE"] * 5 + ["none"] * 5 + rest})
    said = told(obs, "disease == 'SLE'", "disease == 'none'")
    assert said.endswith(says) if "15" in says else says in said
    assert bool(said) == bool(rest)


def test_numbers_are_counted_and_not_listed() -> None:
    obs = pd.DataFrame({"hours": [0] * 5 + [50] * 5 + [20] * 3})
    assert told(obs, "hours > 45", "hours == 0") == "3 of 13 samples are in neither group"


def test_columns_of_a_question_are_those_it_names() -> None:
    table = pd.DataFrame(columns=["a", "visit day", "b"])
    assert columns_named("`visit day` > 3 and a == 'b'", table) == ["a", "visit day"]
    assert columns_named("a ==", table) == []
