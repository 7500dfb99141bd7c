"""How nouns print: a title, then rows of a label and a few words, as lines for a terminal and a table for a page."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Card", "Printed", "Row", "leading", "spread"]

Row = tuple[str, str]
Card = tuple[str, Sequence[Row]]
WIDTH = 100
_ONE = re.compile(
    r"(?<![\d.,])1 (cohort|edge|fold|gene|layer|model|node|pair|programme|reference|sample|subject|test)s\b"
)
LINES = 3


class Printed:
    """Gives a noun its card: ``print`` shows it as lines, a notebook as a table.

    A card says what the noun is, how large, and what it found first; it never names a sample or a subject.
    """

    def _card(self) -> Card:
        """Title and rows; a row without words is left out."""
        raise NotImplementedError

    def _lines(self) -> tuple[str, list[tuple[str, list[str]]]]:
        """Title, and each label with its lines; what is longer than the lines of a row is cut at a word."""
        title, rows = self._card()
        room = WIDTH - max((len(label) for label, _ in rows), default=0) - 4
        return " ".join(_wrapped(title, WIDTH)), [(label, _wrapped(text, room)) for label, text in rows if text]

    def __repr__(self) -> str:
        title, rows = self._lines()
        hang = "\n" + " " * (max((len(label) for label, _ in rows), default=0) + 4)
        return "\n".join([title, *(f"  {label}".ljust(len(hang) - 1) + hang.join(lines) for label, lines in rows)])

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        title, rows = self._lines()
        body = "".join(
            f'<tr><th scope="row" style="text-align:left;vertical-align:top">{escape(label)}</th>'
            f'<td style="text-align:left">{escape(" ".join(lines))}</td></tr>'
            for label, lines in rows
        )
        return f'<table><caption style="text-align:left">{escape(title)}</caption><tbody>{body}</tbody></table>'


def leading(names: Sequence[object], *, n: int = 8) -> str:
    """The first few of many by name: ``"MX1, IFI44L, ..."``."""
    said = ", ".join(str(name) for name in names[:n])
    return f"{said}, ..." if len(names) > n else said or "none"


def spread(values: np.ndarray | pd.Series) -> str:
    """Median and range: ``"median 2.1, from 0.3 to 5"``."""
    return (
        f"median {np.median(values):.3g}, from {np.min(values):.3g} to {np.max(values):.3g}" if len(values) else "none"
    )


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of a text, in which one of a thing is one."""
    return textwrap.wrap(
        _ONE.sub(r"1 \1", text),
        width,
        max_lines=LINES,
        placeholder=" ...",
        break_long_words=False,
        break_on_hyphens=False,
    )
