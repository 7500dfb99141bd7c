"""When biopsies were taken: those under treatment foretell nothing, and are asked about."""

from __future__ import annotations

import re

import pandas as pd

from ..errors import InputError, first_three

__all__ = ["check_times"]

_BEFORE = re.compile(r"^(pre|baseline|before|screening|untreated|day ?0$|week ?0$|c1d1)", re.IGNORECASE)
_DURING = re.compile(
    r"^(on\b|on[-_ ]?(treatment|therapy|tx)?$|post|after|during|edt|eot|relapse|progression)", re.IGNORECASE
)
_MOST_TIMES = 12
_NOT_TIMES = re.compile("menopau|smok", re.IGNORECASE)


def check_times(name: str, obs: pd.DataFrame) -> None:
    """Stop where a column tells biopsies before from those under treatment and nothing was said of it.

    Raises
    ------
    InputError
        If so.
    """
    for column in obs:
        values = obs[column].dropna()
        if pd.api.types.is_numeric_dtype(values) or _NOT_TIMES.search(str(column)):
            continue
        words = values.astype(str).str.strip()
        levels = words.unique()
        if not 1 < len(levels) <= _MOST_TIMES:
            continue
        before = [level for level in levels if _BEFORE.match(level)]
        during = [level for level in levels if _DURING.match(level)]
        if before and during:
            msg = (
                f"cohort {name!r}: by the column {column!r} {int(words.isin(during).sum())} of {len(words)} biopsies "
                f"are not from before the treatment ({first_three(map(repr, during))}), and what changed under it "
                f"is no prediction; say which to use: before='{column} == \"{before[0]}\"' "
                f"(--before on the command line)"
            )
            raise InputError(msg)
