"""How cells are written: numbers by which signs, nothing by which words, and numbers that only a person reads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from ...errors import FormatError
from ._lines import InMemory, converted

# What a column of delimited text is read as.
TEXT, NUMBER, SKIP = 0, 1, 2
# How sources write that there is nothing.
_PLAIN = ("NA", "N/A", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "Null", "na", "n/a", "Na", "n.a.", "N.A.", "<NA>")
_OF_SPREADSHEETS = ("#NA", "#N/A!", "#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#NUM!", "#NULL!")
# Among numbers and ids these say that there is nothing; as a label they may say something: no treatment, negative.
_SAID = ("None", "none", "NONE", "-", "--", "---", "?", ".")
NO_LABEL = ("", *_PLAIN, *_OF_SPREADSHEETS)
MISSING = (*NO_LABEL, *_SAID)
# Programs that take ids for numbers write these, too; no gene is called so.
NO_ID = frozenset((*MISSING, "Inf", "-Inf", "inf", "-inf"))
_POINT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$|[-+]?inf(inity)?$", re.IGNORECASE)
_COMMA = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?$")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+$")
# Commas, or points, that can only part thousands.
_SURE_THOUSANDS = {
    ",": re.compile(r"[-+]?\d{1,3}((,\d{3}){2,}(\.\d*)?|(,\d{3})+\.\d*)$"),
    ".": re.compile(r"[-+]?\d{1,3}((\.\d{3}){2,}(,\d*)?|(\.\d{3})+,\d*)$"),
}
# What parts thousands and nothing else: blanks of all kinds, apostrophes.
_APART = re.compile(r"[-+]?\d{1,3}(?P<sign>[ \u00a0\u2009\u202f'\u2019])\d{3}(?:(?P=sign)\d{3})*([.,]\d+)?$")
_LIMITS = "<=", ">=", "<", ">", "~", "≤", "≥"
# U+2212 and its like, by their codes, for they look like the hyphen that stands for them.
_DASHES = "\u2212", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\ufe63", "\uff0d"
_LIMIT = re.compile(rf"(?:{'|'.join(_LIMITS)}) ?(?=[\d.])")
_DASH = re.compile(rf"(?:{'|'.join(_DASHES)}) ?(?=[\d.])")
_UNIT = re.compile(r"([-+]?\d+(?:[.,]\d+)?)( ?[^\d\s,.;+-][^\d,;'\"]{0,15})$")
_SPECIAL = re.compile(r"([].*[\\^$/+?(){}|])")


def is_number(cell: str, decimal: str = ".", thousands: str = "") -> bool:
    """Whether a cell is a number as these signs write it; one that is missing is not."""
    cell = cell.strip()
    if thousands:
        cell = cell.replace(thousands, "")
    return bool(_POINT.match(cell.replace(",", ".") if decimal == "," and "." not in cell else cell))


def may_be_number(cell: str) -> bool:
    """Whether a cell is a number under some signs."""
    cell = cell.strip()
    return (
        is_number(cell)
        or is_number(cell, ",")
        or bool(_APART.match(cell))
        or any(look.match(cell) for look in _SURE_THOUSANDS.values())
    )


def signs(path: Path | InMemory, cells: Sequence[str]) -> tuple[str, str]:
    """The decimal sign, a comma only where every fraction is written with one, and what parts thousands.

    Raises
    ------
    FormatError
        If a sign may be either, or there are two.
    """
    apart = next((found["sign"] for found in map(_APART.match, cells) if found), "")
    if apart:
        cells = [cell.replace(apart, "") for cell in cells]
    odd = [cell for cell in cells if "," in cell or cell.count(".") > 1]
    sure = [sign for sign, look in _SURE_THOUSANDS.items() if any(look.match(cell) for cell in odd)]
    if len(sure) == 1 and not apart:
        return ("." if sure[0] == "," else ","), sure[0]
    commas = [cell for cell in odd if _COMMA.match(cell)]
    if not commas:
        return ".", apart
    points = [cell for cell in cells if "." in cell and _POINT.match(cell)]
    if points or len(sure) > 1:
        other = points[0] if points else odd[-1]
        msg = f"{path} writes both {commas[0]!r} and {other!r}; write every number with a decimal point"
        raise FormatError(msg)
    if not apart and all(_THOUSANDS.match(cell) for cell in commas):
        msg = f"{path}: {commas[0]!r} may be a fraction or thousands; write it with a decimal point or without a comma"
        raise FormatError(msg)
    return ",", apart


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
