"""Delimited text: CSV, TSV and their relatives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...errors import FormatError, GenelightError, first_three
from .._asked import NOTHING, Asked
from .._budget import check_bytes, check_room
from .._read import READERS, Input
from ..priors._foreign import check_expression
from ..sides._grid import Grid, choose_names
from ..sides._notes import free
from ..sides._orientation import sheet_instead
from ._cells import BadLine, Cells, parse
from ._dialect import Dialect, sniff
from ._lines import InMemory, blocks, check_last_line, cut_line, head, lines, with_whole_cells
from ._long import pivoted
from ._signs import MISSING, NUMBER, TEXT, how_to_mend, is_of_units, may_be_number, without_line

if TYPE_CHECKING:
    from anndata import AnnData

_MOST_RETRIES, _MOST_FOOTERS = 60, 20
# What a cell of text takes beside its letters.
_TEXT_BYTES = 60
# Less text than this is not counted.
_TEXT_FREE = 1 << 24


class CellError(FormatError):
    """A cell or line that does not fit: its line, counted from 1, and its column, -1 where it is the line."""

    def __init__(self, msg: str, line: int, column: int) -> None:
        self.line, self.column = line, column
        super().__init__(msg)


@READERS.register("csv")
class Delimited:
    """CSV or TSV, plain or gzip, genes in rows or in columns."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".txt", ".tab", ".csv.gz", ".tsv.gz", ".txt.gz", ".tab.gz")
    options: ClassVar[frozenset[str]] = frozenset({"orientation", "annotations", "column"})

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a file starts as text does, and as none of the formats that text readers know."""
        others = (entry.what for entry in READERS.show() if entry.what is not Delimited)
        return given.is_text and not any(other.recognises(given) for other in others)

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:
        """The table as float64, with text columns in ``obs`` or ``var``.

        Raises
        ------
        FormatError
            If it is no regular table of numbers; names the line.
        """
        return read_delimited(given.path, asked)


def read_delimited(path: Path | InMemory, asked: Asked, *, about: dict[str, str] | None = None) -> AnnData:
    """The table of a text file, or of text that was made of a file of another kind.

    Raises
    ------
    FormatError
        If it is no regular table of numbers; names the line.
    """
    try:
        return _read(path, asked, about=about)
    except FormatError:
        whole = None
        if isinstance(path, Path):
            with suppress(GenelightError):  # what is wrong with the file was found before
                whole = with_whole_cells(path)
        if whole is None:
            raise
    check_last_line(path)
    return _read(whole, asked, about=about, notes=("line breaks within quoted cells taken for blanks",))


def _mended(dialect: Dialect) -> str:
    """What to type where all cells hold numbers that no program reads; empty where they do not."""
    first = head(dialect.path, dialect.skip + 1)[dialect.skip :]
    cells = [cell for line in first for cell in cut_line(line, dialect.separator, exact=True)]
    advice = {cell: how_to_mend(dialect.path, cell) for cell in cells}
    odd = [cell for cell in cells if advice[cell]]
    if len(odd) < 0.5 * len(cells):
        return ""
    return f"{dialect.path} holds no column of plain numbers: {odd[0]!r} is none{advice[odd[0]]}"


def _read(path: Path | InMemory, asked: Asked, *, about: dict[str, str] | None, notes: tuple[str, ...] = ()) -> AnnData:
    check_expression(path)
    dialect = sniff(path, asked=asked)
    dialect = replace(dialect, notes=(*dialect.notes, *notes))
    if not (dialect.kinds == NUMBER).any():
        shown = first_three(dialect.columns, n=6)
        msg = f"{path} holds no column of numbers ({shown}); it is no expression; {sheet_instead(path)}"
        raise FormatError(_mended(dialect) or msg)
    check_last_line(path)
    for _ in range(_MOST_RETRIES):
        try:
            with blocks(path, skip=dialect.skip) as text:
                return grid_of(dialect, rows_of(dialect, text), about=about, asked=asked).adata()
        except CellError as error:
            with lines(path) as text_lines:
                rest = list(islice(text_lines, error.line - 1, error.line + _MOST_FOOTERS))
            cells = cut_line(rest[0], dialect.separator, exact=True) if rest else []
            if error.column < 0:
                better = _without_footers(dialect, error.line, rest) if len(rest) <= _MOST_FOOTERS else None
            else:
                better = dialect.without(error.line, error.column, cells)
            if better is None:
                numbers = [cells[i] for i in dialect.places(NUMBER) if i < len(cells)]
                if error.column >= 0 and is_of_units(numbers):
                    msg = f"{error}{without_line(path, error.line)}"
                    raise CellError(msg, error.line, error.column) from None
                raise
            dialect = better
    msg = f"{path}: more than {_MOST_RETRIES} columns or lines hold text among numbers; remove them from the table"
    raise FormatError(msg)


def _without_footers(dialect: Dialect, line: int, rest: Sequence[str]) -> Dialect | None:
    """The same without what is said below the table: words, not a row that ends too early."""
    told = {number: text.strip() for number, text in enumerate(rest, line) if text.strip()}
    if not told:
        return None
    for text in told.values():
        cells = [cell for cell in cut_line(text, dialect.separator, exact=True) if cell]
        is_said = cells and (" " in cells[0] or not cells[0][0].isalnum())
        is_open = text.count('"') % 2
        if not is_said or is_open or len(cells) == len(dialect.columns) or any(map(may_be_number, cells)):
            return None
    first = " ".join(next(iter(told.values()))[:40].split())
    note = f"{len(told)} {'line' if len(told) == 1 else 'lines'} below the table passed over ({first})"
    return replace(dialect, aside=dialect.aside | frozenset(told), notes=(*dialect.notes, note))


def rows_of(dialect: Dialect, text: Iterable[bytes]) -> Iterator[Cells]:
    """Rows of a table, block by block, in bounded memory.

    Raises
    ------
    FormatError
        If a line does not fit; names it and the column.
    """
    before = dialect.skip
    last = max(dialect.aside, default=0)
    for block in text:
        read = _blanked(block, before, dialect.aside) if before < last else block
        try:
            cells = parse(
                read,
                dialect.kinds,
                separator=dialect.separator,
                decimal=dialect.decimal,
                thousands=dialect.thousands,
            )
        except BadLine as bad:
            column = f", column {dialect.columns[bad.column]!r}" if bad.column >= 0 else ""
            line = before + bad.line + 1
            advice = how_to_mend(dialect.path, bad.cell) if column else "; mend or remove that line"
            msg = f"{dialect.path}, line {line}{column}: {bad.problem}{advice}"
            raise CellError(msg, line, bad.column) from None
        yield cells
        before += cells.lines


def _blanked(block: bytes, before: int, aside: frozenset[int]) -> bytes:
    """A block with some lines emptied, which keeps the numbers of the others."""
    there = block.split(b"\n")
    return b"\n".join(b"" if before + i + 1 in aside else line for i, line in enumerate(there))


def grid_of(
    dialect: Dialect, rows: Iterable[Cells], *, about: dict[str, str] | None = None, asked: Asked = NOTHING
) -> Grid:
    """All rows in memory, once.

    Raises
    ------
    FormatError
        If there are none.
    """
    path = dialect.path
    matrix = _Growing(path, int((dialect.kinds == NUMBER).sum()))
    places = dialect.places(TEXT)
    cells_of: list[list[str]] = [[] for _ in places]
    size = 0
    for cells in rows:
        matrix.append(cells.values_rc)
        for kept, new in zip(cells_of, cells.texts, strict=True):
            kept.extend(new)
            size += sum(map(len, new)) + _TEXT_BYTES * len(new)
        check_bytes(path, size + matrix.rows * matrix.columns * 8 if size > _TEXT_FREE else 0, "its text")
    if not matrix.rows:
        msg = f"{path} has a header and no rows"
        raise FormatError(msg)
    columns = dialect.names(NUMBER)
    texts: dict[str, list[str]] = {}
    empty = 0
    for place, kept in zip(places, cells_of, strict=True):
        if place > 0 and not dialect.columns[place] and all(cell in MISSING for cell in kept):
            empty += 1
            continue
        texts[free(dialect.columns[place], texts)] = kept
    noted = [*dialect.notes, *[f"{empty} empty columns left out"] * bool(empty)]
    told = {"format": "delimited text", "separator": dialect.separator, "decimal": dialect.decimal, **(about or {})}
    long = pivoted(path, texts, matrix.whole(), columns=columns, asked=asked.column)
    if long is not None:
        values_rc, samples, genes, of_samples, of_genes, note = long
        about_it = {**told, "notes": "; ".join([*noted, note])}
        # What was asked for is among the values already.
        rest = replace(asked, column=None)
        return Grid(path, values_rc, samples, genes, "sample", of_samples, of_genes, about_it, asked=rest)
    names, named, note = choose_names(path, texts, matrix.rows, columns=columns, way=dialect.way)
    notes = {name: kept for name, kept in texts.items() if name != names}
    number = dialect.places(NUMBER)
    beside = frozenset(
        i
        for i, place in enumerate([*number, len(dialect.columns)])
        if place > 0 and dialect.kinds[place - 1] == TEXT and dialect.columns[place - 1] in notes
    )
    said = "; ".join(filter(None, [*noted, note]))
    return Grid(
        path,
        matrix.whole(),
        named,
        columns,
        names or "",
        notes,
        _lifted(dialect),
        {**told, "notes": said},
        beside=beside,
        decimal=dialect.decimal,
        asked=asked,
    )


def _lifted(dialect: Dialect) -> dict[str, list[str]]:
    """What lines set aside say of each column of numbers, by the first cell of each."""
    if not dialect.aside:
        return {}
    found: dict[str, list[str]] = {}
    with lines(dialect.path) as text:
        aside = [(n, line) for n, line in enumerate(islice(text, max(dialect.aside)), start=1) if n in dialect.aside]
    for number, line in aside:
        cells = cut_line(line, dialect.separator, exact=True)
        if len(cells) != len(dialect.columns):
            continue
        name = next((cells[i] for i in dialect.places(TEXT) if i < len(cells) and cells[i]), f"line {number}")
        found[free(name, found)] = [cells[i] for i in dialect.places(NUMBER)]
    return found


@dataclass
class _Growing:
    """A matrix that rows are added to, in hardly more memory than it needs."""

    path: Path | InMemory
    columns: int
    rows: int = 0

    def __post_init__(self) -> None:
        self._values = np.empty((64, self.columns))

    def append(self, values_rc: np.ndarray) -> None:
        """Add rows at the end."""
        rows = self.rows + len(values_rc)
        if rows > len(self._values):
            check_room(self.path, rows=rows, columns=self.columns)
            # Reallocation moves pages instead of copying them, where a new array would need both at once; what is
            # added is filled with zeros, so that little is added at a time.
            self._values.resize((rows + rows // 8, self.columns), refcheck=False)
        self._values[self.rows : rows] = values_rc
        self.rows = rows

    def whole(self) -> np.ndarray:
        """Every row; the matrix grows no more."""
        self._values.resize((self.rows, self.columns), refcheck=False)
        return self._values
