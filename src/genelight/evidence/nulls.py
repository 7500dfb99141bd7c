"""Chance, matched: random genes that are as well connected, and as variable, as the genes tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .._core.checks import check_positive
from ..errors import InputError
from ..stats.matched import match_bins, matched_orders
from ._closeness import Closeness, Orders, closeness, closeness_of, means
from ._tested import LEAST_GENES, check_shared

if TYPE_CHECKING:
    from ..nouns import Genes
    from ._tested import Items
    from .distances import Interactome

__all__ = ["MatchedNull", "check_expression", "expression_bins", "matched_null"]

MOST_EXPRESSION_PARTS = 10


def expression_bins(x_ng: np.ndarray | None, genes: Genes) -> np.ndarray | None:
    """Bins of genes alike in mean and variance, up to ten of each, shape ``(g,)``; None without expression.

    Raises
    ------
    InputError
        If `x_ng` does not have one finite column for each measured gene.
    """
    check_expression(x_ng, len(genes))
    return None if x_ng is None else match_bins(np.ones(len(genes)), x_nu=x_ng, most_parts=MOST_EXPRESSION_PARTS)


@dataclass(frozen=True)
class MatchedNull:
    """Items' genes on a network, and random genes matched to them.

    Attributes
    ----------
    interactome
        The network.
    item_k
        Which items have ten genes and more in the network, as positions, shape ``(k,)``.
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
    item_k: np.ndarray
    genes_k: list[np.ndarray]
    orders: Orders
    inside_g: np.ndarray
    pool_u: np.ndarray
    alike_u: np.ndarray
    seed: int

    @cached_property
    def observed(self) -> Closeness:
        """How close each item's own genes are, one row each."""
        return closeness_of(self.interactome, self.genes_k)

    @cached_property
    def drawn(self) -> Closeness:
        """How close the genes drawn for each item are, one row for each draw."""
        return closeness(self.interactome, self.orders.cut())

    @cached_property
    def degree(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean degree of each item's own genes, shape ``(k,)``, and of those drawn for it, shape ``(r, k)``."""
        degree_p = self.interactome.degree_p
        return np.array([degree_p[genes].mean() for genes in self.genes_k]), means(degree_p, self.orders)

    @cached_property
    def of_any_degree(self) -> Orders:
        """Random genes for each item that are matched on expression, if there is any, and not on degree."""
        draws = len(self.orders.order_ru)
        return _orders(
            self.pool_u, self.alike_u, self.genes_k, genes=len(self.interactome), draws=draws, seed=self.seed
        )


def matched_null(
    tested: Items, interactome: Interactome, *, draws: int, x_ng: np.ndarray | None = None, seed: int = 0
) -> MatchedNull:
    """Place items on a network and draw genes matched to each.

    Parameters
    ----------
    tested
        What is tested; genes that are not in the network are left out.
    interactome
        The network.
    draws
        Draws for each item.
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
    place_g = check_shared(tested.genes, interactome.genes, reference=interactome.name)
    check_expression(x_ng, len(tested.genes))
    measured = np.flatnonzero(place_g >= 0)
    # In the network's order, so that the order of the measured genes changes no draw.
    measured = measured[np.argsort(place_g[measured])]
    place_u = place_g[measured]
    x_nu = None if x_ng is None else x_ng[:, measured]
    bin_u = match_bins(interactome.degree_p[place_u], x_nu=x_nu)
    alike_u = match_bins(np.ones(len(place_u)), x_nu=x_nu, most_parts=MOST_EXPRESSION_PARTS)
    genes_k = [place_g[c][place_g[c] >= 0] for c in tested.chosen[0]]
    item_k = np.array([k for k, genes in enumerate(genes_k) if len(genes) >= LEAST_GENES], dtype=np.int64)
    genes_k = [genes_k[k] for k in item_k]
    orders = _orders(place_u, bin_u, genes_k, genes=len(interactome), draws=draws, seed=seed)
    return MatchedNull(interactome, item_k, genes_k, orders, place_g >= 0, place_u, alike_u, seed)


def _orders(
    pool_u: np.ndarray, bin_u: np.ndarray, genes_k: Sequence[np.ndarray], *, genes: int, draws: int, seed: int
) -> Orders:
    """Random orders of the pool within bins, and how many genes each item takes of each."""
    bins = int(bin_u.max()) + 1
    bin_p = np.full(genes, -1)
    bin_p[pool_u] = bin_u
    count_kb = np.array([np.bincount(bin_p[own], minlength=bins) for own in genes_k], np.int64).reshape(-1, bins)
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
        msg = f"x_ng has shape {x_ng.shape}, but the items have {genes} genes; pass one column for each, in order"
        raise InputError(msg)
    if not np.isfinite(np.sum(x_ng, dtype=np.float64)):
        msg = "x_ng holds NaN or infinite values; pass prepared expression"
        raise InputError(msg)
