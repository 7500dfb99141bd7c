"""Delimited text: CSV, TSV and their relatives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..errors import FormatError, first_three
from ._cells import NUMBER, SKIP, TEXT, BadLine, Cells, parse
from ._dialect import Dialect, sniff
from ._foreign import check_expression
from ._grid import Grid
from ._read import READERS, Input, Options
from ._text import blocks, check_last_line, check_room

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Delimited", "grid_of", "rows_of"]


@READERS.register("csv")
class Delimited:
    """CSV or TSV, plain or gzip, genes in rows or in columns."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".txt", ".tab", ".csv.gz", ".tsv.gz", ".txt.gz", ".tab.gz")
    options: ClassVar[frozenset[str]] = frozenset({"orientation"})

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a file starts as text does, and as none of the formats that text readers know."""
        others = (entry.what for entry in READERS.show() if entry.what is not Delimited)
        return given.is_text and not any(other.recognises(given) for other in others)

    @staticmethod
    def read(given: Input, options: Options) -> AnnData:
        """The table as float64, with text columns in ``obs`` or ``var``.

        Raises
        ------
        FormatError
            If it is no regular table of numbers; names the line.
        """
        check_expression(given.path)
        dialect = sniff(given.path)
        if not (dialect.kinds == NUMBER).any():
            msg = f"{given.path} holds no column of numbers ({first_three(dialect.columns, n=6)}); it is no expression"
            raise FormatError(msg)
        check_last_line(given.path)
        return grid_of(dialect, rows_of(dialect, blocks(given.path, skip=dialect.skip))).adata(options.orientation)


def rows_of(dialect: Dialect, text: Iterable[bytes]) -> Iterator[Cells]:
    """Rows of a table, block by block, in bounded memory; ``line_r`` counts from the start of the file, from 1.

    Raises
    ------
    FormatError
        If a line does not fit; names it and the column.
    """
    before = dialect.skip
    for block in text:
        try:
            cells = parse(block, dialect.kinds, separator=dialect.separator, decimal=dialect.decimal)
        except BadLine as bad:
            column = f", column {dialect.columns[bad.column]!r}" if bad.column >= 0 else ""
            msg = f"{dialect.path}, line {before + bad.line + 1}{column}: {bad.problem}"
            raise FormatError(msg) from None
        yield Cells(cells.values_rc, cells.texts, cells.line_r + before + 1, cells.lines)
        before += cells.lines


def grid_of(dialect: Dialect, rows: Iterable[Cells], *, about: dict[str, str] | None = None) -> Grid:
    """All rows in memory, once.

    Raises
    ------
    FormatError
        If there are none.
    """
    matrix = _Growing(dialect.path, int((dialect.kinds == NUMBER).sum()))
    texts: list[list[str]] = [[] for _ in dialect.names(TEXT)]
    for cells in rows:
        matrix.append(cells.values_rc)
        for kept, new in zip(texts, cells.texts, strict=True):
            kept.extend(new)
    if not matrix.rows:
        msg = f"{dialect.path} has a header and no rows"
        raise FormatError(msg)
    corner, *notes = dialect.names(TEXT)
    told = {"format": "delimited text", "separator": dialect.separator, "decimal": dialect.decimal}
    skipped = dialect.names(SKIP)
    notes_told = [*dialect.notes, *(["an empty last column left out"] if skipped else [])]
    return Grid(
        dialect.path,
        matrix.whole(),
        texts[0],
        dialect.names(NUMBER),
        corner,
        dict(zip(notes, texts[1:], strict=True)),
        {**told, "notes": "; ".join(notes_told), **(about or {})},
    )


@dataclass
class _Growing:
    """A matrix that rows are added to, in hardly more memory than it needs."""

    path: Path
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
