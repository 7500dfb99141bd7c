"""Files and surroundings that no one should have: each is said in one line, with exit code 2."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import genelight as gl

from ._bench import Row, call

DEEP = "[" * 200_000


def _ledgers(folder: Path) -> list[tuple[str, tuple[object, ...]]]:
    tried: list[tuple[str, tuple[object, ...]]] = []
    texts = ("[]", '{"a": 1}', '{"fit": {"inputs": "x", "outputs": {"../x": "y"}}}', "3", "{", "")
    for i, text in enumerate(texts):
        run = folder / f"RUN{i}"
        run.mkdir()
        (run / "steps.json").write_text(text, encoding="utf-8")
        tried += [
            (f"a ledger that is none: {text[:12]!r}", (verb, *option, run))
            for verb, *option in (("demo", "--out"), ("report",))
        ]
    return tried


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:  # noqa: ARG001
    """Each fault once."""
    table = folder / "flu.h5ad"
    gl.demo.cohort()[:, :600].copy().write_h5ad(table)
    for name, text in {
        "brackets": f"a = {DEEP}",
        "digits": "a = " + "9" * 5000,
        "keys": "a" + ".a" * 100_000 + " = 1",
        "latin": "a = 'é'",
    }.items():
        (folder / f"{name}.toml").write_bytes(text.encode("latin-1"))
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text(DEEP, encoding="utf-8")
    long = "x" * 400
    tried = [
        *(
            (f"study file: {name}", ("run", folder / f"{name}.toml", "--out", folder / "R"))
            for name in ("brackets", "digits", "keys", "latin")
        ),
        (
            "200,000 brackets in a model",
            ("light-up", "--model", folder / "model", "--layer", "L1", "--out", folder / "l.parquet"),
        ),
        *_ledgers(folder),
        *(
            (f"a name of 400 characters: {words[0]}", words)
            for words in (
                ("read", table, "--out", folder / long),
                ("read", folder / long),
                ("pack", table, "--out", folder / long),
                ("demo", "--out", folder / long),
                ("verify", folder / long),
                ("init", folder / long),
                ("report", folder / long),
                ("fit", table, "--out", folder / long),
                ("run", folder / long, "--out", folder / "R"),
            )
        ),
        *(
            (f"a folder that cannot be written: {words[0]}", words)
            for words in (
                ("read", table, "--out", "/proc/x/y.h5ad"),
                ("demo", "--out", "/proc/x"),
                ("pack", table, "--out", "/proc/x.zarr"),
                ("init", "/proc/study.toml"),
                ("prepare", table, "--out", "/proc/p.json"),
            )
        ),
    ]
    rows = []
    for fault, words in tried:
        code, _, said = call(*words)
        rows.append(
            Row(fault, 1, int(code != 2 or said.count("\n") != 1), said.strip()[:100].replace(str(folder), "…"))
        )
    csv = folder / "zoë.csv"
    gl.demo.cohort()[:, :600].to_df().round(3).T.to_csv(csv, index_label="gene")
    return [*_grouped(rows), _full_disk(folder, table), *_surroundings(csv)]


def _grouped(rows: list[Row]) -> list[Row]:
    kinds = dict.fromkeys(row.fault.partition(":")[0] for row in rows)
    found = []
    for kind in kinds:
        own = [row for row in rows if row.fault.partition(":")[0] == kind]
        worst = next((row for row in own if row.wrong), own[0])
        found.append(Row(kind, len(own), sum(row.wrong for row in own), worst.outcome))
    return found


def _full_disk(folder: Path, table: Path) -> Row:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    gl.models.PCA(4).fit(gl.read(table)).save(folder / "pca")
    verbs = {
        "r.h5ad": ("read", table),
        "m.h5ad": ("map-ids", table),
        "e.h5ad": ("encode", table, "--model", folder / "pca", "--layer", "PC"),
        "n.parquet": ("light-up", "--model", folder / "pca", "--layer", "PC"),
        "p.json": ("prepare", table),
        "s.zarr": ("pack", table),
        "fitted": ("fit", table, "--widths", "8"),
    }
    wrong, first = 0, ""
    for out, words in verbs.items():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, hard))
        code, _, said = call(*words, "--out", folder / out)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        bad = code != 2 or said.count("\n") != 1 or (folder / out).exists()
        wrong, first = wrong + bad, first or (said.strip()[:160] if bad else "")
    return Row("full disk", len(verbs), wrong, first or "one line, nothing at the final name")


def _surroundings(table: Path) -> list[Row]:
    """Terminals of another encoding, and a package and a home that take no compiled code."""
    code = "import sys; from genelight.cli import main; sys.argv = ['genelight', *sys.argv[1:]]; main()"
    ask = [sys.executable, "-c", code, "inspect", str(table)]
    locked = table.parent / "locked"
    shutil.copytree(Path(gl.__file__).parent, locked / "genelight", ignore=shutil.ignore_patterns("__pycache__"))
    for room in ("io/text", "evidence"):
        (locked / "genelight" / room / "__pycache__").touch()
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "NUMBA_CACHE_DIR": "", "PYTHONPATH": str(locked)}
    rows = []
    for fault, changes in {
        "a terminal of ASCII": {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        "a terminal of latin-1": {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
        "no writable cache for numba": nowhere | {"MPLCONFIGDIR": str(table.parent / "mpl")},
    }.items():
        ended = subprocess.run(ask, env={**os.environ, **changes}, capture_output=True, check=False)
        rows.append(Row(fault, 1, int(ended.returncode != 0), ended.stderr.decode("latin-1").strip()[-100:] or "works"))
    return rows
