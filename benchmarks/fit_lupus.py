"""Seconds of a whole fit of a lupus cohort at widths 512-512-512, two threads if the machine has them.

Cohort: GSE65391 where it lies beside the project, technical replicates dropped; ``--quick`` and machines without it
take the influenza cohort at 64-64-64. The value is the median of three calls of ``fit`` on the table in memory, each
in a process of its own whose imports are over: genes chosen and standardised, the exact subspace, choice of settings
on held-out subjects and final training, in the default preset with its sixty epochs (here no sparsity and no training
beats the start, which is what the choice finds out in twenty). The row of the command is ``genelight fit`` from a file
to a saved model, imports included.

The rotation of 512 axes to independent programmes, once for the choice and once for everyone, goes by one thread: by
two it took 3.5 s on an idle machine and 16.9 s beside one other process, by one 2.7 s either way.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks._harness import Result
from benchmarks._measure import Figure, child
from benchmarks.fit_vs_keras_lupus import lupus

FIT = """
import json, sys, time
import genelight as gl
fit, adata = gl.fit, gl.read(sys.argv[1], dense=True)
started = time.perf_counter()
model = fit(adata, widths=tuple(map(int, sys.argv[2].split(","))), subject="subject")
seconds = time.perf_counter() - started
print(json.dumps({"seconds": seconds, "genes": len(model.genes), "held_out": model.about["held_out"]}))
"""
COMMAND = "from genelight.cli import main; main()"


def run(*, quick: bool) -> Result:
    adata, cohort = lupus(quick=quick)
    widths = ",".join(["64" if cohort == "influenza" else "512"] * 3)
    fits, commands = [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "cohort.h5ad")
        adata.write_h5ad(file)
        for i in range(1 if quick else 3):
            fits.append(json.loads(child([sys.executable, "-c", FIT, str(file), widths]).output.splitlines()[-1]))
            words = ["fit", str(file), "--subject", "subject", "--widths", widths, "--out", str(Path(folder, f"{i}"))]
            commands.append(child([sys.executable, "-c", COMMAND, *words]))
    r2 = fits[0]["held_out"]
    rows = [
        {"what": "fit", "seconds": Figure.of([fit["seconds"] for fit in fits]).value, "held-out R²": r2["r2"]},
        {
            "what": "genelight fit, file to model",
            "seconds": Figure.of([done.seconds for done in commands]).value,
            "peak GB": max(done.peak_bytes for done in commands) / 1e9,
        },
        {"what": f"PCA-{r2['pca_width']}", "held-out R²": r2["pca_r2"]},
    ]
    data = f"{cohort}, {adata.n_obs} x {fits[0]['genes']} genes kept, {widths.replace(',', '-')}"
    return Result("value", Figure.of([fit["seconds"] for fit in fits]), data, rows)
