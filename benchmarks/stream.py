"""Training from a store on disk, against the same training from the same samples in memory.

The value is the time of ``fit`` with the samples in memory over its time with them in the store, both interleaved, same
code, same model: 0.9 means that the disk costs a tenth. The rows go down to one pass, the power step that finds the
subspace (two matrix products with 352 axes), which is where all reading is: from the store; from memory, each block
copied and standardised as it comes; and from values in memory that were standardised before, the least that any reader
could cost. ``over ...`` are medians of pairs. Passes end with the same axes, which is checked first. The store has just
been written, so its pages may still be cached by the system; on a cold disk its speed is the limit.

What was tried, by scripts that are not kept, on two cores with a pass of 1.3 s over 0.5 GB: zarr's own decoding takes
0.30 s of one core, zarrs 0.2 s of two, reading the shards' files straight 0.07 s, mapping them into memory no less;
standardising 0.07 s. Blocks of 256 samples multiply slower than those of 384 by a tenth; 512 cost fresh memory for
every block. A block read ahead in a thread is as fast as none read ahead while files are cached, and 0.2 s faster where
they are not. Standardising in two threads gained nothing.

The rows below compare ways to read the same store, without any product, in GB of values a second: as ``Store`` does;
through zarr, its own pipeline or zarrs (Rust), where installed; the same store packed with ``--compress``; random
batches of 256 samples by ``Store.take``; and such batches in shuffled runs of 64 through scDataset 0.3, where
installed. annbatch needs Python 3.12 and was not measured on 3.11. Last, the whole search for 256 axes beside
scikit-learn's IncrementalPCA of as many, both on samples in memory; the latter on a part of them, its time scaled up,
since each batch of 1,024 costs the same.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks._harness import Result
from benchmarks._measure import Figure, paired
from genelight import fit
from genelight.io import Store, pack
from genelight.io.stores._group import Group
from genelight.models.subspace.sketch import EXTRA_AXES, InMemory, power_step, sketch
from genelight.models.subspace.streaming import LEAST_RANK
from genelight.pp import prepare
from genelight.pp.stream import PreparedStore
from genelight.simulate import Compendium

BATCH = 256
EPOCHS = 5
ZARRS = "zarrs.ZarrsCodecPipeline"


def run(*, quick: bool) -> Result:
    samples, genes = (1_024, 8_000) if quick else (6_000, 20_848)
    with tempfile.TemporaryDirectory() as folder:
        file = Compendium(samples, genes).save(Path(folder, "compendium.h5ad"))
        store = pack([file], Path(folder, "store.zarr"))
        small = pack([file], Path(folder, "small.zarr"), compress=True)
        table = PreparedStore(store, prepare(store))
        x_ng = np.concatenate([block_ng for _, block_ng in table.blocks()])
        start_gl = np.random.default_rng(0).standard_normal((genes, LEAST_RANK + EXTRA_AXES), dtype=np.float32)
        learn_n = np.ones(samples, dtype=bool)
        held = Store(_Held(store._group.path, store.account, store._group.x, store.rows(0, samples)))
        fits = [lambda source=source: fit(source, epochs=EPOCHS) for source in (store, held)]
        assert fits[0]().digest == fits[1]().digest
        trained = paired(*fits, runs=3 if quick else 5, warm=False)
        passes = [
            lambda source=source: power_step(source.blocks(), start_gl, learn_n)
            for source in (table, PreparedStore(held, table.preparation), InMemory(x_ng))
        ]
        np.testing.assert_allclose(np.abs(passes[0]()), np.abs(passes[2]()), atol=1e-3)
        rows = [
            *trained.rows("fit, store", "fit, in memory"),
            *_against(passes[0], passes[1], "pass, in memory", quick=quick),
            *_against(passes[0], passes[2], "pass, in memory and standardised before", quick=quick),
            *_readers(store, small),
        ]
    rows += _beside_incremental_pca(x_ng)
    return Result("ratio", trained.ratio, f"simulated compendium, {samples} x {genes}, {EPOCHS} epochs", rows)


@dataclass(frozen=True)
class _Held(Group):
    """A store whose samples are in memory."""

    x_ng: np.ndarray

    def read(self, sorted_n: np.ndarray) -> np.ndarray:
        in_a_row = sorted_n[-1] - sorted_n[0] == len(sorted_n) - 1
        return self.x_ng[sorted_n[0] : sorted_n[-1] + 1].copy() if in_a_row else self.x_ng[sorted_n]


def _against(
    ours: Callable[[], object], theirs: Callable[[], object], name: str, *, quick: bool
) -> list[dict[str, object]]:
    pairs = paired(ours, theirs, runs=3 if quick else 9, warm=False)
    first, second = pairs.rows("pass, store", name)
    low, high = pairs.ratio.interval or (None, None)
    return [first, second | {f"over {first['what']}": pairs.ratio.value, "low": low, "high": high}]


def _readers(store: Store, small: Store) -> list[dict[str, object]]:
    import zarr

    def whole(which: Store) -> None:
        for _ in which.blocks():
            pass

    def decoded(which: Store, pipeline: str | None = None) -> None:
        with zarr.config.set({"codec_pipeline.path": pipeline} if pipeline else {}):
            x = zarr.open_array(which.path / "X", mode="r")
            for start in range(0, which.n_obs, which.block_rows):
                x[start : start + which.block_rows]

    def batches() -> None:
        order = np.random.default_rng(0).permutation(store.n_obs)
        for start in range(0, store.n_obs, BATCH):
            store.take(order[start : start + BATCH])

    size = 4 * store.n_obs * store.n_vars / 1e9
    rows = [
        _speed("read: Store", lambda: whole(store), size),
        _speed("read: Store, --compress", lambda: whole(small), size),
        _speed(f"read: Store, random batches of {BATCH}", batches, size),
        _speed("read: zarr", lambda: decoded(store), size),
        _speed("read: zarr, --compress", lambda: decoded(small), size),
    ]
    if importlib.util.find_spec("zarrs"):
        rows.append(_speed("read: zarrs", lambda: decoded(store, ZARRS), size))
        rows.append(_speed("read: zarrs, --compress", lambda: decoded(small, ZARRS), size))
    if importlib.util.find_spec("scdataset"):
        rows.append(_speed(f"read: scDataset, batches of {BATCH}, runs of 64", lambda: _scdataset(store), size))
    return rows


def _scdataset(store: Store) -> None:
    from scdataset import BlockShuffling, scDataset

    def fetch(which: Store, index: np.ndarray) -> np.ndarray:
        return which.take(np.asarray(index))

    for _ in scDataset(range(store.n_obs), BlockShuffling(64), BATCH, 4, fetch_callback=lambda _, i: fetch(store, i)):
        pass


def _speed(what: str, work: Callable[[], None], size: float) -> dict[str, object]:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    found = Figure.of(times)
    return {
        "what": what,
        "seconds": found.value,
        "fastest": min(times),
        "slowest": max(times),
        "GB/s": size / found.value,
    }


def _beside_incremental_pca(x_ng: np.ndarray) -> list[dict[str, object]]:
    from sklearn.decomposition import IncrementalPCA

    share = 4 if len(x_ng) > 4 * 1024 else 1
    part_ng = x_ng[: len(x_ng) // share]
    started = time.perf_counter()
    ours = sketch(InMemory(x_ng), rank=LEAST_RANK)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    IncrementalPCA(LEAST_RANK, batch_size=1024).fit(part_ng)
    theirs = share * (time.perf_counter() - started)
    kept = ours.squares_k.sum() / ours.total
    return [
        {"what": f"{LEAST_RANK} axes: pilot and two passes", "seconds": seconds, "variance kept": float(kept)},
        {"what": f"{LEAST_RANK} axes: IncrementalPCA", "seconds": theirs, "over ours": theirs / seconds},
    ]
