"""Shortest paths of a network in machine code: distances from 512 sources at once, and who lies on the paths."""
# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments

from __future__ import annotations

import numpy as np

from .._core.threads import compiled

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
    """Distances between the 512 nodes from `source` on and every node: breadth-first search, one bit a source.

    Neighbours of every node stand in compressed rows; `low` and `high` are the range that these sources can reach. Of
    `out_pw`, eight distances to a word, the block's columns are written. Returns the longest distance found; 255 if one
    does not fit below that, and then nothing is written.
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


@compiled()
def add_betweenness(
    distance_pp: np.ndarray, start_p: np.ndarray, neighbour_e: np.ndarray, first: int, last: int, total_p: np.ndarray
) -> None:
    """Add the share that each gene has in the shortest paths from the sources from `first` on and before `last`.

    The distances give the order in which Brandes' search visits genes, so nothing is searched again; neighbours of
    every gene stand in compressed rows. The shares are added to `total_p`; every pair counts once from either side.
    """
    genes = len(start_p) - 1
    paths, ratio, order = np.empty(genes), np.empty(genes), np.empty(genes, np.int32)
    # Edges that lead away from the source, in the order of the search: the way back needs no others. All are written
    # and few are kept, which is faster than a branch that no processor foresees; so there is room for one more.
    far, end_p = np.empty(len(neighbour_e) // 2 + 1, np.int32), np.empty(genes, np.int64)
    for source in range(first, last):
        distance = distance_pp[source]
        reached = _by_distance(distance, order)
        paths[:] = 0.0
        paths[source] = 1.0
        steps = 0
        for i in range(reached):
            v, begin = order[i], steps
            farther = distance[v] + 1
            for u in neighbour_e[start_p[v] : start_p[v + 1]]:
                far[steps] = u
                steps += distance[u] == farther
            for u in far[begin:steps]:
                paths[u] += paths[v]
            end_p[i] = steps
        for i in range(reached - 1, 0, -1):
            v, part = order[i], 0.0
            for u in far[end_p[i - 1] : end_p[i]]:
                part += ratio[u]
            share = paths[v] * part
            ratio[v] = (1.0 + share) / paths[v]
            total_p[v] += share


@compiled()
def _by_distance(distance: np.ndarray, order: np.ndarray) -> int:
    """Sort genes by distance by counting, those without a path last; returns how many have one."""
    place = np.zeros(257, np.int64)
    for d in distance:
        place[d + 1] += 1
    for d in range(256):
        place[d + 1] += place[d]
    reached = place[UNREACHABLE]
    for v in range(len(distance)):
        d = distance[v]
        order[place[d]] = v
        place[d] += 1
    return reached
