"""How a delimited table is written: separator, decimal sign, comments, header, which columns are numbers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ...errors import FormatError, first_three
from .._asked import NOTHING, Asked
from ..sides._axis import NO_ID, SURE, SYMBOLS, Kin, gene_kin, sample_kin
from ..sides._orientation import GENES_IN_ROWS, SAMPLES_IN_ROWS, Side
from ._lines import InMemory, converted, cut_line, head
from ._measures import measures_of
from ._signs import MISSING, NUMBER, TEXT, is_limit, is_number, may_be_number, signs
from ._signs import NO_ID as NO_ID_WORDS

_LINES = 60
_CELLS = 50_000
_SEPARATORS = ("\t", ";", ",", "|", " ")
_WORDS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", " ": "blanks"}
_MISSING = frozenset(MISSING)
_PARTING = {",": "commas", ".": "points", "'": "apostrophes", "\u2019": "apostrophes"}
_AS_AWK = {"\t": "\\t"}
_MOST_TITLES = 10
# What stands above a column of names.
NAMED = re.compile(
    r"(|(.*(\b|_))?(id|ids|ref|name|names|gene|genes|geneid|symbol|probe|probes|probeset|feature|features|sample|"
    r"samples|run|subject|patient|donor|case|barcode|cell|cells|index|rownames|row\.names|accession|entrez|entrezid|"
    r"ensembl|unnamed: 0|gsm|transcript|protein|target))$",
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
        For each column ``TEXT``, ``NUMBER`` or ``SKIP``.
    notes
        What had to be understood, in words: comments passed over, a header one cell short.
    thousands
        What parts thousands, ``""`` for nothing.
    aside
        Lines, counted from 1, that hold text about each column: a row of diagnoses under the header.
    kin
        How sure each column's name is an id as the others are; None where that cannot be told.
    way
        Where the genes are, as far as names say so.
    """

    path: Path | InMemory
    separator: str
    decimal: str
    skip: int
    columns: tuple[str, ...]
    kinds: np.ndarray
    notes: tuple[str, ...] = ()
    thousands: str = ""
    aside: frozenset[int] = frozenset()
    kin: Kin | None = None
    way: str | None = None
    row_names: Sequence[str] = field(default=(), repr=False)

    def names(self, kind: int) -> list[str]:
        """Names of the columns of a kind, in order."""
        return [name for name, k in zip(self.columns, self.kinds, strict=True) if k == kind]

    def places(self, kind: int) -> list[int]:
        """Positions of the columns of a kind."""
        return np.flatnonzero(self.kinds == kind).tolist()

    def without(self, line: int, column: int, cells: Sequence[str]) -> Dialect | None:
        """The same after a cell that is no number: its column is text, or its line set aside, where names allow it.

        Lines count from 1; `cells` are all of the line, `column` is the position of this one.
        """
        if self.kin is not None and self.kin.level[column] != SURE:
            kinds = self.kinds.copy()
            kinds[column] = TEXT
            return replace(self, kinds=kinds)
        if len(cells) != len(self.columns) or not self.names(TEXT):
            return None
        there = [cells[i] for i in self.places(NUMBER) if cells[i] not in _MISSING]
        text = sum(not is_number(cell, self.decimal, self.thousands) for cell in there)
        name = next((cells[i] for i in self.places(TEXT) if cells[i]), "")
        # A sample's name may be unlike the others', so most of its cells must speak too.
        if (self.way == GENES_IN_ROWS or text > 0.5 * len(there)) and _is_no_id(name, self.row_names, self.way):
            return replace(self, aside=self.aside | {line})
        return None


