"""Large blocks are reused while a network that needs them is trained, and no longer."""

import ctypes
import platform
import resource

import pytest
import torch

from genelight.models._memory import LARGE, reused_memory

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own setting")


def faults(times: int) -> int:
    """Page faults of filling a large block and freeing it, again and again."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.ones(LARGE // 2)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@glibc
def test_blocks_are_reused_within_and_given_back_after():
    with reused_memory():
        faults(2)
        within = faults(20)
    faults(2)
    assert within < 0.2 * faults(20)


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    with reused_memory():
        assert torch.ones(3).sum() == 3
