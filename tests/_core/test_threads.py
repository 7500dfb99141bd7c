import json
import os
import subprocess
import sys

import numba
import numpy as np
import pytest

from genelight._core.threads import compiled, pieces, thread_map, threads, threads_taken
from genelight.errors import InputError

SOURCE = "def double(x):\n    return 2 * x\n"


def test_one_setting_says_how_many(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == 3
    monkeypatch.setenv("GENELIGHT_THREADS", "2")
    assert (threads(), threads_taken()["asked"]) == (2, 2)
    for wrong in ("0", "many", "-1", ""):
        monkeypatch.setenv("GENELIGHT_THREADS", wrong)
        with pytest.raises(InputError, match="is no number of threads"):
            threads()


def test_the_libraries_take_no_more(tmp_path):
    code = (
        "import genelight, json, os, numpy, scipy.linalg, torch, pyarrow.parquet, numba, threadpoolctl; "
        "from genelight import models; from genelight._core.threads import threads_taken, thread_map; "
        "numpy.ones((500, 500)) @ numpy.ones((500, 500)); torch.ones(500, 500) @ torch.ones(500, 500); "
        "thread_map(abs, range(8)); "
        "print(json.dumps([threads_taken(), pyarrow.cpu_count(), len(os.listdir('/proc/self/task'))]))"
    )
    surroundings = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"} | {"GENELIGHT_THREADS": "1"}
    ended = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=True)
    taken, arrow, alive = json.loads(ended.stdout)
    assert set(taken.values()) == {1}
    assert arrow == 1
    # The main thread, and the one of pyarrow's allocator that computes nothing.
    assert alive <= 2


@pytest.mark.parametrize("n", [0, 1, 5, 64, 1000])
def test_pieces_are_the_same_for_any_number_of_threads(n, monkeypatch):
    found = []
    for count in ("1", "2", "4"):
        monkeypatch.setenv("GENELIGHT_THREADS", count)
        cut = pieces(n)
        assert np.concatenate([np.arange(n)[piece] for piece in cut]).tolist() == list(range(n))
        found.append((cut, thread_map(lambda piece: float(np.sqrt(np.arange(n)[piece]).sum()), cut)))
    assert found[0] == found[1] == found[2]


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
