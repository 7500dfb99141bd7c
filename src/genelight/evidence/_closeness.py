"""How close genes lie to one another in a network: three statistics of the same pairs, in one pass over them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from .._core.threads import pieces, thread_map
from ._search import UNREACHABLE
from ._sharing import largest_components, pair_sums

if TYPE_CHECKING:
    from .distances import Interactome

__all__ = ["Closeness", "Orders", "closeness", "closeness_of", "components", "components_of", "means"]

WORD = 63


class Orders(NamedTuple):
    """Random orders shared by many items.

    Attributes
    ----------
    order_ru
        Random orders of the genes of each bin, as positions in the network, see
        :func:`genelight.evidence.nulls.matched_orders`.
    start_b
        Where each bin starts among the columns of `order_ru`, and where the last ends, shape ``(b + 1,)``.
    count_kb
        How many genes of each bin an item takes, shape ``(k, b)``.
    """

    order_ru: np.ndarray
    start_b: np.ndarray
    count_kb: np.ndarray

    def cut(self) -> list[Orders]:
        """The same in a few pieces, to be worked on side by side."""
        return [self._replace(order_ru=self.order_ru[piece]) for piece in pieces(len(self.order_ru))]

    @classmethod
    def own(cls, genes_k: Sequence[np.ndarray]) -> tuple[list[Orders], np.ndarray]:
        """Each item's genes as they are: those of one size as rows of one bin; and which item each row is."""
        size_k = np.array([len(genes) for genes in genes_k], dtype=np.int64)
        rows = [np.flatnonzero(size_k == size) for size in np.unique(size_k)]
        parts = [
            cls(np.stack([genes_k[int(k)] for k in of_size]).astype(np.int32), np.array([0, size]), np.array([[size]]))
            for of_size, size in zip(rows, np.unique(size_k), strict=True)
        ]
        return parts, np.concatenate(rows)


class Closeness(NamedTuple):
    """Of each item's genes for each random order, shapes ``(r, k)``.

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


def closeness_of(net: Interactome, genes_k: Sequence[np.ndarray]) -> Closeness:
    """Statistics of each item's own genes, one row each."""
    if not genes_k:
        return Closeness(*(np.zeros((0, 1)) for _ in Closeness._fields))
    parts, item_k = Orders.own(genes_k)
    found = closeness(net, [piece for part in parts for piece in part.cut()])
    return Closeness(*(value_k[np.argsort(item_k)] for value_k in found))


def components(net: Interactome, parts: Sequence[Orders]) -> np.ndarray:
    """Genes in the largest connected component, shape ``(r, k)``."""

    def one(orders: Orders) -> np.ndarray:
        out_rk = np.empty((len(orders.order_ru), len(orders.count_kb)))
        largest_components(net.distance_pp, *orders, out_rk)
        return out_rk

    return np.concatenate(thread_map(one, parts))


def components_of(net: Interactome, genes_k: Sequence[np.ndarray]) -> np.ndarray:
    """Genes in the largest connected component of each item's own genes, shape ``(k,)``."""
    if not genes_k:
        return np.zeros(0)
    parts, item_k = Orders.own(genes_k)
    found = components(net, [piece for part in parts for piece in part.cut()])
    return np.asarray(found[np.argsort(item_k), 0])


def means(value_p: np.ndarray, orders: Orders) -> np.ndarray:
    """Mean of a value over each item's genes, for each random order, shape ``(r, k)``."""
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
    pairs_k = size_k * (size_k - 1)
    one = _one(net.longest)
    sums: dict[str, np.ndarray] = {}
    most, rows = int(size_k.max(initial=2)), int(orders.count_kb.max(initial=1))
    for word in _words(most, rows, net.longest):
        out_rkf = np.empty((len(orders.order_ru), len(size_k), len(word.names)), np.int64)
        pair_sums(net.distance_pp, word.value_v, word.shift_f, word.run, *orders, out_rkf)
        sums |= {name: out_rkf[:, :, f] for f, name in enumerate(word.names)}
    distance_rk = np.where(sums["paths"] > 0, sums["total"] / np.maximum(sums["paths"], 1), net.longest + 1.0)
    return Closeness(distance_rk, sums["inverse"] / one / pairs_k, sums["edges"] / pairs_k)


class _Word(NamedTuple):
    """What a pair adds at each distance, several whole numbers in one, and for how many rows there is room."""

    names: list[str]
    value_v: np.ndarray
    shift_f: np.ndarray
    run: int


def _words(size: int, rows: int, longest: int) -> list[_Word]:
    """As few words as hold what rows of up to `size` pairs add, summed over up to `rows` of them: one, mostly."""
    path_v = np.ones(UNREACHABLE + 1, dtype=np.int64)
    path_v[[0, UNREACHABLE]] = 0
    distance_v = np.arange(UNREACHABLE + 1)
    inverse_v = np.round(_one(longest) * path_v / np.maximum(distance_v, 1)).astype(np.int64)
    value = {"paths": path_v, "edges": path_v * (distance_v == 1), "total": path_v * distance_v, "inverse": inverse_v}
    most = {"paths": 1, "edges": 1, "total": longest, "inverse": _one(longest)}

    def bits(names: Sequence[str], run: int) -> list[int]:
        return [(size * run * most[name]).bit_length() for name in names]

    groups: list[list[str]] = [[]]
    for name in value:
        if sum(bits([*groups[-1], name], 1)) > WORD:
            groups.append([])
        groups[-1].append(name)
    words = []
    for names in groups:
        run = max(run for run in range(1, rows + 1) if run == 1 or sum(bits(names, run)) <= WORD)
        shift_f = np.cumsum([0, *bits(names, run)])
        parts = np.stack([value[name] << shift for name, shift in zip(names, shift_f, strict=False)])
        words.append(_Word(names, parts.sum(0), shift_f, run))
    return words


def _one(longest: int) -> int:
    """One, as a whole number that every distance divides; of long paths a fraction with 40 bits."""
    return min(math.lcm(*range(1, longest + 1)), 1 << 40)
