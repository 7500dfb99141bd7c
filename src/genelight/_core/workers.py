"""Long loops of tasks that need nothing of one another, done here one by one, or by workers on this machine or others.

The workers are Dask's (``dask.distributed``); nothing here depends on it unless some are asked for. What a task gives
depends on the task alone, its seed included, so that any number of workers gives the same to the bit; each works with
one thread, as loops do where threads are bounded to one.
"""

from __future__ import annotations

import pickle
import re
import time
import warnings
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from ..errors import GenelightError, InputError, ResourceError, first_three
from .progress import progress, show_progress
from .provenance import software

__all__ = ["Workers", "at_work", "done", "each", "workers"]

WAIT = 30.0  # seconds for a scheduler to answer, and for a first worker
FORMS = "4 for as many processes here, dask://HOST:8786 for a scheduler, or the file of dask scheduler --scheduler-file"
TYPE = (
    "start one with: dask scheduler --port 8786, and workers with: dask worker tcp://HOST:8786 --nthreads 1; or name a "
    "number for processes on this machine"
)

S = TypeVar("S")
T = TypeVar("T")


@dataclass
class Workers:
    """Workers that tasks are given to.

    Attributes
    ----------
    where
        Address of their scheduler.
    number
        How many they were at the start.
    memory
        Bytes of memory that each may take; 0 where it is not bounded.
    tasks
        How many tasks they have done.
    retried
        How many tasks were begun again because a worker had died.
    """

    where: str
    number: int
    memory: int
    client: Any
    tasks: int = 0
    retried: int = 0

    def __str__(self) -> str:
        each_has = f"{self.memory / 1e9:.1f} GB of memory each" if self.memory else "memory not bounded"
        return f"{self.number} worker{'' if self.number == 1 else 's'} at {self.where}, {each_has}"

    @property
    def account(self) -> str:
        """What they did."""
        died = f", {self.retried} of them begun again because a worker had died" if self.retried else ""
        return f"{self.tasks} tasks by {self}{died}"

    def done(self, work: Callable[..., T], items: Sequence[Any], shared: tuple[Any, ...]) -> Iterator[tuple[int, T]]:
        """Position and result of every task as it is done.

        Raises
        ------
        ResourceError
            If tasks ended several workers, or the scheduler has gone.
        """
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        began = time.time()
        # Sent with the tasks, not laid on a worker: whoever dies takes nothing along.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            held = self.client.submit(pickle.loads, pickle.dumps(shared), pure=False)
            futures = [self.client.submit(_task, work, item, held, asked=software(), pure=False) for item in items]
        place = {future.key: i for i, future in enumerate(futures)}
        try:
            for future in as_completed(futures, loop=self.client.loop):
                yield place[future.key], future.result()
                self.tasks += 1
            self.retried += self._begun_twice(set(place), began)
        except KilledWorker as error:
            msg = (
                f"a task ended {error.allowed_failures + 1} workers one after another, most likely for want of memory "
                f"({self}); give each more, for example dask worker --memory-limit 16GB, or fewer workers"
            )
            raise ResourceError(msg) from error
        except _gone() as error:
            if isinstance(error, GenelightError):
                raise
            msg = f"the Dask scheduler at {self.where} has gone ({error or type(error).__name__}); {TYPE}"
            raise ResourceError(msg) from error
        finally:
            self.client.cancel([held, *futures], force=True)

    def _begun_twice(self, keys: set[str], since: float) -> int:
        """Tasks of these that a worker had under way when it died."""
        number = 0
        for when, event in self.client.get_events("all"):
            if when >= since and event.get("action") == "remove-worker" and not event.get("expected"):
                number += len(keys & set(event.get("processing-tasks", ())))
        return number


_now: Workers | None = None


@contextmanager
def workers(where: int | str | Path | None) -> Iterator[Workers | None]:
    """Have the long loops inside the block done by workers: fold models, ensembles, sweeps, permutations, bootstraps.

    Parameters
    ----------
    where
        A number for as many processes on this machine; ``"dask://HOST:8786"`` for the workers of a Dask scheduler, or
        the file that ``dask scheduler --scheduler-file`` wrote; a ``distributed.Client``, for example one of a
        ``dask_jobqueue.SLURMCluster``. None for this process alone.

    Yields
    ------
    The workers; when the block ends they say how many tasks they did, and how many were begun again.

    Raises
    ------
    InputError
        If `where` is none of these, ``distributed`` is not installed, workers have several threads (their tasks would
        draw from one another's random numbers), or they run other software than this process.
    ResourceError
        If no scheduler answers, or it has no workers.

    Notes
    -----
    Each worker holds the table and what belongs to a task: about as much memory as one task takes here. In a script,
    processes on this machine need ``if __name__ == "__main__":`` around the block.

    Examples
    --------
    >>> with workers(None):
    ...     each(pow, [1, 2, 3], shared=(2,))
    [1, 4, 9]
    """
    global _now  # noqa: PLW0603 - one process gives its tasks to one set of workers
    if where is None:
        yield None
        return
    before = _now
    with _client(where) as client:
        _now = _found(client)
        try:
            yield _now
        finally:
            _now = before


