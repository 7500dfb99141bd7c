"""Excel workbooks as rows of text, for tables and sample sheets alike."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ..errors import FormatError
from ._budget import check_bytes
from ._files import describe

__all__ = ["worksheets"]

# What a cell takes as an object beside what it takes in the file, measured on sheets of numbers.
_TIMES = 6
_LARGEST_RATIO = 300


def worksheets(path: Path) -> dict[str, list[list[str]]]:
    """Every worksheet by its name, cell by cell as it is shown.

    Raises
    ------
    FormatError
        If it cannot be read as a workbook, or unpacks to repetition without end.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    _check_members(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        sheets = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except (CalamineError, OSError) as error:
        msg = f"{path} is {describe(path)} that cannot be read ({error}); save it again as .xlsx or .csv"
        raise FormatError(msg) from error
    return {name: [[_text(cell) for cell in row] for row in rows] for name, rows in sheets.items()}


def _check_members(path: Path) -> None:
    """Stop where what the archive's parts unpack to does not fit into memory."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > _LARGEST_RATIO * path.stat().st_size + (1 << 24):
        msg = f"{path} unpacks to {size >> 20} MB of repetition; this is no table"
        raise FormatError(msg)
    check_bytes(path, _TIMES * size, f"{size >> 20} MB of sheets")


def _text(cell: Any) -> str:
    """A cell as text on one line, without blanks around it, numbers to the last digit."""
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
    return " ".join(str(cell).split())
