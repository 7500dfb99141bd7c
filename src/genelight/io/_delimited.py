"""Delimited text with a header: where its columns are, and some of them as text."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow

from ..errors import FormatError, UnknownNameError, first_three
from ._files import is_gzip, opened
from ._ids import is_empty

__all__ = ["Dropped", "Layout", "numbers"]

_COMMENTS = ("# ", "##", "#!")


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
    """

    path: Path
    columns: tuple[str, ...]
    separator: str
    skip: int

    @classmethod
    def of(cls, path: Path) -> Layout:
        """Read the header.

        Raises
        ------
        FormatError
            If the file holds no text, or no line that is not a comment.
        """
        skip = 0
        with opened(path) as handle:
            for line in handle:
                skip += 1
                if line.strip() and not line.startswith(_COMMENTS):
                    break
            else:
                msg = f"{path} has no line that is not a comment"
                raise FormatError(msg)
        separator = next((s for s in ("\t", ",", ";") if s in line), " ")
        cells = next(csv.reader([line.strip("\r\n")], delimiter=separator))
        return cls(path, tuple(cell.strip().removeprefix("#") for cell in cells), separator, skip)

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
        """Some columns as text, under new names.

        Parameters
        ----------
        columns
            From new name to name in the header.

        Raises
        ------
        FormatError
            If a row has not as many cells as the header, or the file is damaged further on.
        """
        position = {new: str(self.columns.index(old)) for new, old in columns.items()}
        layout = arrow.ReadOptions(skip_rows=self.skip, column_names=[str(i) for i in range(len(self.columns))])
        wanted = arrow.ConvertOptions(
            include_columns=sorted(set(position.values())),
            column_types=dict.fromkeys(position.values(), pa.string()),
            strings_can_be_null=False,
        )
        try:
            with pa.input_stream(self.path, compression="gzip" if is_gzip(self.path) else None) as stream:
                table = arrow.read_csv(stream, layout, arrow.ParseOptions(delimiter=self.separator), wanted)
        except (pa.ArrowInvalid, OSError) as error:
            msg = f"{self.path} is not a regular table: {str(error).strip()}"
            raise FormatError(msg) from error
        for column in table.columns:
            broken = compute.match_substring_regex(column, "[\r\n]")
            if compute.any(broken).as_py():
                row = compute.index(broken, True).as_py() + 1
                msg = f"{self.path}: a quote opened in data row {row} is not closed on its line"
                raise FormatError(msg)
        return pd.DataFrame({new: table[old].to_pandas() for new, old in position.items()})


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
    number = pd.to_numeric(values, errors="coerce").astype(np.float64)
    bad = ~np.isfinite(number) & ~is_empty(values.str.strip())
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        msg = (
            f"{path}: column {column!r} holds {int(bad.sum())} cells that are no finite number, "
            f"the first {values.iloc[first]!r} in data row {first + 1}"
        )
        raise FormatError(msg)
    return number
