"""The overlap of lists and sets that draw from bins: a sum of hypergeometrics, one a bin, in machine code."""
# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from .._core.threads import compiled, pieces, thread_map


def overlaps(lists: Sequence[np.ndarray], member_gs: sparse.csr_matrix) -> np.ndarray:
    """Genes that each list shares with each set, int32, shape ``(k, s)``."""
    out_ks = np.zeros((len(lists), member_gs.shape[1]), dtype=np.int32)
    start_k, gene_e = np.cumsum([0, *map(len, lists)]), np.concatenate(lists).astype(np.int64)

    def count(piece: slice) -> None:
        _count(start_k[piece.start : piece.stop + 1], gene_e, member_gs.indptr, member_gs.indices, out_ks[piece])

    thread_map(count, pieces(len(lists)))
    return out_ks


@compiled()
def _count(start_k: np.ndarray, gene_e: np.ndarray, start_g: np.ndarray, set_m: np.ndarray, out_ks: np.ndarray) -> None:
    for k in range(len(out_ks)):
        for gene in gene_e[start_k[k] : start_k[k + 1]]:
            for s in set_m[start_g[gene] : start_g[gene + 1]]:
                out_ks[k, s] += 1


def matched_tail(
    size_b: np.ndarray, drawn_kb: np.ndarray, member_sb: sparse.csr_matrix, overlap_ks: np.ndarray
) -> np.ndarray:
    """P(overlap >= observed) if every list drew as many genes of each bin as it has, without replacement.

    Bins are independent of one another, so the probabilities of the sum are those of the bins convolved. All
    terms are positive and the tail is summed from its small end, so that far tails keep their precision. Genes are
    counted in bins: `size_b` in all, `drawn_kb` of each list, `member_sb` of each set.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> matched_tail(np.array([10]), np.array([[2]]), sparse.csr_matrix([[3]]), np.array([[1]])).round(4)
    array([[0.5333]])
    """
    p_ks = np.empty(overlap_ks.shape)
    size, drawn = size_b.astype(np.int64), np.ascontiguousarray(drawn_kb, dtype=np.int64)
    sets = (member_sb.indptr, member_sb.indices, member_sb.data.astype(np.int64))
    thread_map(lambda piece: _tails(size, drawn[piece], *sets, overlap_ks[piece], p_ks[piece]), pieces(len(overlap_ks)))
    return p_ks


def matched_moments(
    size_b: np.ndarray, drawn_kb: np.ndarray, member_sb: sparse.csr_matrix
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the same overlaps, exact, shapes ``(k, s)``."""
    size, drawn_bk = size_b[:, None].astype(np.float64), drawn_kb.T.astype(np.float64)
    mean_ks = (member_sb @ (drawn_bk / size)).T
    # The variance of one bin is a product of one factor of the list and one of the set.
    spread_bk = drawn_bk * (size - drawn_bk) / (size**2 * np.maximum(size - 1, 1))
    left_sb = member_sb.copy()
    left_sb.data = left_sb.data * (size_b[left_sb.indices] - left_sb.data)
    return mean_ks, np.sqrt((left_sb @ spread_bk).T)


@compiled()
def _tails(
    size_b: np.ndarray,
    drawn_kb: np.ndarray,
    start_s: np.ndarray,
    bin_e: np.ndarray,
    member_e: np.ndarray,
    overlap_ks: np.ndarray,
    out_ks: np.ndarray,
) -> None:
    room = drawn_kb.sum(axis=1).max() + 1
    now, new, part = np.empty(room), np.empty(room), np.empty(room)
    for k in range(len(drawn_kb)):
        for s in range(overlap_ks.shape[1]):
            if overlap_ks[k, s] == 0:
                out_ks[k, s] = 1.0
                continue
            bins, members = bin_e[start_s[s] : start_s[s + 1]], member_e[start_s[s] : start_s[s + 1]]
            out_ks[k, s] = _tail(size_b, drawn_kb[k], bins, members, overlap_ks[k, s], now, new, part)


@compiled()
def _tail(
    size_b: np.ndarray,
    drawn_b: np.ndarray,
    bins: np.ndarray,
    members: np.ndarray,
    overlap: int,
    now: np.ndarray,
    new: np.ndarray,
    part: np.ndarray,
) -> float:
    now[0] = 1.0
    least, last = 0, 0
    for e in range(len(bins)):
        drawn = drawn_b[bins[e]]
        if drawn == 0:
            continue
        low, steps = _one_bin(size_b[bins[e]], drawn, members[e], part)
        new[: last + steps + 1] = 0.0
        for i in range(last + 1):
            for j in range(steps + 1):
                new[i + j] += now[i] * part[j]
        now, new = new, now
        least += low
        last += steps
    tail = 0.0
    for i in range(last, max(overlap - least, 0) - 1, -1):
        tail += now[i]
    return min(tail, 1.0)


@compiled()
def _one_bin(size: int, drawn: int, members: int, out: np.ndarray) -> tuple[int, int]:
    """Probabilities of every overlap in one bin, each from its neighbour, the likeliest first; returns least, steps."""
    rest = size - drawn - members
    low, high = max(0, -rest), min(drawn, members)
    mode = (drawn + 1) * (members + 1) // (size + 2)
    out[mode - low] = total = 1.0
    for k in range(mode, high):
        out[k + 1 - low] = out[k - low] * ((drawn - k) * (members - k)) / ((k + 1) * (rest + k + 1))
        total += out[k + 1 - low]
    for k in range(mode, low, -1):
        out[k - 1 - low] = out[k - low] * (k * (rest + k)) / ((drawn - k + 1) * (members - k + 1))
        total += out[k - 1 - low]
    for i in range(high - low + 1):
        out[i] /= total
    return low, high - low
