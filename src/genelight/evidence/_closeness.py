"""How close genes lie to one another in a network: statistics of the same pairs, for many items over shared orders."""
# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from .._core.threads import compiled, pieces, thread_map
from ._paths import UNREACHABLE

if TYPE_CHECKING:
    from .distances import Interactome

WORD = 63


class Orders(NamedTuple):
    """Random orders shared by many items.

    Attributes
    ----------
    order_ru
        Random orders of the genes of each bin, as positions in the network, see
        :func:`genelight.stats.matched.matched_orders`.
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


@compiled()
def pair_sums(
    distance_pp: np.ndarray,
    value_v: np.ndarray,
    shift_f: np.ndarray,
    run: int,
    order_ru: np.ndarray,
    start_b: np.ndarray,
    count_kb: np.ndarray,
    out_rkf: np.ndarray,
) -> None:
    """Sums of a few values over all ordered pairs of genes of each item, for each random order.

    An item takes the first ``count_kb[k, b]`` genes of each bin, so that its pairs between two bins fill a
    rectangle from the corner: its sum is one entry of a table of cumulative sums. The table is made row by row,
    begun anew after a few rows of a bin, and each row is read at once by the items whose rectangles end or go on
    there: it never leaves the nearest cache.

    Parameters
    ----------
    distance_pp
        Distances, uint8.
    value_v
        For each of the 256 distances the values that a pair adds, side by side in one int64, with room for the sum
        of `run` rows of as many genes as an item has.
    shift_f
        Lowest bit of each value, and last the bit above them all, shape ``(f + 1,)``.
    run
        Rows of a bin that are summed before they are read.
    order_ru, start_b, count_kb
        See :class:`Orders`.
    out_rkf
        The sums are written here, int64, shape ``(r, k, f)``.
    """
    bins, genes, fields = len(start_b) - 1, order_ru.shape[1], len(shift_f) - 1
    # One zero ahead of each bin, so that sums start without a condition.
    row = np.zeros(genes + bins, np.int64)
    cell_e, end_k, start_i, reader_e = _readers(start_b, count_kb, run)
    out_rkf[:] = 0
    for r in range(len(order_ru)):
        order, out_kf = order_ru[r], out_rkf[r]
        for b in range(bins):
            for i in range(start_b[b], start_b[b + 1]):
                if (i - start_b[b]) % run == 0:
                    row[:] = 0
                _add_row(distance_pp[order[i]], value_v, order, start_b, b, row)
                for e in range(start_i[i], start_i[i + 1]):
                    cell, k = reader_e[e, 0], reader_e[e, 1]
                    own, others = row[cell_e[cell]], np.int64(0)
                    # Over a slice, not a range: that is compiled to several reads at once.
                    for at in cell_e[cell + 1 : end_k[k]]:
                        others += row[at]
                    for f in range(fields):
                        most = (np.int64(1) << (shift_f[f + 1] - shift_f[f])) - 1
                        out_kf[k, f] += ((own >> shift_f[f]) & most) + 2 * ((others >> shift_f[f]) & most)


@compiled()
def _add_row(
    distance_p: np.ndarray, value_v: np.ndarray, order_u: np.ndarray, start_b: np.ndarray, first: int, row: np.ndarray
) -> None:
    """Add the running sums of one gene's values, bin by bin from the first on."""
    for c in range(first, len(start_b) - 1):
        sums = np.int64(0)
        for j in range(start_b[c], start_b[c + 1]):
            sums += value_v[distance_p[order_u[j]]]
            row[j + c + 1] += sums


@compiled()
def _readers(
    start_b: np.ndarray, count_kb: np.ndarray, run: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cells that each item reads, one after another, and their end; for every row, who reads it, from which cell."""
    items, bins = count_kb.shape
    cells = (count_kb > 0).sum()
    cell_e, end_k = np.empty(cells, np.uint32), np.zeros(items, np.int64)
    start_i = np.zeros(start_b[bins] + 1, np.int64)
    e = 0
    for k in range(items):
        for b in range(bins):
            if count_kb[k, b] > 0:
                cell_e[e] = start_b[b] + b + count_kb[k, b]
                e += 1
            for last in _read_at(count_kb[k, b], run):
                start_i[start_b[b] + last + 1] += 1
        end_k[k] = e
    start_i = np.cumsum(start_i)
    reader_e, filled_i = np.empty((start_i[-1], 2), np.int64), start_i.copy()
    e = 0
    for k in range(items):
        for b in range(bins):
            for last in _read_at(count_kb[k, b], run):
                i = start_b[b] + last
                reader_e[filled_i[i], 0], reader_e[filled_i[i], 1] = e, k
                filled_i[i] += 1
            e += count_kb[k, b] > 0
    return cell_e, end_k, start_i, reader_e


@compiled()
def _read_at(count: int, run: int) -> np.ndarray:
    """Rows of a bin at which an item with so many genes there reads: the last of each run, and its own last."""
    last = np.arange(run - 1, count + run - 1, run)
    return np.minimum(last, count - 1)


@compiled()
def largest_components(
    distance_pp: np.ndarray, order_ru: np.ndarray, start_b: np.ndarray, count_kb: np.ndarray, out_rk: np.ndarray
) -> None:
    """Genes in the largest connected component of each item, for each random order.

    Parameters are those of :func:`pair_sums`.
    """
    genes = order_ru.shape[1]
    neighbour = np.empty(genes * genes // 2, np.int32)
    start = np.zeros(genes + 1, np.int64)
    bin_i = np.empty(genes, np.int64)
    for b in range(len(start_b) - 1):
        bin_i[start_b[b] : start_b[b + 1]] = b
    end_kb = (start_b[:-1] + count_kb).astype(np.int32)
    parent, size = np.empty(genes, np.int32), np.empty(genes, np.int32)
    for r in range(len(order_ru)):
        edges = 0
        for i in range(genes):
            distance = distance_pp[order_ru[r, i]]
            for j in range(i):
                if distance[order_ru[r, j]] == 1:
                    neighbour[edges] = j
                    edges += 1
            start[i + 1] = edges
        for k in range(len(count_kb)):
            largest = 0
            for b in range(len(start_b) - 1):
                for i in range(start_b[b], start_b[b] + count_kb[k, b]):
                    parent[i], size[i] = i, 1
                    among = neighbour[start[i] : start[i + 1]]
                    largest = max(largest, 1, _join(parent, size, i, among, bin_i, end_kb[k]))
            out_rk[r, k] = largest


@compiled()
def _join(
    parent: np.ndarray, size: np.ndarray, i: int, neighbour: np.ndarray, bin_i: np.ndarray, end_b: np.ndarray
) -> int:
    """Join a gene with those of its neighbours that are taken; returns the size of what it is in then."""
    largest = 1
    for j in neighbour:
        if j < end_b[bin_i[j]]:
            largest = max(largest, _unite(parent, size, i, j))
    return largest


@compiled()
def _unite(parent: np.ndarray, size: np.ndarray, i: int, j: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    while parent[j] != j:
        parent[j] = parent[parent[j]]
        j = parent[j]
    if i == j:
        return size[i]
    if size[i] < size[j]:
        i, j = j, i
    parent[j] = i
    size[i] += size[j]
    return size[i]
