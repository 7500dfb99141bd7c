"""Random genes that are as well connected, and as variable, as the genes tested: bins, and draws from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._core.checks import check_positive

__all__ = ["match_bins", "matched_orders"]

LEAST_MEMBERS = 10
PART_MEMBERS = 25
BINS_PER_OCTAVE = 8
MOST_PARTS = 5


def match_bins(
    degree_u: np.ndarray, *, x_nu: np.ndarray | None = None, least: int = LEAST_MEMBERS, most_parts: int = MOST_PARTS
) -> np.ndarray:
    """Bins of genes that may stand in for one another.

    Genes are binned by degree on a logarithmic scale, eight bins to a doubling; bins with fewer than `least`
    members join the next higher one, as in Guney et al. 2016 (doi 10.1038/ncomms10331). Theirs hold 100
    genes; with bins as wide as that, random sets of well-connected genes get smaller p values than they
    should. With expression given, each bin is cut into up to `most_parts` parts of equal size by mean and
    each of those by variance, as far as every part keeps 25 members.

    Parameters
    ----------
    degree_u
        Degree of each gene in the network, above zero, shape ``(u,)``.
    x_nu
        Expression of the same genes, shape ``(n, u)``.
    least
        Fewest members of a bin.
    most_parts
        Most parts that a bin is cut into by each of mean and variance.

    Returns
    -------
    Bin of each gene, 0 to the number of bins less one, shape ``(u,)``.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.stats.matched import match_bins
    >>> match_bins(np.array([1, 1, 1, 2, 2, 9, 8, 50]), least=3)
    array([0, 0, 0, 1, 1, 1, 1, 1])
    """
    check_positive(least=least)
    label_u = np.floor(BINS_PER_OCTAVE * np.log2(degree_u)).astype(np.int64)
    bin_u = _merge_small(label_u, least)
    if x_nu is None:
        return bin_u
    mean_u, variance_u = x_nu.mean(0, dtype=np.float64), x_nu.var(0, dtype=np.float64)
    # Room is left for the variance: a bin that holds nine parts is cut in three by mean.
    bin_u = _split(bin_u, mean_u, parts_b=np.minimum(most_parts, np.sqrt(np.bincount(bin_u) / PART_MEMBERS)))
    return _split(bin_u, variance_u, parts_b=np.minimum(most_parts, np.bincount(bin_u) / PART_MEMBERS))


def _merge_small(label_u: np.ndarray, least: int) -> np.ndarray:
    """Number the labels in order, joining each to the one before until that has enough members."""
    labels, size_l = np.unique(label_u, return_counts=True)
    merged_l = np.zeros(len(labels), dtype=np.int64)
    current, members = 0, 0
    for i, size in enumerate(size_l):
        if members >= least and size_l[i:].sum() >= least:
            current, members = current + 1, 0
        merged_l[i] = current
        members += size
    return merged_l[np.searchsorted(labels, label_u)]


def _split(bin_u: np.ndarray, key_u: np.ndarray, *, parts_b: np.ndarray) -> np.ndarray:
    """Cut every bin into parts of equal size by rank of a key."""
    split_u = np.zeros_like(bin_u)
    following = 0
    for b, parts in enumerate(np.maximum(parts_b, 1).astype(int)):
        members = np.flatnonzero(bin_u == b)
        ranked = members[np.argsort(key_u[members], kind="stable")]
        for part in np.array_split(ranked, parts):
            split_u[part] = following
            following += 1
    return split_u


def matched_orders(members_b: Sequence[np.ndarray], most_b: np.ndarray, *, draws: int, seed: int = 0) -> np.ndarray:
    """Random orders of the members of each bin, side by side.

    The first m members of a bin's order are a sample of m without replacement, for every m at once. So one
    order serves all subjects, and each subject's draws are distributed exactly as if drawn for it alone.

    Parameters
    ----------
    members_b
        Members of each bin.
    most_b
        How many to keep of each bin's order, shape ``(b,)``.
    draws
        Number r of orders.
    seed
        Seed.

    Returns
    -------
    Shape ``(r, sum(most_b))``.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for members, most in zip(members_b, most_b, strict=True):
        tiled = np.broadcast_to(members.astype(np.int32), (draws, len(members)))
        parts.append(rng.permuted(tiled, axis=1)[:, :most])
    return np.ascontiguousarray(np.concatenate(parts, axis=1))
