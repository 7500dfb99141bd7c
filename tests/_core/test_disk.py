"""Files and folders appear whole or not at all, whatever happens to the process that writes them."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from genelight._core.disk import clean, exchange, locked, reason, writing
from genelight._core.provenance import write_json
from genelight._core.tables import write_h5ad, write_parquet, write_plain, write_tsv
from genelight.errors import ResourceError
from genelight.pl._picture import save

WRITE = """
import sys, time, pathlib
from genelight._core.disk import writing
with writing(pathlib.Path(sys.argv[1])) as draft:
    {body}
    print("written", flush=True)
    time.sleep(60)
"""


def killed_while_writing(path: Path, body: str) -> None:
    code = WRITE.format(body=body)
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("body", ["draft.write_text('half')", "draft.mkdir(); (draft / 'a').write_text('half')"])
def test_a_kill_leaves_what_was_there_and_the_next_start_cleans_up(tmp_path, body):
    path = tmp_path / "result"
    path.write_text("old")
    killed_while_writing(path, body)
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 2
    write_json(tmp_path / "other.json", {})
    assert names(tmp_path) == {"result", "other.json"}


def test_what_another_process_is_writing_is_left_alone(tmp_path):
    with writing(tmp_path / "a") as draft:
        draft.write_text("a")
        write_json(tmp_path / "b.json", {})
        clean(tmp_path)
        assert draft.read_text() == "a"
    assert names(tmp_path) == {"a", "b.json"}


def test_a_folder_takes_the_place_of_another_and_a_failure_of_none(tmp_path):
    for text in ("one", "two"):
        with writing(tmp_path / "model") as draft:
            draft.mkdir()
            (draft / "weights").write_text(text)
    assert (tmp_path / "model" / "weights").read_text() == "two"

    def fail() -> None:
        with writing(tmp_path / "model") as draft:
            draft.mkdir()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (tmp_path / "model" / "weights").read_text() == "two"
    assert names(tmp_path) == {"model"}


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_moved_aside_by_a_killed_process_is_put_back(tmp_path, there):
    room = tmp_path / ".genelight-left"
    (room / "old" / "model").mkdir(parents=True)
    (room / "old" / "model" / "weights").write_text("old")
    if there:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "weights").write_text("new")
    clean(tmp_path)
    assert names(tmp_path) == {"model"}
    assert (tmp_path / "model" / "weights").read_text() == ("new" if there else "old")


def test_two_folders_change_places_at_once(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "who").write_text(name)
    if not exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this system cannot do both renames in one step")
    assert [(tmp_path / name / "who").read_text() for name in "ab"] == ["b", "a"]


def test_one_process_holds_a_folder_at_a_time(tmp_path):
    code = f"""
    import time
    from pathlib import Path
    from genelight._core.disk import locked
    with locked(Path({str(tmp_path)!r}), busy="busy"):
        print("held", flush=True)
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ResourceError, match="somebody is at it"), locked(tmp_path, busy="somebody is at it"):
            pass
        process.kill()
    for _ in range(100):
        try:
            with locked(tmp_path, busy="somebody is at it"):
                break
        except ResourceError:
            time.sleep(0.05)
    else:
        pytest.fail("the lock outlived its process")


@contextmanager
def small_disk(size: int):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(300, 40)), columns=[f"c{i}" for i in range(40)])


STAMP = {"kind": "test", "version": 1, "about": {}}
WRITERS = {
    "plain.tsv": lambda path: write_plain(path, table()),
    "stamped.tsv": lambda path: write_tsv(path, table(), **STAMP),
    "table.parquet": lambda path: write_parquet(path, table(), **STAMP),
    "table.h5ad": lambda path: write_h5ad(path, AnnData(table().to_numpy())),
    "record.json": lambda path: write_json(path, table().to_numpy().tolist()),
    "picture.png": lambda path: save(lambda ax: ax.imshow(table()), path),
    "picture.svg": lambda path: save(lambda ax: ax.imshow(table()), path),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_is_said_in_one_line_and_nothing_is_half_written(tmp_path, name):
    (tmp_path / name).write_text("old")
    with small_disk(4096), pytest.raises(ResourceError, match=r"cannot write .*: (File too large|No space left)") as e:
        WRITERS[name](tmp_path / name)
    assert "\n" not in str(e.value)
    assert (tmp_path / name).read_text() == "old"
    assert names(tmp_path) == {name}
    WRITERS[name](tmp_path / name)
    assert (tmp_path / name).stat().st_size > 4096


def test_a_name_that_no_disk_takes_is_said_in_one_line(tmp_path):
    with pytest.raises(ResourceError, match="File name too long"):
        write_json(tmp_path / ("x" * 400), {})
    assert names(tmp_path) == set()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_may_not_be_written_is_said_in_one_line(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(ResourceError, match="Permission denied"):
        write_json(tmp_path / "x.json", {})
    tmp_path.chmod(0o755)


def test_the_reason_is_the_systems_own():
    assert reason(OSError(28, "whatever")) == os.strerror(28)
    assert reason(RuntimeError("Can't write (errno = 28, error message = 'x')\nat")) == os.strerror(28)
    assert reason(ValueError("first\nsecond")) == "first"
