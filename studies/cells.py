"""Single cells: whether depth or a loss of counts tells more of cells than principal components of equal width.

Each model learns from the cells of two thirds and reads the others: whole donors left out where there are several,
else cells. Every molecule of every cell goes to one of two halves by the toss of a coin. Models learn from first
halves and read first halves, so that no cell left out is deeper or shallower than those learned from, and say what
share of the molecules each gene has; judged are the second halves of the cells left out, which no model has seen:
``deviance`` is the share of their Poisson deviance about the training mean that the rates explain (molecular
cross-validation, Batson et al. 2019, doi 10.1101/786269). Rates of models of log values are what they decode, out of
the logarithm, times one factor a gene so that training means agree. Any model may say that a gene has no molecules,
which one molecule proves wrong at any cost: rates of each are mixed with the training mean, as much as is best on the
second halves of the training cells (``mean``: the share of that mean). ``type`` is the balanced accuracy by which the
15 nearest training cells in the bottleneck name the type of a cell left out. All have ten nodes in the bottleneck,
all are given the same cells, genes and molecules.

- ``PCA``: of ln(1 + molecules per 10,000), z-scored.
- ``deep``: the default of genelight from 1,000 samples on, which groups left out may tell to be PCA.
- ``counts``: the autoencoder with a negative binomial loss (``preset="counts"``).
- ``scVI``: Lopez et al. 2018, doi 10.1038/s41592-018-0229-2, with its own defaults, the number of epochs (400 for so
  few cells) among them, and early stopping. Left out, and said so, where scvi-tools is not installed.

Intervals are percentiles of 1,000 bootstraps of donors, or of cells. The value is the lower end of the gain of the
default over PCA in ``deviance``, the smaller of the two data. Below zero it counts against depth.

Data: 700 blood cells x 765 genes that come with scanpy (10x, Zheng et al. 2017, doi 10.1038/ncomms14049), their counts
restored from logged values, which are multiples of the smallest; of one donor, so that what is said holds for new cells
of that donor. Simulated cells of 12 donors (``simulate.features("cell")``), programmes linear in their activities.
"""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from anndata import AnnData
from benchmarks._harness import Result
from benchmarks._measure import Figure
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier

from genelight import fit, models, prepare, simulate

WIDTH, FOLDS, DRAWS, NEIGHBOURS = 10, 3, 1000, 15
LEAST_RATE = 1e-7
SHARES = np.linspace(0, 1, 21)
Codes = Callable[[AnnData], np.ndarray]


def run(*, quick: bool) -> Result:
    rows = [row for name, cells in _data(quick=quick) for row in _compare(name, cells, quick=quick)]
    gains = [row for row in rows if row["model"] == "deep"]
    worst = min(gains, key=lambda row: row["gain_low"])
    peer = importlib.util.find_spec("scvi") is not None
    said = "" if peer else "; scvi-tools is not here"
    figure = Figure(worst["gain_low"], (worst["gain_low"], worst["gain_high"]), runs=FOLDS)
    about = ", ".join(dict.fromkeys(f"{row['data']} ({row['cells']} cells, {row['genes']} genes)" for row in rows))
    return Result("value", figure, about + said, rows, **_peer(peer))


def _peer(there: bool) -> dict[str, str]:  # noqa: FBT001 - one question
    if not there:
        return {}
    from importlib.metadata import version

    return {"peer": "scVI", "peer_version": version("scvi-tools")}


def _data(*, quick: bool) -> Iterator[tuple[str, AnnData]]:
    """Name and cells, their donor (or themselves) in ``obs["donor"]`` and their type in ``obs["type"]``."""
    import scanpy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logged = scanpy.datasets.pbmc68k_reduced()
    yield "blood", _restored(logged)
    donors, each = (9, 60) if quick else (12, 100)
    cells = simulate.features("cell", donors, visits=each, n_features=300 if quick else 600)
    yield (
        "simulated",
        AnnData(cells.X, obs=cells.obs.assign(donor=cells.obs["subject"], type=cells.obs["cell_type"]), var=cells.var),
    )


def _restored(logged: AnnData) -> AnnData:
    """Counts from ln(1 + x) of counts over totals: every value of a cell is a multiple of the smallest."""
    x = np.expm1(logged.raw.X.toarray().astype(np.float64))
    one_n1 = np.where(x > 0, x, np.inf).min(1, keepdims=True)
    count = np.round(x / one_n1)
    off = np.abs(x / one_n1 - count)[x > 0].max()
    if off > 0.25:
        msg = f"values are no multiples of the smallest (off by {off:.2f})"
        raise ValueError(msg)
    obs = logged.obs[[]].assign(donor=list(logged.obs_names), type=logged.obs["bulk_labels"].astype(str))
    obs.index = [f"cell {i}" for i in range(len(obs))]
    return AnnData(sp.csr_matrix(count), obs=obs, var=logged.raw.var[[]])


