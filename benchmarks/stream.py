"""A pass over a store, against the same pass over the same samples in memory.

One pass is the power step that finds the subspace (two matrix products with 352 axes, as ``fit`` on a store makes
them). From memory it runs on prepared values; from the store every block is read from disk by zarr's own pipeline, one
block ahead in a thread, and standardised. The ratio is time from memory over time from the store, both interleaved: 0.9
means that the disk costs a tenth, which was the aim and is not reached for certain: pairs of one quiet run were from
0.69 to 0.99. Both end with the same axes, which is checked first. The store has just been written, so its pages may
still be cached by the system; on a cold disk its speed is the limit.

The rows below compare ways to read the same store, without any product, in GB of values a second: zarr as it comes;
zarr with the pipeline of zarrs (Rust), where installed; the same store packed with ``--compress``; random batches of
256 samples by ``Store.take``; and such batches in shuffled runs of 64 through scDataset 0.3, where installed. annbatch
needs Python 3.12 and was not measured on 3.11. With cores busy multiplying, what counts is the processor time that a
reader takes: zarr's own pipeline was kept, since it needs nothing more installed and reads faster than the products use
(scDataset and zarrs were not there in the run that is kept). Last, the whole search for 256 axes beside scikit-learn's
IncrementalPCA of as many, both on samples in memory; the latter on a part of them, its time scaled up, since each batch
of 1,024 costs the same.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks._harness import Result
from benchmarks._measure import Figure, paired
from genelight.io import Store, pack
from genelight.models._sketch import EXTRA_AXES, InMemory, power_step, sketch
from genelight.models.streaming import LEAST_RANK
from genelight.pp import PreparedStore, prepare
from genelight.simulate import Compendium

BATCH = 256


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
        passes = [
            lambda source=source: power_step(source.blocks(), start_gl, learn_n) for source in (table, InMemory(x_ng))
        ]
        np.testing.assert_allclose(np.abs(passes[0]()), np.abs(passes[1]()), atol=1e-3)
        pairs = paired(*passes, runs=3 if quick else 5, warm=False)
        rows = [*pairs.rows("pass over the store", "pass in memory"), *_readers(store, small)]
    rows += _beside_incremental_pca(x_ng)
    return Result("ratio", pairs.ratio, f"simulated compendium, {samples} x {genes}, 352 axes", rows)


def _readers(store: Store, small: Store) -> list[dict[str, object]]:
    import zarr

    def whole(which: Store) -> None:
        for _ in which.blocks():
            pass

    def batches() -> None:
        order = np.random.default_rng(0).permutation(store.n_obs)
        for start in range(0, store.n_obs, BATCH):
            store.take(order[start : start + BATCH])

    size = 4 * store.n_obs * store.n_vars / 1e9
    rows = [
        _speed("read: zarr", lambda: whole(store), size),
        _speed("read: zarr, --compress", lambda: whole(small), size),
        _speed(f"read: random batches of {BATCH}", batches, size),
    ]
    if importlib.util.find_spec("zarrs"):
        with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
            rows.append(_speed("read: zarrs pipeline", lambda: whole(_again(store)), size))
            rows.append(_speed("read: zarrs pipeline, --compress", lambda: whole(_again(small)), size))
    if importlib.util.find_spec("scdataset"):
        rows.append(_speed(f"read: scDataset, batches of {BATCH}, runs of 64", lambda: _scdataset(store), size))
    return rows


def _again(store: Store) -> Store:
    """The store opened anew, since an array keeps the pipeline that it was opened with."""
    from genelight.io import open_store

    return open_store(store.path)


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
