"""Compiled loops, with and without a place on the disk for them."""

import numba
import pytest

from genelight._core.compiled import compiled

SOURCE = "def double(x):\n    return 2 * x\n"


def test_a_function_that_cannot_be_kept_is_compiled_all_the_same():
    found = {}
    exec(compile(SOURCE, "/dev/null/double.py", "exec"), found)
    with pytest.raises(RuntimeError, match="no locator"):
        numba.njit(cache=True)(found["double"])
    assert compiled()(found["double"])(4) == 8


def test_a_function_is_kept_where_there_is_a_place(tmp_path, monkeypatch):
    (tmp_path / "doubled.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    from doubled import double

    assert compiled()(double)(4) == 8
    assert list((tmp_path / "__pycache__").glob("*.nbi"))
