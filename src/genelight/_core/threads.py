"""How many threads are taken, in one place, and loops in machine code that let other threads run.

``GENELIGHT_THREADS`` says it for everything: genelight's own threads, and those of BLAS, OpenMP (torch, scikit-learn),
numba, pyarrow and zarr. Where it is not set, ``OMP_NUM_THREADS`` counts, and else every processor this process may use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from ..errors import InputError

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

__all__ = ["SETTING", "bound_libraries", "compiled", "one_thread", "pieces", "thread_map", "threads", "threads_taken"]

SETTING = "GENELIGHT_THREADS"
LIBRARIES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "ARROW_IO_THREADS"),
    *("ZARR_THREADING__MAX_WORKERS", "ZARR_ASYNC__CONCURRENCY"),
)
PIECES = 64
"""Slices of a long piece of work: more than any processors are, and the same however many there are."""

Loop = TypeVar("Loop", bound=Callable[..., object])
S = TypeVar("S")
T = TypeVar("T")


def threads() -> int:
    """Threads that genelight may take at once.

    Raises
    ------
    InputError
        If ``GENELIGHT_THREADS`` is no number above zero.
    """
    asked = os.environ.get(SETTING)
    if asked is not None:
        if not asked.isdecimal() or not 0 < int(asked) < 10_000:
            msg = f"{SETTING} = {asked!r} is no number of threads; set it to 1 or more, or unset it"
            raise InputError(msg)
        return int(asked)
    openmp = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if openmp.isdecimal() and int(openmp) > 0:
        return int(openmp)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bound_libraries() -> None:
    """Hand ``GENELIGHT_THREADS``, where it is set, on to the libraries; for those not loaded yet."""
    if os.environ.get(SETTING, "").isdecimal():
        os.environ.update(dict.fromkeys(LIBRARIES, str(threads())))


def threads_taken() -> dict[str, int]:
    """What a record of a run says: threads asked for, and those that each loaded library would take."""
    from threadpoolctl import threadpool_info

    found = {"asked": threads()}
    for library in threadpool_info():
        api = str(library["user_api"])
        found[api] = max(found.get(api, 0), int(library["num_threads"]))
    return found


def thread_map(work: Callable[[S], T], items: Iterable[S]) -> list[T]:
    """Results of `work` on each item, in order, for work that releases the interpreter's lock."""
    if threads() == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(work, items))


def pieces(n: int) -> list[slice]:
    """``range(n)`` cut into slices, so many that threads end together."""
    bounds = [n * i // min(n, PIECES) for i in range(min(n, PIECES) + 1)] if n else [0, 0]
    return [slice(a, b) for a, b in pairwise(bounds)]


def one_thread() -> AbstractContextManager[object]:
    """Keep BLAS to one thread: decompositions of a few hundred nodes lose many times their cost in waiting."""
    return _controller().limit(limits=1, user_api="blas")


@cache
def _controller() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def compiled(*, inline: Literal["never", "always"] = "never") -> Callable[[Loop], Loop]:
    """Compile a function that lets other threads run; ``inline="always"`` puts its body where it is called.

    What was compiled is kept beside the source, else in the user's cache. Where neither can be written (a package
    installed by root, a home that is read-only), each process compiles it anew, about a second for each function.
    """
    import numba

    def make(function: Loop) -> Loop:
        try:
            return cast("Loop", numba.njit(nogil=True, cache=True, inline=inline)(function))
        except RuntimeError:  # no place to keep it
            return cast("Loop", numba.njit(nogil=True, inline=inline)(function))

    return make
