"""Time of the default from file to model on a real compendium, against Keras with the same architecture.

The compendium's samples of four fifths of its studies (the first fold of the study ``depth``) to learn from, the others
held out; R² is that of the measured values within these studies. Ours reads the h5ad file, prepares, completes missing
genes, finds the subspace, decides by studies left out between depth and PCA, trains on everyone and saves. Keras loads
the prepared values, missing ones completed by ours, as one array, trains the same architecture in gene space
(512-64-2,048 SiLU nodes beside a straight line, four decoders, dropout; Adam, 1e-3, batch 128) until it is where ours
is within studies or has had ten times as long, and saves. Each is a process of its own with both cores, imports
included; Keras's evaluations are left out. The ratio is Keras's time over ours. Where Keras does not come so far in
its time, the ratio is a lower bound, and the row says how far it had come; *best* is the best of its epochs.

The last rows are ours on all 3,218 samples, from the file and from a packed store, with peak memory. They are not of
one input: a store leaves out the genes that some samples lack, so the last row is of 3,388 genes, a quarter of the
13,666 that the others are of; *genes* says how many a model was fitted on.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from sklearn.model_selection import GroupKFold

from benchmarks._harness import Result
from benchmarks._keras import keras, within
from benchmarks._measure import Child, Figure, child
from genelight import io, models, simulate
from genelight.models.fitted_deep import FittedDeep, straight_line
from genelight.models.reference.missing import training_values

COMPENDIUM = Path(__file__).parents[1] / "../shared/data/compendium/human_bulk.h5ad"
WIDTHS, QUICK, EPOCHS, BATCH, PATIENCE = (512, 64, 2048), (64, 8, 64), 4, 128, 10
FIT = """
import json, sys, time
started = time.perf_counter()
import genelight as gl
from genelight.models import Deep, DeepRecipe
path, out, widths, epochs = sys.argv[1:]
gl.fit, gl.io.read, gl.pp.prepare  # what is imported when it is asked for
imported = time.perf_counter() - started
table = gl.io.Store.open(path) if path.endswith(".zarr") else gl.io.read(path, dense=True)
recipe = DeepRecipe(epochs=int(epochs)) if epochs else DeepRecipe()
# Of a store, genes that some samples lack are left out.
missing = not path.endswith(".zarr")
as_measured = gl.pp.PreparationSettings(missing=missing, standardise="centre", above_floor=0.0)
model = Deep(tuple(json.loads(widths)), group="study", recipe=recipe, preparation=as_measured).fit(table)
model.save(out)
print(json.dumps({"imports": imported, "genes": len(model.genes)}))
"""


def run(*, quick: bool) -> Result:
    adata = simulated() if quick else io.read(COMPENDIUM, dense=True)
    train, test = first_fold(adata)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        adata[train].copy().write_h5ad(folder / "learners.h5ad")
        ours = _fit(folder / "learners.h5ad", folder / "model", quick=quick)
        model = models.load(folder / "model")
        r2 = _files(folder, adata[train].copy(), adata[test].copy(), model=model)
        peer = keras(
            "deep",
            folder=name,
            widths=QUICK if quick else WIDTHS,
            decoders=4,
            batch=BATCH,
            seconds=PATIENCE * ours.seconds,
            level=r2["genelight"],
        )
        theirs = f"Keras {peer['version']}"
        seconds, reached = peer["course"][-1]
        rows = [
            {"what": "genelight", **_told(ours), "R² within": r2["genelight"]},
            {"what": theirs, "seconds": seconds, "without imports": seconds - peer["imports"], "R² within": reached},
            {"what": f"{theirs}, best", "seconds": _best(peer)[0], "R² within": _best(peer)[1]},
            {"what": f"PCA-{min(model.widths.values())}", "R² within": r2["pca"]},
            *([] if quick else _everyone(folder, adata)),
        ]
    ratio = Figure(seconds / ours.seconds, None, 1)
    studies = adata.obs["study"].iloc[train].nunique()
    data = f"{len(train)} samples x {adata.n_vars} genes of {studies} studies to learn from"
    return Result("ratio", ratio, data, rows, "Keras, TensorFlow", str(peer["version"]))


def _fit(path: Path, out: Path, *, quick: bool) -> Child:
    widths, epochs = (QUICK, str(EPOCHS)) if quick else (WIDTHS, "")
    return child([sys.executable, "-c", FIT, str(path), str(out), json.dumps(widths), epochs])


def _told(done: Child) -> dict[str, object]:
    said = json.loads(done.output.splitlines()[-1])
    seconds = {"seconds": done.seconds, "without imports": done.seconds - said["imports"]}
    return {"genes": said["genes"], **seconds, "peak GB": done.peak_bytes / 1e9}


def _files(folder: Path, learners: AnnData, held_out: AnnData, *, model: FittedDeep) -> dict[str, float]:
    """What Keras reads, and R² within studies of ours and of PCA on the same values."""
    study_n = pd.factorize(held_out.obs["study"])[0]
    seen_ng = ~np.isnan(model.preparation.transform(held_out))
    test_ng = model.prepare(held_out)
    arrays = {"learners": training_values(model.preparation, learners), "test": test_ng, "seen": seen_ng}
    for name, values in (arrays | {"study": study_n}).items():
        np.save(folder / f"{name}.npy", values)
    line_ng = model.space.genes(straight_line(model.net, model.space.coordinates(test_ng)))
    back = {"genelight": model.reconstruct(test_ng, cohort=study_n), "pca": line_ng}
    return {name: within(test_ng, back_ng, seen_ng=seen_ng, study_n=study_n) for name, back_ng in back.items()}


def _best(peer: dict[str, Any]) -> tuple[float, float]:
    return max(map(tuple, peer["course"]), key=lambda point: point[1])


def _everyone(folder: Path, adata: AnnData) -> Iterator[dict[str, object]]:
    """Ours on all samples, from a file and from a store."""
    adata.write_h5ad(folder / "all.h5ad")
    io.pack([folder / "all.h5ad"], folder / "all.zarr")
    for name in ("all.h5ad", "all.zarr"):
        done = _fit(folder / name, folder / f"of {name}", quick=False)
        yield {"what": f"genelight, {adata.n_obs} samples, {name}", **_told(done)}


def first_fold(adata: AnnData) -> tuple[np.ndarray, np.ndarray]:
    """Samples to learn from, and those of the studies left out."""
    study_n = adata.obs["study"].astype(str).to_numpy()
    return next(iter(GroupKFold(5, shuffle=True, random_state=0).split(study_n, groups=study_n)))


def simulated() -> AnnData:
    """24 studies of a small simulated compendium."""
    compendium = simulate.Compendium(960, 300, rank=8, nonlinear=0.8, noise=0.5)
    obs = pd.DataFrame({"study": [f"s{i % 24}" for i in range(960)]}, index=[f"n{i}" for i in range(960)])
    return AnnData(compendium.rows(0, 960), obs=obs, var=pd.DataFrame(index=list(compendium.genes.ids)))
