"""Peak memory of packing a compendium larger than that memory.

A simulated compendium is streamed to an h5ad file on disk, then ``genelight pack`` streams that file into a store, in
a process of its own whose peak resident memory is the value, in GB (1e9 bytes); wall seconds stand beside it. Imports
count. That a killed run goes on to the same store is held by a test. The ``zstd`` row is ``--compress`` on the same
values, whose noise hardly compresses: an upper end for its size.

Disk: the h5ad file and the store, 2.3 GB each, in a temporary folder that is removed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks._harness import Result
from benchmarks._measure import Figure, child
from genelight.simulate import Compendium

CLI = "from genelight.cli import main; main()"


def run(*, quick: bool) -> Result:
    compendium = Compendium(2_000, 4_000) if quick else Compendium()
    samples, genes = compendium.n_samples, compendium.n_genes
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        file = compendium.save(Path(folder, "compendium.h5ad"))
        for what, options in (("pack", []), ("pack --compress (zstd)", ["--compress"])):
            store = Path(folder, "store.zarr")
            done = child([sys.executable, "-c", CLI, "pack", str(file), "--out", str(store), *options])
            size = sum(part.stat().st_size for part in store.rglob("*") if part.is_file())
            rows.append(_row(what, done.peak_bytes, seconds=done.seconds, disk=size))
            store.rename(Path(folder, f"{len(rows)}.zarr"))
    rows.append({"what": "the values", "disk GB": 4 * samples * genes / 1e9})
    peak = float(str(rows[0]["peak GB"]))
    return Result("value", Figure(peak), f"simulated compendium, {samples} x {genes} float32", rows)


def _row(what: str, peak: int, *, seconds: float, disk: int) -> dict[str, object]:
    return {"what": what, "peak GB": peak / 1e9, "seconds": seconds, "disk GB": disk / 1e9}
