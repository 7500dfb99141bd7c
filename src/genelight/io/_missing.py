"""How sources write that there is nothing: one list for values, annotations and ids, used by every reader."""

from __future__ import annotations

import pandas as pd

__all__ = ["MISSING", "NO_ID", "NO_LABEL", "is_empty"]

_PLAIN = ("NA", "N/A", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "Null", "na", "n/a", "Na", "n.a.", "N.A.", "<NA>")
_OF_SPREADSHEETS = ("#NA", "#N/A!", "#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#NUM!", "#NULL!")
# Among numbers and ids these say that there is nothing; as a label they may say something: no treatment, negative.
_SAID = ("None", "none", "NONE", "-", "--", "---", "?", ".")
NO_LABEL = ("", *_PLAIN, *_OF_SPREADSHEETS)
MISSING = (*NO_LABEL, *_SAID)
# Programs that take ids for numbers write these, too; no gene is called so.
NO_ID = frozenset((*MISSING, "Inf", "-Inf", "inf", "-inf"))


def is_empty(values: pd.Series) -> pd.Series:
    """Which cells say that there is no id."""
    return values.isin(NO_ID)
