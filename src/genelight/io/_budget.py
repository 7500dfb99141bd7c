"""What reading may take: memory, by what a file declares before it is read, and whether that leads out of the file."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import FormatError, InputError, ResourceError, first_three

VARIABLE = "GENELIGHT_MEMORY"
LINKS = "GENELIGHT_LINKS"
# A text as an object, beside its letters.
_TEXT_BYTES = 64
_MOST_PARTS = 100_000


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


def check_bytes(path: object, needed: int, what: str) -> None:
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


def check_room(path: object, *, rows: int, columns: int, itemsize: int = 8) -> None:
    """As :func:`check_bytes`, for a matrix."""
    check_bytes(path, rows * columns * itemsize, f"{rows:,} x {columns:,} values")


def check_hdf5(path: Path, file: Any, *, but: str = "") -> None:
    """Stop where an HDF5 file leads out of itself, or declares more than fits into memory, `but` a part left on disk.

    Raises
    ------
    FormatError
        If it has external links, external storage or virtual datasets, unless ``GENELIGHT_LINKS=1``; or links in a
        ring.
    ResourceError
        If its datasets together do not fit.
    """
    out: list[str] = []
    sizes: dict[str, int] = {}
    for name, dataset in _datasets(path, file, out):
        if not (but and (name == but or name.startswith(f"{but}/"))):
            sizes[name] = _bytes_of(dataset)
    if out and os.environ.get(LINKS) != "1":
        msg = (
            f"{path} leads out of itself in {len(out)} places ({first_three(out)}); if you trust it, type: "
            f"export {LINKS}=1"
        )
        raise FormatError(msg)
    _check_sizes(path, sizes)


def check_zarr(path: Path, *, but: str = "") -> None:
    """Stop where a zarr folder leads out of itself, or declares more than fits into memory.

    Raises
    ------
    FormatError
        If it holds symbolic links, unless ``GENELIGHT_LINKS=1``.
    ResourceError
        If its arrays together do not fit.
    """
    import zarr

    links: list[Path] = []
    for folder, folders, files in os.walk(path):
        links += [Path(folder, name) for name in (*folders, *files) if Path(folder, name).is_symlink()]
    if links and os.environ.get(LINKS) != "1":
        told = first_three(link.relative_to(path) for link in links)
        msg = f"{path} holds {len(links)} symbolic links ({told}); if you trust it, type: export {LINKS}=1"
        raise FormatError(msg)
    sizes = {}
    for name, part in zarr.open_group(path, mode="r", use_consolidated=False).members(max_depth=None):
        if isinstance(part, zarr.Array) and not (but and (name == but or name.startswith(f"{but}/"))):
            sizes[name] = _bytes_of(part)
    _check_sizes(path, sizes)


def _datasets(path: Path, file: Any, out: list[str]) -> Iterator[tuple[str, Any]]:
    """Every dataset by its name; what leads out of the file goes to `out` and is not opened."""
    import h5py

    waiting: list[tuple[str, Any, frozenset[int]]] = [("", file, frozenset())]
    seen = 0
    while waiting:
        prefix, group, above = waiting.pop()
        for key in group:
            seen += 1
            if seen > _MOST_PARTS:
                msg = f"{path} has more than {_MOST_PARTS:,} parts; this is no table"
                raise FormatError(msg)
            name = f"{prefix}{key}"
            if isinstance(group.get(key, getlink=True), h5py.ExternalLink):
                out.append(name)
                continue
            part = group.get(key)
            if isinstance(part, h5py.Dataset):
                if part.external or part.is_virtual:
                    out.append(name)
                yield name, part
            elif isinstance(part, h5py.Group):
                address = h5py.h5o.get_info(part.id).addr
                if address in above:
                    msg = f"{path}: {name!r} leads back to a part that holds it; write the file again"
                    raise FormatError(msg)
                waiting.append((f"{name}/", part, above | {address}))


def _bytes_of(array: Any) -> int:
    shape = getattr(array, "shape", None) or ()
    kind = getattr(array.dtype, "kind", "O")
    return math.prod(shape) * (
        _TEXT_BYTES if kind in "OTSU" and array.dtype.itemsize <= _TEXT_BYTES else array.dtype.itemsize
    )


def _check_sizes(path: Path, sizes: dict[str, int]) -> None:
    largest = max(sizes, key=lambda name: sizes[name], default="")
    total = sum(sizes.values())
    check_bytes(
        path, total, f"{len(sizes)} parts, the largest {largest!r} with {sizes.get(largest, 0) / 2**30:,.1f} GB"
    )
