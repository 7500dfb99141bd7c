"""A sample sheet as people keep it, in text or a workbook, as tables of text; titles and blanks are passed over."""

from __future__ import annotations

import csv
import io
import itertools
import re
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from .._core.tables import plain_text
from ..errors import FormatError, ResourceError
from ._files import DAMAGED, describe, existing, start_of, unpacked
from .containers._xlsx import worksheets
from .text._signs import MISSING

# A treatment may be called none, and a mutation -, so a sheet's words for nothing are fewer.
_MISSING = frozenset(MISSING) - {"None", "none"}
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$", re.IGNORECASE)
_COMMA_NUMBER = re.compile(r"[-+]?\d+(,\d+)?$")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+$")
_CODE = re.compile(r"[-+]?(0\d|\d{16})")
_SEPARATORS = ("\t", ",", ";", "|")
# Of the cells that rows usually fill, the share that names of columns fill.
_FILLED = 0.6


class Frame:
    """One table of a sheet: columns of text, what was done to get at them, and where it stands.

    Attributes
    ----------
    table
        Text, missing where there is nothing; rows without any cell are left out.
    header
        Number of the line with the column names, from 1.
    worksheet
        Name within a workbook, else empty.
    notes
        What was passed over or renamed.
    """

    def __init__(self, rows: Sequence[Sequence[str]], *, worksheet: str = "") -> None:
        self.worksheet = worksheet
        self.notes: list[str] = []
        rows = [[plain_text(cell) for cell in row] for row in rows]
        filled = [sum(map(bool, row)) for row in rows]
        usual = statistics.median([n for n in filled if n] or [0])
        header = next((i for i, n in enumerate(filled) if n >= max(2, _FILLED * usual)), 0)
        passed = sum(map(bool, filled[:header]))
        if passed:
            self.notes.append(f"{passed} {'line' if passed == 1 else 'lines'} above the column names passed over")
        self.header = header + 1
        body = [row for row, n in zip(rows[header + 1 :], filled[header + 1 :], strict=True) if n]
        width = max(map(len, [rows[header], *body])) if rows else 0
        padded = [[*row, *[""] * (width - len(row))] for row in body]
        names = [*(rows[header] if rows else ()), *[""] * width][:width]
        kept = [c for c in range(width) if names[c] or any(row[c] for row in padded)]
        named = self._names([names[c] for c in kept], [c + 1 for c in kept])
        columns = {name: [row[c] for row in padded] for name, c in zip(named, kept, strict=True)}
        self.table = pd.DataFrame({name: _without_missing(values) for name, values in columns.items()}, dtype=object)

    def _names(self, names: Sequence[str], places: Sequence[int]) -> list[str]:
        """Column names that differ from one another, and that AnnData's files can hold."""
        found: list[str] = []
        for name, place in zip(names, places, strict=True):
            given = name.removeprefix("#").strip()
            plain = given.replace("/", "_") or f"column {place}"
            copies = (f"{plain} ({n})" for n in itertools.count(2))
            kept = plain if plain not in (*found, "_index") else next(c for c in copies if c not in found)
            if kept != given:
                self.notes.append(
                    f"the {f'column {given!r}' if given else f'unnamed column {place}'} is called {kept!r}"
                )
            found.append(kept)
        return found


def read_frames(path: Path) -> list[Frame]:
    """The tables of a sheet: of text one, of a workbook one for each worksheet that holds anything.

    Raises
    ------
    ResourceError
        If there is no such file, or it may not be read.
    FormatError
        If it is damaged, or holds no table.
    """
    path = existing(path)
    try:
        workbook = start_of(path).startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))
        frames = (
            [Frame(rows, worksheet=name) for name, rows in worksheets(path).items()] if workbook else [_of_text(path)]
        )
    except DAMAGED as error:
        msg = f"{path} is truncated or damaged ({error}); fetch it again"
        raise FormatError(msg) from error
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror or error})"
        raise ResourceError(msg) from error
    frames = [frame for frame in frames if frame.table.shape[0] and frame.table.shape[1] > 1]
    if not frames:
        msg = (
            f"{path} is {describe(path)} and holds no table of two columns or more; a sample sheet has a line of "
            "column names, then a line for each sample: CSV, TSV or Excel (.xlsx)"
        )
        raise FormatError(msg)
    return frames