def sniff(path: Path | InMemory, *, asked: Asked = NOTHING) -> Dialect:
    """Find out how a delimited table is written, from its first lines and from what a user said of it.

    Raises
    ------
    FormatError
        If the lines do not make a table of numbers with a header and row names; says which line and why.
    """
    lines = head(path, _LINES)
    first, comments = _first_line(lines)
    if len([line for line in lines[first:] if line.strip()]) < 2:
        msg = f"{path} has {'a header and no rows' if lines[first:] else 'no line that is not a comment'}"
        raise FormatError(msg)
    separator, rows, numbers, notes = _split(path, lines[first:], first)
    header = [cell.strip() for cell in rows[0]]
    if len(header) == len(rows[1]) - 1:
        header = ["", *header]
        notes.append(f"the header (line {numbers[0]}) names one column fewer: the first holds row names")
    body = rows[1 : 1 + max(2, _CELLS // len(header))]
    decimal, thousands = signs(path, [cell for row in body for cell in row])
    kinds, aside = _kinds(header, body, decimal=decimal, thousands=thousands)
    texts = _text_columns(body, kinds, aside)
    # Names look most as ids of genes or names of samples do; those of samples differ.
    names = max(texts, key=lambda cells: abs(Side(cells).geneness()[0]), default=[])
    way = asked.orientation or told_way(header, names)
    if way == SAMPLES_IN_ROWS:
        names = next((cells for cells in texts if len(set(cells)) == len(cells)), texts[0] if texts else [])
    kin = None if asked.closed else _kin(header, kinds, way)
    # Names as the others' are of samples or genes, whatever their first cells hold.
    _check_header(path, header, rows[0], kinds=kinds, decimal=decimal, line=numbers[0], separator=separator)
    if kin is not None:
        kinds[(kin.level == NO_ID) & (kinds == NUMBER)] = TEXT
        _check_text(path, header, body, kinds=kinds, kin=kin)
    kinds[[i for i, column in enumerate(header) if column in asked.named]] = TEXT
    header[0] = header[0].removeprefix("#").strip()
    notes += [f"{comments} comment lines passed over"] * bool(comments)
    if thousands:
        notes.append(f"{_PARTING.get(thousands, 'blanks')} part thousands")
    lifted = frozenset(numbers[1 + i] for i in aside if _is_no_id(_name_of(body[i], kinds), names, way))
    return Dialect(
        path,
        separator,
        decimal,
        numbers[0],
        tuple(header),
        kinds,
        tuple(notes),
        thousands=thousands,
        aside=lifted,
        kin=kin,
        way=way,
        row_names=tuple(names),
    )


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


def _split(path: Path | InMemory, lines: list[str], before: int) -> tuple[str, list[list[str]], list[int], list[str]]:
    """The separator under which lines have equally many cells, the cells, the number of each line, and titles."""
    numbered = [(before + i + 1, line) for i, line in enumerate(lines) if line.strip()]
    ragged: tuple[int, str, list[list[str]]] = (1, "", [])
    fitting: list[tuple[float, str, list[list[str]], int]] = []
    for separator in _SEPARATORS:
        if separator not in numbered[-1][1]:
            continue
        rows = [cut_line(line, separator, exact=True) for _, line in numbered]
        widths = [len(row) for row in rows]
        titles = _titles(rows)
        if titles is not None:
            fitting.append((_numeric(rows[titles + 1 :]), separator, rows, titles))
            continue
        usual = max(set(widths), key=widths.count)
        if usual > 1 and (not ragged[1] or widths.count(usual) > ragged[0]):
            ragged = (widths.count(usual), separator, rows)
    if fitting:
        # A comma may be the decimal sign of a table that bars part: the separator that leaves most numbers is the one.
        _, separator, rows, titles = max(fitting, key=lambda fit: fit[0])
        notes = [f"{titles} lines above the header passed over ({' '.join(numbered[0][1][:40].split())})"] * bool(
            titles
        )
        return separator, rows[titles:], [number for number, _ in numbered[titles:]], notes
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


def _numeric(rows: list[list[str]]) -> float:
    """Share of cells that are numbers with either decimal sign, or missing."""
    cells = [cell for row in rows[:20] for cell in row[:200]]
    return round(sum(may_be_number(cell) or cell in _MISSING or is_limit(cell) for cell in cells) / len(cells), 3)


def _titles(rows: list[list[str]]) -> int | None:
    """How many lines stand above the header; None where the others do not make a table."""
    for titles in range(min(_MOST_TITLES, len(rows) - 2) + 1):
        widths = [len(row) for row in rows[titles:]]
        filled = [sum(map(bool, row)) for row in rows[titles : titles + 2]]
        # Merged cells of a sheet leave all but the first empty; names stand below, where no number does.
        is_head = 2 * filled[0] < filled[1] and not any(map(may_be_number, rows[titles + 1]))
        is_title = widths[1] > 2 and (filled[0] < 2 <= filled[1] or is_head)
        if len(set(widths[1:])) == 1 and widths[1] > 1 and widths[1] - widths[0] in (0, 1) and not is_title:
            return titles
        if not is_head and (filled[0] > 2 or widths[0] > 2 > filled[0] + 1):
            return None
    return None


def _kinds(header: list[str], body: list[list[str]], *, decimal: str, thousands: str) -> tuple[np.ndarray, list[int]]:
    """Text where no cell is a number and some cell is there; and the rows that hold text about each column."""
    cells = np.array(body, dtype=object)
    number = np.array([[is_number(cell, decimal, thousands) for cell in row] for row in body])
    there = np.array([[cell not in _MISSING for cell in row] for row in body])
    text = there & ~number
    mixed = number.any(0)
    # A row without a number, where columns of numbers are: it says something of each column.
    aside = [] if mixed.sum() < 2 else np.flatnonzero(text[:, mixed].any(1) & ~number[:, mixed].any(1)).tolist()
    kept = np.setdiff1d(np.arange(len(body)), aside)
    # Inf is a number among numbers; among text it is what a program made of a missing id.
    real = number & np.array([[cell not in NO_ID_WORDS for cell in row] for row in body])
    kinds = np.where(text[kept].any(0) & ~real[kept].any(0), TEXT, NUMBER).astype(np.uint8)
    kinds[[not name and not any_there for name, any_there in zip(header, np.atleast_1d(there.any(0)), strict=True)]] = (
        TEXT
    )
    whole = [c for c in np.flatnonzero(kinds == NUMBER) if NAMED.match(header[c].removeprefix("#"))]
    if whole and (kin := gene_kin(header[1:])) is not None and kin.kind == SYMBOLS:  # IDS is a gene among genes
        whole = [c for c in whole if not c or kin.level[c - 1] != SURE]
    whole = [c for c in whole if all(re.match(r"\d+(\.0*)?$", x) or x in _MISSING for x in cells[kept, c])]
    if len(whole) < 0.5 * max(2, len(header)):
        kinds[[c for c in whole if header[c] or c == 0]] = TEXT
    return kinds, aside


def _text_columns(body: list[list[str]], kinds: np.ndarray, aside: list[int]) -> list[list[str]]:
    """Cells of each column of text, without the rows set aside; none where no row is left."""
    kept = [row for i, row in enumerate(body) if i not in set(aside)]
    return [[row[c] for row in kept] for c in np.flatnonzero(kinds == TEXT)] if kept else []


def told_way(header: list[str], names: Sequence[str]) -> str | None:
    """Where genes are, as far as the names of the first rows and columns say so."""
    if not names:
        return SAMPLES_IN_ROWS if Side(header).geneness()[0] > 0 else None
    r, c = Side(names).geneness()[0], Side([name for name in header[1:] if name] or header).geneness()[0]
    if abs(r - c) < 0.3:
        return None
    return GENES_IN_ROWS if r > c else SAMPLES_IN_ROWS


def _kin(header: list[str], kinds: np.ndarray, way: str | None) -> Kin | None:
    """How sure each column's name is an id as the others are."""
    if way is None:
        return None
    named = [i for i, name in enumerate(header) if name]
    names = [header[i] for i in named]
    voting = [j for j, i in enumerate(named) if kinds[i] == NUMBER]
    kin = sample_kin(names, voting=voting) if way == GENES_IN_ROWS and voting else gene_kin(names)
    if kin is None:
        return None
    level = np.full(len(header), NO_ID, np.int8)
    level[named] = kin.level
    if not (level[kinds == NUMBER] == SURE).any():
        return None
    return replace(kin, level=level)


def _name_of(row: list[str], kinds: np.ndarray) -> str:
    return next((row[i] for i in np.flatnonzero(kinds == TEXT) if row[i]), "")


def _is_no_id(name: str, names: Sequence[str], way: str | None) -> bool:
    """Whether a row's name is no id as those of the other rows are."""
    others = [n for n in names if n and n != name]
    kin = (gene_kin if way == GENES_IN_ROWS else sample_kin)([*others, name]) if name and way else None
    return kin is not None and bool(kin.level[-1] < SURE)


def _check_text(
    path: Path | InMemory, header: list[str], body: list[list[str]], *, kinds: np.ndarray, kin: Kin
) -> None:
    """Stop where a column that is named as the samples or genes are holds text."""
    found = measures_of(header)
    text = {header[i] for i in np.flatnonzero(kinds == TEXT)}
    calls = {name for names in found.columns.values() if text.issuperset(names) for name in names} if found else set()
    for column in np.flatnonzero((kinds == TEXT) & (kin.level == SURE)):
        if header[column] in calls:
            continue
        cells = [row[column] for row in body if row[column] not in _MISSING]
        if not cells or (column == 0 and not (kinds[1:] == TEXT).any()) or NAMED.match(header[column]):
            continue
        shown = ", ".join(map(repr, cells[:3]))
        if not (kinds[kin.level < SURE] == TEXT).any():
            continue
        msg = (
            f"{path}: column {header[column]!r} is named as the others are ({kin.kind}), but holds {shown} instead of "
            f"numbers; write numbers there, or remove the column"
        )
        raise FormatError(msg)


def _check_header(
    path: Path | InMemory,
    header: list[str],
    raw: list[str],
    *,
    kinds: np.ndarray,
    decimal: str,
    line: int,
    separator: str,
) -> None:
    """Stop where the first line holds values."""
    numeric = np.flatnonzero(kinds == NUMBER)
    values = [header[c] for c in numeric if is_number(header[c], decimal)]
    whole = all(re.match(r"\d+$", v) for v in values) and len(set(values)) == len(values)
    if len(numeric) and len(values) == len(numeric) and not (whole and NAMED.match(header[0].removeprefix("#"))):
        between, how = _AS_AWK.get(separator, separator), ""
        if isinstance(path, Path):
            names = f'printf "id"; for (i = 1; i < {len(raw)}; i++) printf "{between}S%d", i; print ""'
            numbering = "awk " + shlex.quote(f"NR == {line} {{{names}}} 1")
            how = f", as this does: {converted(path, numbering, name='named', what='')}"
        msg = (
            f"{path}, line {line} holds values ({first_three(raw)}), not names of columns; put a line with the names "
            f"above it{how}"
        )
        raise FormatError(msg)
