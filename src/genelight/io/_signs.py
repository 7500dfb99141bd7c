"""How numbers are written: decimal signs, and what parts thousands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import FormatError
from ._text import InMemory

__all__ = ["is_number", "may_be_number", "signs"]

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
