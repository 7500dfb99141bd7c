"""The loops over the bytes of delimited text, in machine code; see :mod:`genelight.io.text._cells`."""

from __future__ import annotations

import numpy as np

from ..._core.threads import compiled
from ._signs import NUMBER, SKIP, TEXT

OK, RAGGED, OPEN_QUOTE = 0, 1, 2
NEWLINE, RETURN, QUOTE = 10, 13, 34
EXACT = 2**53
# Powers of ten that are exact as double precision: a quotient or product by one of them is rounded once, correctly.
POWERS = 10.0 ** np.arange(23)


@compiled()
def find_cells(data, kinds, separator, decimal, values_rc, spans, line_r, hard):  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0917 - one pass over the bytes
    """Fill the rows; returns rows, cells left to Arrow, and what stopped it on which line with how many cells."""
    size, columns = len(data), len(kinds)
    row = line = hards = at = 0
    while at < size:
        stop = at
        if data[at] == NEWLINE or (data[at] == RETURN and at + 1 < size and data[at + 1] == NEWLINE):
            at += 1 if data[at] == NEWLINE else 2
            line += 1
            continue
        column = number = text = 0
        while True:
            start = at
            quoted = data[at] == QUOTE
            if quoted:
                at = _close(data, at + 1)
                if data[at] == NEWLINE:
                    return row, hards, OPEN_QUOTE, line, column
            kind = kinds[column] if column < columns else SKIP
            simple = kind == NUMBER and not quoted
            if simple:
                value, at, simple = _number(data, at, separator, decimal)
            while data[at] != separator and data[at] != NEWLINE:
                simple = False
                at += 1
            stop = at - 1 if data[at] == NEWLINE and at > start and data[at - 1] == RETURN else at
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
            if data[at - 1] == NEWLINE:
                break
        if column != columns:
            return row, hards, RAGGED, line, column
        line_r[row] = line
        row += 1
        line += 1
    return row, hards, OK, line, 0


@compiled(inline="always")
def _close(data, at):  # type: ignore[no-untyped-def]
    """The quote that closes a cell, doubled ones passed over; else the end of the line."""
    while data[at] != NEWLINE:
        if data[at] == QUOTE:
            if data[at + 1] != QUOTE:
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
    if digits == 0 or mantissa > EXACT or exponent > 22:
        return 0.0, at, False
    value = mantissa / POWERS[exponent]
    if data[at] == RETURN and data[at + 1] == NEWLINE:
        at += 1
    return (-value if negative else value), at, data[at] == separator or data[at] == NEWLINE


@compiled()
def gather(data, spans):  # type: ignore[no-untyped-def]
    """Bytes of some spans one behind the other, and where each begins."""
    offsets = np.empty(len(spans) + 1, np.int32)
    offsets[0] = 0
    for i in range(len(spans)):
        offsets[i + 1] = offsets[i] + (spans[i, 1] - spans[i, 0])
    gathered = np.empty(offsets[-1], np.uint8)
    for i in range(len(spans)):
        gathered[offsets[i] : offsets[i + 1]] = data[spans[i, 0] : spans[i, 1]]
    return offsets, gathered
