"""Chance, matched: random genes that are as well connected, and as variable, as the genes tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .._core.checks import check_positive
from ..errors import InputError
from ._closeness import Closeness, Orders, closeness, closeness_of, means
from ._subjects import LEAST_GENES, check_shared

if TYPE_CHECKING:
    from ..nouns import Genes
    from ._subjects import Subjects
    from .distances import Interactome

__all__ = [
    "MatchedNull",
    "adjust",
    "check_expression",
    "empirical_p",
    "expression_bins",
    "match_bins",
    "matched_null",
    "matched_orders",
]

LEAST_MEMBERS = 10
PART_MEMBERS = 25
BINS_PER_OCTAVE = 8
MOST_PARTS = 5
MOST_EXPRESSION_PARTS = 10


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
    >>> from genelight.evidence import match_bins
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


def expression_bins(x_ng: np.ndarray | None, genes: Genes) -> np.ndarray | None:
    """Bins of genes alike in mean and variance, up to ten of each, shape ``(g,)``; None without expression.

    Raises
    ------
    InputError
        If `x_ng` does not have one finite column for each measured gene.
    """
    check_expression(x_ng, len(genes))
    return None if x_ng is None else match_bins(np.ones(len(genes)), x_nu=x_ng, most_parts=MOST_EXPRESSION_PARTS)


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


@dataclass(frozen=True)
class MatchedNull:
    """Subjects' genes on a network, and random genes matched to them.

    Attributes
    ----------
    interactome
        The network.
    subject_k
        Which subjects have ten genes and more in the network, as positions, shape ``(k,)``.
    genes_k
        The genes of each of them, as positions in the network.
    orders
        Random genes matched to each of them.
    inside_g
        Which measured genes are in the network, boolean, shape ``(g,)``.
    pool_u
        Those genes as positions in the network: what is drawn from.
    alike_u
        Bins of these genes by mean and variance alone; all one without expression.
    seed
        Seed of the draws.
    """

    interactome: Interactome
    subject_k: np.ndarray
    genes_k: list[np.ndarray]
    orders: Orders
    inside_g: np.ndarray
    pool_u: np.ndarray
    alike_u: np.ndarray
    seed: int

    @property
    def universe(self) -> int:
        """Measured genes that are in the network."""
        return len(self.pool_u)

    @cached_property
    def observed(self) -> Closeness:
        """How close each subject's own genes are, one row each."""
        return closeness_of(self.interactome, self.genes_k)

    @cached_property
    def drawn(self) -> Closeness:
        """How close the genes drawn for each subject are, one row for each draw."""
        return closeness(self.interactome, self.orders.cut())

    @cached_property
    def degree(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean degree of each subject's own genes, shape ``(k,)``, and of those drawn for it, shape ``(r, k)``."""
        degree_p = self.interactome.degree_p
        return np.array([degree_p[genes].mean() for genes in self.genes_k]), means(degree_p, self.orders)

    @cached_property
    def of_any_degree(self) -> Orders:
        """Random genes for each subject that are matched on expression, if there is any, and not on degree."""
        draws = len(self.orders.order_ru)
        return _orders(
            self.pool_u, self.alike_u, self.genes_k, genes=len(self.interactome), draws=draws, seed=self.seed
        )


def matched_null(
    subjects: Subjects, interactome: Interactome, *, draws: int, x_ng: np.ndarray | None = None, seed: int = 0
) -> MatchedNull:
    """Place subjects on a network and draw genes matched to each.

    Parameters
    ----------
    subjects
        What is tested; genes that are not in the network are left out.
    interactome
        The network.
    draws
        Draws for each subject.
    x_ng
        Expression of the measured genes, to match on mean and variance as well as on degree.
    seed
        Seed.

    Raises
    ------
    GeneMismatchError
        If fewer than ten measured genes are in the network.
    InputError
        If `draws` is not above zero, or `x_ng` does not have one finite column for each measured gene.
    """
    check_positive(draws=draws)
    place_g = check_shared(subjects.genes, interactome.genes, reference=interactome.name)
    check_expression(x_ng, len(subjects.genes))
    measured = np.flatnonzero(place_g >= 0)
    # In the network's order, so that the order of the measured genes changes no draw.
    measured = measured[np.argsort(place_g[measured])]
    place_u = place_g[measured]
    x_nu = None if x_ng is None else x_ng[:, measured]
    bin_u = match_bins(interactome.degree_p[place_u], x_nu=x_nu)
    alike_u = match_bins(np.ones(len(place_u)), x_nu=x_nu, most_parts=MOST_EXPRESSION_PARTS)
    genes_k = [place_g[c][place_g[c] >= 0] for c in subjects.chosen[0]]
    subject_k = np.array([k for k, genes in enumerate(genes_k) if len(genes) >= LEAST_GENES], dtype=np.int64)
    genes_k = [genes_k[k] for k in subject_k]
    orders = _orders(place_u, bin_u, genes_k, genes=len(interactome), draws=draws, seed=seed)
    return MatchedNull(interactome, subject_k, genes_k, orders, place_g >= 0, place_u, alike_u, seed)


def _orders(
    pool_u: np.ndarray, bin_u: np.ndarray, genes_k: Sequence[np.ndarray], *, genes: int, draws: int, seed: int
) -> Orders:
    """Random orders of the pool within bins, and how many genes each subject takes of each."""
    bins = int(bin_u.max()) + 1
    bin_p = np.full(genes, -1)
    bin_p[pool_u] = bin_u
    count_kb = np.array([np.bincount(bin_p[own], minlength=bins) for own in genes_k]).reshape(-1, bins)
    most_b = count_kb.max(0, initial=0)
    order_ru = matched_orders([pool_u[bin_u == b] for b in range(bins)], most_b, draws=draws, seed=seed)
    return Orders(order_ru, np.concatenate([[0], np.cumsum(most_b)]), count_kb)


def check_expression(x_ng: np.ndarray | None, genes: int) -> None:
    """Stop unless there is one finite column for each gene, or no expression at all.

    Raises
    ------
    InputError
        If not.
    """
    if x_ng is None:
        return
    if x_ng.ndim != 2 or x_ng.shape[1] != genes:
        msg = f"x_ng has shape {x_ng.shape}, but the subjects have {genes} genes; pass one column for each, in order"
        raise InputError(msg)
    if not np.isfinite(np.sum(x_ng, dtype=np.float64)):
        msg = "x_ng holds NaN or infinite values; pass prepared expression"
        raise InputError(msg)


def empirical_p(observed_k: np.ndarray, null_rk: np.ndarray, *, sign: int) -> np.ndarray:
    """One-sided p values from draws: ``(1 + draws at least as extreme) / (1 + draws)``.

    The observed set counts as one of the draws, so that p is never zero and valid at any number of draws
    (Phipson and Smyth 2010, doi 10.2202/1544-6115.1585).

    Parameters
    ----------
    observed_k
        Statistics, shape ``(k,)``.
    null_rk
        The same of matched draws, shape ``(r, k)``.
    sign
        1 if a large statistic is evidence, -1 if a small one is.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.evidence import empirical_p
    >>> empirical_p(np.array([3.0]), np.array([[1.0], [2.0], [3.0]]), sign=1)
    array([0.5])
    """
    return (1 + (sign * null_rk >= sign * observed_k).sum(0)) / (1 + len(null_rk))


def adjust(p: np.ndarray, *, count: np.ndarray | None = None) -> np.ndarray:
    """Benjamini-Hochberg adjusted p values.

    Parameters
    ----------
    p
        Shape ``(m,)``.
    count
        How often each p value occurs in the family; once if not given. With few distinct values this
        adjusts millions of tests at the cost of sorting the distinct ones.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.evidence import adjust
    >>> adjust(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.04, 0.04])
    """
    p = np.asarray(p, dtype=np.float64)
    count = np.ones(len(p)) if count is None else np.asarray(count, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    rank = np.cumsum(count[order])
    scaled = p[order] * rank[-1:] / rank
    q = np.empty_like(p)
    q[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return q
