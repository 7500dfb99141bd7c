"""How much memory reading may take: what a file declares is checked before anything of it is read."""

from __future__ import annotations

import math
import os
import re
import shlex
from pathlib import Path

from ..errors import InputError, ResourceError

__all__ = ["check_bytes", "check_room", "free_bytes"]

VARIABLE = "GENELIGHT_MEMORY"


def free_bytes() -> int:
    """What reading may take: ``GENELIGHT_MEMORY`` in GB where that is set, else what this machine has free.

    Raises
    ------
    InputError
        If the variable is no number above zero.
    """
    given = os.environ.get(VARIABLE)
    if given:
        try:
            bytes_ = float(given) * 2**30
        except ValueError:
            bytes_ = math.nan
        if not 0 < bytes_ < math.inf:
            msg = f"{VARIABLE}={given!r} is no number of GB above zero; type: export {VARIABLE}=8"
            raise InputError(msg)
        return int(bytes_)
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        match = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text("ascii"))
        free = int(match[1]) << 10 if match else free
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text("ascii").strip()
        if limit.isdecimal():
            free = min(free, int(limit) - int((group / "memory.current").read_text("ascii")))
    except (OSError, ValueError):
        pass  # No Linux, or no group of its own: what there is physically.
    return max(free, 1 << 26)


def check_bytes(path: Path, needed: int, what: str) -> None:
    """Stop before something is read that does not fit.

    Raises
    ------
    ResourceError
        If it needs more than :func:`free_bytes`; says how much, and what else can be done.
    """
    there = free_bytes()
    if needed > there:
        msg = (
            f"{path} declares {what}, {needed / 2**30:,.1f} GB in memory where {there / 2**30:,.1f} are free; read a "
            f"part of it, set {VARIABLE} (in GB) if there is more, or pack it: "
            f"genelight pack {shlex.quote(str(path))} --out store.zarr"
        )
        raise ResourceError(msg)


def check_room(path: Path, *, rows: int, columns: int, itemsize: int = 8) -> None:
    """As :func:`check_bytes`, for a matrix.

    Raises
    ------
    ResourceError
        If it does not fit.
    """
    check_bytes(path, rows * columns * itemsize, f"{rows:,} x {columns:,} values")
