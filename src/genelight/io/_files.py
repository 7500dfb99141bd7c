"""What a file is, told from its first bytes or its name, and its bytes; errors of libraries that name it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from isal import igzip, isal_zlib

from ..errors import FormatError, GenelightError, InputError, ResourceError, UnknownNameError

if TYPE_CHECKING:
    import h5py

START = 4096
# What unpacking raises where a gzip is cut short or changed.
DAMAGED: tuple[type[Exception], ...] = (EOFError, BadGzipFile, isal_zlib.error)  # type: ignore[assignment]  # stubs of isal

_GZIP = b"\x1f\x8b"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"PAR1", "a Parquet table"),
    (b"ARROW1", "a Feather table"),
    (b"PK\x03\x04", "a zip archive, which may be an Excel workbook or a NumPy archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"RDX", "an R data file"),
    (b"%PDF", "a PDF"),
    (b"%%MatrixMarket", "a Matrix Market file"),
    (b"#1.2", "a GCT table"),
    (b"!Series_", "a GEO series matrix"),
    (b"^DATABASE", "a GEO SOFT file, of which the series matrix is the table"),
    (b"<", "a web page or XML"),
)


def existing(path: Path) -> Path:
    """The path of a file that is there.

    Raises
    ------
    ResourceError
        If there is no such file, or it may not be read; names the nearest file in that folder.
    InputError
        If it is a folder.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if p.is_file())
        hint = f"one of its files, such as {path / inside[0]}" if inside else "a file"
        msg = f"{path} is a folder; pass {hint}"
        raise InputError(msg)
    if not path.is_file():
        msg = f"{path} does not exist{_nearest(path)}"
        raise ResourceError(msg)
    return path


def start_of(path: Path) -> bytes:
    """The first bytes of a file, unpacked where it is gzip.

    Raises
    ------
    ResourceError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as handle:
            start = handle.read(START)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise ResourceError(msg) from error
    # A decompressor of its own, since a truncated file still has a start.
    return isal_zlib.decompressobj(wbits=31).decompress(start, START) if start.startswith(_GZIP) else start


def is_gzip(path: Path) -> bool:
    """Whether a file starts as gzip does, whatever its name."""
    with path.open("rb") as handle:
        return handle.read(len(_GZIP)) == _GZIP


def describe(path: Path) -> str:
    """What a file is, in words: ``a gzip file of comma-separated text``."""
    try:
        start = start_of(path)
    except DAMAGED:
        return "a damaged gzip file"
    if not start:
        return "a damaged gzip file" if is_gzip(path) else "an empty file"
    kind = next((what for magic, what in _MAGIC if start.startswith(magic)), None) or _text_kind(start)
    return f"a gzip file of {kind}" if is_gzip(path) else kind


def unpacked(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where it is gzip, whatever its name; reading may raise one of ``DAMAGED``."""
    return cast("BinaryIO", igzip.open(path, "rb") if is_gzip(path) else path.open("rb"))


def _text_kind(start: bytes) -> str:
    try:
        text = start.decode("utf-8-sig", errors="strict" if len(start) < START else "ignore")
    except UnicodeDecodeError:
        return "binary data"
    if "\0" in text:
        return "binary data"
    line = next((each for each in text.splitlines() if each.strip() and not each.startswith("#")), "")
    for separator, name in (("\t", "tab"), (",", "comma"), (";", "semicolon")):
        if separator in line:
            return f"{name}-separated text"
    return "plain text"


def _nearest(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; neither does its folder {path.parent}"
    names = [p.name for p in path.parent.iterdir()]
    # The message of the name look-up ends in the suggestion; only that part fits here.
    found = str(UnknownNameError("file", path.name, names)).partition("; ")[2]
    return f"; {found}" if found.startswith("did you mean") else ""


def plain_name(path: Path) -> str:
    """A file's name without its suffixes."""
    return re.sub(r"(\.(gz|csv|tsv|txt|tab|sif|gmt))+$", "", path.name, flags=re.IGNORECASE)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Any error of a library as one of ours that names the file; memory that is not there passes.

    Raises
    ------
    FormatError
        If anything else goes wrong inside.
    """
    try:
        yield
    except (GenelightError, MemoryError):
        raise
    except Exception as error:
        reason = "; ".join(str(error).splitlines()[:1] + list(getattr(error, "__notes__", ()))[:1])
        msg = f"{path} is truncated or damaged: {reason or type(error).__name__}; fetch it again"
        raise FormatError(msg) from error


@contextmanager
def opened_hdf5(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file; what goes wrong while it is read names it."""
    import h5py

    with naming(path), h5py.File(path, "r") as file:
        yield file


def texts(dataset: Any) -> list[str]:
    """A dataset of texts, whatever way they are stored."""
    return [t.decode() if isinstance(t, bytes) else str(t) for t in np.asarray(dataset[:]).ravel().tolist()]
