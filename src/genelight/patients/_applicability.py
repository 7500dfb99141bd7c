"""The applicability domain of a model, learned from how far off subjects lie that a training left out."""

from __future__ import annotations

import numpy as np

from ..models.domain import reconstruction_error
from ..nouns import Model
from ..nouns.model import Applicability, bottleneck
from ..stats.subjects import rows_of_subjects

__all__ = ["applicability", "held_out_distances"]


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


def _around(h_nk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of codes, and what makes their covariance (a tenth of it spherical) the unit matrix."""
    centre_k = h_nk.mean(0, dtype=np.float64)
    cov_kk = np.cov(h_nk.T.astype(np.float64)).reshape(len(centre_k), -1)
    cov_kk = 0.9 * cov_kk + 0.1 * np.eye(len(centre_k)) * max(float(np.trace(cov_kk)) / len(centre_k), 1e-12)
    value_k, axis_kk = np.linalg.eigh(cov_kk)
    return centre_k, axis_kk / np.sqrt(value_k)
