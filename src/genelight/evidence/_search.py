"""Breadth-first search from 512 sources at once, one bit each: the machine code behind distances."""
# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments

from __future__ import annotations

import numpy as np

from .._core.threads import compiled

__all__ = ["SOURCES", "UNREACHABLE", "search_block"]

WORDS = 8
SOURCES = 64 * WORDS
UNREACHABLE = 255

_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)
# Spreads the eight bits of a byte over the eight bytes of a little-endian word.
_SPREAD = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").view("<u8").ravel()


@compiled()
def search_block(
    start_p: np.ndarray, neighbour_e: np.ndarray, low: int, high: int, source: int, out_pw: np.ndarray
) -> int:
    """Distances between the 512 nodes from `source` on and every node.

    Parameters
    ----------
    start_p, neighbour_e
        Neighbours of every node in compressed rows, shapes ``(p + 1,)`` and ``(edges * 2,)``.
    low, high
        Range of nodes that these sources can reach.
    source
        First source, a multiple of 512.
    out_pw
        Distances, eight columns to a word, shape ``(p, words)``; the block's columns are written.

    Returns
    -------
    The longest distance found; 255 if one does not fit below that, and then nothing is written.
    """
    nodes = high - low
    seen = np.zeros((nodes, WORDS), np.uint64)
    now = np.zeros((nodes, WORDS), np.uint64)
    new = np.zeros((nodes, WORDS), np.uint64)
    # Bit b of the distance of source s from node v is bit s of plane[b, v]; untouched planes cost no memory.
    plane = np.zeros((8, nodes, WORDS), np.uint64)
    first = source - low
    for s in range(max(0, -first), min(SOURCES, nodes - first)):
        bit = np.uint64(1) << np.uint64(s & 63)
        seen[first + s, s >> 6] |= bit
        now[first + s, s >> 6] |= bit
    level = 0
    grown = True
    while grown:
        level += 1
        grown = _one_step(start_p, neighbour_e, low, now, new, seen, plane, level)
        if grown and level == UNREACHABLE:
            return UNREACHABLE
        now, new = new, now
    _write_out(seen, plane, low, level - 1, out_pw[:, source // 8 : (source + SOURCES) // 8])
    return level - 1


@compiled()
def _one_step(
    start_p: np.ndarray,
    neighbour_e: np.ndarray,
    low: int,
    now: np.ndarray,
    new: np.ndarray,
    seen: np.ndarray,
    plane: np.ndarray,
    level: int,
) -> bool:
    grown = False
    for v in range(len(seen)):
        missing = np.uint64(0)
        for w in range(WORDS):
            missing |= ~seen[v, w]
            new[v, w] = 0
        if missing == 0:
            continue
        for e in range(start_p[low + v], start_p[low + v + 1]):
            u = neighbour_e[e] - low
            for w in range(WORDS):
                new[v, w] |= now[u, w]
        fresh = np.uint64(0)
        for w in range(WORDS):
            new[v, w] &= ~seen[v, w]
            seen[v, w] |= new[v, w]
            fresh |= new[v, w]
        if fresh != 0:
            grown = True
            _record(plane[:, v], new[v], level)
    return grown


@compiled()
def _record(plane_bw: np.ndarray, new_w: np.ndarray, level: int) -> None:
    for b in range(8):
        if (level >> b) & 1:
            for w in range(WORDS):
                plane_bw[b, w] |= new_w[w]


@compiled()
def _write_out(seen: np.ndarray, plane: np.ndarray, low: int, longest: int, out_pw: np.ndarray) -> None:
    nodes = len(seen)
    out_pw[:low] = _ONES
    out_pw[low + nodes :] = _ONES
    planes = 0
    while longest >> planes:
        planes += 1
    for v in range(nodes):
        for column in range(out_pw.shape[1]):
            w, shift = column >> 3, np.uint64(8 * (column & 7))
            value = _SPREAD[(~seen[v, w] >> shift) & np.uint64(255)] * np.uint64(UNREACHABLE)
            for b in range(planes):
                value |= _SPREAD[(plane[b, v, w] >> shift) & np.uint64(255)] << np.uint64(b)
            out_pw[low + v, column] = value