def _compare(name: str, cells: AnnData, *, quick: bool) -> list[dict[str, Any]]:
    donor_n = cells.obs["donor"].astype(str).to_numpy()
    found: dict[str, dict[str, Any]] = {}
    null_n, full_n = np.zeros(cells.n_obs), np.zeros(cells.n_obs)
    folds = list(GroupKFold(FOLDS, shuffle=True, random_state=0).split(donor_n, groups=donor_n))
    for train, test in folds[: 1 if quick else FOLDS]:
        (learners, rest), (seen, kept) = _halves(cells[train]), _halves(cells[test])
        mean_g = _mean(learners)
        null_n[test], full_n[test] = _lost(kept, np.tile(mean_g, (len(test), 1))), _lost(kept, None)
        for model, (codes, rates) in _models(learners, quick=quick).items():
            each = found.setdefault(model, _blank(cells.n_obs))
            share = _best_share(rates(learners), rest, mean_g)
            each["mean"].append(share)
            each["lost"][test] = _lost(kept, (1 - share) * rates(seen) + share * mean_g)
            known = KNeighborsClassifier(NEIGHBOURS).fit(codes(learners), learners.obs["type"].astype(str))
            each["said"][test] = known.predict(codes(seen))
    about = {
        "data": name,
        "cells": cells.n_obs,
        "genes": cells.n_vars,
        "donors": len(set(donor_n)) if name != "blood" else 1,
    }
    used = ~np.isnan(found["PCA"]["lost"])
    types = cells.obs["type"].astype(str).to_numpy()[used]
    judged = _Judged(donor_n[used], types, null_n=null_n[used], full_n=full_n[used])
    pca = found["PCA"]["lost"][used]
    return [
        {
            **about,
            "model": model,
            **judged.figures(each["lost"][used], each["said"][used].astype(str), pca),
            "mean": float(np.mean(each["mean"])),
        }
        for model, each in found.items()
    ]


def _blank(cells: int) -> dict[str, Any]:
    return {"lost": np.full(cells, np.nan), "said": np.empty(cells, object), "mean": []}


def _mean(cells: AnnData) -> np.ndarray:
    """Share of all molecules that each gene has."""
    mean_g = np.asarray(cells.X.sum(0)).ravel() + 0.5
    return np.asarray(mean_g / mean_g.sum())


def _best_share(rate_ng: np.ndarray, kept_ng: np.ndarray, mean_g: np.ndarray) -> float:
    """How much of the mean rates are best mixed with, judged on molecules that were not learned from."""
    lost = [_lost(kept_ng, (1 - share) * rate_ng + share * mean_g).sum() for share in SHARES]
    return float(SHARES[int(np.argmin(lost))])


class _Judged:
    """Cells left out, and how figures are made of them."""

    def __init__(self, donor_n: np.ndarray, type_n: np.ndarray, *, null_n: np.ndarray, full_n: np.ndarray) -> None:
        self.type_n, self.null_n, self.full_n = type_n, null_n, full_n
        donor_n = np.unique(donor_n, return_inverse=True)[1]
        rng, donors = np.random.default_rng(0), donor_n.max() + 1
        drawn = rng.multinomial(donors, np.full(donors, 1 / donors), DRAWS)
        self.weight_bn = drawn[:, donor_n].astype(float)

    def figures(self, lost_n: np.ndarray, said_n: np.ndarray, pca_n: np.ndarray) -> dict[str, float]:
        """Deviance explained and types found, the gain over PCA in the first, and intervals."""
        size_b = self.weight_bn @ (self.null_n - self.full_n)
        gain_b = self.weight_bn @ (pca_n - lost_n) / size_b
        own_b = self.weight_bn @ (self.null_n - lost_n) / size_b
        total = (self.null_n - self.full_n).sum()
        (low, high), (gain_low, gain_high) = (np.quantile(b, (0.025, 0.975)) for b in (own_b, gain_b))
        return {
            "deviance": float((self.null_n - lost_n).sum() / total),
            "low": float(low),
            "high": float(high),
            "gain": float((pca_n - lost_n).sum() / total),
            "gain_low": float(gain_low),
            "gain_high": float(gain_high),
            "type": float(balanced_accuracy_score(self.type_n, said_n)),
        }


