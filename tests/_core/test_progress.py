"""Progress: silence in a library, lines in a pipe where asked for, with the part they belong to and the time left."""

import itertools

import pytest

from genelight._core import progress as shown


@pytest.fixture
def clock(monkeypatch):
    """Every look at the clock is six seconds later."""
    ticks = itertools.count(step=6.0)
    monkeypatch.setattr(shown.time, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(shown, "SOON", 2.0)
    yield
    shown.show_progress("bar")


def work(units=5):
    with shown.stage("folding", number=3, total=9), shown.progress("folds", units) as step:
        for _ in range(units):
            step()


@pytest.mark.parametrize("how", ["bar", "quiet"])
def test_a_library_in_a_pipe_is_silent(clock, capsys, how):
    shown.show_progress(how)
    work()
    assert capsys.readouterr() == ("", "")


def test_lines_say_part_units_and_time_left(clock, capsys):
    shown.show_progress("lines")
    work()
    said = capsys.readouterr()
    assert said.out == ""
    # Begun at 6 s: the first unit is done at 12 s, four are left.
    assert said.err.splitlines()[0] == "[3/9] folds, 1/5, about 24 s"


def test_what_ends_soon_says_nothing(capsys):
    shown.show_progress("lines")
    work()
    shown.show_progress("bar")
    assert capsys.readouterr().err == ""


def test_a_stage_without_units_says_a_line_once_it_takes_long(monkeypatch, capsys):
    monkeypatch.setattr(shown, "SOON", 0.01)
    shown.show_progress("lines")
    with shown.stage("writing", number=9, total=9):
        shown.time.sleep(0.2)
    shown.show_progress("bar")
    assert capsys.readouterr().err == "[9/9] writing\n"


def test_verbose_says_how_long_each_stage_took(clock, capsys):
    shown.show_progress("verbose")
    work()
    assert capsys.readouterr().err.splitlines()[-1].startswith("[3/9] folding: ")


def test_inner_work_is_silent_and_the_outer_goes_on(clock, capsys):
    shown.show_progress("lines")
    with shown.progress("outer", 3) as outer:
        for _ in range(3):
            with shown.progress("inner", 3) as inner:
                inner()
            outer()
    assert "inner" not in capsys.readouterr().err


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(shown.sys.stderr, "isatty", lambda: True, raising=False)
    work()
    assert shown._bars is None


@pytest.mark.parametrize(("seconds", "words"), [(4.4, "4 s"), (300, "5 min"), (9000, "2.5 h")])
def test_times_are_said_in_words(seconds, words):
    assert shown._seconds(seconds) == words


def test_what_takes_long_says_so_again_and_the_innermost_speaks(monkeypatch, capsys):
    monkeypatch.setattr(shown, "SOON", 0.02)
    monkeypatch.setattr(shown, "BETWEEN", 0.04)
    shown.show_progress("lines")
    with shown.waiting("outer"):
        with shown.waiting("inner"):
            shown.time.sleep(0.3)
        inner = capsys.readouterr().err
        shown.time.sleep(0.3)
    shown.show_progress("bar")
    assert inner.startswith("inner\ninner, 0 s so far\n")
    assert "outer" not in inner
    assert capsys.readouterr().err.splitlines()[-1].startswith("outer")
    with shown.waiting("quiet"):
        shown.time.sleep(0.05)
    assert capsys.readouterr().err == ""
