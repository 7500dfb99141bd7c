"""How a delimited table is written: separator, decimal sign, comments, header, which columns are numbers."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FormatError, first_three
from ._cells import MISSING, NUMBER, SKIP, TEXT
from ._text import head

__all__ = ["Dialect", "is_number", "sniff"]

_LINES = 60
_CELLS = 50_000
_SEPARATORS = ("\t", ";", ",", "|", " ")
_WORDS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", " ": "blanks"}
_MISSING = frozenset(MISSING)
_POINT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$|[-+]?inf(inity)?$", re.IGNORECASE)
_COMMA = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?$")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+$")
# Columns that some tables write as numbers, and others, or the same further down, as text.
_ALWAYS_TEXT = frozenset(("chr", "chrom", "chromosome", "start", "end", "strand"))
# What stands above a column of names.
_NAMED = re.compile(
    r"|.*(\b|_)(id|ids|ref|name|names|gene|genes|geneid|symbol|probe|probes|probeset|feature|features|sample|samples|"
    r"run|subject|patient|donor|case|barcode|cell|cells|index|rownames|row\.names|accession|entrez|entrezid|ensembl|"
    r"unnamed: 0|gsm|transcript|protein|target)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Dialect:
    """How a delimited table is written.

    Attributes
    ----------
    path
        The file.
    separator, decimal
        One character each.
    skip
        Lines before the first row.
    columns
        Names, one for each cell of a row; the first is what stands above the row names.
    kinds
        For each column ``TEXT``, ``NUMBER`` or ``SKIP``; the first ``TEXT`` column names the rows.
    notes
        What had to be understood, in words: comments passed over, a header one cell short.
    """

    path: Path
    separator: str
    decimal: str
    skip: int
    columns: tuple[str, ...]
    kinds: np.ndarray
    notes: tuple[str, ...] = ()

    def names(self, kind: int) -> list[str]:
        """Names of the columns of a kind, in order."""
        return [name for name, k in zip(self.columns, self.kinds, strict=True) if k == kind]


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell is a number as this decimal sign writes it; one that is missing is not."""
    cell = cell.strip()
    return bool(_POINT.match(cell.replace(",", ".") if decimal == "," and "." not in cell else cell))