def at_work() -> bool:
    """Whether there are workers to give tasks to."""
    return _now is not None


def done(
    work: Callable[..., T], items: Sequence[S], *, shared: tuple[Any, ...] = (), says: str = ""
) -> Iterator[tuple[int, T]]:
    """``work(item, *shared)`` of every item with its position, as each is done.

    Parameters
    ----------
    work
        A function of a module, so that workers find it.
    items
        What differs between tasks, seeds included.
    shared
        What they have in common, sent to each worker once.
    says
        Words for the progress bar; none for no bar.
    """
    inside = _now
    if inside is None or len(items) < 2:
        found: Iterator[tuple[int, T]] = ((i, work(item, *shared)) for i, item in enumerate(items))
    else:
        found = inside.done(work, items, shared)
    if not says:
        yield from found
        return
    with progress(says, len(items)) as step:
        for i, result in found:
            yield i, result
            step()


def each(work: Callable[..., T], items: Sequence[S], *, shared: tuple[Any, ...] = (), says: str = "") -> list[T]:
    """``work(item, *shared)`` of every item, in order; see :func:`done`."""
    found = dict(done(work, items, shared=shared, says=says))
    return [found[i] for i in range(len(items))]


def _task(work: Callable[..., T], item: object, shared: tuple[Any, ...], *, asked: str) -> T:
    """One task, on a worker."""
    from threadpoolctl import threadpool_limits

    _check_software(asked)
    show_progress("quiet")
    with threadpool_limits(limits=1):
        return work(item, *shared)


@cache
def _check_software(asked: str) -> None:
    if asked != software():
        msg = f"a worker has {software()}, and this process {asked}; start workers from the same environment"
        raise InputError(msg)


@contextmanager
def _client(where: Any) -> Iterator[Any]:
    """A client of the scheduler that is meant."""
    if hasattr(where, "submit") and hasattr(where, "scheduler_info"):
        yield where
        return
    try:
        distributed = import_module("distributed")
    except ImportError as error:
        msg = f"workers need Dask, which is not here ({error}); install it with pip install 'genelight[cluster]'"
        raise InputError(msg) from error
    text = str(where)
    number = re.fullmatch(r"(?:local:)?([0-9]+)", text)
    if number and int(number[1]) > 0:
        with (
            distributed.LocalCluster(
                int(number[1]), threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs="CRITICAL"
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    address = re.sub("^dask://", "tcp://", text)
    known: dict[str, Any] = {"address": address}
    if not re.match("[a-z]+://[^/]+:[0-9]+$", address):
        if not Path(text).is_file():
            msg = f"workers = {text!r} is neither a number, nor an address, nor a file that is there; write {FORMS}"
            raise InputError(msg)
        known = {"scheduler_file": text}
    try:
        client = distributed.Client(**known, timeout=WAIT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        said = str(error).partition("\n")[0] or type(error).__name__
        raise ResourceError(f"no Dask scheduler answers at {text} ({said}); {TYPE}") from error
    with client:
        yield client


def _found(client: Any) -> Workers:
    """The workers of a scheduler, once they are known to serve."""
    where = client.scheduler.address
    try:
        client.wait_for_workers(1, timeout=WAIT)
    except (OSError, TimeoutError) as error:
        msg = f"the Dask scheduler at {where} has no workers; start some: dask worker {where} --nthreads 1"
        raise ResourceError(msg) from error
    known = client.scheduler_info(n_workers=-1)["workers"]
    many = [address for address, about in known.items() if about["nthreads"] > 1]
    if many:
        msg = (
            f"{len(many)} of {len(known)} workers have several threads ({first_three(many)}), whose tasks would draw "
            f"from one another's random numbers; start them with: dask worker {where} --nworkers 4 --nthreads 1"
        )
        raise InputError(msg)
    # One that is just starting again is asked with its first task.
    for said in client.run(_check_software, software(), on_error="return").values():
        if isinstance(said, GenelightError):
            raise said
    memory = min((int(about.get("memory_limit") or 0) for about in known.values()), default=0)
    return Workers(where, len(known), memory, client)


@cache
def _gone() -> tuple[type[BaseException], ...]:
    """What Dask raises where its scheduler has gone or a task was withdrawn."""
    client, names = import_module("distributed.client"), ("FutureCancelledError", "FuturesCancelledError")
    return (OSError, CancelledError, *(getattr(client, name) for name in names if hasattr(client, name)))
