"""Sums in one order: figures to the last digit, however many threads there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

__all__ = ["repeatable"]


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
