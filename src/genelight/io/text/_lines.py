"""Text files as blocks of whole lines: unpacked in a thread of its own, checked, never held whole."""

from __future__ import annotations

import io
import itertools
import os
import re
import shlex
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ...errors import FormatError
from .._files import DAMAGED, describe, is_gzip, start_of, unpacked

BLOCK = 2 << 20  # larger ones are no faster, and several are in memory at once
HEAD = 1 << 20
LONGEST_LINE = 256 << 20
# A gzip that unpacks to this many bytes and to this many times its size holds nothing but repetition.
BOMB_BYTES, BOMB_RATIO = 2 << 30, 500
# Text with line breaks within cells is put together in memory, where it is no larger.
MOST_BROKEN, LARGEST_BROKEN = 100, 1 << 28
_OPENED = re.compile(r'(?:^|[\t,;|]) *"(?:[^"]|"")*$')
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class InMemory:
    """Text that was made of a file of another kind: a worksheet."""

    path: Path
    text: bytes

    def __str__(self) -> str:
        return str(self.path)


@contextmanager
def reading(path: Path | InMemory) -> Iterator[BinaryIO]:
    """The bytes of a text file, unpacked; what goes wrong while they are read names the file.

    Raises
    ------
    FormatError
        If it is empty, packed badly, or no text in UTF-8.
    ResourceError
        If it cannot be read.
    """
    if isinstance(path, InMemory):
        yield io.BytesIO(path.text)
        return
    try:
        _check_text(path, start_of(path))
        with unpacked(path) as handle:
            yield handle
    except DAMAGED as error:
        msg = f"{path} is truncated or damaged ({error}); fetch it again"
        raise FormatError(msg) from error


def head(path: Path | InMemory, lines: int) -> list[str]:
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
            line = _checked(path, raw.removeprefix(BOM if number == 0 else b""))
            found.append(line.decode("utf-8").rstrip("\r\n"))
    return found


@contextmanager
def blocks(path: Path | InMemory, *, skip: int = 0) -> Iterator[Iterator[bytes]]:
    """Blocks of whole lines behind the first `skip` lines, each block ended by a newline; the file is closed behind it.

    Raises
    ------
    FormatError, ResourceError
        As :func:`reading`, and for a gzip that unpacks without end.
    """
    with closing(_blocks(path, skip)) as found:
        yield found


def _blocks(path: Path | InMemory, skip: int) -> Generator[bytes]:
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
            yield _checked(path, block.removeprefix(BOM) if number == skip == 0 else block)
        if rest:
            yield _checked(path, rest + b"\n")


@contextmanager
def lines(path: Path | InMemory, *, skip: int = 0) -> Iterator[Iterator[str]]:
    """Lines without their ends, none held but the one at hand; raises as :func:`blocks` does."""
    with blocks(path, skip=skip) as found:
        yield (line.rstrip("\r") for block in found for line in block.decode("utf-8")[:-1].split("\n"))


def decoded(path: Path | InMemory, line: bytes, number: int) -> str:
    """A line as text.

    Raises
    ------
    FormatError
        If it is not UTF-8; says how to convert the file.
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _no_utf8(path, number, line[error.start]) from error


def cut_line(line: str, separator: str, *, exact: bool = False) -> list[str]:
    """Cells of a line, without blanks and quotes around them; runs of blanks part unless `exact`.

    Cells of any length, which the csv module does not take.
    """
    runs = separator == " " and not exact
    if '"' not in line:
        return line.split() if runs else [cell.strip() for cell in line.split(separator)]
    cells: list[str] = []
    rest = ""
    for part in line.split(separator):
        rest = f"{rest}{separator}{part}" if rest else part
        opened = rest.lstrip().startswith('"')
        # Open where a quote stands before it and an odd number in it; a quote within a cell is one of the text.
        if opened and rest.count('"') % 2:
            continue
        if rest or not runs:
            text = rest.strip()
            cells.append(text[1:-1].replace('""', '"').strip() if opened and text.endswith('"') else text)
        rest = ""
    return [*cells, rest.strip()] if rest else cells


def with_whole_cells(path: Path) -> InMemory | None:
    """The text with a blank for each line break within a quoted cell, in memory; None where there is none.

    A quote that opens a cell and is not closed within so many lines is a stray one: None too.
    """
    found: list[str] = []
    broken, size = 0, 0
    with lines(path) as text:
        for line in text:
            whole, more = line, 0
            while whole.count('"') % 2 and _OPENED.search(whole):
                after = next(text, None)
                if after is None or more == MOST_BROKEN:
                    return None
                whole, more = f"{whole} {after}", more + 1
            broken += more
            size += len(whole)
            found.append(whole)
            if size > LARGEST_BROKEN:
                return None
    return InMemory(path, ("\n".join(found) + "\n").encode()) if broken else None


def converted(path: Path | InMemory, tool: str, *, name: str = "converted", what: str = "convert it: ") -> str:
    """The command that converts a file, as it can be pasted."""
    given = Path(str(path))
    out = shlex.quote(str(given.with_name(f"{name}_{given.name.removesuffix('.gz')}")))
    if isinstance(path, Path) and is_gzip(path):
        return f"{what}gzip -dc {shlex.quote(str(path))} | {tool} > {out}"
    return f"{what}{tool} < {shlex.quote(str(path))} > {out}"


def check_last_line(path: Path | InMemory) -> None:
    """Stop where no newline ends plain text: its last number may have been cut short. Gzip tells by itself.

    Raises
    ------
    FormatError
        If the last line has no end; says how to give it one.
    """
    if isinstance(path, InMemory) or is_gzip(path) or not path.stat().st_size:
        return
    with path.open("rb") as handle:
        handle.seek(-1, os.SEEK_END)
        if handle.read(1) not in b"\r\n":
            whole = f"if it is whole, type: echo >> {shlex.quote(str(path))}"
            msg = f"{path} may be cut short: no newline ends its last line; {whole}"
            raise FormatError(msg)


def _bomb_limit(path: Path | InMemory) -> int:
    if isinstance(path, InMemory) or not is_gzip(path):
        return 1 << 62
    return max(BOMB_BYTES, BOMB_RATIO * path.stat().st_size)


def _checked(path: Path | InMemory, block: bytes) -> bytes:
    """The block itself, if it is UTF-8."""
    if not block.isascii():
        try:
            block.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _no_utf8(path, _line_of_first_bad_byte(path), block[error.start]) from error
    return block


def _no_utf8(path: Path | InMemory, line: int, byte: int) -> FormatError:
    how = converted(path, "iconv -f LATIN1 -t UTF-8")
    return FormatError(f"{path}, line {line} is not UTF-8 text (byte {byte:#x}); {how}")


def _line_of_first_bad_byte(path: Path | InMemory) -> int:
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
        msg = f"{path} is UTF-16 text; {converted(path, 'iconv -f UTF-16 -t UTF-8')}"
        raise FormatError(msg)
    if b"\0" in start:
        msg = f"{path} is {describe(path)}, not a text table"
        raise FormatError(msg)
    if not start.removeprefix(BOM).strip():
        what = describe(path)
        found = f"is {what}" if "empty" in what or "damaged" in what else "begins with nothing but blanks"
        msg = f"{path} {found}; fetch it again"
        raise FormatError(msg)
    if b"\r" in start and b"\n" not in start:
        tool = r"tr '\r' '\n'"
        msg = f"{path} ends its lines as old Macs did; {converted(path, tool)}"
        raise FormatError(msg)
