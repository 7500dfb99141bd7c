"""When biopsies were taken: those under treatment foretell nothing, and are asked about."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .._core.expressions import columns_named, evaluate, quoted
from ..errors import first_three
from ._response_asked import Question

__all__ = ["before_of", "lacks", "times_question"]

_BEFORE = re.compile(
    r"(pre|baseline|before|screening|untreated|na[iï]ve)|"
    r"(bl|0|(day|week|visit|cycle|month|[dwt])[ _-]?0|0 ?(days?|weeks?|months?)|(c1[ _-]?)?d1|c1)$",
    re.IGNORECASE,
)
_DURING = re.compile(
    r"on\b|on[-_ ]?(treatment|therapy|tx)?$|post|after|during|under|edt|eot|relapse|progression|"
    r"(week|cycle|[wt])[ _-]?[1-9]\d*$|(day|d)[ _-]?([2-9]|[1-9]\d+)$|[1-9]\d* ?(weeks?|months?)$|"
    r"c([2-9]|1\d)([ _-]?d\d+)?$|c1[ _-]?d([2-9]|\d\d+)$",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"(visit|time|timing|times|timepoints?|weeks?|days?|cycles?|months?|biopsy|biopsies|tp)(num|no|number|nr)?$"
)
_OTHER = re.compile(
    r"surviv|death|dead|follow|relapse|recur|progress|response|event|birth|diagnos|duration|batch|run|freez|storage|"
    r"^(os|pfs|dfs|efs|rfs|ttp|to|since|until|last|site|location|organ|tissue|type|method|id|date|name|code)$"
)
_NOT_TIMES = re.compile(r"menopau|smok|stage|grade|tnm|^[pc]?t$", re.IGNORECASE)
_MOST_TIMES = 12


def lacks(obs: pd.DataFrame, column: str) -> bool:
    """Whether a cohort has no such column, or nothing but blanks in it."""
    return column not in obs or not len(_filled(obs[column]))


def before_of(obs: pd.DataFrame, before: str | None, *, everywhere: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Which biopsies were taken before the treatment, and what is to be said of them.

    A cohort without a column that others have is taken as it is.
    """
    out: list[str] = []
    if before is None:
        return np.ones(len(obs), dtype=bool), out
    named = columns_named(before, pd.DataFrame(columns=list(everywhere)))
    gone = [column for column in named if lacks(obs, column)]
    if gone:
        return np.ones(len(obs), dtype=bool), [f"all biopsies taken as before treatment, for {gone[0]!r} isn't known"]
    before_n = evaluate(obs, before, role="before")
    if not before_n.all():
        out.append(f"{int((~before_n).sum())} biopsies not before treatment")
    return before_n, out


def times_question(tables: Mapping[str, pd.DataFrame], *, skip: Sequence[str | None]) -> Question | None:
    """What has to be said where a column tells biopsies of several times, None where none does.

    A column that is called after time (week, visit, timepoint) is asked about where it has more than one value that
    isn't known to be from before the treatment, within a cohort or between cohorts; any other column where some of its
    words say before and some say under treatment.
    """
    for column in dict.fromkeys(column for obs in tables.values() for column in obs):
        if column in skip or _NOT_TIMES.search(str(column)):
            continue
        parts = {name: _filled(obs[column]) for name, obs in tables.items() if column in obs}
        if _is_time(str(column)):
            question = _question(column, pd.concat(list(parts.values())), where=parts) if parts else None
            if question is not None:
                return question
            continue
        for name, words in parts.items():
            levels = list(words.unique())
            kinds = [any(kind.match(level) for level in levels) for kind in (_BEFORE, _DURING)]
            words_only = not pd.api.types.is_numeric_dtype(tables[name][column])
            if words_only and 1 < len(levels) <= _MOST_TIMES and all(kinds):
                question = _question(column, words, where={name: words})
                if question is not None:
                    return question
    return None


def _question(column: object, words: pd.Series, *, where: Mapping[str, pd.Series]) -> Question | None:
    """What to ask where words of a column say more than that all biopsies are from before the treatment."""
    count = words.value_counts(sort=False)
    levels = sorted(count.index, key=lambda level: (_number(level) is None, _number(level) or 0.0, level))
    during = [level for level in levels if _DURING.match(level) or (_number(level) or 0.0) > 0]
    first = [level for level in levels if _is_before(level)]
    if len(first) == len(levels) or (len(levels) < 2 and not during) or _names(words):
        return None
    chosen = first or levels[:1]
    values = [level if _number(level) is not None else json.dumps(level, ensure_ascii=False) for level in chosen]
    query = f"{quoted(column)} == {values[0]}" if len(values) == 1 else f"{quoted(column)} in [{', '.join(values)}]"
    others = int(count.drop(first).sum()) if first else int(count.sum())
    cohorts = [name for name, part in where.items() if len(set(part) - set(first))]
    said = first_three(f"{level!r} {count[level]}" for level in levels if level not in first)
    kept = f"; before: {first_three(f'{level!r} {count[level]}' for level in first)}" if first else ""
    found = (
        f"cohort {first_three(map(repr, cohorts))}: by the column {str(column)!r} {others} of {len(words)} "
        f"biopsies are not from before the treatment, or it isn't known ({said}{kept}), and what changed under it "
        "is no prediction"
    )
    how = f"if all biopsies are from before: --before {shlex.quote(f'{quoted(column)}.notna()')}"
    return Question(found, "before", query, how=how)


def _is_before(level: str) -> bool:
    number = _number(level)
    return number <= 0 if number is not None else _BEFORE.match(level) is not None


def _names(words: pd.Series) -> bool:
    """Whether a word is each biopsy's own, as an id is."""
    return len(words) > _MOST_TIMES and words.is_unique and not all(_number(word) is not None for word in words)


def _filled(values: pd.Series) -> pd.Series:
    """Words of those that are not blank; a whole number has no fraction."""
    words = values.dropna().astype(str).str.strip().str.replace(r"^(-?\d+)\.0+$", r"\1", regex=True)
    return words[words != ""]


def _number(word: str) -> float | None:
    return float(word) if re.fullmatch(r"-?\d+(\.\d+)?", word) else None


def _is_time(column: str) -> bool:
    """Whether a column is called after the time of a sample; survival and follow-up are other times."""
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).casefold()
    words = [word for word in re.split(r"[^a-z]+", parts) if word]
    return any(_TIMES.match(word) for word in words) and not any(_OTHER.search(word) for word in words)
