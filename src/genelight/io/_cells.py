"""Cells of delimited text into numbers, as fast as the text comes out of gzip."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .._core.compiled import compiled
from ._missing import MISSING

__all__ = ["MISSING", "NUMBER", "SKIP", "TEXT", "BadLine", "Cells", "parse"]

TEXT, NUMBER, SKIP = 0, 1, 2
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_OK, _RAGGED, _OPEN_QUOTE = 0, 1, 2
_NUMBER = re.compile(r"[-+]?((\d+\.?\d*|\.\d+)(e[-+]?\d+)?|inf(inity)?)$", re.IGNORECASE)
_EXACT = 2**53
# Powers of ten that are exact as double precision: a quotient or product by one of them is rounded once, correctly.
_POWERS = 10.0 ** np.arange(23)


class BadLine(Exception):  # noqa: N818 - caught and turned into a FormatError that knows the file
    """A line that does not fit: its number within the block (from 0), what is wrong, and in which column."""

    def __init__(self, line: int, problem: str, column: int = -1) -> None:
        self.line, self.problem, self.column = line, problem, column
        super().__init__(problem)


@dataclass(frozen=True)
class Cells:
    """Rows of a block of text.

    Attributes
    ----------
    values_rc
        Numbers, rows x number columns, float64, NaN where there is nothing.
    texts
        For each text column, its cells.
    line_r
        Line within the block of each row, from 0.
    lines
        Lines of the block.
    """

    values_rc: np.ndarray
    texts: tuple[list[str], ...]
    line_r: np.ndarray
    lines: int


def parse(block: bytes, kinds: np.ndarray, *, separator: str, decimal: str = ".", thousands: str = "") -> Cells:
    """Parse whole lines of text.

    Every number is the double nearest to what is written: up to 15 digits here, any longer one by Arrow.

    Parameters
    ----------
    block
        Lines, each ended by a newline; empty ones are passed over.
    kinds
        For each column ``TEXT``, ``NUMBER`` or ``SKIP``; uint8.
    separator, decimal
        One character each.
    thousands
        What parts thousands, ``""`` for nothing.

    Raises
    ------
    BadLine
        If a line has too few or too many cells, a quote is not closed, or a cell is no number.
    """
    data = np.frombuffer(block, np.uint8)
    lines = block.count(b"\n")
    values_rc = np.empty((lines, int((kinds == NUMBER).sum())))
    spans = np.empty((lines, int((kinds == TEXT).sum()), 2), np.int64)
    line_r = np.empty(lines, np.int64)
    hard = np.empty((1024, 4), np.int64)
    while True:
        rows, hards, status, line, cells = _parse(
            data, kinds, ord(separator), 0 if decimal == separator else ord(decimal), values_rc, spans, line_r, hard
        )
        if hards <= len(hard):
            break
        hard = np.empty((hards, 4), np.int64)
    if status == _OPEN_QUOTE:
        raise BadLine(line, "a quote is opened and not closed on its line")
    if status == _RAGGED:
        raise BadLine(line, f"{cells} cells where the header makes {len(kinds)}")
    _finish(
        data,
        hard[:hards],
        signs=(decimal, thousands),
        values_rc=values_rc,
        line_r=line_r,
        numbers=np.flatnonzero(kinds == NUMBER),
    )
    texts = tuple(_texts(data, np.ascontiguousarray(spans[:rows, t])) for t in range(spans.shape[1]))
    return Cells(values_rc[:rows], texts, line_r[:rows], lines)


@compiled()
def _parse(data, kinds, separator, decimal, values_rc, spans, line_r, hard):  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0917 - one pass over the bytes
    """Fill the rows; returns rows, cells left to Arrow, and what stopped it on which line with how many cells."""
    size, columns = len(data), len(kinds)
    row = line = hards = at = 0
    while at < size:
        stop = at
        if data[at] == _NEWLINE or (data[at] == _RETURN and at + 1 < size and data[at + 1] == _NEWLINE):
            at += 1 if data[at] == _NEWLINE else 2
            line += 1
            continue
        column = number = text = 0
        while True:
            start = at
            quoted = data[at] == _QUOTE
            if quoted:
                at = _close(data, at + 1)
                if data[at] == _NEWLINE:
                    return row, hards, _OPEN_QUOTE, line, column
            kind = kinds[column] if column < columns else SKIP
            simple = kind == NUMBER and not quoted
            if simple:
                value, at, simple = _number(data, at, separator, decimal)
            while data[at] != separator and data[at] != _NEWLINE:
                simple = False
                at += 1
            stop = at - 1 if data[at] == _NEWLINE and at > start and data[at - 1] == _RETURN else at
            if kind == NUMBER:
                if simple:
                    values_rc[row, number] = value
                else:
                    if hards < len(hard):
                        hard[hards, 0], hard[hards, 1], hard[hards, 2], hard[hards, 3] = start, stop, row, number
                    hards += 1
                number += 1
            elif kind == TEXT:
                spans[row, text, 0], spans[row, text, 1] = start, stop
                text += 1
            column += 1
            at += 1
            if data[at - 1] == _NEWLINE:
                break
        if column != columns:
            return row, hards, _RAGGED, line, column
        line_r[row] = line
        row += 1
        line += 1
    return row, hards, _OK, line, 0


@compiled(inline="always")
def _close(data, at):  # type: ignore[no-untyped-def]
    """The quote that closes a cell, doubled ones passed over; else the end of the line."""
    while data[at] != _NEWLINE:
        if data[at] == _QUOTE:
            if data[at + 1] != _QUOTE:
                break
            at += 1
        at += 1
    return at


@compiled(inline="always")
def _number(data, at, separator, decimal):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """A plain decimal number of at most 15 digits at a place; where it ends, and whether it was one."""
    negative = data[at] == 45
    if negative:
        at += 1
    mantissa, exponent, digits = np.int64(0), 0, 0
    while 48 <= data[at] <= 57 and mantissa < 100_000_000_000_000_000:
        mantissa = mantissa * 10 + (data[at] - 48)
        digits += 1
        at += 1
    if data[at] == decimal:
        at += 1
        while 48 <= data[at] <= 57 and mantissa < 100_000_000_000_000_000:
            mantissa = mantissa * 10 + (data[at] - 48)
            digits += 1
            exponent += 1
            at += 1
    if digits == 0 or mantissa > _EXACT or exponent > 22:
        return 0.0, at, False
    value = mantissa / _POWERS[exponent]
    if data[at] == _RETURN and data[at + 1] == _NEWLINE:
        at += 1
    return (-value if negative else value), at, data[at] == separator or data[at] == _NEWLINE


def _finish(
    data: np.ndarray,
    hard: np.ndarray,
    *,
    signs: tuple[str, str],
    values_rc: np.ndarray,
    line_r: np.ndarray,
    numbers: np.ndarray,
) -> None:
    """Cells that are missing, quoted, very long or in scientific notation, through Arrow's exact parser."""
    if not len(hard):
        return
    texts = _trimmed(data, hard)
    texts = pc.if_else(pc.is_in(texts, pa.array(MISSING)), None, texts)
    decimal, thousands = signs
    if thousands:
        texts = pc.replace_substring_regex(texts, rf"(\d)\{thousands}(\d)", r"\1\2")
        texts = pc.replace_substring_regex(texts, rf"(\d)\{thousands}(\d)", r"\1\2")
    if decimal != ".":
        texts = pc.replace_substring(texts, decimal, ".")
    try:
        values = pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        values = np.empty(len(hard))
        for i, text in enumerate(texts.to_pylist()):
            if text is not None and not _NUMBER.match(text):
                column = int(numbers[hard[i, 3]])
                raise BadLine(int(line_r[hard[i, 2]]), f"{text[:40]!r} is no number", column) from None
            values[i] = np.nan if text is None else float(text)
    values_rc[hard[:, 2], hard[:, 3]] = values


def _trimmed(data: np.ndarray, spans: np.ndarray) -> pa.StringArray:
    """Cells as text, without blanks and quotes around them."""
    offsets, gathered = _gather(data, spans)
    texts = pa.StringArray.from_buffers(len(spans), pa.py_buffer(offsets), pa.py_buffer(gathered))
    return pc.utf8_trim_whitespace(pc.utf8_trim(pc.utf8_trim_whitespace(texts), '"'))


@compiled()
def _gather(data, spans):  # type: ignore[no-untyped-def]
    """Bytes of some spans one behind the other, and where each begins."""
    offsets = np.empty(len(spans) + 1, np.int32)
    offsets[0] = 0
    for i in range(len(spans)):
        offsets[i + 1] = offsets[i] + (spans[i, 1] - spans[i, 0])
    gathered = np.empty(offsets[-1], np.uint8)
    for i in range(len(spans)):
        gathered[offsets[i] : offsets[i + 1]] = data[spans[i, 0] : spans[i, 1]]
    return offsets, gathered


def _texts(data: np.ndarray, spans: np.ndarray) -> list[str]:
    """Cells as text, doubled quotes within them made single."""
    return [text.replace('""', '"') for text in _trimmed(data, spans).to_pylist()]
