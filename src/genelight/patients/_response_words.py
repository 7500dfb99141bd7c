"""What a response is called: R, responder, CR, yes, 1; what has no one meaning is asked for, never guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, first_three
from ._response_asked import Question

__all__ = ["CLASSES", "read_words", "words_question"]

CLASSES = ("R", "NR", "drop")
SPELT = {
    "R": "r responder responders response responded respond cr pr crpr prcr completeresponse partialresponse "
    "completeremission partialremission complete partial yes y true 1 objectiveresponse or",
    "NR": "nr nonresponder nonresponders nonresponse noresponse notresponder didnotrespond pd progressivedisease "
    "progression progressive progressor no n false 0",
    "SD": "sd stabledisease stable",
    "mixed": "mixed mixedresponse mr",
    "missing": "na n/a n.a. #n/a . nan none null missing unknown ne notevaluable notevaluated notavailable unevaluable",
}
MEANS = {word: kind for kind, words in SPELT.items() for word in words.split()}
MOST_WORDS = 8
UNDECIDED = {"SD": "stable disease", "mixed": "a mixed response"}


def read_words(values: pd.Series, words: Mapping[str, str]) -> tuple[np.ndarray, int]:
    """1 for response, 0 for none, NaN where it is missing, dropped or open, shape ``(n,)``; how many are open.

    Parameters
    ----------
    values
        As a sheet has them: text in any case and spelling, numbers 1 and 0, true and false.
    words
        What stable disease (``"SD"``), mixed response (``"mixed"``) and further words mean: ``"R"``, ``"NR"`` or
        ``"drop"``. They go before what is known.
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
        said.append(f"{_cohorts(by_name)}: {count.total()} of {samples} samples have {what} ({named})")
    if open_.keys() & UNDECIDED.keys():
        said.append("by RECIST CR and PR are responses and PD is none, and these are neither")
    strange = {_plain(word): word for count in open_.pop("", {}).values() for word in count}
    answer = dict.fromkeys(strange.values(), "drop") | dict.fromkeys(open_, "NR")
    how = "a word counts as R (responded), NR (did not) or drop (left out)"
    if len(strange) > MOST_WORDS:
        how += "; or is the response in another column? Name it with --response"
    return Question("; ".join(said), "words", answer, how=how)


def _told(words: Mapping[str, str]) -> dict[str, str]:
    """What was said of words, by the plain word.

    Raises
    ------
    InputError
        If it is no class, or is said of a blank.
    """
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


def _cohorts(names: Iterable[str]) -> str:
    many = list(names)
    return f"cohort{'' if len(many) == 1 else 's'} {first_three(map(repr, many))}"


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
