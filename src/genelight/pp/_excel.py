"""Gene symbols that Excel took for dates, and the names they were given so that it no longer does."""

from __future__ import annotations

import re

__all__ = ["candidates", "is_mangled", "renamed"]

# A month, and the families of genes whose symbols Excel reads as a day in it; the likeliest family first.
_FAMILIES: dict[str, tuple[str, ...]] = {
    "mar": ("MARCHF{}", "MTARC{}"),
    "sep": ("SEPTIN{}", "SEP{}"),
    "dec": ("DELEC{}", "DEC{}"),
    "oct": ("OCT{}",),
    "apr": ("APR{}", "APR-{}"),
    "nov": ("NOV{}",),
    "feb": ("FEB{}",),
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = "|".join(_FAMILIES)
# R puts an X before a name that starts with a digit; a second column of a name gets a number behind it.
_AGAIN = r"(?:[.-]\d{1,2})?"
_DAY_MONTH = re.compile(rf"X?(\d{{1,2}})[-. ]({_NAMES}){_AGAIN}", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"({_NAMES})[-. ](\d{{1,2}}){_AGAIN}", re.IGNORECASE)
_DATE = re.compile(r"X?(\d{4})[-.](\d{2})[-.](\d{2})(?: 00:00:00)?")
_OLD = re.compile(r"(MARCH|SEPT|MARC|DEC)(\d{1,2})")
_NEW = {"MARCH": "MARCHF{}", "SEPT": "SEPTIN{}", "MARC": "MTARC{}", "DEC": "DELEC{}"}


def is_mangled(text: str) -> bool:
    """Whether `text` is a date that stands where a gene should."""
    return _month_and_number(text) is not None


def candidates(text: str) -> tuple[str, ...]:
    """Current symbols that Excel may have turned into `text`, the likeliest first.

    Examples
    --------
    >>> candidates("2-Sep"), candidates("2001-03-01"), candidates("TP53")
    (('SEPTIN2', 'SEP2'), ('MARCHF1', 'MTARC1'), ())
    """
    found = _month_and_number(text)
    if found is None:
        return ()
    month, number = found
    return tuple(family.format(number) for family in _FAMILIES[month])


def renamed(text: str) -> str:
    """What HGNC renamed a symbol to because of Excel (MARCH1, SEPT2, MARC1, DEC1), or ``""``.

    As aliases these stand for several genes; as the symbols they were, each for one.
    """
    match = _OLD.fullmatch(text)
    return _NEW[match[1]].format(int(match[2])) if match else ""


def _month_and_number(text: str) -> tuple[str, int] | None:
    if match := _DAY_MONTH.fullmatch(text):
        return match[2].lower(), int(match[1])
    if match := _MONTH_DAY.fullmatch(text):
        return match[1].lower(), int(match[2])
    if match := _DATE.fullmatch(text):
        year, month, day = (int(part) for part in match.groups())
        name = _MONTHS[month - 1] if 1 <= month <= 12 else ""
        # "Mar-01" becomes the first of March 2001, "1-Mar" the first of March of the year it was typed in.
        number = year - 2000 if day == 1 and 2001 <= year <= 2015 else day
        return (name, number) if name in _FAMILIES else None
    return None
