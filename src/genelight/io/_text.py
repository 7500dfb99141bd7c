"""Text files as blocks of whole lines: unpacked in a thread of its own, checked, never held whole."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import FormatError, ResourceError
from ._files import DAMAGED, describe, is_gzip, start_of, unpacked

__all__ = ["blocks", "check_last_line", "check_room", "head", "reading"]

BLOCK = 2 << 20  # larger ones are no faster, and several are in memory at once
HEAD = 1 << 20
LONGEST_LINE = 256 << 20
# A gzip that unpacks to this many bytes and to this many times its size holds nothing but repetition.
BOMB_BYTES, BOMB_RATIO = 2 << 30, 500
_BOM = b"\xef\xbb\xbf"


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a text file, unpacked; what goes wrong while they are read names the file.

    Raises
    ------
    FormatError
        If it is empty, packed badly, or no text in UTF-8.
    ResourceError
        If it cannot be read.
    """
    try:
        _check_text(path, start_of(path))
        with unpacked(path) as handle:
            yield handle
    except DAMAGED as error:
        msg = f"{path} is truncated or damaged ({error}); fetch it again"
        raise FormatError(msg) from error


def head(path: Path, lines: int) -> list[str]:
    """The first lines, fewer where they are very long; at least four where there are four.

    Raises
    ------
    FormatError, ResourceError
        As :func:`reading`.
    """
    found: list[str] = []
    size = 0
    with reading(path) as handle:
        for number in range(lines):
            raw = handle.readline(LONGEST_LINE)
            if not raw or (size > HEAD and number > 3):
                break
            if len(raw) >= LONGEST_LINE:
                msg = f"{path}, line {number + 1} is longer than {LONGEST_LINE >> 20} MB; this is no table"
                raise FormatError(msg)
            size += len(raw)
            line = _checked(path, raw.removeprefix(_BOM if number == 0 else b""))
            found.append(line.decode("utf-8").rstrip("\r\n"))
    return found


def blocks(path: Path, *, skip: int = 0) -> Iterator[bytes]:
    """Blocks of whole lines behind the first `skip` lines, each block ended by a newline.

    Raises
    ------
    FormatError, ResourceError
        As :func:`reading`, and for a gzip that unpacks without end.
    """
    with reading(path) as handle, ThreadPoolExecutor(1) as unpacking:
        for _ in range(skip):
            handle.readline(LONGEST_LINE)
        size, limit, rest = 0, _bomb_limit(path), b""
        coming = unpacking.submit(handle.read, BLOCK)
        for number in itertools.count():
            raw = coming.result()
            if not raw:
                break
            coming = unpacking.submit(handle.read, BLOCK)
            size += len(raw)
            if size > limit or len(rest) > LONGEST_LINE:
                msg = f"{path} unpacks to more than {size >> 20} MB of repetition; this is no table"
                raise FormatError(msg)
            lines, newline, after = raw.rpartition(b"\n")
            if not newline:
                rest += after
                continue
            block = b"".join((rest, lines, newline))
            rest = after
            yield _checked(path, block.removeprefix(_BOM) if number == skip == 0 else block)
        if rest:
            yield _checked(path, rest + b"\n")


def check_last_line(path: Path) -> None:
    """Stop where no newline ends plain text: its last number may have been cut short. Gzip tells by itself.

    Raises
    ------
    FormatError
        If the last line has no end; says how to give it one.
    """
    if is_gzip(path) or not path.stat().st_size:
        return
    with path.open("rb") as handle:
        handle.seek(-1, os.SEEK_END)
        if handle.read(1) not in b"\r\n":
            msg = f"{path} may be cut short: no newline ends its last line; if it is whole, type: echo >> {path}"
            raise FormatError(msg)


def check_room(path: Path, *, rows: int, columns: int, itemsize: int = 8) -> None:
    """Stop before a matrix is made that this machine cannot hold.

    Raises
    ------
    ResourceError
        If it needs more than the physical memory; says how much.
    """
    needed, there = rows * columns * itemsize, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        msg = (
            f"{path} holds {rows:,} x {columns:,} values, {needed / 2**30:,.0f} GB in memory where there are "
            f"{there / 2**30:,.0f}; read a part of it, or pack it: genelight pack {path.name} --out store.zarr"
        )
        raise ResourceError(msg)


def _bomb_limit(path: Path) -> int:
    return max(BOMB_BYTES, BOMB_RATIO * path.stat().st_size) if is_gzip(path) else 1 << 62


def _checked(path: Path, block: bytes) -> bytes:
    """The block itself, if it is UTF-8."""
    if not block.isascii():
        try:
            block.decode("utf-8")
        except UnicodeDecodeError as error:
            msg = (
                f"{path}, line {_line_of_first_bad_byte(path)} is not UTF-8 text (byte {block[error.start]:#x}); "
                f"convert it: iconv -f LATIN1 -t UTF-8 {path.name} > utf8_{path.name}"
            )
            raise FormatError(msg) from error
    return block


def _line_of_first_bad_byte(path: Path) -> int:
    """Counted only now, since counting lines while all is well would cost time."""
    number = 0
    with reading(path) as handle:
        for number, line in enumerate(handle, start=1):  # noqa: B007 - the last one is the answer
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                break
    return number


def _check_text(path: Path, start: bytes) -> None:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or start[1:8:2] == b"\0\0\0\0" or start[:7:2] == b"\0\0\0\0":
        msg = f"{path} is UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8 {path.name} > utf8_{path.name}"
        raise FormatError(msg)
    if b"\0" in start:
        msg = f"{path} is {describe(path)}, not a text table"
        raise FormatError(msg)
    if not start.removeprefix(_BOM).strip():
        what = describe(path)
        found = f"is {what}" if "empty" in what or "damaged" in what else "begins with nothing but blanks"
        msg = f"{path} {found}; fetch it again"
        raise FormatError(msg)
    if b"\r" in start and b"\n" not in start and b"\r\n" not in start:
        msg = f"{path} ends its lines as old Macs did; convert it: tr '\\r' '\\n' < {path.name} > unix_{path.name}"
        raise FormatError(msg)
