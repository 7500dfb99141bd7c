"""Delimited text with a header: where its columns are, and some of them as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow

from ...errors import FormatError, UnknownNameError, first_three
from .._budget import check_bytes
from ..sides._axis import gene_kin
from ..sides._notes import free
from ._lines import blocks, cut_line, head, lines
from ._signs import MISSING, is_number, signs

_COMMENTS = ("# ", "##", "#!")
_MOST_COMMENTS, _SEEN, _SIGNS = 300, 60, 20_000
# Text below this size is not counted; above it stands in memory in so many forms at once.
_FREE, _COPIES = 1 << 26, 4


@dataclass(frozen=True)
class Layout:
    """Header of a delimited text file.

    Attributes
    ----------
    path
        The file.
    columns
        Names in the header.
    separator
        Tab, comma, semicolon or blank.
    skip
        Lines up to and with the header.
    body
        Cells of the first rows.
    repeated
        Columns whose name stood before them already.
    """

    path: Path
    columns: tuple[str, ...]
    separator: str
    skip: int
    body: tuple[tuple[str, ...], ...] = ()
    repeated: int = 0

    @classmethod
    def of(cls, path: Path) -> Layout:
        """Read the header; names that repeat get a number behind them.

        Raises
        ------
        FormatError
            If the file holds no text, or no line that is not a comment.
        """
        first = head(path, _MOST_COMMENTS)
        skip = next((i for i, line in enumerate(first) if line.strip() and not line.startswith(_COMMENTS)), None)
        if skip is None:
            msg = f"{path} has no line that is not a comment"
            raise FormatError(msg)
        separator = next((s for s in ("\t", ",", ";") if s in first[skip]), " ")
        cells = [cell.removeprefix("#").strip() for cell in cut_line(first[skip], separator)]
        body = tuple(tuple(cut_line(line, separator)) for line in first[skip + 1 : skip + 1 + _SEEN] if line.strip())
        if body and all(len(row) == len(cells) + 1 for row in body):
            cells = ["", *cells]  # as R's write.table writes row names
        columns: list[str] = []
        for cell in cells:
            columns.append(free(cell, columns))
        return cls(path, tuple(columns), separator, skip + 1, body, repeated=len(cells) - len(set(cells)))

    def of_genes(self) -> str | None:
        """The column that has no name, as programs write row names, or the one that looks most as gene ids do."""
        if self.columns[0] == "":
            return ""
        found: dict[str, float] = {}
        for i, column in enumerate(self.columns):
            cells = [row[i] for row in self.body if i < len(row) and row[i] not in MISSING]
            kin = gene_kin(cells) if cells and not all(is_number(cell) for cell in cells) else None
            if kin is not None and not kin.kind.startswith("names such"):
                found[column] = kin.share
        return max(found, key=lambda column: found[column], default=None)

    def choose(self, role: str, asked: str | None, usual: Sequence[str]) -> str:
        """The column asked for, or the first of the usual ones (any case) that is there.

        Raises
        ------
        UnknownNameError
            If the column asked for is not there; says which may have been meant.
        FormatError
            If none was asked for and none of the usual ones is there; says what to type.
        """
        if asked is not None:
            if asked not in self.columns:
                raise UnknownNameError("column", asked, self.columns, where=str(self.path))
            return asked
        found = self.usual(usual)
        if found is None:
            msg = (
                f"{self.path}: cannot tell the {role} column among {first_three(map(repr, self.columns), n=8)}; "
                f"name it with {role}='...'"
            )
            raise FormatError(msg)
        return found

    def usual(self, names: Sequence[str]) -> str | None:
        """The first of `names` that is a column, in any case."""
        by_lower = {column.lower(): column for column in reversed(self.columns)}
        return next((by_lower[name.lower()] for name in names if name.lower() in by_lower), None)

    def read(self, columns: Mapping[str, str]) -> pd.DataFrame:
        """Some columns as text; `columns` has the name in the header by the new one.

        Raises
        ------
        FormatError
            If a row has not as many cells as the header, or the file is damaged further on.
        """
        place = {new: self.columns.index(old) for new, old in columns.items()}
        if self.separator == " ":
            return self._by_blanks(place)
        text = self._text()
        layout = arrow.ReadOptions(column_names=[str(i) for i in range(len(self.columns))])
        wanted = arrow.ConvertOptions(
            include_columns=sorted({str(i) for i in place.values()}),
            column_types={str(i): pa.string() for i in place.values()},
            strings_can_be_null=False,
        )
        if not text.strip():
            return pd.DataFrame({new: pd.Series([], dtype=object) for new in place})
        try:
            table = arrow.read_csv(pa.BufferReader(text), layout, arrow.ParseOptions(delimiter=self.separator), wanted)
        except pa.ArrowInvalid as error:
            msg = f"{self.path} is not a regular table: {str(error).strip()}"
            raise FormatError(msg) from error
        for column in table.columns:
            broken = compute.match_substring_regex(column, "[\r\n]")
            if compute.any(broken).as_py():
                row = compute.index(broken, True).as_py() + 1
                msg = f"{self.path}: a quote opened in data row {row} is not closed on its line"
                raise FormatError(msg)
        return pd.DataFrame({new: table[str(i)].to_pandas() for new, i in place.items()})

    def _text(self) -> bytes:
        """The rows as text, as long as they fit into memory several times."""
        size = 0
        found = []
        with blocks(self.path, skip=self.skip) as coming:
            for block in coming:
                size += len(block)
                if size > _FREE:
                    check_bytes(self.path, _COPIES * size, f"more than {size >> 20} MB of text")
                found.append(block)
        return b"".join(found)

    def _by_blanks(self, place: Mapping[str, int]) -> pd.DataFrame:
        rows: dict[str, list[str]] = {new: [] for new in place}
        size = 0
        with lines(self.path, skip=self.skip) as text:
            for number, line in enumerate(text, start=1):
                if not line.strip():
                    continue
                cells = cut_line(line, " ")
                if len(cells) != len(self.columns):
                    found = f"data row {number} has {len(cells)} cells for {len(self.columns)}"
                    msg = f"{self.path} is not a regular table: {found}"
                    raise FormatError(msg)
                size += len(line)
                if size > _FREE:
                    check_bytes(self.path, _COPIES * size, f"more than {size >> 20} MB of text")
                for new, i in place.items():
                    rows[new].append(cells[i])
        return pd.DataFrame(rows, dtype=object)


class Dropped:
    """A table that loses rows, every loss counted under its reason."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table
        self.account: dict[str, int] = {"rows": len(table)}

    def where(self, drop: pd.Series, reason: str) -> None:
        """Drop the marked rows."""
        self.account[reason] = int(drop.sum())
        if self.account[reason]:
            self.table = self.table[~drop]


def numbers(values: pd.Series, column: str, path: Path) -> pd.Series:
    """A column of text as numbers, NaN where it is empty.

    Raises
    ------
    FormatError
        If a cell is no finite number; names the first and its row.
    """
    decimal, thousands = signs(path, values.drop_duplicates().head(_SIGNS).str.strip().tolist())
    plain = values.str.replace(thousands, "", regex=False) if thousands else values
    plain = plain.str.replace(",", ".", regex=False) if decimal == "," else plain
    number = pd.to_numeric(plain, errors="coerce").astype(np.float64)
    bad = ~np.isfinite(number) & ~values.str.strip().isin(MISSING)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        msg = (
            f"{path}: column {column!r} holds {int(bad.sum())} cells that are no finite number, "
            f"the first {values.iloc[first]!r} in data row {first + 1}"
        )
        raise FormatError(msg)
    return number
