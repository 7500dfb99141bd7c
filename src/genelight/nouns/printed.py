"""What prints as a short card: a title, then rows of a label and a few words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape

__all__ = ["Printed", "Row"]

Row = tuple[str, str]
WIDTH = 100


class Printed:
    """Gives a noun its card: ``print`` shows it as lines, a notebook as a table."""

    def _card(self) -> tuple[str, Sequence[Row]]:
        """Title and rows; a row without words is left out."""
        raise NotImplementedError

    def __repr__(self) -> str:
        title, rows = self._card()
        room = max(len(label) for label, _ in rows) + 4
        hang = " " * room
        lines = [
            textwrap.fill(text, WIDTH, initial_indent=f"  {label}".ljust(room), subsequent_indent=hang)
            for label, text in rows
            if text
        ]
        return "\n".join([title, *lines])

    def _repr_html_(self) -> str:
        title, rows = self._card()
        body = "".join(
            f'<tr><th scope="row" style="text-align:left;vertical-align:top">{escape(label)}</th>'
            f'<td style="text-align:left">{escape(text)}</td></tr>'
            for label, text in rows
            if text
        )
        return f'<table><caption style="text-align:left">{escape(title)}</caption><tbody>{body}</tbody></table>'
