"""Samples that are neither cases nor controls, in words: what a question does not ask about, and what it misses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .._core.expressions import columns_named
from .contrast import Contrast

__all__ = ["left_over"]

SHOWN = 3
MOST_LEVELS = 20


def left_over(obs: pd.DataFrame, contrast: Contrast, *, case: str, control: str) -> str:
    """How many samples are in neither group and what stands in the columns that were asked; empty for none.

    A value that a group has too, but for blanks and capitals, is named apart: ``"sle "`` is no ``"SLE"``.

    Examples
    --------
    >>> import pandas as pd
    >>> from genelight.nouns.left_over import left_over
    >>> obs = pd.DataFrame({"disease": ["SLE"] * 5 + ["none"] * 5 + ["sle ", "RA", "RA"]})
    >>> asked = {"case": "disease == 'SLE'", "control": "disease == 'none'"}
    >>> left_over(obs, Contrast.of(obs, **asked, subject=None), **asked)
    "3 of 13 samples are in neither group: disease is 'RA' (2), 'sle ' (1); 'sle ' is 'SLE' but for blanks or capitals"
    """
    rest_n = ~contrast.used_n
    if not rest_n.any():
        return ""
    said, alike = [], []
    for column in columns_named(f"({case}) or ({control})", obs):
        levels = obs.loc[rest_n, column]
        if pd.api.types.is_numeric_dtype(levels) and not pd.api.types.is_bool_dtype(levels):
            continue
        counts = levels.astype(object).where(levels.notna(), "(missing)").astype(str).value_counts()
        known = {_bare(level): str(level) for level in obs.loc[~rest_n, column].dropna().unique()}
        told = [level for level in counts.index if level not in known.values() and _bare(level) in known]
        alike += [f"{level!r} is {known[_bare(level)]!r} but for blanks or capitals" for level in told]
        if len(counts) <= MOST_LEVELS:
            named = [f"{level!r} ({count})" for level, count in counts.head(SHOWN).items()]
            more = f" and {len(counts) - SHOWN} more" if len(counts) > SHOWN else ""
            said.append(f"{column} is {', '.join(named)}{more}")
    what = f"{int(np.sum(rest_n))} of {len(obs)} samples are in neither group"
    return "; ".join([f"{what}: {'; '.join(said)}" if said else what, *alike])


def _bare(level: object) -> str:
    return "".join(str(level).split()).casefold()
