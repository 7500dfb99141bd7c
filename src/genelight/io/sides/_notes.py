"""What describes samples and genes beside their values: numbers where cells are numbers, names that files can hold."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...errors import first_three
from ..text._signs import MISSING, NO_LABEL

if TYPE_CHECKING:
    from anndata import AnnData

_CODE = re.compile(r"[-+]?0\d+$")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$", re.IGNORECASE)
# What some programs write where they have no number; taken so only where no other value is below zero.
_SENTINELS = ("-666", "-999", "-9999", "-666.0", "-999.0", "-9999.0")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_RESERVED = frozenset(("_index", "index"))


def as_column(cells: Sequence[Any], *, decimal: str = ".") -> list[Any] | np.ndarray:
    """Cells as numbers where all that say something are, else as text; what is missing is missing.

    Ids stay text: one that is written 0012 makes its whole column text.
    """
    texts = ["" if cell is None else str(cell).strip() for cell in cells]
    there = [text for text in texts if text not in MISSING]
    sentinels = set(_SENTINELS).intersection(there)
    if sentinels and sum(text.startswith("-") for text in there) == sum(text in sentinels for text in there):
        there = [text for text in there if text not in sentinels]
    else:
        sentinels = set()
    plain = [text.replace(",", ".") if decimal == "," else text for text in there]
    if there and all(map(_NUMBER.match, plain)) and not any(map(_CODE.match, there)):
        numbers = iter(plain)
        nothing = sentinels.union(MISSING)
        return np.array([np.nan if text in nothing else float(next(numbers)) for text in texts])
    return [np.nan if text in NO_LABEL else text for text in texts]


def plain_text(text: str) -> str:
    """Text without characters that steer a terminal or part the cells of a file."""
    return _CONTROL.sub(" ", text).strip() if not text.isprintable() else text


def free(name: str, taken: Container[str]) -> str:
    """The name, with a number behind it where it is taken."""
    return next(n for n in itertools.chain([name], (f"{name}.{i}" for i in itertools.count(2))) if n not in taken)


def safe_columns(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """A table whose column names any file of the field can hold, and what was renamed: ``_index``, ``a/b``, tabs."""
    names: list[str] = []
    renamed = {}
    for place, column in enumerate(table.columns, start=1):
        plain = plain_text(str(column)).replace("/", "_") or f"column {place}"
        plain = f"{plain.lstrip('_')}_column" if plain in _RESERVED else plain
        copy = free(plain, names)
        if copy != column:
            renamed[str(column)] = copy
        names.append(copy)
    if not renamed:
        return table, {}
    return table.set_axis(pd.Index(names), axis=1), renamed


def mend_names(adata: AnnData) -> list[str]:
    """Rename what no file can hold, in place: reserved columns, control characters; says what, a line for each kind."""
    said = []
    for which in ("obs", "var"):
        table, renamed = safe_columns(getattr(adata, which))
        table = _plain_labels(table)
        if renamed or table is not getattr(adata, which):
            setattr(adata, which, table)
        if renamed:
            told = first_three(f"{plain_text(old)!r} is now {new!r}" for old, new in renamed.items())
            said.append(f"columns of {which} renamed, since files cannot hold their names: {told}")
        names = getattr(adata, f"{which}_names")
        if isinstance(names.dtype, pd.StringDtype):
            setattr(adata, f"{which}_names", names.astype(object))
        odd = [name for name in names if not str(name).isprintable()]
        if odd:
            setattr(adata, f"{which}_names", pd.Index([plain_text(str(name)) for name in names], dtype=object))
            said.append(
                f"{len(odd)} names of {which} held control characters, taken out ({first_three(map(repr, odd))})"
            )
    if adata.raw is not None:
        table, renamed = safe_columns(adata.raw.var)
        if renamed:
            adata.raw._var = table
            said.append(f"{len(renamed)} columns of raw.var renamed, since files cannot hold their names")
    return said


def _plain_labels(table: pd.DataFrame) -> pd.DataFrame:
    """The same without control characters in its text, which is no type of pandas' own: not every file takes those."""
    mended = {}
    for name, column in table.items():
        if isinstance(column.dtype, pd.StringDtype):
            plain = column.astype(object).where(column.notna(), np.nan)
            mended[name] = plain.map(lambda x: plain_text(x) if isinstance(x, str) else x)
        elif isinstance(column.dtype, pd.CategoricalDtype):
            labels = column.cat.categories
            text = isinstance(labels.dtype, pd.StringDtype)
            if text or any(isinstance(x, str) and not x.isprintable() for x in labels):
                plain = column.cat.rename_categories(labels.astype(object))
                mended[name] = plain.map(lambda x: plain_text(x) if isinstance(x, str) else x)
        elif column.dtype == object and any(isinstance(x, str) and not x.isprintable() for x in column):
            mended[name] = column.map(lambda x: plain_text(x) if isinstance(x, str) else x)
    return table.assign(**{str(name): column for name, column in mended.items()}) if mended else table
