"""Statistics of many gene sets over shared random orders: the machine code behind network tests."""
# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments

from __future__ import annotations

import numpy as np

from .._core.threads import compiled

__all__ = ["largest_components", "pair_sums"]


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
        See :class:`genelight.evidence.nulls.MatchedNull`.
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
