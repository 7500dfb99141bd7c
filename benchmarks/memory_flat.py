"""Peak memory of training from a store, and how it and time grow with samples.

The value is the peak resident memory, in GB (1e9 bytes), of a process that does nothing but ``fit`` on a store of the
paper's size on disk: imports, preparation, subspace, choice on held-out samples and final training, at the default
widths. The rows below it train on 5,000 to 100,000 samples of the same recipe whose store is not on disk but makes its
samples when they are read (100,000 would take 8.3 GB); their seconds therefore hold the making of every sample four
times and are for comparison among themselves: seconds per 1,000 samples stay level where time is linear. All train
five epochs a stage instead of sixty; memory does not depend on it. ``over 5,000`` is the peak over that of the
smallest.

What grows with samples: 352 numbers of single precision a sample (its coordinates), four fifths of them once more
while settings are chosen. What does not: pilot, blocks, and the matrices of genes x axes, which set the peak.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks._harness import Result
from benchmarks._measure import Child, Figure, child
from genelight._core.genes import Genes
from genelight.simulate import Compendium

EPOCHS = 5


def run(*, quick: bool) -> Result:
    samples, genes = (4_200, 400) if quick else (27_887, 20_848)
    sizes = (4_200, 8_400) if quick else (5_000, 27_887, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        store = _packed(Compendium(samples, genes), Path(folder))
        done = _child("on_disk", str(store))
    rows = [_row("store on disk", samples, done)]
    peaks = []
    for size in sizes:
        made = _child("made", str(size), str(genes))
        peaks.append(made.peak_bytes)
        rows.append(_row("store made as it is read", size, made) | {"over 5,000": made.peak_bytes / peaks[0]})
    what = f"simulated compendium, {samples} x {genes}, widths 128-64-32, {EPOCHS} epochs a stage"
    return Result("value", Figure(done.peak_bytes / 1e9), what, rows)


def _packed(compendium: Compendium, folder: Path) -> Path:
    from genelight.io import pack

    file = compendium.save(folder / "compendium.h5ad")
    store = pack([file], folder / "compendium.zarr").path
    file.unlink()
    return store


def _child(kind: str, *arguments: str) -> Child:
    code = f"from benchmarks.memory_flat import {kind}; {kind}(*{arguments!r})"
    return child([sys.executable, "-c", code])


def _row(what: str, samples: int, done: Child) -> dict[str, object]:
    seconds = json.loads(done.output)["seconds"]
    per = 1000 * seconds / samples
    return {"what": what, "samples": samples, "peak GB": done.peak_bytes / 1e9, "seconds": seconds, "s per 1,000": per}


def on_disk(path: str) -> None:
    from genelight.io import open_store

    _train(open_store(path))


def made(samples: str, genes: str) -> None:
    import pandas as pd

    from genelight.io import Store

    compendium = Compendium(int(samples), int(genes))
    obs = pd.DataFrame(index=[f"S{i}" for i in range(compendium.n_samples)])
    _train(Store(_Made(Path("made"), {"values_missing": 0}, _Rows(compendium), compendium.genes, obs)))


@dataclass(frozen=True)
class _Made:
    """In place of what lies on disk."""

    path: Path
    about: dict[str, int]
    x: _Rows
    genes: Genes
    obs: object


class _Rows:
    """In place of a zarr array: rows of a compendium."""

    def __init__(self, compendium: Compendium) -> None:
        self.compendium = compendium
        self.shape = (compendium.n_samples, compendium.n_genes)
        self.chunks = (128, compendium.n_genes)
        self.oindex = self

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        if isinstance(rows, slice):
            return self.compendium.rows(rows.start, rows.stop)
        # Runs of neighbours, each made once.
        runs = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1)
        return np.concatenate([self.compendium.rows(int(run[0]), int(run[-1]) + 1) for run in runs])


def _train(store: object) -> None:
    import genelight as gl

    started = time.perf_counter()
    gl.fit(store, epochs=EPOCHS)
    print(json.dumps({"seconds": time.perf_counter() - started}))
