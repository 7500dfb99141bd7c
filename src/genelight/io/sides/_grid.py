"""A matrix between two lists of names, as files hold it, on its way to samples x genes; and what names its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...errors import FormatError, first_three
from .._asked import NOTHING, Asked
from ..text._dialect import NAMED
from ..text._lines import InMemory
from ..text._measures import of_one_measure
from ..text._signs import NO_ID, is_number
from ._axis import gene_kin
from ._notes import as_column
from ._orientation import GENES_IN_ROWS, SAMPLES_IN_ROWS, Side, counted, orient
from ._sides import Sides

if TYPE_CHECKING:
    from anndata import AnnData

_SAMPLED = 2000


def choose_names(
    path: Path | InMemory, texts: Mapping[str, Sequence[str]], rows: int, *, columns: Sequence[str], way: str | None
) -> tuple[str | None, list[str], str]:
    """The column of text that names rows, its cells, and what had to be decided; None and numbers where none does.

    `columns` are those of numbers; `way` is where the genes are, as far as that is known.

    Raises
    ------
    FormatError
        If nothing names the rows, and they may be genes.
    """
    filled = {name: cells for name, cells in texts.items() if any(cell not in NO_ID for cell in cells)}
    if way == GENES_IN_ROWS:
        ranked = {name: (_gene_likeness(name, cells), _distinct(cells)) for name, cells in filled.items()}
        best = max(ranked, key=lambda name: ranked[name], default=None)
    else:
        best = _of_samples(filled, sure=way == SAMPLES_IN_ROWS)
    if best is not None:
        first = next(iter(texts))
        note = f"rows are named by column {best!r}" if best != first and best else ""
        return best, list(filled[best]), note
    if way == SAMPLES_IN_ROWS:
        return None, [f"row {i}" for i in range(1, rows + 1)], "no column names the rows, so they are numbered"
    msg = (
        f"{path}: no column names the rows, all {len(columns)} hold numbers (the first is {columns[0]!r}, of "
        f"{first_three(columns)}); write the row names as the first column, under the name id"
    )
    raise FormatError(msg)


def _gene_likeness(name: str, cells: Sequence[str]) -> float:
    """Share of cells that are ids of genes; numbers that only count, and text of one shape, are weaker."""
    there = [cell for cell in cells if cell not in NO_ID][:_SAMPLED]
    if not there or counted(there):
        return 0.0
    if all(is_number(cell) for cell in there):
        return 0.8 * _distinct(there) if NAMED.match(name) else 0.05
    # One word over and over, ctrl, is a gene's symbol in capitals.
    kin = gene_kin(list(dict.fromkeys(there)))
    if kin is None:
        return 0.1
    return round(kin.share, 1) if not kin.kind.startswith("names such") else 0.3


def _distinct(cells: Sequence[str]) -> float:
    return len(set(cells)) / max(1, len(cells))


def _of_samples(texts: Mapping[str, Sequence[str]], *, sure: bool) -> str | None:
    """The first column whose cells differ, one of names before one of numbers; else one that is called a name."""
    differ = [name for name, cells in texts.items() if len(set(cells)) == len(cells)]
    words = [name for name in differ if not all(is_number(cell) for cell in texts[name])]
    called = [name for name in differ if NAMED.match(name) and not (counted(list(texts[name])) and words)]
    first = next(iter(texts), None)
    if first in called or first in words:
        return first
    for found in (words, called):
        if found:
            return found[0]
    usual = [name for name, cells in texts.items() if NAMED.match(name) and _distinct(cells) >= 0.5]
    if usual:
        return usual[0]
    often = [name for name, cells in texts.items() if _distinct(cells) >= 0.8 and not is_number(cells[0])]
    return often[0] if often else (None if sure else first)


@dataclass(frozen=True)
class Grid:
    """A matrix between two lists of names.

    Attributes
    ----------
    path
        The file.
    values_rc
        Rows x columns.
    rows, columns
        Names along both sides.
    corner
        What the file writes above the row names, ``""`` for nothing.
    row_notes, column_notes
        Text about rows and about columns, by name.
    about
        What reading found out, for ``uns["read"]``.
    beside
        Columns before which one of text stands in the file: what is in doubt there stands among annotations.
    decimal
        How numbers among the text are written.
    asked
        What the user said of the table.
    fixed
        Whether the format says what a column is: one for each sample, genes in rows.
    """

    path: Path | InMemory
    values_rc: np.ndarray
    rows: list[str]
    columns: list[str]
    corner: str = ""
    row_notes: Mapping[str, Any] = field(default_factory=dict)
    column_notes: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    beside: frozenset[int] = frozenset()
    decimal: str = "."
    asked: Asked = NOTHING
    fixed: bool = False

    def adata(self) -> AnnData:
        """Samples x genes, the way told from evidence or by the user.

        Raises
        ------
        FormatError
            If the two ways are equally likely, or a sample has no name.
        InputError
            If a name may be a gene's or describe samples.
        UnknownNameError
            If an annotation that was named is not there.
        """
        import anndata

        sides = Side(self.rows, self.corner, tuple(self.row_notes)), Side(self.columns, notes=tuple(self.column_notes))
        way, why = orient(*sides, path=self.path, asked=GENES_IN_ROWS if self.fixed else self.asked.orientation)
        genes_in_rows = way == GENES_IN_ROWS
        x_ng = self.values_rc.T if genes_in_rows else self.values_rc
        samples, genes = (self.columns, self.rows) if genes_in_rows else (self.rows, self.columns)
        of_samples, of_genes = (
            (self.column_notes, self.row_notes) if genes_in_rows else (self.row_notes, self.column_notes)
        )
        there = {*self.rows, *self.columns, *self.row_notes, *self.column_notes, self.corner}
        self.asked.check(there, self.path)
        table = Sides(
            self.path,
            x_ng,
            samples,
            genes,
            {name: self._column(cells) for name, cells in of_samples.items() if _says(name, cells)},
            {name: self._column(cells) for name, cells in of_genes.items() if _says(name, cells)},
            beside_genes=frozenset() if genes_in_rows else self.beside,
            in_columns=genes_in_rows,
            asked=self.asked,
        )
        table = (table if self.fixed else of_one_measure(table)).parted()
        obs = pd.DataFrame(table.of_samples, index=pd.Index(table.samples, dtype=object))
        var = pd.DataFrame(table.of_genes, index=pd.Index(table.genes, dtype=object))
        told = "; ".join([*filter(None, [self.about.get("notes", "")]), *table.said])
        about = {**self.about, "notes": told, "orientation": way, "orientation_because": why}
        return anndata.AnnData(table.x_ng, obs=obs, var=var, uns={"read": about})

    def _column(self, cells: Any) -> Any:
        return cells if isinstance(cells, np.ndarray) else as_column(cells, decimal=self.decimal)


def _says(name: str, cells: Any) -> bool:
    """Whether a column is one: those behind the table that a spreadsheet saved have neither name nor cells."""
    return bool(name) or isinstance(cells, np.ndarray) or any(cell not in NO_ID for cell in cells)
