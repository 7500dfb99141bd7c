"""Betweenness of every gene of a network: the machine code, after Brandes."""
# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments

from __future__ import annotations

import numpy as np

from .._core.threads import compiled

__all__ = ["add_betweenness"]

UNREACHABLE = 255


@compiled()
def add_betweenness(
    distance_pp: np.ndarray, start_p: np.ndarray, neighbour_e: np.ndarray, first: int, last: int, total_p: np.ndarray
) -> None:
    """Add the share that each gene has in the shortest paths from the sources from `first` on and before `last`.

    Parameters
    ----------
    distance_pp
        Distances, uint8: they give the order in which Brandes' search visits genes, so nothing is searched again.
    start_p, neighbour_e
        Neighbours of every gene in compressed rows.
    first, last
        Sources.
    total_p
        The shares are added here, float64; every pair counts once from either side.
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
