"""GCT tables of the Broad Institute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from ...errors import FormatError
from .._asked import Asked
from .._read import READERS, Input, check_once
from ..sides._notes import as_column
from ._csv import grid_of, rows_of
from ._dialect import Dialect
from ._lines import BOM, blocks, check_last_line, cut_line, head
from ._signs import NUMBER, TEXT

if TYPE_CHECKING:
    from anndata import AnnData


@READERS.register("gct")
class Gct:
    """GCT 1.2 and 1.3, plain or gzip."""

    suffixes: ClassVar[tuple[str, ...]] = (".gct", ".gct.gz")
    options: ClassVar[frozenset[str]] = frozenset({"annotations"})

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a file starts with GCT's version."""
        return given.start.removeprefix(BOM).startswith((b"#1.2", b"#1.3"))

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:
        """Samples x genes; what stands beside genes in ``var``, above samples in ``obs``.

        Raises
        ------
        FormatError
            If the file is cut short or damaged, or its second line and its size differ.
        """
        path = given.path
        check_last_line(path)
        rows, columns, beside, above = _size(path)
        lines = [cut_line(line, "\t") for line in head(path, 3 + above)[2:]]
        width = 1 + beside + columns
        odd = next((i for i, cells in enumerate(lines) if len(cells) != width), None)
        if odd is not None or len(lines) != 1 + above:
            found = len(lines[odd]) if odd is not None else 0
            msg = f"{path}, line {3 + (odd or 0)}: {found} cells where line 2 makes {width}"
            raise FormatError(msg)
        check_once(lines[0][1 + beside :], path)
        kinds = np.array([TEXT] * (1 + beside) + [NUMBER] * columns, np.uint8)
        dialect = Dialect(path, "\t", ".", 3 + above, tuple(lines[0]), kinds)
        with blocks(path, skip=dialect.skip) as text:
            grid = grid_of(dialect, rows_of(dialect, text), about={"format": "GCT"})
        if len(grid.rows) != rows:
            msg = f"{path} is truncated or damaged: {len(grid.rows)} rows where its second line says {rows}"
            raise FormatError(msg)
        adata = replace(grid, fixed=True, asked=asked).adata()
        typed = {cells[0]: as_column(cells[1 + beside :]) for cells in lines[1:]}
        adata.obs = pd.DataFrame(typed, index=pd.Index(lines[0][1 + beside :], dtype=object)).loc[adata.obs_names]
        return adata


def _size(path: Path) -> tuple[int, int, int, int]:
    """Rows, columns, text columns beside the genes' names and lines above the values."""
    lines = head(path, 2)
    cells = lines[1].split() if len(lines) > 1 else []
    wanted = 2 if lines[0].startswith("#1.2") else 4
    if len(cells) != wanted or not all(cell.isdecimal() and len(cell) < 12 for cell in cells):
        msg = f"{path}, line 2: GCT {lines[0][1:4]} needs {wanted} whole numbers there, not {' '.join(cells)[:60]!r}"
        raise FormatError(msg)
    sizes = [int(cell) for cell in cells]
    return (sizes[0], sizes[1], 1, 0) if wanted == 2 else (sizes[0], sizes[1], sizes[2], sizes[3])
