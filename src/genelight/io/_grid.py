"""A matrix between two lists of names, as files hold it, on its way to samples x genes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import FormatError
from ._cells import MISSING
from ._orientation import GENES_IN_ROWS, Side, orient

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Grid"]

# Numbers that stand beside expression in one table, and describe a sample or a gene.
_OF_SAMPLES = frozenset(
    """
    age sex gender batch time hours hour day days week weeks visit bmi weight height label class target replicate
    survival status event timepoint dose plate
    """.split()  # noqa: SIM905 - a list of words
)
_OF_GENES = frozenset(
    """
    chr chrom chromosome length effective_length gc gene_id geneid entrez entrezid entrez_id
    entrezgene hgnc_id
    """.split()  # noqa: SIM905
)


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
    row_notes
        Text columns beside the numbers, by name, one cell per row.
    about
        What reading found out, for ``uns["read"]``.
    """

    path: Path
    values_rc: np.ndarray
    rows: list[str]
    columns: list[str]
    corner: str = ""
    row_notes: Mapping[str, list[str]] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    def adata(self, orientation: str | None) -> AnnData:
        """Samples x genes, the way told from evidence or by the user.

        Raises
        ------
        FormatError
            If the two ways are equally likely, or a sample has no name.
        """
        import anndata

        grid = self._named_by_text()
        sides = Side(grid.rows, grid.corner, tuple(grid.row_notes)), Side(grid.columns)
        way, why = orient(*sides, path=self.path, asked=orientation)
        x_rc, columns, notes = grid._without(_OF_GENES if way == GENES_IN_ROWS else _OF_SAMPLES)
        of_rows = pd.DataFrame({k: _plain(v) for k, v in notes.items()}, index=pd.Index(grid.rows, dtype=object))
        of_columns = pd.DataFrame(index=pd.Index(columns, dtype=object))
        x_ng, obs, var = (x_rc.T, of_columns, of_rows) if way == GENES_IN_ROWS else (x_rc, of_rows, of_columns)
        unnamed = [i for i, name in enumerate(obs.index) if not name]
        if unnamed:
            msg = f"{self.path}: {len(unnamed)} samples have no name, the first is number {unnamed[0] + 1}; name them"
            raise FormatError(msg)
        about = {**self.about, "orientation": way, "orientation_because": why}
        return anndata.AnnData(x_ng, obs=obs, var=var, uns={"read": about})

    def _named_by_text(self) -> Grid:
        """The same with rows that are only counted named by a text column that tells them apart."""
        count = [str(i) for i in range(len(self.rows) + 1)]
        if self.rows not in (count[:-1], count[1:]):
            return self
        name = next((n for n, cells in self.row_notes.items() if len(set(cells)) == len(cells)), None)
        if name is None:
            return self
        notes = {n: cells for n, cells in self.row_notes.items() if n != name}
        return replace(self, rows=self.row_notes[name], corner=name, row_notes=notes)

    def _without(self, described: frozenset[str]) -> tuple[np.ndarray, list[str], dict[str, object]]:
        """The matrix without number columns that describe rows, the names left, and every note on rows."""
        beside = [i for i, name in enumerate(self.columns) if name.lower() in described]
        notes: dict[str, object] = dict(self.row_notes)
        if not beside or len(beside) == len(self.columns):
            return self.values_rc, self.columns, notes
        notes |= {self.columns[i]: self.values_rc[:, i] for i in beside}
        keep = np.setdiff1d(np.arange(len(self.columns)), beside)
        return self.values_rc[:, keep], [self.columns[i] for i in keep], notes


def _plain(cells: object) -> object:
    """Text cells with the missing ones as such; anything else as it is."""
    if not isinstance(cells, list):
        return cells
    return [np.nan if cell in MISSING else cell for cell in cells]
