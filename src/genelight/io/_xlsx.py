"""Excel workbooks: a sheet becomes delimited text, which is read as any other."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import FormatError, InputError, UnknownNameError, first_three
from ._budget import check_bytes
from ._csv import read_delimited
from ._hdf5 import damaged
from ._read import READERS, Input, Options
from ._text import InMemory

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Workbook"]

# What a cell takes as an object beside what it takes in the file, measured on sheets of numbers.
_TIMES = 6
_LARGEST_RATIO = 300


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
        """The only sheet that holds anything, or the one asked for; read as delimited text is.

        Raises
        ------
        FormatError
            If the workbook is damaged, or the sheet no regular table.
        InputError
            If several sheets hold something and none was named.
        UnknownNameError
            If there is no such sheet.
        """
        sheets = _sheets(given.path)
        name = _choose(given.path, sheets, options.modality)
        text = _as_text(sheets[name])
        about = {"format": f"Excel workbook, sheet {name!r}"}
        return read_delimited(InMemory(given.path, text), options, about=about)


def _sheets(path: Path) -> dict[str, list[list[Any]]]:
    """Sheets that hold anything, cell by cell."""
    from python_calamine import CalamineError, CalamineWorkbook

    _check_members(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        found = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except (CalamineError, OSError) as error:
        raise damaged(path, error) from error
    return {name: rows for name, rows in found.items() if any(any(cell != "" for cell in row) for row in rows)}


def _check_members(path: Path) -> None:
    """Stop where what the archive's parts unpack to does not fit into memory.

    Raises
    ------
    FormatError
        If it unpacks to repetition without end.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > _LARGEST_RATIO * path.stat().st_size + (1 << 24):
        msg = f"{path} unpacks to {size >> 20} MB of repetition; this is no table"
        raise FormatError(msg)
    check_bytes(path, _TIMES * size, f"{size >> 20} MB of sheets")


def _choose(path: Path, sheets: dict[str, list[list[Any]]], asked: str | None) -> str:
    if asked is not None:
        if asked not in sheets:
            raise UnknownNameError("sheet", asked, list(sheets), where=str(path))
        return asked
    if len(sheets) != 1:
        told = first_three(sheets, n=6) or "none"
        msg = f"{path} holds {len(sheets)} sheets that are not empty ({told}); say modality='...' (--modality SHEET)"
        raise InputError(msg)
    return next(iter(sheets))


def _as_text(rows: list[list[Any]]) -> bytes:
    """Cells parted by tabs, in lines of equal length; empty rows and the empty columns behind the table left out."""
    texts = [[_cell(cell) for cell in row] for row in rows]
    texts = [row for row in texts if any(row)]
    width = max((i + 1 for row in texts for i, cell in enumerate(row) if cell), default=0)
    lines = ["\t".join((row + [""] * width)[:width]) for row in texts]
    return ("\n".join(lines) + "\n").encode()


def _cell(cell: Any) -> str:
    """A cell as text, numbers to the last digit; text without what would part cells."""
    match cell:
        case bool():
            return str(cell)
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case float():
            return repr(cell)
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime() | date() | time() | timedelta():
            return str(cell)
    text = " ".join(str(cell).split())
    return '"' + text.replace('"', '""') + '"' if '"' in text else text