def _of_text(path: Path) -> Frame:
    """Delimited text in the encoding and with the separator that fit it."""
    with unpacked(path) as handle:
        raw = handle.read()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            text, note = raw.decode("utf-16"), ""
        except UnicodeDecodeError as error:
            msg = f"{path} begins as UTF-16 and is none ({error.reason}); save it again as .csv in UTF-8, or as .xlsx"
            raise FormatError(msg) from error
    else:
        try:
            text, note = raw.decode("utf-8-sig"), ""
        except UnicodeDecodeError:
            text, note = raw.decode("latin-1"), "no UTF-8 text, read as Latin-1"
    if "\0" in text:
        msg = f"{path} is {describe(path)}, no sample sheet; give CSV, TSV or Excel (.xlsx)"
        raise FormatError(msg)
    frame = Frame(_split(text, path))
    if note:
        frame.notes.append(note)
    return frame


def _split(text: str, path: Path) -> list[list[str]]:
    """Cells by the separator for which most lines have as many; runs of blanks where none separates."""
    tried = []
    for separator in _SEPARATORS:
        rows = [[" ".join(cell.split()) for cell in row] for row in _rows(text, separator)]
        widths = [len(row) for row in rows if any(row)]
        if widths and (width := statistics.mode(widths)) > 1:
            tried.append((widths.count(width) / len(widths), width, separator, rows))
    if not tried:
        return [line.split() for line in text.splitlines()]
    _, _, separator, rows = max(tried, key=lambda each: each[:2])
    if (line := _open_quote(text, separator)) is not None:
        msg = (
            f"{path}: the quotation mark that opens a cell of line {line} is never closed, so that all lines behind it "
            "are one cell; remove it there, or close it"
        )
        raise FormatError(msg)
    return rows


def _rows(text: str, separator: str, *, strict: bool = False) -> Iterator[list[str]]:
    """Rows of delimited text, cells of any length."""
    before = csv.field_size_limit(max(len(text) + 1, csv.field_size_limit()))
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)
    finally:
        csv.field_size_limit(before)


def _open_quote(text: str, separator: str) -> int | None:
    """Line of a quotation mark that is opened and never closed, from 1; None where there is none."""
    line = 1
    try:
        for row in _rows(text, separator, strict=True):
            line += 1 + sum(cell.count("\n") for cell in row)
    except csv.Error as error:
        # Its other complaints are of text behind a closed quote, which is read as people mean it.
        return line if "end of data" in str(error) else None
    return None


def _without_missing(values: Sequence[str]) -> list[str | None]:
    """Cells, None where one says that there is nothing; beside a + a - says something."""
    nothing = _MISSING - {"-"} if "+" in values else _MISSING
    return [None if value in nothing else value for value in values]


def transposed(frame: Frame) -> Frame:
    """The same with samples in rows, where they stood in columns."""
    table = frame.table.astype(object).where(frame.table.notna(), "")
    rows = [[str(name) for name in table.columns], *table.to_numpy().tolist()]
    found = Frame([list(row) for row in zip(*rows, strict=True)], worksheet=frame.worksheet)
    found.notes = [*frame.notes, "its samples stood in columns and were turned into rows"]
    return found


def typed(values: pd.Series) -> pd.Series:
    """Numbers where every cell that is there is one, and none is written as a code is (0012); text otherwise."""
    there = values.dropna().astype(str)
    if there.empty or there.map(_CODE.match).astype(bool).any():
        return values
    if there.map(_NUMBER.match).astype(bool).all():
        return pd.to_numeric(values)
    # 1,234 alone may be a fraction or thousands.
    commas = [cell for cell in there if "," in cell]
    if all(map(_COMMA_NUMBER.match, there)) and not all(map(_THOUSANDS.match, commas)):
        return pd.to_numeric(values.str.replace(",", "."))
    if set(there) == {"True", "False"} and len(there) == len(values):
        return values == "True"
    return values
