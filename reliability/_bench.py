"""What the trials share: verbs run in a forked child, so that nothing is imported twice."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SMALL = """
[data]
expression = "few.h5ad"
subject = "subject"
[contrast]
case = 'condition == "symptomatic" and hours >= 45'
control = "hours == 0"
[model]
widths = [16, 8]
epochs = 4
seed = SEED
seeds = 0
[network]
file = "edges.tsv"
[[sets]]
file = "sets.gmt"
[module]
size = 20
folds = 3
bootstraps = 5
permutations = 19
[tests]
draws = 99
n_top = 20
"""


@dataclass(frozen=True)
class Row:
    """One fault: how often it was tried, how often it went wrong, and what happened."""

    fault: str
    tried: int
    wrong: int
    outcome: str


def small_study(folder: Path, *, seed: int = 0) -> Path:
    """A study of two hundred genes with a network and sets of its own, a few seconds long; its file."""
    import numpy as np

    import genelight as gl

    adata = gl.demo.cohort()[:, :200]
    adata[adata.obs["hours"].isin([0, 45, 53, 60, 69])].copy().write_h5ad(folder / "few.h5ad")
    rng, genes = np.random.default_rng(0), list(adata.var_names)
    edges = [f"{genes[i]}\t{genes[j]}\n" for i, j in rng.integers(0, len(genes), (600, 2)) if i != j]
    (folder / "edges.tsv").write_text("source\ttarget\n" + "".join(edges), encoding="utf-8")
    sets = ["\t".join([f"SET{k}", "-", *rng.choice(genes, 15, replace=False)]) + "\n" for k in range(10)]
    (folder / "sets.gmt").write_text("".join(sets), encoding="utf-8")
    path = folder / "small.toml"
    path.write_text(SMALL.replace("SEED", str(seed)), encoding="utf-8")
    return path


def call(*words: object) -> tuple[int, str, str]:
    """A verb of the command line in this process, without progress: exit code (99 for a traceback), output, errors."""
    from genelight.cli import main

    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["genelight", *map(str, words), "--quiet"]
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException:
            code = 99
            err.write(traceback.format_exc())
        finally:
            sys.argv = before
    return int(code) if isinstance(code, int) else 2, out.getvalue(), err.getvalue()


def forked(work: Callable[[], object]) -> int:
    """Process id of a child that does some work and ends."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = int(work() not in (None, 0, True))
        except BaseException:
            sys.stderr.write(traceback.format_exc())
        finally:
            os._exit(code)
    return child


def killed_after(work: Callable[[], object], seconds: float) -> bool:
    """Whether a child that does some work had to be killed, after so many seconds."""
    child = forked(work)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def left(folder: Path) -> list[str]:
    """What lies half-written in a folder."""
    return [str(path) for path in folder.rglob(".genelight-*")]
