"""Threads for work that releases the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np

__all__ = ["cores", "pieces", "thread_map"]

S = TypeVar("S")
T = TypeVar("T")


def cores() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_map(work: Callable[[S], T], items: Iterable[S]) -> list[T]:
    """Results of `work` on each item, in order, one thread per processor."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(work, items))


def pieces(n: int) -> list[slice]:
    """``range(n)`` cut into a few slices per processor, so that threads end together."""
    cuts = np.linspace(0, n, min(n, 4 * cores()) + 1).astype(int)
    return [slice(a, b) for a, b in pairwise(cuts)]
