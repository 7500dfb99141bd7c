"""Opening a store, on a disk or on object storage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import FormatError, GenelightError, ResourceError
from ._bucket import Bucket, Url, reached
from ._group import FORMAT, STAMP, TRIES, Group, altered_tables, first_line, mend, pause, read_stamp

if TYPE_CHECKING:
    import zarr


def is_store(path: Path) -> bool:
    """Whether a path is a store that :func:`pack` finished.

    Raises
    ------
    ResourceError
        If it is on object storage that cannot be reached or lets nobody in.
    """
    try:
        root = Bucket(path).get("zarr.json") if isinstance(path, Url) else (path / "zarr.json").read_bytes()
        return STAMP in json.loads(root or b"{}")["attributes"]
    except ResourceError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def something_at(path: Path) -> bool:
    """Whether anything is there already.

    Raises
    ------
    ResourceError
        If it is on object storage that cannot be reached or lets nobody in.
    """
    return Bucket(path).get("zarr.json") is not None if isinstance(path, Url) else path.exists()


def open_group(path: Path) -> Group:
    """Open what :func:`.write_tables` finished.

    Raises
    ------
    ResourceError
        If there is nothing at `path`.
    FormatError
        If it is no store, comes from a newer genelight, or has lost shards.
    """
    if not something_at(path):
        half = not isinstance(path, Url) and path.with_name(path.name + ".part").exists()
        msg = f"{path} does not exist{'; packing it was not finished, run the same pack again' if half else ''}"
        raise ResourceError(msg)
    if not is_store(path):
        msg = f"{path} is no store of genelight; make one with genelight pack FILES... --out store.zarr"
        raise FormatError(msg)
    about, x, fits = _opened(path)
    newest = int(about["format"])
    if newest > FORMAT:
        msg = f"{path} has store format {newest}, newer than {FORMAT}; upgrade with pip install -U genelight"
        raise FormatError(msg)
    if not fits:
        msg = f"{path / 'X' / 'zarr.json'} was altered: it speaks of {x.shape} values, or lies otherwise; {mend(path)}"
        raise FormatError(msg)
    # On object storage a shard that is lost is told when it is read: its values have another checksum.
    shards = () if isinstance(path, Url) else range(len(about["shards"]))
    lost = [i for i in shards if not (path / "X" / "c" / str(i) / "0").is_file()]
    if lost:
        msg = f"{path} has lost {len(lost)} of {len(about['shards'])} shards, the first X/c/{lost[0]}/0; pack it again"
        raise FormatError(msg)
    return Group(path, about, x)


def _opened(path: Path) -> tuple[dict[str, Any], zarr.Array, bool]:
    """Stamp and values of one store, and whether they fit each other, also where another takes its place meanwhile."""
    import zarr

    for tries_left in reversed(range(TRIES)):
        try:
            about = read_stamp(path)
            with reached(path):
                x = zarr.open_array(str(path / "X"), mode="r", zarr_format=3)
            chunks = -(-x.shape[0] // x.chunks[0])
            altered = altered_tables(path, about, "X")
            fits = len(about["chunks"]) == chunks and list(x.shape) == about["shape"] and not altered
            # Whoever appends changes the stamp: what is read before and after must be of one store.
            if not tries_left or (read_stamp(path) == about and (fits or not isinstance(path, Url))):
                break
        except FormatError:
            if not tries_left:
                raise
        except GenelightError:
            raise
        except Exception as error:
            if not tries_left:
                msg = f"{path} is damaged ({first_line(error)}); pack it again"
                raise FormatError(msg) from error
        pause(path)
    return about, x, fits
