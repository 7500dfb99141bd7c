"""What a sheet says of response, when biopsies were taken and whose they are; what it leaves open is asked at once.

A response may be called R, responder, CR, yes or 1; biopsies under treatment foretell nothing, and several of a patient
are averaged. What has no one meaning is asked for, with what to type, and never guessed.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from .._core.expressions import columns_named, evaluate, quoted
from ..errors import InputError, first_three
from ..nouns.contrast import persons
from ..stats.subjects import rows_of_subjects

CLASSES = ("R", "NR", "drop")
WORDS = {
    "R": "r responder responders response responded respond cr pr crpr prcr completeresponse partialresponse "
    "completeremission partialremission complete partial yes y true 1 objectiveresponse or",
    "NR": "nr nonresponder nonresponders nonresponse noresponse notresponder didnotrespond pd progressivedisease "
    "progression progressive progressor no n false 0",
    "SD": "sd stabledisease stable",
    "mixed": "mixed mixedresponse mr",
    "missing": "na n/a n.a. #n/a . nan none null missing unknown ne notevaluable notevaluated notavailable unevaluable",
}
MEANS = {word: kind for kind, words in WORDS.items() for word in words.split()}
MOST_WORDS = 8
UNDECIDED = {"SD": "stable disease", "mixed": "a mixed response"}
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
PERSONS = ("patient", "subject", "patient_id", "subject_id", "individual", "donor", "patientid", "subjectid")


@dataclass(frozen=True)
class Question:
    """One thing that nobody said and that is never guessed.

    Attributes
    ----------
    found
        What was found, in which cohorts.
    how
        What an answer may be; empty where what is typed says it.
    name, answer
        Argument of a plan and option of the command line, with what it may be set to; several for words.
    """

    found: str
    name: str
    answer: str | Mapping[str, str]
    how: str = field(default="", kw_only=True)

    @property
    def option(self) -> str:
        """As the command line takes it."""
        given = [self.answer] if isinstance(self.answer, str) else [f"{k}={v}" for k, v in self.answer.items()]
        return " ".join(f"--{self.name}{'=' if each[:1] == '-' else ' '}{shlex.quote(each)}" for each in given)


def ask(questions: Iterable[Question | None]) -> None:
    """Stop where anything has to be said.

    Raises
    ------
    InputError
        If so: one message that has it all.
    """
    open_ = [question for question in questions if question is not None]
    if not open_:
        return
    found = "; ".join(question.found for question in open_)
    how = "".join(f"; {question.how}" for question in open_ if question.how)
    plan = ", ".join(f"{question.name}={question.answer!r}" for question in open_)
    msg = f"{found}. Say what holds, such as {plan} (on the command line {' '.join(q.option for q in open_)}){how}"
    raise InputError(msg)


def read_words(values: pd.Series, words: Mapping[str, str]) -> tuple[np.ndarray, int]:
    """1 for response, 0 for none, NaN where it is missing, dropped or open, shape ``(n,)``; how many are open.

    Values are text in any case and spelling, numbers 1 and 0, true and false; what was said of `words` goes before
    what is known of them.
    """
    told = {_plain(word): kind for word, kind in words.items()}
    kind_n = [_kind(_plain(value), told) for value in values]
    value = {"R": 1.0, "NR": 0.0}
    y_n = np.array([value.get(str(kind), np.nan) for kind in kind_n])
    return y_n, sum(kind is None or kind in UNDECIDED for kind in kind_n)


def words_question(tables: Mapping[str, pd.Series], words: Mapping[str, str]) -> Question | None:
    """What has to be said of the words of all cohorts, None where all is known.

    Raises
    ------
    InputError
        If what was said of a word is no class, or is said of a blank.
    """
    told = _told(words)
    open_: dict[str, dict[str, Counter[str]]] = {}
    for name, values in tables.items():
        for value in values:
            plain = _plain(value)
            kind = _kind(plain, told)
            if kind is None or kind in UNDECIDED:
                open_.setdefault(kind or "", {}).setdefault(name, Counter())[str(value).strip()] += 1
    if not open_:
        return None
    said = []
    for kind, by_name in sorted(open_.items()):
        count = sum((each for each in by_name.values()), Counter[str]())
        samples = sum(len(tables[name]) for name in by_name)
        named = first_three(map(repr, count))
        what = UNDECIDED.get(kind, "a response that has no known meaning")
        cohorts = f"cohort{'' if len(by_name) == 1 else 's'} {first_three(map(repr, by_name))}"
        said.append(f"{cohorts}: {count.total()} of {samples} samples have {what} ({named})")
    if open_.keys() & UNDECIDED.keys():
        said.append("by RECIST CR and PR are responses and PD is none, and these are neither")
    strange = {_plain(word): word for count in open_.pop("", {}).values() for word in count}
    answer = dict.fromkeys(strange.values(), "drop") | dict.fromkeys(open_, "NR")
    how = "a word counts as R (responded), NR (did not) or drop (left out)"
    if len(strange) > MOST_WORDS:
        how += "; or is the response in another column? Name it with --response"
    return Question("; ".join(said), "words", answer, how=how)


def _told(words: Mapping[str, str]) -> dict[str, str]:
    """What was said of words, by the plain word."""
    for word, kind in words.items():
        if kind not in CLASSES:
            msg = f"words: {word!r} is said to mean {kind!r}; say R (responded), NR (did not) or drop"
            raise InputError(msg)
        if not _plain(word):
            msg = (
                f"words: a blank is said to mean {kind!r}; where no response is written none is known, it stays missing"
            )
            raise InputError(msg)
    return {_plain(word): kind for word, kind in words.items()}


def _kind(word: str, told: Mapping[str, str]) -> str | None:
    """What a plain word means; what was told of stable disease holds for all its spellings."""
    if not word:
        return "missing"
    known = MEANS.get(word)
    if word in told or known not in ("SD", "mixed"):
        return told.get(word, known)
    return told.get(known.casefold(), known)


def _plain(value: Any) -> str:
    """A word without case, and without what joins two words; a missing value is empty, a whole number has no fraction.

    Signs elsewhere stay, for they carry meaning: -1 isn't 1, R- isn't R+, N/R isn't NR, and - isn't a blank.
    """
    if pd.isna(value):
        return ""
    text = re.sub(r"\s+and\s+", " ", str(value).strip().casefold())
    text = re.sub(r"^([+-]?\d+)\.0+$", r"\1", text)
    return re.sub(r"(?<=[a-z]{2})[\s_./+&,-]+(?=[a-z]{2})", "", text)


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
            question = _time_question(column, pd.concat(list(parts.values())), where=parts) if parts else None
            if question is not None:
                return question
            continue
        for name, words in parts.items():
            levels = list(words.unique())
            kinds = [any(kind.match(level) for level in levels) for kind in (_BEFORE, _DURING)]
            words_only = not pd.api.types.is_numeric_dtype(tables[name][column])
            if words_only and 1 < len(levels) <= _MOST_TIMES and all(kinds):
                question = _time_question(column, words, where={name: words})
                if question is not None:
                    return question
    return None


def _time_question(column: object, words: pd.Series, *, where: Mapping[str, pd.Series]) -> Question | None:
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


def persons_question(tables: Mapping[str, pd.DataFrame]) -> Question | None:
    """What has to be said where a column that is called after patients repeats in a cohort, None where none does."""
    repeated: dict[str, dict[str, pd.Series]] = {}
    for name, obs in tables.items():
        lower = {str(column).casefold().replace(" ", "_"): column for column in obs}
        for column in (lower[person] for person in PERSONS if person in lower):
            values = obs[column].dropna().astype(str)
            if values.duplicated().any():
                repeated.setdefault(str(column), {})[name] = values
    if not repeated:
        return None
    column, parts = max(repeated.items(), key=lambda item: sum(map(len, item[1].values())))
    found = (
        f"cohort {first_three(map(repr, parts))}: {sum(map(len, parts.values()))} biopsies are of "
        f"{sum(values.nunique() for values in parts.values())} patients by the column {column!r}"
    )
    return Question(found, "subject", column, how="a patient's biopsies are averaged")


def rows_of_patients(name: str, obs: pd.DataFrame, *, y_n: np.ndarray, subject: str | None) -> list[np.ndarray]:
    """Rows of each patient; without a column of patients each biopsy is one.

    Raises
    ------
    InputError
        If a patient's biopsies differ in response.
    """
    if subject is None:
        return [np.array([row]) for row in range(len(obs))]
    subject_n = persons(obs, subject)
    rows_s = rows_of_subjects(subject_n) if len(obs) else []
    torn = [str(subject_n[rows[0]]) for rows in rows_s if np.ptp(y_n[rows]) > 0]
    if torn:
        msg = (
            f"cohort {name!r}: {len(torn)} patients have biopsies with different responses ({first_three(torn)}); "
            "correct the sheet, or keep one biopsy of each: --drop, or before=..."
        )
        raise InputError(msg)
    return rows_s
