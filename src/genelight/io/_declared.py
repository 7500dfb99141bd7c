"""What a file of AnnData declares, before it is read: how large it is, and whether it leads out of itself."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import FormatError, first_three
from ._budget import check_bytes

__all__ = ["check_hdf5", "check_zarr"]

LINKS = "GENELIGHT_LINKS"
# A text as an object, beside its letters.
_TEXT_BYTES = 64
_MOST_PARTS = 100_000


def check_hdf5(path: Path, file: Any, *, but: str = "") -> None:
    """Stop where an HDF5 file leads out of itself, or declares more than fits into memory.

    Parameters
    ----------
    path
        The file.
    file
        The same, open.
    but
        A part that stays on disk.

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
        if dataset is not None and not (but and (name == but or name.startswith(f"{but}/"))):
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

    linked = [path] if path.is_symlink() else []
    for folder, folders, files in os.walk(path):
        linked += [Path(folder, name) for name in (*folders, *files) if Path(folder, name).is_symlink()]
    inner = [str(link.relative_to(path)) for link in linked if link != path]
    if inner and os.environ.get(LINKS) != "1":
        msg = (
            f"{path} holds {len(inner)} symbolic links ({first_three(inner)}); if you trust it, type: export {LINKS}=1"
        )
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
