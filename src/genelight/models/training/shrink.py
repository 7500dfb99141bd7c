"""Weigh samples so that the axes found in them serve subjects not yet seen.

With repeated samples, a few subjects' lasting differences (sex, genotype, cell composition) take up leading principal
axes, yet a new subject differs in other directions. Writing each sample as its subject's mean plus a deviation
and multiplying the means by the root of a factor gamma < 1 weighs between-subject covariance down against
within-subject covariance, as in regularised estimates of a covariance from few groups (Friedman 1989,
doi 10.1080/01621459.1989.10478752).

A few samples far from the centre draw axes to themselves in the same way. Multiplying each sample by a power of
its distance to the centre, between 0 (nothing) and -1 (all samples on a sphere: spherical principal components,
Locantore et al. 1999, doi 10.1007/BF02595862), holds them back: partial sphering.

Both are chosen by how well the axes reconstruct subjects left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.extmath import randomized_svd

from ..._core.threads import one_thread
from ...stats.folds import cut_folds, parts
from ...stats.subjects import count_subjects, numbered, some_subjects
from ..subspace.exact import Subspace, eigen, gram

__all__ = ["GAMMAS", "POWERS", "Weighing", "choose_weighing", "rotate", "shrink_means", "sphere"]

GAMMAS = (1.0, 0.7, 0.5, 0.3, 0.15)
POWERS = (0.0, 0.15, 0.3, 0.45, 0.6)
FOLDS = 5
DOUBT = 2.0
LEAST_GAIN = 1e-4
MOST = 2000
EXACT_UP_TO = 600
KEYS = ("between_subject_shrinkage", "sphering")


@dataclass(frozen=True)
class Weighing:
    """How samples weigh on axes.

    Attributes
    ----------
    gamma
        Factor on the variance of subjects' means; 1 leaves them.
    power
        Samples are divided by their distance to the centre to this power; 0 leaves them.
    """

    gamma: float = 1.0
    power: float = 0.0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Weighing:
        """That of a model's settings; even for a model that knows of none."""
        gamma, power = KEYS
        return cls(settings[gamma], settings[power]) if gamma in settings else cls()

    @property
    def settings(self) -> dict[str, float]:
        """As a model keeps it."""
        return dict(zip(KEYS, (self.gamma, self.power), strict=True))

    @property
    def is_even(self) -> bool:
        """Whether samples stay as they are."""
        return self == Weighing()

    def apply(self, c_nk: np.ndarray, subject_n: np.ndarray) -> np.ndarray:
        """Centred samples as they enter the search for axes."""
        return sphere(shrink_means(c_nk, subject_n, self.gamma), self.power)


def shrink_means(c_nk: np.ndarray, subject_n: np.ndarray, gamma: float) -> np.ndarray:
    """Samples with their subject's mean multiplied by the root of `gamma`; 1 leaves them as they are."""
    if gamma == 1.0:
        return c_nk
    inverse = numbered(subject_n)[1]
    counts = np.bincount(inverse)
    mean_sk = np.zeros((len(counts), c_nk.shape[1]), dtype=c_nk.dtype)
    np.add.at(mean_sk, inverse, c_nk)
    mean_sk /= counts[:, None]
    return c_nk - (1.0 - math.sqrt(gamma)) * mean_sk[inverse]


def sphere(c_nk: np.ndarray, power: float) -> np.ndarray:
    """Samples over their length, in units of the median length, to a power; 0 leaves them as they are."""
    if power == 0.0:
        return c_nk
    length_n = np.linalg.norm(c_nk, axis=1)
    unit = float(np.median(length_n[length_n > 0])) if (length_n > 0).any() else 1.0
    # A sample at the centre has no direction to be drawn to.
    factor_n = np.where(length_n > 0, np.maximum(length_n, 1e-6 * unit) / unit, 1.0) ** -power
    return c_nk * factor_n[:, None].astype(c_nk.dtype)


