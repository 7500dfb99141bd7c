"""Processes joined by ``torch.distributed``, on one machine or many, as ``torchrun`` or Slurm start them."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist

from ..._core.provenance import software
from ..._core.ranks import Ranks, among, started
from ...errors import GenelightError, InputError, ResourceError

__all__ = ["PATIENCE", "Joined", "averaged", "joined"]

PATIENCE = "GENELIGHT_PATIENCE"
"""Environment variable: seconds after which a process that does not answer is given up, 1,800 by default."""

T = TypeVar("T")


class Joined(Ranks):
    """One process among others; see :class:`genelight._core.ranks.Ranks`."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    def first(self, work: Callable[[], T]) -> T:
        """What `work` gives in the first process, in every process.

        Raises
        ------
        GenelightError
            In every process, if `work` raises one.
        """
        told: list[Any] = [None]
        if self.rank == 0:
            try:
                with among(None):
                    told = [(work(), None)]
            except GenelightError as raised:
                told = [(None, raised)]
        _exchange(lambda: dist.broadcast_object_list(told, src=0))
        found, error = told[0]
        if error is not None:
            raise error
        return found

    def sum(self, x: np.ndarray) -> np.ndarray:
        """The sum over processes, in the memory of `x` where that is in one piece."""
        return _reduced(x, dist.ReduceOp.SUM)

    def largest(self, x: np.ndarray) -> np.ndarray:
        """The largest over processes."""
        return _reduced(x, dist.ReduceOp.MAX)

    def gathered(self, part: np.ndarray, parts: list[slice]) -> np.ndarray:
        """Every process's rows in order."""
        whole = np.empty((parts[-1].stop, *part.shape[1:]), dtype=part.dtype)
        whole[parts[self.rank]] = part
        for rank, rows in enumerate(parts):
            _exchange(partial(dist.broadcast, torch.from_numpy(whole[rows]), src=rank))
        return whole

    def check_same(self, what: str, value: str, *, advice: str) -> None:
        """Stop in every process unless all have the same `value`.

        Raises
        ------
        InputError
            If they differ.
        """
        values: list[Any] = [None] * self.size
        _exchange(lambda: dist.all_gather_object(values, value))
        odd = next((rank for rank, other in enumerate(values) if other != values[0]), None)
        if odd is not None:
            msg = f"process {odd + 1} of {self.size} has another {what} ({values[odd]}) than process 1 ({values[0]}); "
            raise InputError(msg + advice)


@contextmanager
def joined() -> Iterator[Ranks]:
    """Join the processes that a launcher started, by RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.

    Raises
    ------
    InputError
        If they run different versions of genelight or of what numbers depend on.
    ResourceError
        In every process, if one of them ends before the work does, or does not answer any more.
    """
    rank, size = started()
    if size == 1:
        yield Ranks()
        return
    gpu = torch.cuda.is_available()
    _exchange(
        lambda: dist.init_process_group(
            "cpu:gloo,cuda:nccl" if gpu else "gloo", rank=rank, world_size=size, timeout=timedelta(seconds=_patience())
        )
    )
    if gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    group = Joined(rank, size)
    with _told_to_stop(), among(group):
        advice = "install the same on every machine, for example from one environment on a shared disk"
        group.check_same("software", software(), advice=advice)
        try:
            yield group
        except RuntimeError as error:
            # The gradients' exchange reports from within the backward pass.
            if isinstance(error, GenelightError) or not _is_lost(error):
                raise
            raise _lost(error) from error
    dist.destroy_process_group()


def averaged(module: torch.nn.Module, where: torch.device) -> torch.nn.Module:
    """The module with gradients averaged over processes, and the first one's weights to begin with."""
    from torch.nn.parallel import DistributedDataParallel

    with warnings.catch_warnings():
        # Buffers are the same everywhere; the argument that says so has another name from torch 2.13 on.
        warnings.simplefilter("ignore", FutureWarning)
        return DistributedDataParallel(
            module, device_ids=[where.index] if where.type == "cuda" else None, broadcast_buffers=False
        )


def _reduced(x: np.ndarray, how: Any) -> np.ndarray:
    whole = np.ascontiguousarray(x)
    _exchange(lambda: dist.all_reduce(torch.from_numpy(whole), op=how))
    return whole


def _exchange(work: Callable[[], object]) -> None:
    """One exchange between processes.

    Raises
    ------
    ResourceError
        If another process has gone, or does not answer.
    """
    try:
        work()
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise _lost(error) from error


def _is_lost(error: RuntimeError) -> bool:
    return isinstance(error, dist.DistError) or any(word in str(error) for word in ("gloo", "NCCL", "Connection"))


def _lost(error: Exception) -> ResourceError:
    said = str(error).strip().partition("\n")[0].rpartition(".cc:")[2].partition("] ")[2].partition(". ")[0]
    said = said or type(error).__name__
    silent = "timed out" in said.lower() or "timeout" in said.lower()
    what = f"did not answer for {_patience():g} s" if silent else "has ended before the work did"
    return ResourceError(f"another process of this job {what} ({said}); start the same command again to go on")


def _patience() -> float:
    asked = os.environ.get(PATIENCE, "1800")
    try:
        seconds = float(asked)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        msg = f"{PATIENCE} = {asked!r} is no number of seconds; set it to 1 or more, or unset it"
        raise InputError(msg)
    return seconds


@contextmanager
def _told_to_stop() -> Iterator[None]:
    """Say why where the launcher ends this process, which it does when another has failed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        del number, frame
        msg = (
            "told to stop by what started this process, for example as another one ended; start the same command "
            "again to go on"
        )
        raise ResourceError(msg)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
