"""Statistics of many gene sets over shared random orders: the machine code behind network tests."""
# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments

from __future__ import annotations

import numba
import numpy as np

__all__ = ["largest_components", "pair_sums"]


@numba.njit(nogil=True, cache=True)
def pair_sums(
    distance_pp: np.ndarray,
    value_v: np.ndarray,
    order_ru: np.ndarray,
    start_b: np.ndarray,
    count_kb: np.ndarray,
    out_rk: np.ndarray,
) -> None:
    """Sum of a value over all pairs of genes of each subject, for each random order.

    A subject takes the first ``count_kb[k, b]`` genes of each bin. One table of cumulative sums for every
    two bins holds the answer for every count, so a subject costs one look-up for every two bins, not for
    every two genes.

    Parameters
    ----------
    distance_pp
        Distances, uint8.
    value_v
        Value of a pair at each of the 256 distances.
    order_ru, start_b, count_kb
        See :class:`genelight.evidence.nulls.MatchedNull`.
    out_rk
        The sums are written here.
    """
    bins = len(start_b) - 1
    # One row and column of zeros ahead of each bin, so that sums start without a condition.
    wide = order_ru.shape[1] + bins
    table = np.zeros((wide, wide))
    cell_e, start_k = _cells(start_b, count_kb)
    for r in range(len(order_ru)):
        order = order_ru[r]
        for b in range(bins):
            for i in range(start_b[b], start_b[b + 1]):
                distance = distance_pp[order[i]]
                above, row = table[i + b], table[i + b + 1]
                for c in range(b, bins):
                    run = 0.0
                    for j in range(start_b[c], start_b[c + 1]):
                        run += value_v[distance[order[j]]]
                        row[j + c + 1] = above[j + c + 1] + run
        for k in range(len(count_kb)):
            cell = cell_e[start_k[k] : start_k[k + 1]]
            total = 0.0
            for b in range(len(cell)):
                row = table[cell[b]]
                total += 0.5 * row[cell[b]]
                for c in range(b + 1, len(cell)):
                    total += row[cell[c]]
            out_rk[r, k] = total


@numba.njit(nogil=True, cache=True)
def _cells(start_b: np.ndarray, count_kb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the table at which each subject reads: one for every bin that it takes genes of."""
    subjects, bins = count_kb.shape
    cell_e = np.empty(subjects * bins, np.int32)
    start_k = np.zeros(subjects + 1, np.int64)
    e = 0
    for k in range(subjects):
        for b in range(bins):
            if count_kb[k, b] > 0:
                cell_e[e] = start_b[b] + b + count_kb[k, b]
                e += 1
        start_k[k + 1] = e
    return cell_e[:e], start_k


@numba.njit(nogil=True, cache=True)
def largest_components(
    distance_pp: np.ndarray, order_ru: np.ndarray, start_b: np.ndarray, count_kb: np.ndarray, out_rk: np.ndarray
) -> None:
    """Genes in the largest connected component of each subject, for each random order.

    Parameters are those of :func:`pair_sums`.
    """
    genes = order_ru.shape[1]
    one = np.empty(genes * genes // 2, np.int32)
    other = np.empty(genes * genes // 2, np.int32)
    parent = np.empty(genes, np.int32)
    size = np.empty(genes, np.int32)
    for r in range(len(order_ru)):
        edges = 0
        for i in range(genes):
            distance = distance_pp[order_ru[r, i]]
            for j in range(i):
                if distance[order_ru[r, j]] == 1:
                    one[edges], other[edges] = i, j
                    edges += 1
        for k in range(len(count_kb)):
            largest = 0
            for b in range(len(start_b) - 1):
                for i in range(start_b[b], start_b[b + 1]):
                    taken = i - start_b[b] < count_kb[k, b]
                    parent[i] = i if taken else -1
                    size[i] = 1
                    largest = max(largest, int(taken))
            for e in range(edges):
                if parent[one[e]] >= 0 and parent[other[e]] >= 0:
                    largest = max(largest, _unite(parent, size, one[e], other[e]))
            out_rk[r, k] = largest


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
