"""Shrink what is peculiar to single subjects, so that the axes found serve subjects not yet seen.

With repeated samples, a few subjects' lasting differences (sex, genotype, cell composition) take up leading principal
axes, yet a new subject differs in other directions. Writing each sample as its subject's mean plus a deviation
and multiplying the means by the root of a factor gamma < 1 weighs between-subject covariance down against
within-subject covariance, as in regularised estimates of a covariance from few groups (Friedman 1989,
doi 10.1080/01621459.1989.10478752). Gamma is chosen by how well the axes reconstruct subjects left out.
"""

from __future__ import annotations

import math

import numpy as np
from sklearn.model_selection import GroupKFold
from sklearn.utils.extmath import randomized_svd

from .._core.threads import one_thread
from .subspace import Subspace, eigen

__all__ = ["GRID", "choose_shrinkage", "shrink_means", "turn"]

GRID = (1.0, 0.7, 0.5, 0.3, 0.15)


def shrink_means(c_nk: np.ndarray, subject_n: np.ndarray, gamma: float) -> np.ndarray:
    """Samples with their subject's mean multiplied by the root of `gamma`; 1 leaves them as they are."""
    if gamma == 1.0:
        return c_nk
    _, inverse, counts = np.unique(subject_n, return_inverse=True, return_counts=True)
    mean_sk = np.zeros((len(counts), c_nk.shape[1]), dtype=c_nk.dtype)
    np.add.at(mean_sk, inverse, c_nk)
    mean_sk /= counts[:, None]
    return c_nk - (1.0 - math.sqrt(gamma)) * mean_sk[inverse]


def choose_shrinkage(c_nk: np.ndarray, subject_n: np.ndarray, width: int, *, seed: int = 0) -> float:
    """Gamma whose first `width` axes reconstruct left-out subjects best, by five-fold cross-validation over subjects.

    Parameters
    ----------
    c_nk
        Coordinates of the training samples.
    subject_n
        Subject of each sample.
    width
        Width of the bottleneck.
    seed
        For the folds.

    Returns
    -------
    A value of ``GRID``; 1 (no shrinkage) where no subject has a second sample.
    """
    subjects = len(np.unique(subject_n))
    if subjects == len(subject_n):
        return 1.0
    kept = np.zeros(len(GRID))
    folds = GroupKFold(min(5, subjects), shuffle=True, random_state=seed)
    for train, test in folds.split(c_nk, groups=subject_n):
        # Centred without the left-out subjects: else their means lie opposite to the others', and look familiar.
        centre_k = c_nk[train].mean(0)
        for i, gamma in enumerate(GRID):
            shrunk = shrink_means(c_nk[train] - centre_k, subject_n[train], gamma)
            with one_thread():
                _, _, axes_wk = randomized_svd(shrunk, min(width, len(train)), random_state=seed)
            kept[i] += float((((c_nk[test] - centre_k) @ axes_wk.T) ** 2).sum())
    return GRID[int(np.argmax(kept))]


def turn(subspace: Subspace, c_nk: np.ndarray) -> Subspace:
    """The same subspace with its axes turned to the principal axes of the samples `c_nk`, given in its coordinates."""
    values, vectors = eigen(c_nk.T.astype(np.float64) @ c_nk / len(c_nk))
    basis_gk = subspace.basis_gk @ vectors.astype(np.float32)
    return Subspace(np.ascontiguousarray(basis_gk), np.maximum(values, 0.0), subspace.lost)
