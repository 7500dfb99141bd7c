"""Betweenness of every gene of a network: the machine code, after Brandes."""
# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments

from __future__ import annotations

import numpy as np

from .._core.compiled import compiled

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
    paths, share, order = np.empty(genes), np.empty(genes), np.empty(genes, np.int32)
    for source in range(first, last):
        distance = distance_pp[source]
        reached = _by_distance(distance, order)
        paths[:] = 0.0
        share[:] = 0.0
        paths[source] = 1.0
        for v in order[:reached]:
            farther = distance[v] + 1
            for u in neighbour_e[start_p[v] : start_p[v + 1]]:
                if distance[u] == farther:
                    paths[u] += paths[v]
        for i in range(reached - 1, 0, -1):
            v = order[i]
            nearer, part = distance[v] - 1, (1.0 + share[v]) / paths[v]
            for u in neighbour_e[start_p[v] : start_p[v + 1]]:
                if distance[u] == nearer:
                    share[u] += paths[u] * part
            total_p[v] += share[v]


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
