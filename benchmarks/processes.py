"""One training from a store by several processes, against the same by one with as many threads.

``genelight fit STORE``, and ``torchrun`` in front of it, on a simulated compendium, from the command to the saved
model, imports and start of the processes included. All have the machine's cores: one process as threads, several a
share of them each. The ratio is the time of one over that of two. Rows have the seconds, the peak of the largest
process, and how far held-out R² lies from that of one process.

On one machine nothing is to be won but what threads leave idle; the rows say what the exchange costs. Over several
machines, reading and the subspace are shared out, and this command has to be typed there.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks._harness import Result
from benchmarks._measure import Child, Figure, child
from genelight._core.threads import threads
from genelight.simulate import Compendium

OPTIONS = ("--widths", "64,16,64", "--preset", "plain,epochs=5", "--json")


def run(*, quick: bool) -> Result:
    samples, genes = (4_200, 400) if quick else (20_000, 5_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = _packed(Compendium(samples, genes), folder)
        done = {size: _fit(store, folder / f"model-{size}", size) for size in (1, 2, 4)}
    found = {size: json.loads(each.output.splitlines()[-1])["held_out"]["r2"] for size, each in done.items()}
    rows: list[dict[str, object]] = [
        {
            "processes": size,
            "seconds": each.seconds,
            "peak GB": each.peak_bytes / 1e9,
            "R² apart": found[size] - found[1],
        }
        for size, each in done.items()
    ]
    data = f"simulated compendium, {samples} x {genes}, {threads()} threads, {os.cpu_count()} cores"
    return Result("ratio", Figure(done[1].seconds / done[2].seconds), data, rows, "one process", torch.__version__)


def _packed(compendium: Compendium, folder: Path) -> Path:
    from genelight.io import pack

    return pack([compendium.save(folder / "compendium.h5ad")], folder / "compendium.zarr").path


def _fit(store: Path, out: Path, size: int) -> Child:
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(size)] if size > 1 else []
    command = [sys.executable, *launcher, "-m", "genelight", "fit", str(store), *OPTIONS, "--out", str(out)]
    return child(command, env={"OMP_NUM_THREADS": str(max(1, threads() // size))})
