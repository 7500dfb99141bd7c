"""Cells that a person reads as numbers and no program does: limits, minus signs of typesetters, units; how to mend."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from ._signs import may_be_number
from ._text import InMemory, converted

__all__ = ["how_to_mend", "is_limit", "is_of_units", "without_line"]

_LIMITS = "<=", ">=", "<", ">", "~", "≤", "≥"
# U+2212 and its like, by their codes, for they look like the hyphen that stands for them.
_DASHES = "\u2212", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\ufe63", "\uff0d"
_LIMIT = re.compile(rf"(?:{'|'.join(_LIMITS)}) ?(?=[\d.])")
_DASH = re.compile(rf"(?:{'|'.join(_DASHES)}) ?(?=[\d.])")
_UNIT = re.compile(r"([-+]?\d+(?:[.,]\d+)?)( ?[^\d\s,.;+-][^\d,;'\"]{0,15})$")
_SPECIAL = re.compile(r"([].*[\\^$/+?(){}|])")


def is_limit(cell: str) -> bool:
    """Whether a cell says that a number lies beyond what was measured."""
    return bool(_LIMIT.match(cell)) and may_be_number(_LIMIT.sub("", cell))


def how_to_mend(path: Path | InMemory, cell: str) -> str:
    """The command that writes a table with plain numbers where cells are like this one; empty where none does."""
    found = _mend(cell.strip())
    if found is None:
        return ""
    if isinstance(path, InMemory):
        return "; write plain numbers in the sheet"
    what, tool = found
    return f"; {converted(path, tool, name='plain', what=what)}"


def _mend(cell: str) -> tuple[str, str] | None:
    """What is to be done with cells like this one, and a filter that does it."""
    if is_limit(cell):
        limits = _LIMITS[:5] if cell.isascii() else _LIMITS
        return "to take the limit as the value, type: ", _at_start("|".join(limits), "")
    if _DASH.match(cell) and may_be_number(_DASH.sub("-", cell)):
        return f"its minus sign is U+{ord(cell[0]):04X}, no hyphen; type: ", _at_start(cell[0], "-")
    if found := _UNIT.match(cell):
        unit = found[2].strip()
        escaped = _SPECIAL.sub(r"\\\1", unit)
        return f"to leave {unit!r} out, type: ", "sed -E " + shlex.quote(rf"s/([0-9]) ?{escaped}/\1/g")
    return None


def _at_start(signs: str, instead: str) -> str:
    return "sed -E " + shlex.quote(rf"s/(^|[^[:alnum:]])({signs}) ?([0-9.])/\1{instead}\3/g")


def is_of_units(cells: Sequence[str]) -> bool:
    """Whether a line says something of each column, and holds no number."""
    there = [cell for cell in cells if cell]
    return len(there) > 1 and not any(may_be_number(cell) or _mend(cell.strip()) for cell in there)


def without_line(path: Path | InMemory, line: int) -> str:
    """How to leave a line out."""
    said = "; no cell of it is a number, as in a line of units; "
    if isinstance(path, InMemory):
        return f"{said}remove that row from the sheet"
    return said + converted(path, f"sed {line}d", name="plain", what="to leave it out, type: ")
