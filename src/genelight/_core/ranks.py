"""Processes that do one piece of work in step: each takes its share, and what they find is put together.

Every process runs the same lines in the same order, and asks :func:`ranks` how many they are. Alone, which is the rule,
all of this is nothing: a share is the whole, a sum is what it was. :mod:`genelight.models.training.joined` joins them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

import numpy as np

from ..errors import InputError

__all__ = ["Ranks", "among", "ranks", "started"]

LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
T = TypeVar("T")


class Ranks:
    """One process alone: whatever it has is what all have.

    Attributes
    ----------
    rank
        Which of the processes this is, from 0.
    size
        How many they are.
    """

    rank, size = 0, 1

    def first(self, work: Callable[[], T]) -> T:
        """What `work` gives in the first process, in every process; the others wait for it."""
        return work()

    def agreed(self, value: T) -> T:
        """The first process's value."""
        return self.first(lambda: value)

    def sum(self, x: np.ndarray) -> np.ndarray:
        """The sum over processes of an array of one shape."""
        return x

    def largest(self, x: np.ndarray) -> np.ndarray:
        """The largest over processes of each number of an array of one shape."""
        return x

    def gathered(self, part: np.ndarray, parts: list[slice]) -> np.ndarray:
        """Every process's rows, put together in order; `parts` says whose are which."""
        del parts
        return part

    def check_same(self, what: str, value: str, *, advice: str) -> None:
        """Stop in every process unless all have the same `value`."""

    def parts(self, n: int, unit: int = 1) -> list[slice]:
        """``range(n)`` cut into one run for each process, of whole units where there are enough of those.

        Raises
        ------
        InputError
            If a process would have nothing.
        """
        if n < self.size:
            msg = (
                f"{n} samples for {self.size} processes: {self.size - n} of them would see none; start at most {n}, "
                f"for example torchrun --nproc-per-node {max(n, 1)}"
            )
            raise InputError(msg)
        unit = unit if n >= 4 * unit * self.size else 1
        bounds = [n // unit * i // self.size * unit for i in range(self.size)] + [n]
        return [slice(a, b) for a, b in pairwise(bounds)]

    def part(self, n: int, unit: int = 1) -> slice:
        """The run of ``range(n)`` that is for this process."""
        return self.parts(n, unit)[self.rank]


_ALONE = Ranks()
_now = _ALONE


def ranks() -> Ranks:
    """The processes that work in step now; this one alone unless others were joined."""
    return _now


@contextmanager
def among(group: Ranks | None) -> Iterator[Ranks]:
    """Be one of some processes, None for alone, until the end of the block."""
    global _now  # noqa: PLW0603 - a process is one of one group
    before, _now = _now, group or _ALONE
    try:
        yield _now
    finally:
        _now = before


def started() -> tuple[int, int]:
    """Number of this process and of all that a launcher such as torchrun started with it; 0 and 1 where none did.

    Raises
    ------
    InputError
        If what the launcher says in the environment cannot be.
    """
    said = {name: os.environ.get(name, "") for name in LAUNCHED}
    if not all(said.values()):
        return 0, 1
    rank, size = said["RANK"], said["WORLD_SIZE"]
    if not (rank.isdecimal() and size.isdecimal() and int(rank) < int(size)):
        msg = f"RANK = {rank!r} and WORLD_SIZE = {size!r} are no process of a job; start it by torchrun, or unset both"
        raise InputError(msg)
    return int(rank), int(size)
