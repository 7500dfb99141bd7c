"""Peak memory of training from a store, and how it and time grow with samples.

The value is the peak resident memory, in GB (1e9 bytes), of a process that does nothing but ``fit`` on a store of the
paper's size on disk: imports, preparation, subspace, choice on held-out samples and final training, of an autoencoder
of 128, 64 and 32 nodes (that of the deep one stands in ``cost_curves``). The rows train on the first 5,000 of its
samples, on all, and on 100,000: the same samples over again, read from disk each time, since a store of so many would
take 8.3 GB. ``over the first`` is the peak over that of the smallest; ``s per 1,000`` stays level, or falls as what is
done once spreads over more samples, where time is linear. All train five epochs a stage instead of sixty; memory does
not depend on it.

What grows with samples: 352 numbers of single precision a sample (its coordinates) while the subspace is settled;
256 while it is trained on, and up to as many again as the network reads them. They are rotated to principal axes, cut
and sorted where they are, learners and held-out samples are slices of them, bootstraps of held-out subjects are kept
in bytes; with copies and in double precision the peak at 100,000 samples was 1.38 times that at 5,000. What does not
grow: the pilot, blocks, and the matrices of genes x axes, which set the peak.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks._harness import Result
from benchmarks._measure import Child, Figure, child
from genelight.simulate import Compendium

if TYPE_CHECKING:
    import pandas as pd

    from genelight.io import Store
    from genelight.nouns import Genes

WIDTHS, EPOCHS = (128, 64, 32), 5


def run(*, quick: bool) -> Result:
    samples, genes = (4_200, 400) if quick else (27_887, 20_848)
    sizes = (samples, 2 * samples) if quick else (5_000, samples, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        store = _packed(Compendium(samples, genes), Path(folder))
        done = {size: _child(store, size) for size in sizes}
    first = done[sizes[0]].peak_bytes
    rows = [_row(size, found) | {"over the first": found.peak_bytes / first} for size, found in done.items()]
    what = f"simulated compendium, {samples} x {genes}, widths {'-'.join(map(str, WIDTHS))}, {EPOCHS} epochs a stage"
    return Result("value", Figure(done[samples].peak_bytes / 1e9), what, rows)


def _packed(compendium: Compendium, folder: Path) -> Path:
    from genelight.io import pack

    file = compendium.save(folder / "compendium.h5ad")
    store = pack([file], folder / "compendium.zarr").path
    file.unlink()
    return store


def _child(store: Path, samples: int) -> Child:
    return child([sys.executable, "-c", f"from benchmarks.memory_flat import train; train({str(store)!r}, {samples})"])


def _row(samples: int, done: Child) -> dict[str, object]:
    seconds = json.loads(done.output)["seconds"]
    per = 1000 * seconds / samples
    return {"samples": samples, "peak GB": done.peak_bytes / 1e9, "seconds": seconds, "s per 1,000": per}


def train(path: str, samples: int) -> None:
    import genelight as gl

    store = _over_again(gl.io.Store.open(path), samples)
    started = time.perf_counter()
    gl.fit(store, widths=WIDTHS, epochs=EPOCHS)
    print(json.dumps({"seconds": time.perf_counter() - started}))


def _over_again(store: Store, samples: int) -> Store:
    import pandas as pd

    from genelight.io import Store

    obs = pd.DataFrame(index=[f"S{i}" for i in range(samples)])
    return Store(_Group(store.path, {"values_missing": 0}, store, obs))


@dataclass(frozen=True)
class _Group:
    """In place of what a store holds on disk: its samples over again, in as large a number as asked for."""

    path: Path
    about: dict[str, int]
    store: Store
    obs: pd.DataFrame
    remote: bool = False

    @property
    def x(self) -> _Shape:
        return _Shape((len(self.obs), self.store.n_vars), self.store._group.x.chunks)

    @property
    def genes(self) -> Genes:
        return self.store.genes

    def read(self, sorted_n: np.ndarray) -> np.ndarray:
        first, *again = np.split(sorted_n, np.flatnonzero(np.diff(sorted_n // self.store.n_obs)) + 1)
        parts = [self.store._group.read(part % self.store.n_obs) for part in (first, *again)]
        return np.concatenate(parts) if again else parts[0]


class _Shape(NamedTuple):
    shape: tuple[int, int]
    chunks: tuple[int, int]
