"""A matrix between two lists of names, as files hold it, on its way to samples x genes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._asked import NOTHING, Asked
from ._missing import NO_ID
from ._notes import as_column
from ._one_measure import of_one_measure
from ._orientation import GENES_IN_ROWS, Side, orient
from ._sides import Sides
from ._text import InMemory

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Grid"]


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
        way, why = orient(
            *sides, path=Path(str(self.path)), asked=GENES_IN_ROWS if self.fixed else self.asked.orientation
        )
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
            beside_samples=self.beside if genes_in_rows else frozenset(),
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
