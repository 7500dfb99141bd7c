"""Checks of user input, one by one or all at once, and the selection of samples by what ``obs`` says of them."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..errors import GenelightError, InputError, UnknownNameError, first_three
from .expressions import NO_SHEET, columns_named, evaluate, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

__all__ = ["Looks", "check_column", "check_filled", "check_finite", "check_positive", "select_samples"]

T = TypeVar("T")


def check_finite(x_ng: np.ndarray, *, samples: Sequence[str], genes: Sequence[str], where: str) -> None:
    """Stop when a matrix holds NaN or infinite values; names how many and the first place.

    Raises
    ------
    InputError
        If any value is not finite.
    """
    # A sum is finite exactly when every term is, bar overflow, and needs no matrix-sized mask.
    with np.errstate(invalid="ignore", over="ignore"):
        total = np.sum(x_ng, dtype=np.float64)
    if np.isfinite(total):
        return
    bad = ~np.isfinite(x_ng)
    if not bad.any():
        return
    nan = int(np.isnan(x_ng).sum())
    row, column = np.argwhere(bad)[0]
    columns = int(bad.any(0).sum())
    msg = (
        f"{where} has {nan} missing (NaN) and {int(bad.sum()) - nan} infinite values in {columns} genes, the first in "
        f"sample {samples[row]!r}, gene {genes[column]!r}; drop those genes, for example "
        "adata[:, np.isfinite(adata.X).all(0)], or impute them"
    )
    raise InputError(msg)


def check_column(obs: pd.DataFrame, column: str, *, role: str) -> pd.Series:
    """A column of ``obs`` without missing values.

    Raises
    ------
    UnknownNameError
        If there is no such column; says which may have been meant.
    InputError
        If values are missing, or the samples have no columns at all.
    """
    if column not in obs:
        if not len(obs.columns):
            msg = f"{role} column {column!r} is asked for, but nothing is known of the samples; {NO_SHEET}"
            raise InputError(msg)
        raise UnknownNameError(f"{role} column", column, obs.columns, where="obs")
    check_filled((obs, column, role))
    return obs[column]


def check_filled(*columns: tuple[pd.DataFrame, str | None, str]) -> None:
    """Stop where columns have missing values: all of them in one message, with one query that leaves these samples out.

    Each column is a table, a name and what it is for: ``(obs, "age", "covariate")``; one that is not there is passed
    over.

    Raises
    ------
    InputError
        If values are missing.
    """
    there = [(role, table[name]) for table, name, role in columns if name in table]
    gaps = [(role, column) for role, column in there if column.isna().any()]
    if not gaps:
        return
    found = " and ".join(
        f"{role} column {str(column.name)!r} is missing for {int(column.isna().sum())} of "
        f"{len(column)} samples, the first {column.index[column.isna()][0]!r}"
        for role, column in gaps
    )
    query = " or ".join(f"{quoted(column.name)}.isna()" for _, column in gaps)
    study = json.dumps(query, ensure_ascii=False) if "'" in query else f"'{query}'"
    msg = f"{found}; leave them out (--drop {shlex.quote(query)}, in a study drop = {study}), or fill them in"
    raise InputError(msg)


def check_positive(**numbers: int | float) -> None:
    """Stop when a setting is not above zero; the keyword is its name.

    Raises
    ------
    InputError
        If a number is zero, negative or NaN.
    """
    for name, number in numbers.items():
        if not number > 0:
            msg = f"{name} = {number} must be above zero"
            raise InputError(msg)


def select_samples(obs: pd.DataFrame, query: str, *, role: str) -> np.ndarray:
    """Samples for which an expression over the columns of ``obs`` holds, boolean, shape ``(n,)``.

    An expression such as ``condition == "symptomatic" and hours >= 45``, see
    :func:`genelight._core.expressions.evaluate`; `role` says what the samples are for, in messages: ``"case"``.

    Raises
    ------
    UnknownNameError
        If the query names a column that does not exist.
    InputError
        If the query cannot be read or selects no sample.

    Examples
    --------
    >>> import pandas as pd
    >>> select_samples(pd.DataFrame({"hours": [0, 45, 60]}), "hours >= 45", role="case")
    array([False,  True,  True])
    """
    mask = evaluate(obs, query, role=role)
    if not mask.any():
        there = [_values_of(obs[column], query) for column in obs.columns if str(column) in columns_named(query, obs)]
        msg = "; ".join([f"{role} = {query!r} selects none of {len(obs)} samples", *there])
        raise InputError(msg)
    return mask


def _values_of(column: pd.Series, query: str) -> str:
    """What a column holds, and that numbers are no text where a question may take them for it."""
    values = column.dropna().unique().tolist()
    said = f"{quoted(column.name)} has {first_three(map(repr, values), n=6) or 'missing values only'}"
    text_asked = column.dtype.kind in "iuf" and any(sign in query for sign in "'\"")
    return f"{said}, numbers, which stand without quotes" if text_asked and values else said


class Looks:
    """Looks at one thing after another, and keeps what is wrong, each problem once, or stops at the first."""

    def __init__(self, *, stop: bool) -> None:
        self.stop, self.problems = stop, list[GenelightError]()

    def look(self, work: Callable[[], T], *, where: str = "") -> T | None:
        """What `work` gives, None where it finds something wrong; `where` goes before what is said of several.

        Raises
        ------
        GenelightError
            What `work` raises, if that stops.
        """
        try:
            return work()
        except GenelightError as error:
            if self.stop:
                raise
            if str(error) not in map(str, self.problems):
                self.problems.append(InputError(f"{where}: {error}") if where else error)
            return None

    def settle(self) -> None:
        """Stop where anything was wrong.

        Raises
        ------
        GenelightError
            What was found alone, or one error with all of it.
        """
        if len(self.problems) == 1:
            raise self.problems[0]
        if self.problems:
            raise InputError("; ".join(map(str, self.problems)))
