"""Statistics of many gene sets over shared random orders: the machine code behind network tests."""
# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments

from __future__ import annotations

import numba
import numpy as np

__all__ = ["largest_components", "pair_sums"]


@numba.njit(nogil=True, cache=True)
def pair_sums(
    distance_pp: np.ndarray,
    value_vw: np.ndarray,
    order_ru: np.ndarray,
    start_b: np.ndarray,
    count_kb: np.ndarray,
    out_rkw: np.ndarray,
) -> None:
    """Sums of two values over all ordered pairs of genes of each subject, for each random order.

    A subject takes the first ``count_kb[k, b]`` genes of each bin, so that its pairs between two bins fill a
    rectangle from the corner: its sum is one entry of a table of cumulative sums. The table is made row by row,
    and each row is read at once by the subjects whose rectangles end there: it never leaves the nearest cache.

    Parameters
    ----------
    distance_pp
        Distances, uint8.
    value_vw
        Two whole numbers for each of the 256 distances, int64, shape ``(256, 2)``.
    order_ru, start_b, count_kb
        See :class:`genelight.evidence.nulls.MatchedNull`.
    out_rkw
        The sums are written here, int64, shape ``(r, k, 2)``.
    """
    bins, genes = len(start_b) - 1, order_ru.shape[1]
    # One zero ahead of each bin, so that sums start without a condition.
    row = np.zeros((genes + bins, 2), np.int64)
    cell_e, end_k, start_i, reader_e = _readers(start_b, count_kb)
    out_rkw[:] = 0
    for r in range(len(order_ru)):
        order, out_kw = order_ru[r], out_rkw[r]
        for b in range(bins):
            row[:] = 0
            for i in range(start_b[b], start_b[b + 1]):
                _add_row(distance_pp[order[i]], value_vw, order, start_b, b, row)
                for e in range(start_i[i], start_i[i + 1]):
                    cell, k = reader_e[e, 0], reader_e[e, 1]
                    one, other = np.int64(0), np.int64(0)
                    for c in range(cell + 1, end_k[k]):
                        at = cell_e[c]
                        one += row[at, 0]
                        other += row[at, 1]
                    out_kw[k, 0] += 2 * one + row[cell_e[cell], 0]
                    out_kw[k, 1] += 2 * other + row[cell_e[cell], 1]


@numba.njit(nogil=True, cache=True)
def _add_row(
    distance_p: np.ndarray, value_vw: np.ndarray, order_u: np.ndarray, start_b: np.ndarray, first: int, row: np.ndarray
) -> None:
    """Add the running sums of one gene's values, bin by bin from the first on."""
    for c in range(first, len(start_b) - 1):
        one, other = np.int64(0), np.int64(0)
        for j in range(start_b[c], start_b[c + 1]):
            d = distance_p[order_u[j]]
            one += value_vw[d, 0]
            other += value_vw[d, 1]
            row[j + c + 1, 0] += one
            row[j + c + 1, 1] += other


@numba.njit(nogil=True, cache=True)
def _readers(start_b: np.ndarray, count_kb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cells that each subject reads, one after another, and their end; for every row, who reads it, in which cell."""
    subjects, bins = count_kb.shape
    cells = (count_kb > 0).sum()
    cell_e, end_k = np.empty(cells, np.uint32), np.zeros(subjects, np.int64)
    start_i = np.zeros(start_b[bins] + 1, np.int64)
    e = 0
    for k in range(subjects):
        for b in range(bins):
            if count_kb[k, b] > 0:
                cell_e[e] = start_b[b] + b + count_kb[k, b]
                start_i[start_b[b] + count_kb[k, b]] += 1
                e += 1
        end_k[k] = e
    start_i = np.cumsum(start_i)
    reader_e, filled_i = np.empty((cells, 2), np.int64), start_i.copy()
    e = 0
    for k in range(subjects):
        for b in range(bins):
            if count_kb[k, b] > 0:
                i = start_b[b] + count_kb[k, b] - 1
                reader_e[filled_i[i], 0], reader_e[filled_i[i], 1] = e, k
                filled_i[i] += 1
                e += 1
    return cell_e, end_k, start_i, reader_e


@numba.njit(nogil=True, cache=True)
def largest_components(
    distance_pp: np.ndarray, order_ru: np.ndarray, start_b: np.ndarray, count_kb: np.ndarray, out_rk: np.ndarray
) -> None:
    """Genes in the largest connected component of each subject, for each random order.

    Parameters are those of :func:`pair_sums`.
    """
    genes = order_ru.shape[1]
    neighbour = np.empty(genes * genes // 2, np.int32)
    start = np.zeros(genes + 1, np.int64)
    bin_i = np.empty(genes, np.int64)
    for b in range(len(start_b) - 1):
        bin_i[start_b[b] : start_b[b + 1]] = b
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
            end_b = start_b[:-1] + count_kb[k]
            largest = 0
            for b in range(len(end_b)):
                for i in range(start_b[b], end_b[b]):
                    parent[i], size[i] = i, 1
                    largest = max(largest, 1, _join(parent, size, i, neighbour[start[i] : start[i + 1]], bin_i, end_b))
            out_rk[r, k] = largest


@numba.njit(nogil=True, cache=True)
def _join(
    parent: np.ndarray, size: np.ndarray, i: int, neighbour: np.ndarray, bin_i: np.ndarray, end_b: np.ndarray
) -> int:
    """Join a gene with those of its neighbours that are taken; returns the size of what it is in then."""
    largest = 1
    for j in neighbour:
        if j < end_b[bin_i[j]]:
            largest = max(largest, _unite(parent, size, i, j))
    return largest


@numba.njit(nogil=True, cache=True)
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
