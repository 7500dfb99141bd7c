"""The applicability domain of a model, learned from how far off subjects lie that a training left out."""

from __future__ import annotations

import numpy as np

from ..models.reconstruct import reconstruct
from ..nouns import Model
from ..nouns.applicability import Applicability
from ..nouns.model import bottleneck
from ..stats.subjects import rows_of_subjects

__all__ = ["applicability", "held_out_distances", "reconstruction_error", "remembered"]


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
    order = np.random.default_rng((seed, 3)).permutation(len(subject_n))
    first = [rows[0] for rows in rows_of_subjects(subject_n[order])]
    error_s, distance_s = np.sort(distance_n2[order[first]], axis=0).T
    layer = bottleneck(model)
    return Applicability(layer, *_around(model.encode(x_ng, layer)), error_s, distance_s)


def remembered(model: Model) -> Applicability | None:
    """The domain that the samples tell which a model's own training held out; None where it kept no record.

    Coarser than :func:`applicability`: codes are each in their own standard deviations, and samples of few subjects
    stand for unseen ones.
    """
    kept = getattr(model, "about", {}).get("applicability")
    if not kept:
        return None
    span = model.code_range(bottleneck(model))
    whiten_kk = np.diag(1.0 / np.where(span.sd > 0, span.sd, np.inf))
    return Applicability.of({"layer": bottleneck(model), "centre_k": span.mean, "whiten_kk": whiten_kk, **kept})


def reconstruction_error(model: Model, x_ng: np.ndarray) -> np.ndarray:
    """Mean squared error over genes of each sample, as the model gives it back."""
    error_ng = x_ng - reconstruct(model, x_ng)
    return np.einsum("ng,ng->n", error_ng, error_ng) / x_ng.shape[1]


def _around(h_nk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of codes, and what makes their covariance (a tenth of it spherical) the unit matrix."""
    centre_k = h_nk.mean(0, dtype=np.float64)
    cov_kk = np.cov(h_nk.T.astype(np.float64)).reshape(len(centre_k), -1)
    cov_kk = 0.9 * cov_kk + 0.1 * np.eye(len(centre_k)) * max(float(np.trace(cov_kk)) / len(centre_k), 1e-12)
    value_k, axis_kk = np.linalg.eigh(cov_kk)
    return centre_k, axis_kk / np.sqrt(value_k)
