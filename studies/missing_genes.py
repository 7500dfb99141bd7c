"""Genes that a table lacks: how much of their variance the model's expectation explains, against their mean.

A fifth of the genes is hidden in held-out subjects (five folds of whole subjects, the genes drawn anew in each) and
filled by a model fitted, preparation included, on the other four fifths. The figure is the share of the hidden
genes' variance about the training mean that the filled values explain; that mean itself, the baseline, explains none
of it by definition. ``linear axes`` are the conditional mean along so many leading axes (64 in the package, where
``reference/missing.py`` has both); ``decoded`` takes a model's own codes back to genes, beginning at the mean, as
models without linear axes do; here those of PCA, so that the two compare. Intervals are percentiles of 1,000
bootstraps of subjects. The value is that of the package's number of axes on the last cohort.

Cohorts: influenza challenge (embedded); where it lies beside the project, paediatric lupus (GSE65391, technical
replicates dropped). Of each the 2,000 most variable genes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from benchmarks._harness import Result
from benchmarks._measure import Figure
from sklearn.model_selection import GroupKFold

from genelight import demo, models, prepare
from genelight.models.reference.missing import AXES, expected, refined

if TYPE_CHECKING:
    from anndata import AnnData

DATA = Path(__file__).parents[1] / "../shared/data"
LUPUS = DATA / "sle_blood_GSE65391.h5ad"
FOLDS, GENES, HIDDEN, DRAWS = 5, 2000, 0.2, 1000
NUMBERS = (16, 32, 64, 128)
DECODED = 32
Fill = Callable[[np.ndarray, np.ndarray], np.ndarray]


def run(*, quick: bool) -> Result:
    cohorts = list(_cohorts(quick=quick))
    rows = [row for name, adata in cohorts for row in _compare(name, adata)]
    best = next(row for row in reversed(rows) if row["filled by"] == _axes(AXES))
    data = ", ".join(f"{name} ({adata.n_obs} samples, {GENES} genes)" for name, adata in cohorts)
    absent = "" if LUPUS.exists() or quick else "; the lupus cohort is not here"
    return Result("value", Figure(best["value"], (best["low"], best["high"]), runs=FOLDS), data + absent, rows)


def _cohorts(*, quick: bool) -> Iterator[tuple[str, AnnData]]:
    """Name and samples of each cohort that is there, its subjects in ``obs["subject"]``."""
    yield "influenza", demo.cohort()
    if quick or not LUPUS.exists():
        return
    from genelight.io import read

    lupus = read(LUPUS)
    yield "lupus, children", lupus[lupus.obs["set"] != "technical_replicate"].copy()


def _compare(cohort: str, adata: AnnData) -> list[dict[str, object]]:
    """What each way of filling explains of the hidden genes, over all folds."""
    subject_n = adata.obs["subject"].astype(str).to_numpy()
    errors: dict[str, np.ndarray] = {}
    total_n = np.zeros(adata.n_obs)
    rng = np.random.default_rng(0)
    for train, test in GroupKFold(FOLDS, shuffle=True, random_state=0).split(subject_n, groups=subject_n):
        fills, x_ng = _fitted(adata[train].copy(), adata[test].copy())
        hidden_g = rng.permutation(x_ng.shape[1]) < HIDDEN * x_ng.shape[1]
        seen_ng = np.where(hidden_g, 0, x_ng).astype(np.float32)
        total_n[test] = (x_ng[:, hidden_g] ** 2).sum(1)
        for name, fill in fills.items():
            left_ng = x_ng[:, hidden_g] - fill(seen_ng, ~hidden_g)[:, hidden_g]
            errors.setdefault(name, np.zeros(adata.n_obs))[test] = (left_ng**2).sum(1)
    about = {"cohort": cohort, "samples": adata.n_obs, "subjects": len(set(subject_n))}
    return [
        {**about, "filled by": name, **_explained(left_n, total_n, subject_n=subject_n)}
        for name, left_n in errors.items()
    ]


def _fitted(learners: AnnData, held_out: AnnData) -> tuple[dict[str, Fill], np.ndarray]:
    """Ways to fill, learned from some subjects, and the prepared values of the others; their mean is zero."""
    preparation = prepare(learners, variable=GENES)
    x_ng = preparation.transform(learners)
    x_ng = x_ng - x_ng.mean(0)
    _, scales_k, axes_kg = np.linalg.svd(x_ng.astype(np.float64), full_matrices=False)
    variance_k = scales_k**2 / len(x_ng)
    fills: dict[str, Fill] = {"mean": lambda seen_ng, _: seen_ng}
    for number in NUMBERS:
        if number < len(scales_k):
            fills[_axes(number)] = _along(axes_kg[:number].T, variance_k, total=float(x_ng.var(0).sum()))
    pca = models.PCA(DECODED).fit(learners, preparation=preparation)
    fills[f"decoded by PCA of {DECODED}"] = lambda x_ng, there_g: refined(x_ng, there_g, model=pca, layer=pca.layer)
    return fills, preparation.transform(held_out)


def _along(axes_gk: np.ndarray, variance_k: np.ndarray, *, total: float) -> Fill:
    k = axes_gk.shape[1]
    noise = (total - float(variance_k[:k].sum())) / (len(axes_gk) - k)
    return lambda seen_ng, there_g: expected(seen_ng, there_g, axes=(axes_gk, variance_k[:k]), noise=noise)


def _axes(number: int) -> str:
    return f"{number} linear axes"


def _explained(left_n: np.ndarray, total_n: np.ndarray, *, subject_n: np.ndarray) -> dict[str, float]:
    """Share explained, and its 95% interval over bootstraps of subjects."""
    of_subject = np.unique(subject_n, return_inverse=True)[1]
    left_s, total_s = np.bincount(of_subject, left_n), np.bincount(of_subject, total_n)
    drawn = np.random.default_rng(0).integers(len(left_s), size=(DRAWS, len(left_s)))
    low, high = np.quantile(1 - left_s[drawn].sum(1) / total_s[drawn].sum(1), (0.025, 0.975))
    return {"value": float(1 - left_s.sum() / total_s.sum()), "low": float(low), "high": float(high)}
