"""Whether samples that count as people of their own are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import InputError, first_three

if TYPE_CHECKING:
    import pandas as pd

    from .contrast import Contrast

__all__ = ["check_people"]

PEOPLE = re.compile(r"subject|patient|donor|person|individual|participant|volunteer", re.IGNORECASE)
# What a column tells of people, in place of their names: patient_status, donor age.
_OF_THEM = re.compile(
    r"status|group|type|class|diagnos|condition|state|arm|cohort|kind|categor|outcome|count|number of|age|sex|gender|"
    r"race|bmi|site|cent(er|re)|response|treat|visit|time|date|label",
    re.IGNORECASE,
)


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
