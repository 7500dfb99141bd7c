"""What no one should have to read a traceback for: each is one line, with exit code 2, or does not matter."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import genelight as gl
from genelight import cli
from genelight.cli import _doctor

PACKAGE = Path(gl.__file__).parent
COMMAND = "import sys; from genelight.cli import main; sys.argv = ['genelight', *sys.argv[1:]]; main()"
TABLE = "gene,Zoë,GSM2\nTP53,1.5,2\nMX1,3,4\nISG15,5,6\n"


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text(TABLE, encoding="utf-8")

    def once(*words):
        monkeypatch.setattr(sys, "argv", ["genelight", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return once


def refused(ended, *words):
    code, out, err = ended
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert len(err) < 2000
    for word in words:
        assert word in err


@contextmanager
def small_disk(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_series_matrix_with_a_cell_of_200_000_characters(call):
    text = "a" * 200_000
    Path("x_series_matrix.txt").write_text(
        f'!Series_sample_id\t"{text}"\n!Sample_geo_accession\t"GSM1"\t"GSM2"\n!Sample_title\t"{text}"\t"b"\n'
        '!series_matrix_table_begin\n"ID_REF"\t"GSM1"\t"GSM2"\n"TP53"\t1.5\t2\n"MX1"\t3\t4\n!series_matrix_table_end\n'
    )
    code, out, err = call("read", "x_series_matrix.txt", "-q")
    assert (code, err) == (0, "")
    assert "2 samples x 2 genes" in out


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_under_read(call):
    genes = [f"GENE{i}" for i in range(400)]
    x = np.random.default_rng(0).normal(7, 2, (30, 400)).round(3)
    pd.DataFrame(x, [f"GSM{i}" for i in range(30)], genes).T.to_csv("large.csv", index_label="gene")
    with small_disk(4096):
        ended = call("read", "large.csv", "--orientation", "genes-in-rows", "--out", "x.h5ad", "-q")
    refused(ended, "x.h5ad: File too large; nothing was written there")
    assert not Path("x.h5ad").exists()


def test_a_read_only_mount(call):
    """Mounted in a namespace of its own, where the system allows that to whoever asks."""
    Path("mounted").mkdir()
    mount = "mount -t tmpfs -o ro none mounted && exec"
    ask = f'{mount} "{sys.executable}" -c "{COMMAND}" read x.csv -q --out mounted/x.h5ad'
    tried = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"{mount} true"], capture_output=True, check=False
    ) if shutil.which("unshare") else None  # fmt: skip
    if tried is None or tried.returncode:
        pytest.skip("no mount may be made here")
    ended = subprocess.run(["unshare", "-rm", "sh", "-c", ask], capture_output=True, text=True, check=False)
    refused((ended.returncode, ended.stdout, ended.stderr), "mounted/x.h5ad: Read-only file system")


def test_two_packs_to_one_place(call):
    """Started together: one makes the store, the other says so or finds it there."""
    rng = np.random.default_rng(0)
    names = [f"s{i}" for i in range(3000)]
    table = AnnData(rng.normal(size=(3000, 500)).astype(np.float32), obs=pd.DataFrame(index=names))
    table.var_names = [f"G{i}" for i in range(500)]
    table.write_h5ad("x.h5ad")
    ask = [sys.executable, "-c", COMMAND, "pack", "x.h5ad", "--out", "s.zarr", "-q"]
    both = [subprocess.Popen(ask, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [each.communicate()[1] for each in both]
    codes = [each.returncode for each in both]
    assert sorted(codes) == [0, 2]
    refused((2, "", said[codes.index(2)]), "s.zarr")
    assert gl.study.verify("s.zarr").whole


@pytest.mark.parametrize("text", ["[]", "3", '{"a": 1}', '{"fit": {"outputs": {"../x": "y"}}}', "{", "", "[" * 9_000])
def test_a_ledger_that_is_none(call, text):
    Path("RUN").mkdir()
    Path("RUN/steps.json").write_text(text)
    refused(call("report", "RUN", "-q"), "RUN")
    refused(call("demo", "--out", "RUN", "-q"), "RUN")
    refused(call("rerun", "RUN", "-q"), "RUN")
    code, out, err = call("verify", "RUN", "-q")
    assert (code, err) == (1, "")
    assert "Traceback" not in out


def test_two_hundred_thousand_brackets(call):
    Path("deep.toml").write_text("a = " + "[" * 200_000)
    Path("model").mkdir()
    Path("model/config.json").write_text("[" * 200_000)
    refused(call("run", "deep.toml", "--out", "R"), "deep.toml")
    refused(call("check", "deep.toml"), "deep.toml")
    refused(call("light-up", "--model", "model", "--layer", "L1", "--out", "l.parquet"), "config.json")
    brackets = "(" * 200_000
    refused(call("read", "x.csv", "--drop", brackets), "drop")


def test_five_thousand_digits(call):
    digits = "9" * 5000
    Path("long.toml").write_text(f"[module]\nsize = {digits}\n")
    Path("model").mkdir()
    Path("model/config.json").write_text(f'{{"version": {digits}}}')
    Path("sheet.csv").write_text(f"id,age\nZoë,{digits}\nGSM2,40\n", encoding="utf-8")
    refused(call("check", "long.toml"), "long.toml")
    refused(call("light-up", "--model", "model", "--layer", "L1", "--out", "l.parquet"), "config.json")
    refused(call("read", "x.csv", "--samples", "sheet.csv", "--drop", f"age == {digits}", "-q"), "drop")
    code, out, err = call("read", "x.csv", "--samples", "sheet.csv", "-q")
    assert (code, err) == (0, "")
    Path("x.csv").write_text(TABLE.replace("1.5", digits), encoding="utf-8")
    code, out, err = call("read", "x.csv", "-q")
    assert (code, err) == (0, "")
    assert "inf" in out


@pytest.mark.parametrize(
    "words", ["read x.csv --out NAME", "read NAME", "init NAME", "run NAME --out R", "verify NAME"]
)
def test_a_name_of_400_characters(call, words):
    refused(call(*words.replace("NAME", "n" * 400).split()), "File name too long")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_terminals_of_another_encoding(call, encoding):
    surroundings = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    Path("x.csv").write_text(TABLE.replace("MX1", "Ωmega"), encoding="utf-8")
    code = (
        "import sys; from genelight.cli import main\n"
        "for words in (['read', 'x.csv'], ['read', 'x.csv', '--drop', 'Ω == 1'], ['-h']):\n"
        "    sys.argv = ['genelight', *words]\n"
        "    try: main()\n"
        "    except SystemExit as ended: codes = [*globals().get('codes', []), ended.code]\n"
        "sys.exit(codes != [0, 2, 0])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert b"first TP53, \\u03a9mega, ISG15" in ended.stdout
    assert b"'\\u03a9 == 1'" in ended.stderr


def test_numba_without_a_place_for_what_it_compiled(call):
    """A package whose folders take no file, and a home that takes none either."""
    shutil.copytree(PACKAGE, "src/genelight", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("io/text", "evidence"):
        Path("src/genelight", folder, "__pycache__").write_text("no folder")
    home = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "PYTHONDONTWRITEBYTECODE": "1"}
    surroundings = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | home
    surroundings |= {"PYTHONPATH": str(Path("src").resolve()), "MPLCONFIGDIR": str(Path("mpl").resolve())}
    code = (
        "import genelight as gl, numba, pytest\n"
        "from genelight.io.text._cells_loops import find_cells\n"
        "with pytest.raises(RuntimeError, match='no locator'): numba.njit(cache=True)(find_cells.py_func)\n"
        "print(gl.__file__, gl.read('x.csv').shape)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split(" ", 1) == [str(Path("src/genelight/__init__.py").resolve()), "(2, 3)\n"]


def test_the_doctor_names_extras_that_there_are_and_folders_that_take_files(call, monkeypatch):
    project = PACKAGE.parents[1] / "pyproject.toml"
    if project.is_file():
        extras = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
        assert set(_doctor.EXTRAS) == set(extras) - {"dev", "docs", "peers"}
    monkeypatch.setenv("GENELIGHT_CACHE", "/proc/genelight")
    code, out, _ = call("doctor")
    assert code == 1
    assert "/proc/genelight, NOT writable" in out
    assert "set GENELIGHT_CACHE to a folder that is" in out
