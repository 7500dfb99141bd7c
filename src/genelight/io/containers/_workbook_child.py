"""Run as a program: the cells of a workbook as JSON, with a bound on memory that a wild sheet breaks on its own.

``python -P _workbook_child.py FILE BYTES``. A file of five kilobytes may name a cell a million rows and sixteen
thousand columns away; the library makes room for all that lie between, and ends its process where there is none.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, time, timedelta
from typing import Any


def cells(path: str) -> dict[str, list[list[str]]]:
    """Every worksheet by its name, cell by cell as it is shown; empty cells and rows behind the last one left out.

    Raises
    ------
    CalamineError, OSError
        If it cannot be read as a workbook.
    """
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(path)
    found = {}
    for name in book.sheet_names:
        rows = [_cut([shown(cell) for cell in row]) for row in book.get_sheet_by_name(name).iter_rows()]
        found[name] = _cut(rows)
    return found


def _cut(row: list[Any]) -> list[Any]:
    """What comes before the empty rest."""
    last = next((i for i in range(len(row), 0, -1) if row[i - 1]), 0)
    return row[:last]


def shown(cell: Any) -> str:
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


def main(path: str, most: int) -> None:
    """Print the cells, or what is wrong; more than `most` bytes end the process."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass  # a system without such a bound
    from python_calamine import CalamineError

    try:
        found: dict[str, Any] = {"sheets": cells(path)}
    except (CalamineError, OSError, ValueError) as error:
        found = {"error": str(error)}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
