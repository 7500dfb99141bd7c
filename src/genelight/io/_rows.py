"""Which column of text names the rows: the one that does it best by what it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import FormatError, first_three
from ._axis import gene_kin
from ._dialect import NAMED
from ._missing import NO_ID
from ._orientation import GENES_IN_ROWS, SAMPLES_IN_ROWS, counted
from ._signs import is_number
from ._text import InMemory

__all__ = ["choose_names"]

_SAMPLED = 2000


def choose_names(
    path: Path | InMemory, texts: Mapping[str, Sequence[str]], rows: int, *, columns: Sequence[str], way: str | None
) -> tuple[str | None, list[str], str]:
    """The column that names rows, its cells, and what had to be decided; None and numbers where none does.

    Parameters
    ----------
    path
        The file, for messages.
    texts
        Cells of each column of text, in order.
    rows
        How many there are.
    columns
        Names of the columns of numbers.
    way
        Where the genes are, as far as that is known.

    Raises
    ------
    FormatError
        If nothing names the rows, and they may be genes.
    """
    filled = {name: cells for name, cells in texts.items() if any(cell not in NO_ID for cell in cells)}
    if way == GENES_IN_ROWS:
        ranked = {name: (_gene_likeness(name, cells), _distinct(cells)) for name, cells in filled.items()}
        best = max(ranked, key=lambda name: ranked[name], default=None)
    else:
        best = _of_samples(filled, sure=way == SAMPLES_IN_ROWS)
    if best is not None:
        first = next(iter(texts))
        note = f"rows are named by column {best!r}" if best != first and best else ""
        return best, list(filled[best]), note
    if way == SAMPLES_IN_ROWS:
        return None, [f"row {i}" for i in range(1, rows + 1)], "no column names the rows, so they are numbered"
    msg = (
        f"{path}: no column names the rows, all {len(columns)} hold numbers (the first is {columns[0]!r}, of "
        f"{first_three(columns)}); write the row names as the first column, under the name id"
    )
    raise FormatError(msg)


def _gene_likeness(name: str, cells: Sequence[str]) -> float:
    """Share of cells that are ids of genes; numbers that only count, and text of one shape, are weaker."""
    there = [cell for cell in cells if cell not in NO_ID][:_SAMPLED]
    if not there or counted(there):
        return 0.0
    if all(is_number(cell) for cell in there):
        return 0.8 * _distinct(there) if NAMED.match(name) else 0.05
    # One word over and over, ctrl, is a gene's symbol in capitals.
    kin = gene_kin(list(dict.fromkeys(there)))
    if kin is None:
        return 0.1
    return round(kin.share, 1) if not kin.kind.startswith("names such") else 0.3


def _distinct(cells: Sequence[str]) -> float:
    return len(set(cells)) / max(1, len(cells))


def _of_samples(texts: Mapping[str, Sequence[str]], *, sure: bool) -> str | None:
    """The first column whose cells differ, one of names before one of numbers; else one that is called a name."""
    differ = [name for name, cells in texts.items() if len(set(cells)) == len(cells)]
    words = [name for name in differ if not all(is_number(cell) for cell in texts[name])]
    called = [name for name in differ if NAMED.match(name) and not (counted(list(texts[name])) and words)]
    first = next(iter(texts), None)
    if first in called or first in words:
        return first
    for found in (words, called):
        if found:
            return found[0]
    usual = [name for name, cells in texts.items() if NAMED.match(name) and _distinct(cells) >= 0.5]
    if usual:
        return usual[0]
    often = [name for name, cells in texts.items() if _distinct(cells) >= 0.8 and not is_number(cells[0])]
    return often[0] if often else (None if sure else first)
