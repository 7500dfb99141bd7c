"""Numbers and lists as a reader likes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
import pandas as pd

from ..nouns.labels import feature_words

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def called(summary: Mapping[str, Any]) -> Mapping[str, str]:
    """What a summary calls the measured features: genes where it does not say."""
    return summary.get("words") or feature_words()


def known(value: object) -> TypeGuard[float]:
    """Whether `value` is a finite number."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


def numeric(values: pd.Series) -> bool:
    """Whether a column holds numbers; yes and no are none."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def number(value: Any, digits: int = 2) -> str:
    """A number with `digits` decimals and a true minus sign; a dash where there is none."""
    if not known(value):
        return "–"
    # Adding zero makes the minus zero of rounding a plain one.
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def percent(value: Any) -> str:
    """A share as whole percent."""
    return f"{number(100 * value, 0)}%" if known(value) else "–"


def tail(value: Any) -> str:
    """A p or q value: plain down to 0.001, then as a power of ten.

    >>> tail(0.0321), tail(2.4e-11), tail(0.0)
    ('0.032', '2 × 10⁻¹¹', 'below 10⁻³⁰⁰')
    """
    if not known(value):
        return "–"
    if value < 1e-300:
        return "below 10⁻³⁰⁰"
    if value >= 0.001:
        return f"{value:.2g}"
    digit, exponent = f"{value:.0e}".split("e")
    return f"{digit} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def interval(pair: Any, digits: int = 2) -> str:
    """Two ends of an interval in words; empty where they are not known."""
    if not isinstance(pair, Sequence) or len(pair) != 2 or not all(map(known, pair)):
        return ""
    return f"{number(pair[0], digits)} to {number(pair[1], digits)}"


def listed(items: Sequence[str]) -> str:
    """``A, B and C``."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def count(n: int, what: str) -> str:
    """``1 sample``, ``2,000 samples``."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def shown(value: Any) -> str:
    """A cell of any table: numbers by four digits, a dash where there is nothing.

    >>> shown(-1234.5678), shown(12345), shown(None), shown("MX1"), shown(True)
    ('−1235', '12,345', '–', 'MX1', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    return (
        (f"{value:.4g}".replace("-", "−") if known(value) else "–") if isinstance(value, float | None) else str(value)
    )


def plain(value: Any) -> Any:
    """The same without NumPy scalars, tuples, NaN and infinities: what JSON can hold."""
    # Most values are of these; asking for a Mapping costs twenty times as much.
    if value is None or type(value) in (str, int, bool):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)
