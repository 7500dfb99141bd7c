"""Cells of delimited text into numbers, as fast as the text comes out of gzip."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ._signs import MISSING, NUMBER, TEXT

_NUMBER = re.compile(r"[-+]?((\d+\.?\d*|\.\d+)(e[-+]?\d+)?|inf(inity)?)$", re.IGNORECASE)


class BadLine(Exception):  # noqa: N818 - caught and turned into a FormatError that knows the file
    """A line that does not fit: its number within the block (from 0), what is wrong, in which column and cell."""

    def __init__(self, line: int, problem: str, column: int = -1) -> None:
        self.line, self.problem, self.column, self.cell = line, problem, column, ""
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
    lines
        Lines of the block.
    """

    values_rc: np.ndarray
    texts: tuple[list[str], ...]
    lines: int


def parse(block: bytes, kinds: np.ndarray, *, separator: str, decimal: str = ".", thousands: str = "") -> Cells:
    """Parse whole lines of text.

    Every number is the double nearest to what is written: up to 15 digits here, any longer one by Arrow. Empty lines
    are passed over; `kinds` has ``TEXT``, ``NUMBER`` or ``SKIP`` for each column, uint8.

    Raises
    ------
    BadLine
        If a line has too few or too many cells, a quote is not closed, or a cell is no number.
    """
    # In a function, for numba takes 50 MB, which a table that is no text does without.
    from ._cells_loops import OPEN_QUOTE, RAGGED, find_cells

    if not block.endswith(b"\n"):  # a row is where a line ends, and there is room for no more
        block += b"\n"
    data = np.frombuffer(block, np.uint8)
    lines = block.count(b"\n")
    values_rc = np.empty((lines, int((kinds == NUMBER).sum())))
    spans = np.empty((lines, int((kinds == TEXT).sum()), 2), np.int64)
    line_r = np.empty(lines, np.int64)
    hard = np.empty((1024, 4), np.int64)
    while True:
        rows, hards, status, line, cells = find_cells(
            data, kinds, ord(separator), 0 if decimal == separator else ord(decimal), values_rc, spans, line_r, hard
        )
        if hards <= len(hard):
            break
        hard = np.empty((hards, 4), np.int64)
    if status == OPEN_QUOTE:
        raise BadLine(line, "a quote is opened and not closed on its line")
    if status == RAGGED:
        raise BadLine(line, f"{cells} cells where the header makes {len(kinds)}")
    _finish(
        data,
        hard[:hards],
        signs=(decimal, thousands),
        values_rc=values_rc,
        line_r=line_r,
        numbers=np.flatnonzero(kinds == NUMBER),
    )
    columns = (_trimmed(data, np.ascontiguousarray(spans[:rows, t])) for t in range(spans.shape[1]))
    texts = tuple([text.replace('""', '"') for text in column.to_pylist()] for column in columns)
    return Cells(values_rc[:rows], texts, lines)


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
        texts = pc.replace_substring_regex(texts, rf"(\d){re.escape(thousands)}(\d)", r"\1\2")
        texts = pc.replace_substring_regex(texts, rf"(\d){re.escape(thousands)}(\d)", r"\1\2")
    if decimal != ".":
        texts = pc.replace_substring(texts, decimal, ".")
    try:
        values = pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        values = np.empty(len(hard))
        for i, text in enumerate(texts.to_pylist()):
            if text is not None and not _NUMBER.match(text):
                column = int(numbers[hard[i, 3]])
                bad = BadLine(int(line_r[hard[i, 2]]), f"{text[:40]!r} is no number", column)
                bad.cell = text
                raise bad from None
            values[i] = np.nan if text is None else float(text)
    values_rc[hard[:, 2], hard[:, 3]] = values


def _trimmed(data: np.ndarray, spans: np.ndarray) -> pa.StringArray:
    """Cells as text, without blanks and quotes around them."""
    from ._cells_loops import gather

    offsets, gathered = gather(data, spans)
    texts = pa.StringArray.from_buffers(len(spans), pa.py_buffer(offsets), pa.py_buffer(gathered))
    return pc.utf8_trim_whitespace(pc.utf8_trim(pc.utf8_trim_whitespace(texts), '"'))
