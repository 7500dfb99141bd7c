"""What a preparation is decided from: moments of every gene on the log2 scale, of a table or of a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._core.progress import progress
from .._core.ranks import ranks
from ..io import Store
from ..io.scales import floor_among
from .scale import check_scale, to_log2

LEAST_THERE = 0.5  # share of the samples that have a gene
ROWS = 64  # samples in double precision at a time, which caches like


@dataclass(frozen=True)
class Statistics:
    """Every array has shape ``(g,)``; NaN where a gene has missing values.

    Attributes
    ----------
    floor
        The value that arrays and counts end at below, if there is one.
    above_g
        Share of samples above the floor; 1 where there is none.
    largest_g
        Largest absolute value.
    highest
        Highest of all values.
    """

    mean_g: np.ndarray
    sd_g: np.ndarray
    above_g: np.ndarray
    largest_g: np.ndarray
    highest: float
    floor: float | None


def of_matrix(x_ng: np.ndarray, *, missing: bool = False) -> Statistics:
    """Statistics of values on the log2 scale; with `missing`, of those there are of each gene."""
    if missing:
        return _of_those_there(x_ng)
    floor = _floor(x_ng)
    above_g = np.ones(x_ng.shape[1]) if floor is None else (x_ng > floor).mean(0)
    return Statistics(x_ng.mean(0), x_ng.std(0), above_g, np.abs(x_ng).max(0), float(x_ng.max()), floor)


def _of_those_there(x_ng: np.ndarray) -> Statistics:
    there_ng = ~np.isnan(x_ng)
    there_g = there_ng.sum(0)
    floor = _floor(x_ng[there_ng])
    few_g = there_g < LEAST_THERE * len(x_ng)
    filled_ng = np.where(there_ng, x_ng, 0.0)
    mean_g = np.where(few_g, np.nan, filled_ng.sum(0) / np.maximum(there_g, 1))
    filled_ng -= np.where(there_ng, mean_g, 0.0)
    sd_g = np.sqrt((filled_ng**2).sum(0) / np.maximum(there_g, 1))
    above_g = np.ones(len(sd_g)) if floor is None else (x_ng > floor).sum(0) / np.maximum(there_g, 1)
    largest_g = np.fmax.reduce(np.abs(x_ng), axis=0, initial=0.0)
    return Statistics(mean_g, sd_g, above_g, largest_g, float(np.nanmax(x_ng)), floor)


def of_store(store: Store, scale: str, *, each: Callable[[np.ndarray], np.ndarray] | None = None) -> Statistics:
    """Statistics of a store, in one pass; of what `each` makes of samples on the log2 scale, if it is given.

    `each` keeps the number of genes. Processes in step read a part of the samples each.

    Raises
    ------
    InputError
        If the scale does not fit the values.
    """
    floor = None if each else ranks().first(lambda: _floor_of_store(store, scale))
    moments, mine = _Moments(store.n_vars, floor), ranks().part(store.n_obs, store.chunk_rows)
    with progress("preparing", mine.stop - mine.start) as step:
        for _, x_ng in store.blocks(within=mine):
            check_scale(x_ng, scale)
            for start in range(0, len(x_ng), ROWS):
                y_ng = to_log2(x_ng[start : start + ROWS].astype(np.float64), scale)
                moments.add(each(y_ng) if each else y_ng)
            step("", len(x_ng))
    moments.of_all()
    return moments.finish()


class _Moments:
    """Sums over samples seen so far."""

    def __init__(self, genes: int, floor: float | None) -> None:
        self.samples = 0
        self.floor = floor
        self.highest = -np.inf
        self.centre_g, self.sum_g, self.squares_g, self.above_g, self.largest_g = np.zeros((5, genes))

    def add(self, x_ng: np.ndarray) -> None:
        """Take account of samples; their values are spoilt."""
        # The first samples' mean, near which squares do not cancel.
        self.centre_g = self.centre_g if self.samples else x_ng.mean(0)
        self.samples += len(x_ng)
        if self.floor is not None:
            self.above_g += (x_ng > self.floor).sum(0)
        np.maximum(self.largest_g, np.abs(x_ng).max(0), out=self.largest_g)
        self.highest = max(self.highest, float(np.fmax.reduce(x_ng, axis=None)))
        x_ng -= self.centre_g
        self.sum_g += x_ng.sum(0)
        self.squares_g += np.einsum("ng,ng->g", x_ng, x_ng)

    def of_all(self) -> None:
        """Take account of what other processes in step have seen."""
        group = ranks()
        if group.size == 1:
            return
        centre_g = group.agreed(self.centre_g)
        off_g = self.centre_g - centre_g
        self.squares_g += 2 * off_g * self.sum_g + self.samples * off_g**2
        self.sum_g += self.samples * off_g
        self.centre_g = centre_g
        self.sum_g, self.squares_g, self.above_g = group.sum(np.stack([self.sum_g, self.squares_g, self.above_g]))
        self.largest_g = group.largest(self.largest_g)
        self.samples = int(group.sum(np.array([self.samples]))[0])
        self.highest = float(group.largest(np.array([self.highest]))[0])

    def finish(self) -> Statistics:
        mean_g = self.sum_g / self.samples
        sd_g = np.sqrt(np.maximum(self.squares_g / self.samples - mean_g**2, 0.0))
        above_g = np.ones(len(sd_g)) if self.floor is None else self.above_g / self.samples
        return Statistics(self.centre_g + mean_g, sd_g, above_g, self.largest_g, self.highest, self.floor)


def _floor_of_store(store: Store, scale: str) -> float | None:
    """Judged on the very samples that a matrix in memory is judged on."""
    step = max(1, store.n_obs * store.n_vars // 1_000_000)
    index_n = np.arange(0, store.n_obs, step)
    # A few at a time: each may bring its whole chunk into memory.
    rows = [store.take(index_n[i : i + 8]) for i in range(0, len(index_n), 8)]
    logged = to_log2(np.concatenate(rows).astype(np.float64), scale)
    missing = np.isnan(logged)
    return _floor(logged[~missing] if missing.any() else logged)


def _floor(x_ng: np.ndarray) -> float | None:
    """The floor of samples of about a million values."""
    found = floor_among(x_ng[:: max(1, x_ng.size // 1_000_000)])
    return found and found[0]
