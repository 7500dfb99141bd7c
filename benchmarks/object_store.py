"""Training from a store on object storage whose every answer takes 50 ms, against the same from a disk.

The ratio is the time of ``fit`` from the disk over that from the bucket, in turn, same model to the bit: 0.8 means
that four fifths of the speed are kept. Both are the same files; the bucket is a server in a process of its own on this
machine, asked by s3fs as it asks Amazon's, and it takes processor time that a real one does not. Rows below time one
pass over the samples and its power step (two matrix products with 352 axes), which is where all reading is: from the
disk; from the bucket with four blocks on their way while one is worked on, as ``Store.blocks`` does; with one; and by
HTTP. Bandwidth is that of loopback: below some 200 MB a second it is the limit, whatever is read ahead.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np

from benchmarks._harness import Result
from benchmarks._measure import paired, require
from benchmarks._range_server import serving
from genelight import fit
from genelight.demo import cohort
from genelight.io import Store, pack
from genelight.io.stores import store
from genelight.models.subspace.sketch import EXTRA_AXES, power_step
from genelight.models.subspace.streaming import LEAST_RANK
from genelight.pp import prepare
from genelight.pp.stream import PreparedStore
from genelight.simulate import Compendium

LATENCY = 0.05
EPOCHS = 5


def run(*, quick: bool) -> Result:
    version = require("s3fs")
    samples, genes, runs = (1_024, 8_000, 1) if quick else (4_200, 20_848, 3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        disk = pack([Compendium(samples, genes).save(folder / "compendium.h5ad")], folder / "bucket" / "store.zarr")
        with _bucket(folder) as url:
            bucket, web = Store.open("s3://bucket/store.zarr"), Store.open(f"{url}/bucket/store.zarr")
            fit(cohort(), epochs=1)  # what is compiled and loaded at first use counts for neither
            models = []
            fits = [lambda each=each: models.append(fit(each, epochs=EPOCHS)) for each in (bucket, disk)]
            trained = paired(*fits, runs=runs, warm=False)
            assert len({model.digest for model in models}) == 1
            rows = [*trained.rows("fit, bucket", "fit, disk"), *_passes(disk, bucket, web, runs=runs)]
    data = f"simulated compendium, {samples} x {genes}, {EPOCHS} epochs, {LATENCY * 1000:g} ms an answer"
    return Result("ratio", trained.ratio, data, rows, "s3fs", version)


def _passes(disk: Store, bucket: Store, web: Store, *, runs: int) -> list[dict[str, object]]:
    preparation = prepare(disk)
    start_gl = np.random.default_rng(0).standard_normal((disk.n_vars, LEAST_RANK + EXTRA_AXES), dtype=np.float32)
    learn_n = np.ones(disk.n_obs, dtype=bool)

    def once(source: Store, ahead: int = store.AHEAD) -> None:
        with mock.patch.object(store, "AHEAD", ahead):
            power_step(PreparedStore(source, preparation).blocks(), start_gl, learn_n)

    rows: list[dict[str, object]] = []
    for what, source, ahead in (
        ("pass, bucket", bucket, store.AHEAD),
        ("pass, bucket, one block ahead", bucket, 1),
        ("pass, web", web, store.AHEAD),
    ):
        pairs = paired(lambda s=source, n=ahead: once(s, n), lambda: once(disk), runs=runs, warm=False)
        remote, local = pairs.rows(what, "pass, disk")
        rows += [remote | {"share of the disk's speed": pairs.ratio.value}, *([] if rows else [local])]
    return rows


@contextmanager
def _bucket(folder: Path) -> Iterator[str]:
    """The address of a server of a folder, known to S3 clients as theirs."""
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
    with serving(folder, seconds=LATENCY) as url, mock.patch.dict(os.environ, keys | {"AWS_ENDPOINT_URL": url}):
        yield url