def sniff(path: Path, *, skip: int = 0) -> Dialect:
    """Find out how a delimited table is written, from its first lines.

    Parameters
    ----------
    path
        The file.
    skip
        Lines that are known not to belong to the table.

    Raises
    ------
    FormatError
        If the lines do not make a table of numbers with a header and row names; says which line and why.
    """
    lines = head(path, _LINES + skip)[skip:]
    first, comments = _first_line(lines)
    if len([line for line in lines[first:] if line.strip()]) < 2:
        msg = f"{path} has {'a header and no rows' if lines[first:] else 'no line that is not a comment'}"
        raise FormatError(msg)
    separator, rows, numbers = _split(path, lines[first:], skip + first)
    header, notes = _header(rows, numbers)
    body = rows[1 : 1 + max(2, _CELLS // len(header))]
    decimal = _decimal(path, body, separator)
    kinds = _kinds(header, body, decimal)
    _check_header(path, header, rows[0], kinds=kinds, decimal=decimal, line=numbers[0])
    header[0] = header[0].removeprefix("#").strip()
    notes += [f"{comments} comment lines passed over"] * bool(comments)
    return Dialect(path, separator, decimal, skip + first + 1, tuple(header), kinds, tuple(notes))


def _first_line(lines: list[str]) -> tuple[int, int]:
    """Where the header is, and how many comments stand before it."""
    comments = 0
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        if line.startswith(("#", "!", "%")):
            after = next((x for x in lines[number + 1 :] if x.strip()), "")
            cells = {s: line.count(s) for s in _SEPARATORS[:3]}
            is_header = line[0] == "#" and line[1:2] not in ("#", " ", "!") and not after.startswith("#")
            if is_header and any(cells[s] > 0 and after.count(s) in (cells[s], cells[s] + 1) for s in cells):
                return number, comments
            comments += 1
            continue
        return number, comments
    return len(lines), comments


def _split(path: Path, lines: list[str], before: int) -> tuple[str, list[list[str]], list[int]]:
    """The separator under which lines have equally many cells, the cells, and the number of each line."""
    numbered = [(before + i + 1, line) for i, line in enumerate(lines) if line.strip()]
    ragged: tuple[int, str, list[list[str]]] = (1, "", [])
    for separator in _SEPARATORS:
        if separator not in numbered[1][1]:
            continue
        rows = list(csv.reader((line for _, line in numbered), delimiter=separator))
        widths = [len(row) for row in rows]
        if len(rows) != len(numbered):
            continue
        if len(set(widths[1:])) == 1 and widths[1] > 1 and widths[1] - widths[0] in (0, 1):
            return separator, rows, [number for number, _ in numbered]
        usual = max(set(widths), key=widths.count)
        if usual > 1 and (not ragged[1] or widths.count(usual) > ragged[0]):
            ragged = (widths.count(usual), separator, rows)
    _, separator, rows = ragged
    if not separator:
        msg = f"{path}: its lines do not part into columns by tabs, commas, semicolons, bars or blanks"
        raise FormatError(msg)
    widths = [len(row) for row in rows]
    usual = max(set(widths[1:]), key=widths[1:].count)
    odd = next((i for i, w in enumerate(widths) if w != usual and not (i == 0 and w == usual - 1)), 0)
    msg = (
        f"{path}, line {numbered[odd][0]}: {widths[odd]} cells parted by {_WORDS[separator]}, where other lines "
        f"have {usual}; mend or remove that line"
    )
    raise FormatError(msg)


def _header(rows: list[list[str]], numbers: list[int]) -> tuple[list[str], list[str]]:
    """Column names, one for each cell of a row, and what had to be understood."""
    header, width = [cell.strip() for cell in rows[0]], len(rows[1])
    if len(header) == width - 1:
        return ["", *header], [f"the header (line {numbers[0]}) names one column fewer: the first holds row names"]
    return header, []


def _decimal(path: Path, body: list[list[str]], separator: str) -> str:
    """The decimal sign; a comma only where every fraction is written with one."""
    if separator == ",":
        return "."
    cells = [cell.strip() for row in body for cell in row[1:] if "," in cell]
    commas = [cell for cell in cells if _COMMA.match(cell)]
    if not commas:
        return "."
    points = [cell for row in body for cell in row[1:] if "." in cell and _POINT.match(cell.strip())]
    if points:
        msg = f"{path} writes both {commas[0]!r} and {points[0]!r}; write every number with a decimal point"
        raise FormatError(msg)
    if all(_THOUSANDS.match(cell) for cell in commas):
        msg = f"{path}: {commas[0]!r} may be a fraction or thousands; write it with a decimal point or without a comma"
        raise FormatError(msg)
    return ","


def _kinds(header: list[str], body: list[list[str]], decimal: str) -> np.ndarray:
    """Text where no cell is a number and some cell is there; an unnamed last column without any cell is skipped."""
    kinds = np.full(len(header), NUMBER, dtype=np.uint8)
    for column, cells in enumerate(zip(*body, strict=True)):
        there = [cell.strip() for cell in cells if cell.strip() not in _MISSING]
        if header[column].lower() in _ALWAYS_TEXT or (there and not any(is_number(cell, decimal) for cell in there)):
            kinds[column] = TEXT
        elif not there and column == len(header) - 1 and not header[column]:
            kinds[column] = SKIP
    unique = len({row[0] for row in body}) == len(body)
    if kinds[0] == NUMBER and unique and all(row[0].strip().isdigit() for row in body) and _NAMED.match(header[0]):
        kinds[0] = TEXT
    return kinds


def _check_header(path: Path, header: list[str], raw: list[str], *, kinds: np.ndarray, decimal: str, line: int) -> None:
    """Stop where the first line holds values, or nothing names the rows."""
    numeric = np.flatnonzero(kinds == NUMBER)
    values = [header[c] for c in numeric if is_number(header[c], decimal)]
    whole = all(re.match(r"\d+$", v) for v in values) and len(set(values)) == len(values)
    if len(numeric) and len(values) == len(numeric) and not (whole and _NAMED.match(header[0].removeprefix("#"))):
        msg = (
            f"{path}, line {line} holds values ({first_three(raw)}), not names of columns; "
            "put a line with the names above it"
        )
        raise FormatError(msg)
    if len(numeric) and not (kinds == TEXT).any():
        msg = (
            f"{path}: no column names the rows, all {len(numeric)} hold numbers (the first is {header[0]!r}); "
            "write the row names as the first column, under the name id"
        )
        raise FormatError(msg)