def _halves(cells: AnnData) -> tuple[AnnData, np.ndarray]:
    """The same cells with half of their molecules, and the other half."""
    x = cells.X.toarray().astype(np.int64)
    first = np.random.default_rng(0).binomial(x, 0.5)
    some = cells.copy()
    some.X = sp.csr_matrix(first.astype(np.float32))
    return some, x - first


def _lost(count_ng: np.ndarray, rate_ng: np.ndarray | None) -> np.ndarray:
    """Minus Poisson log likelihood of counts under rates times their sum; without rates, under themselves."""
    total_n1 = np.maximum(count_ng.sum(1, keepdims=True), 1)
    rate_ng = count_ng / total_n1 if rate_ng is None else rate_ng
    held_ng = np.maximum(rate_ng, LEAST_RATE)
    held_ng /= held_ng.sum(1, keepdims=True)
    return -(count_ng * np.log(held_ng)).sum(1)


def _models(learners: AnnData, *, quick: bool) -> dict[str, tuple[Codes, Codes]]:
    """By name, how a model trained on some cells codes others, and which rates it gives genes."""
    preparation = prepare(learners, features="cell", scale="counts")
    pca = models.PCA(WIDTH).fit(learners, subject="donor", preparation=preparation)
    epochs = 5 if quick else None
    deep = models.Deep((256, WIDTH, 512), recipe=models.DeepRecipe(epochs=epochs or 40, rank=128), subject="donor").fit(
        learners, preparation=preparation
    )
    counts = fit(
        learners, preset="counts", widths=(128, WIDTH, 128), subject="donor", preparation=preparation, epochs=epochs
    )
    found = {
        "PCA": _of_logs(pca, learners),
        "deep": _of_logs(deep, learners),
        "counts": (_codes(counts, "L2"), lambda cells: counts.rates(counts.encode(counts.prepare(cells), "L2"))),
    }
    widen = {name: (codes, _widened(rates, preparation.genes, learners)) for name, (codes, rates) in found.items()}
    if importlib.util.find_spec("scvi"):
        widen["scVI"] = _scvi(learners, quick=quick)
    return widen


def _codes(model: Any, layer: str) -> Codes:
    return lambda cells: model.encode(model.prepare(cells), layer)


def _of_logs(model: Any, learners: AnnData) -> tuple[Codes, Codes]:
    layer = getattr(model, "bottleneck", None) or list(model.widths)[-1]

    def amounts(cells: AnnData) -> np.ndarray:
        back = model.preparation.restore(model.decode(model.encode(model.prepare(cells), layer), layer))
        return np.expm1(np.clip(back, 0, 10))

    index = [learners.var_names.get_loc(gene) for gene in model.genes.ids]
    total = np.asarray(learners.X[:, index].sum(0)).ravel()
    factor_g = (total / total.sum()) / np.maximum(_shares(amounts(learners)).mean(0), 1e-12)
    return _codes(model, layer), lambda cells: _shares(amounts(cells) * factor_g)


def _shares(amount_ng: np.ndarray) -> np.ndarray:
    return amount_ng / np.maximum(amount_ng.sum(1, keepdims=True), 1e-12)


def _widened(rates: Codes, genes: Any, learners: AnnData) -> Codes:
    """Rates of all genes: those that the model does not have at their training mean."""
    index = np.array([learners.var_names.get_loc(gene) for gene in genes.ids])
    mean_g = _mean(learners)

    def widened(cells: AnnData) -> np.ndarray:
        rate_ng = np.tile(mean_g, (cells.n_obs, 1))
        rate_ng[:, index] = rates(cells) * mean_g[index].sum()
        return rate_ng

    return widened


def _scvi(learners: AnnData, *, quick: bool) -> tuple[Codes, Codes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scvi

        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        scvi.settings.seed, scvi.settings.verbosity = 0, logging.ERROR
        learners = learners.copy()
        scvi.model.SCVI.setup_anndata(learners)
        model = scvi.model.SCVI(learners, n_latent=WIDTH)
        model.train(
            5 if quick else None, early_stopping=True, accelerator="cpu", enable_progress_bar=False, logger=False
        )

    def quiet(ask: Callable[[AnnData], np.ndarray]) -> Codes:
        def asked(cells: AnnData) -> np.ndarray:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return np.asarray(ask(cells.copy()))

        return asked

    return (
        quiet(model.get_latent_representation),
        quiet(lambda cells: model.get_normalized_expression(cells, library_size=1, return_numpy=True)),
    )
