"""How close genes lie to one another in a network: three statistics of the same pairs, in one pass over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from ._search import UNREACHABLE
from ._sharing import largest_components, pair_sums
from ._threads import pieces, thread_map

if TYPE_CHECKING:
    from .distances import Interactome

__all__ = ["Closeness", "Orders", "closeness", "components", "means"]

WORD = 63


class Orders(NamedTuple):
    """Random orders shared by many subjects.

    Attributes
    ----------
    order_ru
        Random orders of the genes of each bin, as positions in the network, see
        :func:`genelight.evidence.nulls.matched_orders`.
    start_b
        Where each bin starts among the columns of `order_ru`, and where the last ends, shape ``(b + 1,)``.
    count_kb
        How many genes of each bin a subject takes, shape ``(k, b)``.
    """

    order_ru: np.ndarray
    start_b: np.ndarray
    count_kb: np.ndarray

    def cut(self) -> list[Orders]:
        """The same in a few pieces, to be worked on side by side."""
        return [self._replace(order_ru=self.order_ru[piece]) for piece in pieces(len(self.order_ru))]

    @classmethod
    def whole(cls, genes: np.ndarray) -> Orders:
        """Genes taken as they are: one order of one bin."""
        return cls(genes[None].astype(np.int32), np.array([0, len(genes)]), np.array([[len(genes)]]))


class Closeness(NamedTuple):
    """Of each subject's genes for each random order, shapes ``(r, k)``.

    Attributes
    ----------
    distance
        Mean shortest distance over the pairs joined by a path; one more than the longest where none is.
    efficiency
        Mean of one over the distance, over all pairs, 0 where there is no path.
    density
        Share of the pairs that are joined by an edge.
    """

    distance: np.ndarray
    efficiency: np.ndarray
    density: np.ndarray


def closeness(net: Interactome, parts: Sequence[Orders]) -> Closeness:
    """Statistics of all pairs, for orders in pieces: rows of the pieces one after another."""
    found = thread_map(lambda orders: _closeness(net, orders), parts)
    return Closeness(*(np.concatenate(values) for values in zip(*found, strict=True)))


def components(net: Interactome, parts: Sequence[Orders]) -> np.ndarray:
    """Genes in the largest connected component, shape ``(r, k)``."""

    def one(orders: Orders) -> np.ndarray:
        out_rk = np.empty((len(orders.order_ru), len(orders.count_kb)))
        largest_components(net.distance_pp, *orders, out_rk)
        return out_rk

    return np.concatenate(thread_map(one, parts))


def means(value_p: np.ndarray, orders: Orders) -> np.ndarray:
    """Mean of a value over each subject's genes, for each random order, shape ``(r, k)``."""
    running_ru = np.cumsum(value_p[orders.order_ru], axis=1, dtype=np.float64)
    zero_r = np.zeros((len(running_ru), 1))
    running_rw = np.concatenate([zero_r, running_ru], axis=1)
    k, b = np.nonzero(orders.count_kb)
    start, size_k = orders.start_b[b], orders.count_kb.sum(1)
    shape = (len(size_k), running_rw.shape[1])
    ends = sparse.csr_matrix((np.ones(len(k)), (k, start + orders.count_kb[k, b])), shape=shape)
    starts = sparse.csr_matrix((np.ones(len(k)), (k, start)), shape=shape)
    return np.asarray(((ends - starts) @ running_rw.T).T / size_k)


def _closeness(net: Interactome, orders: Orders) -> Closeness:
    size_k = orders.count_kb.sum(1)
    value_vw, bits = _packed(int(size_k.max(initial=2)))
    out_rkw = np.empty((len(orders.order_ru), len(size_k), 2), np.int64)
    pair_sums(net.distance_pp, value_vw, *orders, out_rkw)
    total_rk, paths_rk = out_rkw[:, :, 0] >> bits, out_rkw[:, :, 0] & ((1 << bits) - 1)
    inverse_rk, edges_rk = out_rkw[:, :, 1] >> bits, out_rkw[:, :, 1] & ((1 << bits) - 1)
    pairs_k = size_k * (size_k - 1)
    distance_rk = np.where(paths_rk > 0, total_rk / np.maximum(paths_rk, 1), net.longest + 1.0)
    return Closeness(distance_rk, inverse_rk / _one(bits) / pairs_k, edges_rk / pairs_k)


def _packed(size: int) -> tuple[np.ndarray, int]:
    """What a pair adds at each distance: two words of two whole numbers each, the lower of so many bits.

    The first holds the distance and the number of paths, the second one over the distance, as a fraction, and the
    number of edges.
    """
    bits = (size * size).bit_length()
    path_v = np.ones(UNREACHABLE + 1, dtype=np.int64)
    path_v[[0, UNREACHABLE]] = 0
    distance_v = np.arange(UNREACHABLE + 1)
    inverse_v = np.round(_one(bits) * path_v / np.maximum(distance_v, 1)).astype(np.int64)
    first_v = ((distance_v * path_v) << bits) + path_v
    return np.ascontiguousarray(np.column_stack([first_v, (inverse_v << bits) + (distance_v == 1)])), bits


def _one(bits: int) -> int:
    """One, as a fraction with the bits that two counts leave of a word."""
    return 1 << min(40, WORD - 2 * bits - 1)
