"""Time to the best held-out R² that Keras reaches on a lupus cohort, against Keras.

Cohort: GSE65391 where it lies beside the project, technical replicates dropped, genes above the floor in half of the
samples; a fifth of the subjects is held out. ``--quick`` and machines without it take the influenza cohort. Both
sides start from the same two arrays on disk and end with a saved model, in a process of their own, imports included.
Keras trains 512-512-512 ReLU nodes with a linear output in gene space (Adam, 1e-3, batch 64) until a minute has passed;
its time is when its best epoch ends, evaluations left out. Ours trains the default preset with the same widths,
choice of settings included, and is counted to the end of the command. The ratio is Keras's time over ours. The row of
a command with one epoch is the time to a model that is at Keras's level without a choice worth the name: the start
at principal axes is above it already.

The aim was ten times, from a Keras that took 31 s to its best epoch. Keras 3.15 is at its best, 0.349, after nine
epochs of 1.5 processor seconds each, and falls from there: on two idle cores that is some twelve seconds, of which its
own start takes four. A tenth of that is less than importing PyTorch, so that no command can meet the aim; the rows say
what a whole fit costs beside it, and how far above Keras's best it ends (0.51 against 0.35).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks._harness import Result
from benchmarks._keras import keras
from benchmarks._measure import Figure, child
from genelight import demo, pp
from genelight.io import read

FILE = Path(__file__).parents[1] / "../shared/data/sle_blood_GSE65391.h5ad"
FIT = """
import sys
import anndata, numpy, pandas
import genelight as gl
table, held_out, epochs, widths = sys.argv[1], sys.argv[2], int(sys.argv[3]), tuple(map(int, sys.argv[4].split(",")))
x = numpy.load(table)
obs = pandas.DataFrame({"subject": numpy.load(table[:-4] + ".subject.npy")}, index=[str(i) for i in range(len(x))])
var = pandas.DataFrame(index=[f"G{i}" for i in range(x.shape[1])])
adata = anndata.AnnData(x, obs=obs, var=var)
preparation = gl.prepare(adata, above_floor=0.0)
model = gl.fit(adata, widths=widths, subject="subject", preparation=preparation, epochs=epochs)
model.save(table[:-4] + ".model")
test = numpy.load(held_out)
test = anndata.AnnData(test, obs=pandas.DataFrame(index=[f"t{i}" for i in range(len(test))]), var=var)
print(gl.models.r2(model, model.prepare(test)))
"""


def run(*, quick: bool) -> Result:
    small = quick or not FILE.exists()
    adata = demo.cohort() if small else read(FILE)
    if not small:
        adata = adata[adata.obs["set"] != "technical_replicate"].copy()
    widths = (64, 64, 64) if small else (512, 512, 512)
    seconds, runs = (10.0, 1) if quick else (60.0, 3)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        table, held_out, shape = _split(adata, Path(folder))
        rounds = [_round(table, held_out, widths=widths, seconds=seconds) for _ in range(runs)]
    for what, r2, _ in rounds[0]:
        times = [next(t for name, _, t in found if name == what) for found in rounds]
        rows.append({"what": what, "held-out R²": r2, "seconds": Figure.of(times).value})
    ratios = [found[-1][2] / found[0][2] for found in rounds]
    cohort = "influenza" if small else "GSE65391"
    data = f"{cohort}, {shape[0]} x {shape[1]} to learn from, {'-'.join(map(str, widths))}"
    return Result("ratio", Figure.of(ratios), data, rows, "Keras, TensorFlow", str(_VERSION[0]))


_VERSION: list[object] = []


def _split(adata: object, folder: Path) -> tuple[Path, Path, tuple[int, int]]:
    """Samples to learn from and held out, as arrays on disk, the genes that a preparation keeps."""
    subject_n = adata.obs["subject"].astype(str).to_numpy()
    subjects = np.random.default_rng(0).permutation(np.unique(subject_n))
    test_n = np.isin(subject_n, subjects[: len(subjects) // 5])
    kept = pp.prepare(adata[~test_n].copy()).genes.ids
    x_ng = np.asarray(adata[:, list(kept)].X, dtype=np.float32)
    table, held_out = folder / "table.npy", folder / "held_out.npy"
    np.save(table, x_ng[~test_n])
    np.save(held_out, x_ng[test_n])
    np.save(folder / "table.subject.npy", subject_n[~test_n].astype("U"))
    return table, held_out, x_ng[~test_n].shape


def _round(table: Path, held_out: Path, *, widths: tuple[int, ...], seconds: float) -> list[tuple[str, float, float]]:
    """What, R² and seconds: our whole fit, ours of one epoch, Keras at its best."""
    found = []
    for what, epochs in (("genelight, default", 60), ("genelight, one epoch", 1)):
        argv = [sys.executable, "-c", FIT, str(table), str(held_out), str(epochs), ",".join(map(str, widths))]
        done = child(argv)
        found.append((what, float(done.output.split()[-1]), done.seconds))
    peer = keras(
        "train",
        table=str(table),
        held_out=str(held_out),
        widths=widths,
        hidden="relu",
        batch=64,
        seconds=seconds,
        level=1.0,
    )
    _VERSION[:] = [peer["version"]]
    at, r2 = max(peer["course"], key=lambda point: point[1])
    return [*found, ("Keras, to its best epoch", r2, at)]
