"""What a table says against a contrast: people who come back, and samples that it asks nothing about."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from .._core.expressions import columns_named
from ..errors import InputError, first_three
from .contrast import Contrast

__all__ = ["check_people", "left_over"]

PEOPLE = re.compile(r"subject|patient|donor|person|individual|participant|volunteer", re.IGNORECASE)
# What a column tells of people, in place of their names: patient_status, donor age.
_OF_THEM = re.compile(
    r"status|group|type|class|diagnos|condition|state|arm|cohort|kind|categor|outcome|count|number of|age|sex|gender|"
    r"race|bmi|site|cent(er|re)|response|treat|visit|time|date|label",
    re.IGNORECASE,
)
SHOWN = 3
MOST_LEVELS = 20


def check_people(obs: pd.DataFrame, contrast: Contrast) -> None:
    """Ask about people who come back where every sample of a contrast is taken for a person.

    Raises
    ------
    InputError
        If a column that is called after people names fewer of them than there are samples; says what to type.
    """
    samples = int(contrast.used_n.sum())
    if len(set(contrast.subject_n[contrast.used_n])) < samples:
        return
    for column in map(str, obs.columns):
        if not PEOPLE.search(column) or _OF_THEM.search(column):
            continue
        count = obs[column][contrast.used_n].astype(str).value_counts()
        if 1 < len(count) < samples:
            named = first_three(f"{name} {times} times" for name, times in count.items())
            msg = (
                f"{samples} samples are taken for as many people, but the column {column!r} names {len(count)} "
                f"({named}). Samples of one person are no evidence of their own: say subject={column!r} "
                f"(--subject {column}), or rename the column if it names no people"
            )
            raise InputError(msg)


def left_over(obs: pd.DataFrame, contrast: Contrast, *, case: str, control: str) -> str:
    """How many samples are in neither group and what stands in the columns that were asked; empty for none.

    A value that a group has too, but for blanks and capitals, is named apart: ``"sle "`` is no ``"SLE"``.

    Examples
    --------
    >>> import pandas as pd
    >>> from genelight.nouns.contrast_checks import left_over
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