def choose_weighing(c_nk: np.ndarray, subject_n: np.ndarray, width: int, *, seed: int = 0) -> Weighing:
    """How samples should weigh for their first `width` axes to reconstruct left-out subjects.

    Gamma is chosen first, then the power with it, each the best of a grid by five-fold cross-validation over subjects.
    The pair is taken if its gain over samples as they are exceeds twice the standard error of that gain over folds,
    since the best of ten tries gains a little on pure noise, too; and a ten-thousandth of the variance, for which it is
    not worth leaving PCA (the least that was ever taken before, 0.00004 at width 256, had an interval from below 0 in
    the study ``r2_vs_pca``). Where `width` is half of the axes that there are, or more, which of them come first
    matters little, and samples stay as they are without a search.

    Notes
    -----
    Cost: 50 decompositions of four fifths of the samples; of more than 2,000, subjects drawn at random stand for all.
    """
    even = Weighing()
    if 2 * width >= min(c_nk.shape):
        return even
    if len(c_nk) > MOST:
        some_n = some_subjects(subject_n, samples=MOST, least=FOLDS, seed=seed)
        c_nk, subject_n = c_nk[some_n], subject_n[some_n]
    folds = _folds(c_nk, subject_n, seed=seed)
    kept = {even: _kept(folds, even, width, seed=seed)}
    # A subject seen once has no deviation from its own mean, and nothing to shrink.
    gammas = GAMMAS if count_subjects(subject_n) < len(subject_n) else (1.0,)
    for candidates in ([Weighing(g) for g in gammas], POWERS):
        best = max(kept, key=lambda tried: kept[tried].sum())
        for candidate in candidates:
            tried = candidate if isinstance(candidate, Weighing) else Weighing(best.gamma, candidate)
            if tried not in kept:
                kept[tried] = _kept(folds, tried, width, seed=seed)
    best = max(kept, key=lambda tried: kept[tried].sum())
    gain_f = kept[best] - kept[even]
    error = gain_f.std(ddof=1) / math.sqrt(len(gain_f))
    return best if gain_f.mean() > max(DOUBT * error, LEAST_GAIN) else even


Fold = tuple[np.ndarray, np.ndarray, np.ndarray]


def _folds(c_nk: np.ndarray, subject_n: np.ndarray, *, seed: int) -> list[Fold]:
    """Samples to learn from, their subjects, and samples of other subjects, fold by fold."""
    fold_n = cut_folds(subject_n, folds=min(FOLDS, count_subjects(subject_n)), seed=seed)
    found = []
    for train, test in parts(fold_n):
        # Centred without the left-out subjects: else their means lie opposite to the others', and look like seen ones.
        centre_k = c_nk[train].mean(0)
        found.append((c_nk[train] - centre_k, subject_n[train], c_nk[test] - centre_k))
    return found


def _kept(folds: list[Fold], weighing: Weighing, width: int, *, seed: int) -> np.ndarray:
    """Share of the left-out samples' size on the first axes, fold by fold."""
    shares = []
    for train_nk, subject_n, test_nk in folds:
        axes_kw = _axes(weighing.apply(train_nk, subject_n), width, seed=seed)
        shares.append(float(((test_nk @ axes_kw) ** 2).sum() / (test_nk**2).sum()))
    return np.array(shares)


def _axes(c_nk: np.ndarray, width: int, *, seed: int) -> np.ndarray:
    """The first principal axes of centred samples, as columns."""
    width = min(width, *c_nk.shape)
    if min(c_nk.shape) > max(EXACT_UP_TO, 2 * width):
        return randomized_svd(c_nk, width, n_iter=3, random_state=seed)[2].T
    few = c_nk.shape[0] <= c_nk.shape[1]
    with one_thread():
        values, vectors = eigen((c_nk @ c_nk.T if few else c_nk.T @ c_nk).astype(np.float64))
    real = values[:width] > max(values[0], 0.0) * 1e-10
    values, vectors = values[:width][real], vectors[:, :width][:, real]
    axes_kw = c_nk.T @ (vectors / np.sqrt(values)) if few else vectors
    return axes_kw.astype(c_nk.dtype)


def rotate(subspace: Subspace, c_nk: np.ndarray) -> Subspace:
    """The same subspace with its axes rotated to the principal axes of the samples `c_nk`, given in its coordinates."""
    values, vectors = eigen(gram(c_nk) / len(c_nk))
    basis_gk = subspace.basis_gk @ vectors.astype(np.float32)
    return Subspace(np.ascontiguousarray(basis_gk), np.maximum(values, 0.0), subspace.lost)
