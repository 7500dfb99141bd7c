"""Excel workbooks: a sheet becomes delimited text, which is read as any other."""

from __future__ import annotations

import shlex
import zipfile
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ..errors import InputError, UnknownNameError, first_three
from ._csv import read_delimited
from ._read import READERS, Input, Options
from ._signs import is_number
from ._text import InMemory
from ._workbook import worksheets

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Workbook"]


@READERS.register("excel")
class Workbook:
    """a sheet of an Excel workbook."""

    suffixes: ClassVar[tuple[str, ...]] = (".xlsx", ".xlsm", ".xls")
    options: ClassVar[frozenset[str]] = frozenset({"orientation", "annotations", "column", "modality"})

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a file is a zip archive that holds a workbook, or an old workbook."""
        if given.start.startswith(b"\xd0\xcf\x11\xe0"):
            return True
        if not given.start.startswith(b"PK\x03\x04"):
            return False
        try:
            with zipfile.ZipFile(given.path) as archive:
                return "xl/workbook.xml" in archive.namelist()
        except (zipfile.BadZipFile, OSError):
            return False

    @staticmethod
    def read(given: Input, options: Options) -> AnnData:
        """The only sheet that holds numbers, or the one asked for; read as delimited text is.

        Raises
        ------
        FormatError
            If the workbook is damaged, or the sheet no regular table.
        InputError
            If several sheets hold numbers and none was named.
        UnknownNameError
            If there is no such sheet.
        """
        sheets = {name: rows for name, rows in worksheets(given.path).items() if any(map(any, rows))}
        name = _choose(given.path, sheets, options.modality)
        text = _as_text(sheets[name])
        about = {"format": f"Excel workbook, sheet {name!r}"}
        return read_delimited(InMemory(given.path, text), options, about=about)


def _choose(path: Path, sheets: dict[str, list[list[str]]], asked: str | None) -> str:
    if asked is not None:
        if asked not in sheets:
            raise UnknownNameError("sheet", asked, list(sheets), where=str(path))
        return asked
    tables = [name for name, rows in sheets.items() if sum(map(is_number, chain.from_iterable(rows))) > 1] or [*sheets]
    if not tables:
        msg = f"{path} holds no sheet that is not empty; save the table again"
        raise InputError(msg)
    if len(tables) > 1:
        file, name = shlex.quote(str(path)), shlex.quote(tables[0])
        msg = (
            f"{path} holds {len(tables)} sheets that are not empty ({first_three(tables, n=6)}); name one: "
            f"genelight read {file} --modality {name} --out cohort.h5ad"
        )
        raise InputError(msg)
    return tables[0]


def _as_text(rows: list[list[str]]) -> bytes:
    """Cells parted by tabs, in lines of equal length; empty rows and the empty columns behind the table left out."""
    texts = [[_quoted(cell) for cell in row] for row in rows if any(row)]
    width = max((i + 1 for row in texts for i, cell in enumerate(row) if cell), default=0)
    lines = ["\t".join((row + [""] * width)[:width]) for row in texts]
    return ("\n".join(lines) + "\n").encode()


def _quoted(cell: str) -> str:
    """A cell that holds quotation marks, between such."""
    return '"' + cell.replace('"', '""') + '"' if '"' in cell else cell
