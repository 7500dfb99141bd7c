"""Consensus clustering: k-means on many resamples at once, and how often two subjects fall together."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from .._core.threads import one_thread

SHARE = 0.8
MOST_STEPS = 20
CLEAR = (0.1, 0.9)
CANDIDATES = 4


def consensus_of(a_sa: np.ndarray, groups: int, *, resamples: int, seed: int) -> np.ndarray:
    """How often each two subjects fall together among the resamples that drew both, shape ``(s, s)``.

    Every resample draws four fifths of the subjects and starts anew.
    """
    rng = np.random.default_rng((seed, groups))
    s = len(a_sa)
    drawn_bs = np.argsort(rng.random((resamples, s)), axis=1) < max(groups + 1, round(SHARE * s))
    label_bs = k_means(a_sa, groups, drawn_bs, rng=rng)
    together = np.zeros((s, s), dtype=np.float32)
    with one_thread():
        for group in range(groups):
            member_bs = ((label_bs == group) & drawn_bs).astype(np.float32)
            together += member_bs.T @ member_bs
        both = drawn_bs.astype(np.float32)
        return together / np.maximum(both.T @ both, 1.0)


def grouped(consensus_ss: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Group of each subject by average linkage, the largest first, and its confidence."""
    apart_ss = 1.0 - consensus_ss.astype(np.float64)
    np.fill_diagonal(apart_ss, 0.0)
    label_s = fcluster(linkage(squareform(apart_ss, checks=False), "average"), number, criterion="maxclust") - 1
    order = np.argsort(-np.bincount(label_s, minlength=number), kind="stable")
    label_s = np.argsort(order)[label_s]
    mean_sg = np.stack([consensus_ss[:, label_s == g].mean(1) for g in range(label_s.max() + 1)], axis=1)
    own_s = mean_sg[np.arange(len(label_s)), label_s]
    mean_sg[np.arange(len(label_s)), label_s] = -np.inf
    return label_s, own_s - mean_sg.max(1)


def ambiguity(consensus_ss: np.ndarray) -> float:
    """Share of pairs that fall together neither nearly always nor nearly never (doi 10.1038/srep06207)."""
    s = len(consensus_ss)
    clear = np.count_nonzero(consensus_ss < CLEAR[0]) + np.count_nonzero(consensus_ss > CLEAR[1]) - s
    return 1.0 - clear / (s * (s - 1))


def k_means(a_sa: np.ndarray, groups: int, drawn_bs: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Nearest centre of every subject in every resample, shape ``(b, s)``; centres are of the drawn subjects.

    Lloyd's steps from k-means++ (Arthur and Vassilvitskii 2007), all resamples in step with one another.
    """
    a = a_sa.astype(np.float32)
    weight_bs = drawn_bs.astype(np.float32)
    centre_bga = _start(a, groups, weight_bs, rng=rng)
    label_bs = np.full(weight_bs.shape, -1)
    for _ in range(MOST_STEPS):
        new_bs = _nearest(a, centre_bga)
        if (new_bs == label_bs).all():
            break
        label_bs = new_bs
        for group in range(groups):
            member_bs = weight_bs * (label_bs == group)
            count_b = member_bs.sum(1)
            mean_ba = (member_bs @ a) / np.maximum(count_b, 1.0)[:, None]
            # An empty group stays where it is.
            centre_bga[:, group] = np.where(count_b[:, None] > 0, mean_ba, centre_bga[:, group])
    return label_bs


def _nearest(a_sa: np.ndarray, centre_bga: np.ndarray) -> np.ndarray:
    b, g, _ = centre_bga.shape
    with one_thread():
        inner_gbs = centre_bga.transpose(1, 0, 2).reshape(g * b, -1) @ a_sa.T
    length_gb = (centre_bga**2).sum(2).T.reshape(g, b, 1)
    return (length_gb - 2 * inner_gbs.reshape(g, b, -1)).argmin(0)


def _start(a_sa: np.ndarray, groups: int, weight_bs: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Starting centres, shape ``(b, g, a)``.

    Of a few candidates, drawn in proportion to their squared distance from the centres before, the one that leaves the
    subjects nearest to a centre.
    """
    b, length_s = len(weight_bs), (a_sa**2).sum(1)
    nearest_bs = np.full(weight_bs.shape, np.float32(np.inf))
    chance_bs, picks = weight_bs, []
    for _ in range(groups):
        cumulated_bs = np.cumsum(chance_bs, axis=1, dtype=np.float64)
        goal_bc = rng.random((b, CANDIDATES)) * cumulated_bs[:, -1:]
        pick_bc = np.stack([np.searchsorted(c, g, side="right") for c, g in zip(cumulated_bs, goal_bc, strict=True)])
        pick_bc = np.minimum(pick_bc, len(a_sa) - 1)
        with one_thread():
            inner = (a_sa[pick_bc.ravel()] @ a_sa.T).reshape(b, CANDIDATES, -1)
        away_bcs = np.maximum(length_s + length_s[pick_bc][:, :, None] - 2 * inner, 0.0)
        left_bcs = np.minimum(nearest_bs[:, None], away_bcs)
        best_b = np.einsum("bcs,bs->bc", left_bcs, weight_bs).argmin(1)
        picks.append(pick_bc[np.arange(b), best_b])
        nearest_bs = left_bcs[np.arange(b), best_b]
        chance_bs = weight_bs * nearest_bs
        # All drawn subjects in one place: any of them will do.
        chance_bs = np.where(chance_bs.sum(1, keepdims=True) > 0, chance_bs, weight_bs)
    return a_sa[np.stack(picks, axis=1)].copy()
