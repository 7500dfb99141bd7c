"""What a response is called: R, responder, CR, yes, 1; what has no one meaning is asked for, never guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, first_three

__all__ = ["CLASSES", "read_words"]

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


def read_words(values: pd.Series, *, words: Mapping[str, str], where: str) -> np.ndarray:
    """1 for response, 0 for none, NaN where it is missing or to be dropped, shape ``(n,)``.

    Parameters
    ----------
    values
        As a sheet has them: text in any case and spelling, numbers 1 and 0, true and false.
    words
        What stable disease (``"SD"``), mixed response (``"mixed"``) and further words mean: ``"R"``, ``"NR"`` or
        ``"drop"``. They go before what is known.
    where
        The cohort, for messages.

    Raises
    ------
    InputError
        If a word has no known meaning, a blank is given one, or stable or mixed ones are there and nothing was said of
        them.
    """
    wrong = {word: kind for word, kind in words.items() if kind not in CLASSES}
    if wrong:
        word, kind = next(iter(wrong.items()))
        msg = f"words: {word!r} is said to mean {kind!r}; say R (responded), NR (did not) or drop"
        raise InputError(msg)
    told = {_plain(word): kind for word, kind in words.items()}
    if "" in told:
        msg = (
            f"words: a blank is said to mean {told['']!r}; where no response is written none is known, it stays missing"
        )
        raise InputError(msg)
    plain_n = [_plain(value) for value in values]
    kinds = {word: _kind(word, told) for word in set(plain_n)}
    shown = {word: str(value) for word, value in zip(plain_n, values, strict=True)}
    counts = Counter(plain_n)
    strange = [word for word in counts if word and kinds[word] is None]
    if strange:
        msg = (
            f"cohort {where!r}: {sum(counts[w] for w in strange)} of {len(plain_n)} samples have a response that has "
            f"no known meaning ({first_three(repr(shown[w]) for w in strange)}); say what each means: "
            f"words={{{shown[strange[0]]!r}: 'R'}} (or 'NR', 'drop'), on the command line "
            f"--words '{shown[strange[0]]}=R'"
        )
        raise InputError(msg)
    open_ = [word for word in counts if kinds.get(word) in ("SD", "mixed")]
    if open_:
        kind = str(kinds[open_[0]])
        what = "stable disease" if kind == "SD" else "a mixed response"
        msg = (
            f"cohort {where!r}: {counts[open_[0]]} of {len(plain_n)} samples have {what} ({shown[open_[0]]!r}), which "
            "is neither a response nor its absence by RECIST (CR and PR are responses, PD is none); say what it counts "
            f"as: words={{{kind!r}: 'NR'}} (or 'R', 'drop'), on the command line --words {kind}=NR"
        )
        raise InputError(msg)
    value = {"R": 1.0, "NR": 0.0}
    return np.array([value.get(str(kinds.get(word)), np.nan) for word in plain_n])


def _kind(word: str, told: Mapping[str, str]) -> str | None:
    """What a plain word means; what was told of stable disease holds for all its spellings."""
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
