"""Measures of what codes know of a column of ``obs``, each for the labels as observed and all shuffles at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import rankdata

from .._core.registry import Registry
from ..stats.folds import round_folds
from ..stats.ridge import ridge_map
from ..stats.subjects import count_subjects
from ._samples import Target

NEIGHBOURS = 10
FOLDS = 5
RIDGE = 0.01


@dataclass(frozen=True)
class Codes:
    """Codes, float32, and subjects of the samples that have a value of one column; the seed is that of folds."""

    h_nk: np.ndarray
    subject_n: np.ndarray
    seed: int

    @cached_property
    def distance_nn(self) -> np.ndarray:
        """Euclidean distances, float32."""
        centred = self.h_nk.astype(np.float64)
        centred -= centred.mean(0)
        square_n = (centred**2).sum(1)
        square_nn = square_n[:, None] + square_n - 2 * centred @ centred.T
        np.fill_diagonal(square_nn, 0.0)
        return np.sqrt(np.maximum(square_nn, 0.0)).astype(np.float32)

    @cached_property
    def neighbour_nm(self) -> np.ndarray:
        """The nearest samples of other subjects, shape ``(n, m)``."""
        apart = np.where(self.subject_n[:, None] == self.subject_n, np.float32(np.inf), self.distance_nn)
        most = min(NEIGHBOURS, int(np.isfinite(apart).sum(1).min()))
        return np.argpartition(apart, max(most - 1, 0), axis=1)[:, :most]


Measure = Callable[[Codes, Target], "np.ndarray | None"]
MEASURES: Registry[Measure] = Registry("measure of what codes know")


def silhouette(distance_nn: np.ndarray, inside_rnc: np.ndarray) -> np.ndarray:
    """Mean silhouette of classes for several labellings at once, shape ``(r,)``.

    Of `inside_rnc`, 1 where a sample is of a class, every class has a member.

    References
    ----------
    Rousseeuw 1987, doi 10.1016/0377-0427(87)90125-7.

    Examples
    --------
    >>> import numpy as np
    >>> apart = np.abs(np.subtract.outer([0.0, 1, 10, 11], [0.0, 1, 10, 11]))
    >>> silhouette(apart, np.eye(2)[[[0, 0, 1, 1], [0, 1, 0, 1]]]).round(2)
    array([ 0.9 , -0.45])
    """
    r, n, c = inside_rnc.shape
    flat = np.ascontiguousarray(inside_rnc.transpose(1, 0, 2)).reshape(n, r * c)
    sum_nrc = (distance_nn @ flat.astype(distance_nn.dtype)).reshape(n, r, c).astype(np.float64)
    size_rc = inside_rnc.sum(1, dtype=np.float64)
    inside_nrc = inside_rnc.transpose(1, 0, 2) > 0
    own_nr = (sum_nrc * inside_nrc).sum(2)
    size_nr = (size_rc[None] * inside_nrc).sum(2)
    a_nr = own_nr / np.maximum(size_nr - 1, 1)
    mean_nrc = np.where(inside_nrc, np.inf, sum_nrc / size_rc[None])
    b_nr = mean_nrc.min(2)
    longer = np.maximum(a_nr, b_nr)
    s_nr = np.divide(b_nr - a_nr, longer, out=np.zeros_like(a_nr), where=(size_nr > 1) & (longer > 0))
    return np.asarray(s_nr.mean(0))


@MEASURES.register("silhouette", doi="10.1016/0377-0427(87)90125-7")
def _silhouette(codes: Codes, target: Target) -> np.ndarray | None:
    """Mean silhouette of the classes, Euclidean, as in the paper."""
    return silhouette(codes.distance_nn, target.inside_rnc) if target.classes else None


@MEASURES.register("neighbours", doi="10.1038/s41592-021-01336-8")
def _neighbours(codes: Codes, target: Target) -> np.ndarray | None:
    """Share of the ten nearest samples of other subjects that are of the same class, averaged over classes."""
    if not target.classes or not codes.neighbour_nm.shape[1]:
        return None
    out_r = np.empty(len(target.value_rn))
    for r, value_n in enumerate(target.value_rn):
        same_n = (value_n[codes.neighbour_nm] == value_n[:, None]).mean(1)
        out_r[r] = (np.bincount(value_n, same_n) / np.bincount(value_n)).mean()
    return out_r


@MEASURES.register("probe", doi="10.48550/arXiv.1610.01644")
def _probe(codes: Codes, target: Target) -> np.ndarray | None:
    """Balanced accuracy of a linear probe on subjects that it has not seen (Spearman's rho for an amount).

    Ridge regression on the classes, and the class whose mean prediction in training is nearest; five folds of whole
    subjects, the same for every shuffle.
    """
    if count_subjects(codes.subject_n) < FOLDS:
        return None
    folds = round_folds(codes.subject_n, folds=FOLDS, seed=codes.seed)
    goal_rnc = target.inside_rnc if target.classes else target.value_rn[:, :, None].astype(np.float32)
    guess_rn = np.empty(target.value_rn.shape)
    for fold in range(FOLDS):
        train, test = folds != fold, folds == fold
        train_nk, test_nk, weight_kn = _ridge(codes.h_nk[train], codes.h_nk[test])
        learnt_rnc = goal_rnc[:, train] - goal_rnc[:, train].mean(1, keepdims=True)
        weight_rkc = np.matmul(weight_kn, learnt_rnc)
        seen_rnc = np.matmul(test_nk, weight_rkc)
        if not target.classes:
            guess_rn[:, test] = seen_rnc[:, :, 0]
            continue
        # Nearest mean prediction, so that a rare class is as easily chosen as a common one.
        inside_rnc = goal_rnc[:, train]
        mean_rcd = np.matmul(np.matmul(inside_rnc.transpose(0, 2, 1), train_nk), weight_rkc)
        size_rc = inside_rnc.sum(1)
        mean_rcd /= np.maximum(size_rc, 1)[:, :, None]
        far_rnc = (mean_rcd**2).sum(2)[:, None] - 2 * np.matmul(seen_rnc, mean_rcd.transpose(0, 2, 1))
        far_rnc[np.broadcast_to(size_rc[:, None] == 0, far_rnc.shape)] = np.inf
        guess_rn[:, test] = far_rnc.argmin(2)
    return _balanced(guess_rn, target) if target.classes else _rank_correlation(guess_rn, target.value_rn)


def _ridge(train_nk: np.ndarray, test_nk: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised codes of both, and what turns centred goals of the training samples into weights, float32."""
    mean_k, sd_k = train_nk.mean(0), train_nk.std(0)
    scale_k = np.where(sd_k > 1e-8, sd_k, np.inf)
    a_nk = ((train_nk - mean_k) / scale_k).astype(np.float64)
    b_nk = ((test_nk - mean_k) / scale_k).astype(np.float64)
    return a_nk.astype(np.float32), b_nk.astype(np.float32), ridge_map(a_nk, RIDGE).astype(np.float32)


def _balanced(guess_rn: np.ndarray, target: Target) -> np.ndarray:
    pairs = zip(target.value_rn, guess_rn == target.value_rn, strict=True)
    return np.array([(np.bincount(value_n, right_n) / np.bincount(value_n)).mean() for value_n, right_n in pairs])


def _rank_correlation(one_rn: np.ndarray, other_rn: np.ndarray) -> np.ndarray:
    one, other = rankdata(one_rn, axis=1), rankdata(other_rn, axis=1)
    one, other = one - one.mean(1, keepdims=True), other - other.mean(1, keepdims=True)
    scale = np.sqrt((one**2).sum(1) * (other**2).sum(1))
    return np.asarray(np.divide((one * other).sum(1), scale, out=np.zeros(len(one)), where=scale > 0))


@MEASURES.register("variance", doi="10.1038/s41592-018-0254-1")
def _variance(codes: Codes, target: Target) -> np.ndarray:
    """Share of the variance of all nodes together that the column explains."""
    h_nk = codes.h_nk.astype(np.float64)
    h_nk -= h_nk.mean(0)
    total = float((h_nk**2).sum())
    if total == 0:
        return np.zeros(len(target.value_rn))
    if not target.classes:
        slope_rk = target.value_rn @ h_nk
        return np.asarray((slope_rk**2).sum(1) / len(h_nk) / total)
    inside_rnc = target.inside_rnc
    sum_rck = np.matmul(inside_rnc.transpose(0, 2, 1), h_nk.astype(np.float32)).astype(np.float64)
    return np.asarray(((sum_rck**2).sum(2) / inside_rnc.sum(1)).sum(1) / total)
