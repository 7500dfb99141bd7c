"""What a model has seen, and what cohorts span: by how far off subjects lie that were left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from anndata import AnnData

from ..models import Folds
from ..models.reference.domain import reconstruction_error
from ..nouns import Model
from ..nouns.model import Applicability, bottleneck
from ..stats.folds import subject_folds
from ..stats.subjects import one_of_each

FOLDS = 5
MOST_AXES, SHARE = 16, 4


def held_out_distances(model: Model, x_ng: np.ndarray, train_n: np.ndarray, *, test: np.ndarray) -> np.ndarray:
    """Reconstruction error and code distance of held-out samples, shape ``(n, 2)``."""
    layer = bottleneck(model)
    centre_k, whiten_kk = _around(model.encode(x_ng[train_n], layer))
    judge = Applicability(layer, centre_k, whiten_kk, np.empty(0), np.empty(0))
    h_nk = model.encode(x_ng[test], layer)
    return np.stack([reconstruction_error(model, x_ng[test]), judge.distance(h_nk)], axis=1)


def applicability(
    model: Model, x_ng: np.ndarray, distance_n2: np.ndarray, *, subject_n: np.ndarray, seed: int
) -> Applicability:
    """What the model has seen, given how far off every sample was when its subject was held out.

    One sample is drawn of each subject, so that a new subject's sample is exchangeable with them.
    """
    drawn_s = one_of_each(subject_n, np.random.default_rng((seed, 3)))
    error_s, distance_s = np.sort(distance_n2[drawn_s], axis=0).T
    layer = bottleneck(model)
    return Applicability(layer, *_around(model.encode(x_ng, layer)), error_s, distance_s)


def seen(
    adata: AnnData, model: Model, x_ng: np.ndarray, *, subject_n: np.ndarray, folds: Folds | None, seed: int
) -> Applicability:
    """What the model has seen, by how far off subjects lie that are held out fold by fold."""
    fold_n = subject_folds(subject_n, folds=FOLDS, seed=seed)
    if folds is not None:
        fold_n = folds.of(adata, subject_n, model=model)
    distance_n2 = np.empty((adata.n_obs, 2))
    for fold in np.unique(fold_n).tolist():
        test_n = fold_n == fold
        trained = model if folds is None else folds.model(fold)
        values_ng = x_ng if folds is None else trained.prepare(adata)
        distance_n2[test_n] = held_out_distances(trained, values_ng, ~test_n, test=test_n)
    return applicability(model, x_ng, distance_n2, subject_n=subject_n, seed=seed)


def _around(h_nk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of codes, and what makes their covariance (a tenth of it spherical) the unit matrix."""
    centre_k = h_nk.mean(0, dtype=np.float64)
    cov_kk = np.cov(h_nk.T.astype(np.float64)).reshape(len(centre_k), -1)
    cov_kk = 0.9 * cov_kk + 0.1 * np.eye(len(centre_k)) * max(float(np.trace(cov_kk)) / len(centre_k), 1e-12)
    value_k, axis_kk = np.linalg.eigh(cov_kk)
    return centre_k, axis_kk / np.sqrt(value_k)


@dataclass(frozen=True)
class Domain:
    """What cohorts span, of genes that all of them have.

    Attributes
    ----------
    centre_g, axis_gk
        Mean of the cohorts' means, and principal axes.
    known
        How far off patients of cohorts left out lie.
    inside_n
        Whether each patient was inside what the other cohorts span.
    """

    centre_g: np.ndarray
    axis_gk: np.ndarray
    known: Applicability
    inside_n: np.ndarray


def domain_of(x_ng: np.ndarray, cohort_n: np.ndarray) -> Domain:
    """Axes of the cohorts' genes, and how far off the patients of a cohort lie that was left out."""
    off_n2 = np.empty((len(x_ng), 2))
    # As many axes with a cohort left out as with all, for distances along more of them are longer.
    axes = max(1, min(MOST_AXES, (len(x_ng) - int(np.bincount(cohort_n).max())) // SHARE))
    for c in np.unique(cohort_n):
        rows = cohort_n == c
        off_n2[rows] = _distances(x_ng[rows], _span(x_ng[~rows], axes))
    inside_n = np.empty(len(x_ng), dtype=bool)
    for c in np.unique(cohort_n):
        rows = cohort_n == c
        known = Applicability("genes", np.zeros(1), np.eye(1), *np.sort(off_n2[~rows], axis=0).T)
        inside_n[rows] = known.inside(*off_n2[rows].T)
    centre_g, axis_gk, whiten_k = _span(x_ng, axes)
    error_s, distance_s = np.sort(off_n2, axis=0).T
    known = Applicability("genes", np.zeros(len(whiten_k)), np.diag(whiten_k), error_s, distance_s)
    return Domain(centre_g, axis_gk, known, inside_n)


def _span(x_ng: np.ndarray, axes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    centre_g = x_ng.mean(0, dtype=np.float64)
    z_ng = x_ng - centre_g
    value_n, left_nn = np.linalg.eigh(z_ng @ z_ng.T)
    kept = min(axes, int((value_n > 1e-8 * value_n[-1]).sum()))
    value_k = value_n[-kept:]
    axis_gk = z_ng.T @ left_nn[:, -kept:] / np.sqrt(value_k)
    return centre_g, axis_gk, np.sqrt(len(x_ng) / value_k)


def _distances(x_ng: np.ndarray, span: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    centre_g, axis_gk, whiten_k = span
    z_ng = x_ng - centre_g
    h_nk = z_ng @ axis_gk
    error_n = ((z_ng**2).sum(1) - (h_nk**2).sum(1)) / z_ng.shape[1]
    return np.column_stack((error_n, np.linalg.norm(h_nk * whiten_k, axis=1)))
