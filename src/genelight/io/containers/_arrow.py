"""Parquet and Feather tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...errors import FormatError, first_three
from .._asked import Asked
from .._budget import check_room
from .._files import naming
from .._read import READERS, Input
from ..sides._grid import Grid, choose_names
from ..sides._orientation import Side
from ..text._dialect import told_way

if TYPE_CHECKING:
    import pyarrow as pa
    from anndata import AnnData


@READERS.register("parquet")
class Parquet:
    """Parquet, genes in rows or in columns."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")
    options: ClassVar[frozenset[str]] = frozenset({"orientation", "annotations", "column"})

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a file starts as Parquet does."""
        return given.start.startswith(b"PAR1")

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:
        """The table, with text columns in ``obs`` or ``var``.

        Raises
        ------
        FormatError
            If the file is damaged, or holds something else than a table of numbers with row names.
        """
        import pyarrow.parquet as pq

        with naming(given.path):
            about = pq.read_metadata(given.path)
            check_room(given.path, rows=about.num_rows, columns=about.num_columns)
            table = pq.read_table(given.path)
            grid = _grid(given.path, table, "Parquet", asked=asked)
        return grid.adata()


@READERS.register("feather")
class Feather:
    """Feather (Arrow), genes in rows or in columns."""

    suffixes: ClassVar[tuple[str, ...]] = (".feather", ".arrow")
    options: ClassVar[frozenset[str]] = frozenset({"orientation", "annotations", "column"})

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a file starts as Feather of either version does."""
        return given.start.startswith((b"ARROW1", b"FEA1"))

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:
        """The table, with text columns in ``obs`` or ``var``.

        Raises
        ------
        FormatError
            If the file is damaged, or holds something else than a table of numbers with row names.
        """
        from pyarrow import feather

        with naming(given.path):
            table = feather.read_table(given.path, memory_map=False)
            grid = _grid(given.path, table, "Feather", asked=asked)
        return grid.adata()


def _grid(path: Path, table: pa.Table, kind: str, *, asked: Asked) -> Grid:
    from pyarrow import types

    stamp = (table.schema.metadata or {}).get(b"genelight")
    if stamp:
        msg = f"{path} holds {json.loads(stamp).get('kind', 'a result')} that genelight wrote, not expression"
        raise FormatError(msg)
    numbers, texts = [], []
    for i, column in enumerate(table.schema):
        if types.is_integer(column.type) or types.is_floating(column.type) or types.is_null(column.type):
            numbers.append(i)
        elif types.is_nested(column.type) or types.is_binary(column.type):
            msg = f"{path}: column {column.name!r} is of type {column.type}, neither number nor text"
            raise FormatError(msg)
        else:  # text, and what is as good as text beside expression: truth values, dates
            texts.append(i)
    names = _names(path, table, texts)
    if names is None:
        msg = f"{path}: no column of text names the rows; write it with pandas' to_parquet(index=True)"
        raise FormatError(msg)
    numbers = [i for i in numbers if i != names]
    if not numbers:
        msg = f"{path} holds no column of numbers ({first_three(table.column_names, n=6)}); it is no expression table"
        raise FormatError(msg)
    values_rc = np.empty((table.num_rows, len(numbers)))
    for position, i in enumerate(numbers):
        values_rc[:, position] = table.column(i).to_numpy()
    notes = {table.column_names[i]: _texts(table.column(i)) for i in texts if i != names}
    rows = _texts(table.column(names))
    corner = "" if table.column_names[names].startswith("__index") else table.column_names[names]
    columns = [table.column_names[i] for i in numbers]
    return Grid(path, values_rc, rows, columns, corner, notes, about={"format": kind}, asked=asked)


def _names(path: Path, table: pa.Table, texts: list[int]) -> int | None:
    """The column that names the rows: pandas' own index, else the one of text that does it best."""
    index = (table.schema.pandas_metadata or {}).get("index_columns", [])
    if index and isinstance(index[0], str) and index[0] in table.column_names:
        return table.column_names.index(index[0])
    if not texts:
        return None
    found = {table.column_names[i]: _texts(table.column(i)) for i in texts}
    columns = [name for i, name in enumerate(table.column_names) if i not in texts]
    likely = max(found.values(), key=lambda cells: abs(Side(cells).geneness()[0]))
    name, _, _ = choose_names(path, found, table.num_rows, columns=columns, way=told_way(["", *columns], likely))
    return texts[0] if name is None else table.column_names.index(name)


def _texts(column: pa.ChunkedArray) -> list[str]:
    return ["" if cell is None else str(cell) for cell in column.to_pylist()]
