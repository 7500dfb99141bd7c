"""The trials of `make reliability`: the page is what the records say, and a mutant is a change of one place."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
if not (ROOT / "reliability").is_dir():
    pytest.skip("a source distribution has no reliability", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from reliability import __main__ as trials  # noqa: E402
from reliability._changes import places  # noqa: E402

SOURCE = '''
LIMIT: int = 3


def among(x: int | None, y=2):
    """One."""
    if x is None or x > LIMIT:
        return x + y
    return [
        x * 2,
        True,
    ]
'''


def test_the_page_is_what_the_records_say():
    assert trials.PAGE.read_text(encoding="utf-8") == trials.page()


def test_nothing_went_wrong_in_what_is_on_record():
    wrong = {
        f"{path.stem}: {row['fault']}": row["outcome"]
        for path in sorted(trials.RECORDS.glob("*.json"))
        for row in trials.read_json(path).get("rows", [])
        if row["wrong"]
    }
    assert not wrong


def test_all_trials_together_are_over_in_half_an_hour():
    # Clock, faults and threads do a fixed work of about a minute each; studies and mutations go over by as much.
    assert 50 * sum(trials.TRIALS.values()) + 5 * 60 < 60 * trials.MOST_MINUTES


def test_every_place_is_changed_once_and_types_are_left_alone(tmp_path):
    path = tmp_path / "source.py"
    path.write_text(SOURCE)
    found = {place.what(): place for place in places(path)}
    assert set(found) == {
        "3 -> 4",
        "2 -> 3",
        "x is None or x > LIMIT -> x is None and x > LIMIT",
        "x is None -> x is not None",
        "x > LIMIT -> x >= LIMIT",
        "x + y -> x - y",
        "x * 2 -> x / 2",
        "True -> False",
    }
    assert found["3 -> 4"].at_import
    assert not found["x + y -> x - y"].at_import
    assert found["x * 2 -> x / 2"].lines == (9, 10, 11, 12)
    assert found["x > LIMIT -> x >= LIMIT"].lines == (7,)
    texts = {ast.unparse(ast.parse(place.mutant())) for place in places(path)}
    assert len(texts) == len(places(path))
    assert ast.unparse(ast.parse(SOURCE)) not in texts
