"""Where networks are trained: on the processor, or on a GPU that was asked for.

``GENELIGHT_DEVICE``, or ``--device``, says which: ``cpu`` (the rule), ``cuda``, ``cuda:1``, or ``auto`` for a GPU where
there is one. A network and the coordinates it learns from are there for the time of a training; what is fitted lies in
memory as before. The order of samples is the same everywhere; noise and dropout are drawn on the device.

Also which torch this is, and how products are kept to one thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits
from torch import nn

from ...errors import InputError

__all__ = [
    "SETTING",
    "asked_for",
    "check_device",
    "device",
    "generator_on",
    "of_net",
    "on_device",
    "repeatable",
    "torch_build",
]

SETTING = "GENELIGHT_DEVICE"
_asked: str | None = None


def device() -> torch.device:
    """The device that was asked for.

    Raises
    ------
    InputError
        If it is none, or is not here.
    """
    return check_device(_asked or os.environ.get(SETTING, "cpu"))


@contextmanager
def asked_for(name: str | None) -> Iterator[torch.device]:
    """Have trainings inside the block on a device; None for what ``GENELIGHT_DEVICE`` says.

    Raises
    ------
    InputError
        If it is none, or is not here.
    """
    global _asked  # noqa: PLW0603 - one process trains on one device
    before, _asked = _asked, name or _asked
    try:
        yield device()
    finally:
        _asked = before


def check_device(asked: str) -> torch.device:
    """A device by its name.

    Raises
    ------
    InputError
        If it is none, or is not here.

    Examples
    --------
    >>> from genelight.models.training.device import check_device
    >>> check_device("cpu")
    device(type='cpu')
    """
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "auto":
        asked = "cuda" if found else "cpu"
    if not re.fullmatch(r"cpu|cuda(:[0-9]+)?", asked):
        msg = f"device {asked!r} is none of cpu, cuda, cuda:0, cuda:1, auto"
        raise InputError(msg)
    if asked == "cpu":
        return torch.device("cpu")
    if not found:
        built = "was built without CUDA" if torch.version.cuda is None else f"was built for CUDA {torch.version.cuda}"
        msg = (
            f"device {asked!r}: no GPU is here that torch can use (torch {torch.__version__} {built}, nvidia-smi shows "
            f"the card and its driver); type cpu, or auto, or install a build of torch for your card: "
            "https://pytorch.org/get-started"
        )
        raise InputError(msg)
    number = int(asked.partition(":")[2] or torch.cuda.current_device())
    if number >= found:
        msg = f"device {asked!r}: {found} GPUs are here, cuda:0 to cuda:{found - 1}"
        raise InputError(msg)
    return torch.device("cuda", number)


@contextmanager
def on_device(net: nn.Module) -> Iterator[torch.device]:
    """Have a network on the device that was asked for, and back afterwards where it was."""
    where, before = device(), of_net(net)
    if where == before:
        yield where
        return
    net.to(where)
    try:
        yield where
    finally:
        net.to(before)


def of_net(net: nn.Module) -> torch.device:
    """Where a network is."""
    return next(net.parameters()).device


def generator_on(where: torch.device, beside: torch.Generator) -> torch.Generator:
    """Random numbers on a device, of the same seed as those `beside`; these themselves on the processor."""
    if where.type != "cuda":
        return beside
    return torch.Generator(where).manual_seed(beside.initial_seed())


@contextmanager
def repeatable() -> Iterator[None]:
    """Keep the products of BLAS, OpenMP and torch to one thread each.

    With two, a product is summed in other parts than with one and differs in its last bits; a network trained on it
    goes another way, and a report may name another node. What genelight itself does in threads is cut into the same
    pieces whatever their number, and goes on.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


def torch_build() -> dict[str, str | int]:
    """Version, threads and accelerators of the installed torch, in plain values.

    Examples
    --------
    >>> from genelight.models.training.device import torch_build
    >>> sorted(torch_build())
    ['accelerator', 'threads', 'version']
    """
    cuda = f"CUDA {torch.version.cuda}" if torch.version.cuda else "built for CPUs"
    used = f", {torch.cuda.get_device_name(0)}" if torch.cuda.is_available() else ", no GPU in use"
    return {"version": torch.__version__, "accelerator": cuda + used, "threads": torch.get_num_threads()}
