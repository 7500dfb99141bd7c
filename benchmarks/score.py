"""Scoring 10,000 new samples, and stratifying 1,000 samples with 200 resamples; in seconds.

The new samples are the embedded influenza cohort's, drawn with replacement and with noise of a tenth of a standard
deviation; the model is an autoencoder of 128, 64 and 32 nodes trained on that cohort. With the lupus cohort beside the
project (11,500 of 26,802 genes kept) the same is done there. ``score`` is the whole verb from a table in memory:
preparation, codes, reconstruction, severity with interval, programmes, refusals. ``stratify`` tries two to six groups
on the table and on 98 cohorts without groups, half of them skewed, and takes 200 resamples for the final grouping. The
value is the slowest score.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from anndata import AnnData

from genelight import demo, io, models, patients

from ._harness import Result
from ._measure import Figure

LUPUS = Path(__file__).parents[1] / "../shared/data/sle_blood_GSE65391.h5ad"
RUNS = 3


def run(*, quick: bool) -> Result:
    cohorts = {"influenza": (demo.cohort(), "hours")}
    if LUPUS.is_file() and not quick:
        lupus = io.read(LUPUS)
        lupus.obs["sledai"] = lupus.obs["sledai"].fillna(0.0)
        cohorts["lupus"] = (lupus, "sledai")
    new, subjects = (1000, 100) if quick else (10_000, 1000)
    rows = [
        row for name, (adata, measure) in cohorts.items() for row in _rows(name, adata, measure, sizes=(new, subjects))
    ]
    slowest = max((row for row in rows if row["verb"] == "score"), key=lambda row: row["seconds"])
    return Result("value", Figure(slowest["seconds"], runs=RUNS), f"{new} samples, seconds", rows)


def _rows(name: str, adata: AnnData, measure: str, *, sizes: tuple[int, int]) -> list[dict[str, object]]:
    model = models.fit(adata, subject="subject", epochs=5)
    plan = patients.Protocol(folds=2, draws=0)
    severity = patients.severity(adata, model, measure=measure, subject="subject", protocol=plan)
    new, some = (_drawn(adata, size) for size in sizes)
    rows = []
    for verb, table, work in (
        ("score", new, lambda: patients.score(new, model, severity=severity)),
        ("stratify", some, lambda: patients.stratify(some, model, resamples=200)),
    ):
        seconds = [_seconds(work) for _ in range(RUNS if verb == "score" else 1)]
        rows.append(
            {"cohort": name, "verb": verb, "samples": table.n_obs, "genes": table.n_vars, "seconds": min(seconds)}
        )
    return rows


def _drawn(adata: AnnData, size: int) -> AnnData:
    rng = np.random.default_rng(0)
    x_ng = np.asarray(adata.X)[rng.integers(0, adata.n_obs, size)]
    x_ng = x_ng + 0.1 * x_ng.std(0) * rng.standard_normal(x_ng.shape, dtype=np.float32)
    drawn = AnnData(x_ng.astype(np.float32), var=adata.var[[]])
    drawn.obs_names = [f"new{i}" for i in range(size)]
    return drawn


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
