"""What severity can be learned from: a number per sample, cases and controls, the time to an event."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd
from scipy import stats

from .._core.expressions import quoted
from ..errors import InputError, UnknownNameError, first_three
from ..nouns import Contrast
from ..stats.discriminant import fit_head
from ..stats.intervals import weighted_auc
from ..stats.ridge import Line
from ..stats.subjects import count_subjects, handed_on, rows_of_subjects
from ._stack import Features, Stack, Targets, learn

LEAST_SUBJECTS = 5


@dataclass(frozen=True)
class Lines:
    """Scores by weights that stand already, as :class:`Stack` has them."""

    by_part: Mapping[str, Line]

    def predict(self, features: Features) -> np.ndarray:
        """Scores, shape ``(n, 1)``."""
        parts = [v.intercept + (features[p] - v.centre_f) @ v.weight_f for p, v in self.by_part.items()]
        return np.sum(parts, axis=0)[:, None]

    def lines(self) -> Mapping[str, Line]:
        """The weights."""
        return self.by_part


Learned = Lines | Stack
"""A way to score samples that was learned from some of them: the measure's own score first, then permuted ones'."""


class Measure(Protocol):
    """What severity is learned from."""

    metric: ClassVar[str]
    estimates: ClassVar[bool]
    """Whether the score estimates the measure itself, so that intervals can be had."""
    shown: ClassVar[str]
    """What its numbers are, in words; empty where its name says it."""

    @property
    def name(self) -> str:
        """In words."""
        ...

    @property
    def y_nt(self) -> np.ndarray:
        """The measure, NaN where a sample has none, and beside it the same handed to other subjects."""
        ...

    def learn(
        self, features: Features, rows: np.ndarray, methods: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Learned]:
        """Learn from the samples in `rows`, to which `features` belong already."""
        ...

    def value(self, score_n: np.ndarray, rows: np.ndarray, *, target: int = 0) -> float:
        """How well scores of some samples follow the measure, or a permuted one."""
        ...

    def remarks(self, score_n: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
        """What else is to be said of held-out scores."""
        ...


@dataclass(frozen=True)
class Number:
    """An ordinal or continuous column; a sample without it is not learned from.

    ``beside_nb`` are other columns, NaN where missing, which are learned with it and never asked for again.
    """

    name: str
    y_nt: np.ndarray
    target_nt: np.ndarray
    beside_nb: np.ndarray
    subject_n: np.ndarray
    seed: int = 0

    metric: ClassVar[str] = "spearman"
    estimates: ClassVar[bool] = True
    shown: ClassVar[str] = ""

    def learn(
        self, features: Features, rows: np.ndarray, methods: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Learned]:
        """Ridge regressions and their mixture, see :func:`genelight.patients._stack.learn`."""
        beside_nb = standardised(self.beside_nb[rows])
        return learn(features, Targets(self.target_nt[rows], self.subject_n[rows], self.seed, beside_nb), methods)

    def value(self, score_n: np.ndarray, rows: np.ndarray, *, target: int = 0) -> float:
        """Spearman's correlation over samples; 0 where the score is constant."""
        if np.ptp(score_n) == 0:
            return 0.0
        return float(stats.spearmanr(score_n, self.y_nt[rows, target]).statistic)

    def remarks(self, score_n: np.ndarray, rows: np.ndarray) -> dict[str, Any]:  # noqa: ARG002 - nothing
        """Nothing."""
        return {}


@dataclass(frozen=True)
class Direction:
    """The way from controls to cases: 0 at the mean control, 1 at the mean case, nothing learned but these means.

    Codes are standardised and every subject weighs alike.
    """

    contrast: Contrast

    metric: ClassVar[str] = "auc"
    estimates: ClassVar[bool] = False
    shown: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """The contrast in words."""
        return self.contrast.name

    @property
    def y_nt(self) -> np.ndarray:
        """1 for cases, 0 for controls, NaN for the others; the labels of a contrast have a permutation test already."""
        case_n, control_n = self.contrast.case_n, self.contrast.control_n
        return np.where(case_n, 1.0, np.where(control_n, 0.0, np.nan))[:, None]

    def learn(
        self, features: Features, rows: np.ndarray, methods: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Learned]:
        """Mean case less mean control on each part; a method with several parts takes their mean."""
        part = self.contrast.take(rows)
        found = {}
        for method, parts in methods.items():
            lines = {name: self._line(features[name], part, share=1.0 / len(parts)) for name in parts}
            found[method] = Lines(lines)
        return found

    def value(self, score_n: np.ndarray, rows: np.ndarray, *, target: int = 0) -> float:  # noqa: ARG002 - has one
        """Chance that a case scores above a control, subjects alike."""
        part = self.contrast.take(rows)
        return weighted_auc(score_n, part, part.weight_n())

    def remarks(self, score_n: np.ndarray, rows: np.ndarray) -> dict[str, Any]:  # noqa: ARG002 - nothing
        """Nothing."""
        return {}

    @staticmethod
    def _line(f_nf: np.ndarray, contrast: Contrast, *, share: float) -> Line:
        head = fit_head(f_nf, contrast, contrast.weight_n(), penalty=1.0)
        step_f = head.shift_k / head.sd_k
        length = max(float(head.shift_k @ head.shift_k), 1e-12)
        return Line(head.control_k, share * step_f / length, 0.0)


def number(
    obs: pd.DataFrame,
    column: str,
    subject_n: np.ndarray,
    *,
    time: str | None,
    beside: Sequence[str],
    draws: int,
    seed: int,
) -> Number:
    """A column of ``obs`` as a measure, and as often handed to other subjects; with `time`, learned from smoothed.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    InputError
        If it holds text or one value only, is missing for most samples, or too few subjects have it; if a column beside
        it is text, says nothing, or is the measure.
    """
    y_n = numbers_of(obs, column, role="measure")
    there_n = np.isfinite(y_n)
    check_known(there_n, subject_n, (column,))
    if np.ptp(y_n[there_n]) == 0:
        msg = (
            f"measure {column!r} is {y_n[there_n][0]:g} for all {there_n.sum()} samples that have it; nothing to learn"
        )
        raise InputError(msg)
    y_nt = np.repeat(y_n[:, None], 1 + draws, axis=1)
    rng = np.random.default_rng((seed, 1))
    for t in range(1, 1 + draws):
        y_nt[there_n, t] = handed_on(y_n[there_n], subject_n[there_n], rng)
    target_nt, beside_nb = y_nt, others_of(obs, beside, y_n, measure=column)
    if time is not None:
        when_n = numbers_of(obs, time, role="time")
        target_nt = smoothed(y_nt, subject_n, when_n)
        for b in range(len(beside)):
            beside_nb[:, [b]] = smoothed(beside_nb[:, [b]], subject_n, when_n)
    return Number(column, y_nt, target_nt, beside_nb, subject_n, seed)


def others_of(obs: pd.DataFrame, columns: Sequence[str], y_n: np.ndarray, *, measure: str) -> np.ndarray:
    """Columns to learn beside a measure, shape ``(n, b)``, NaN where missing.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    InputError
        If one holds text, has no two values where the measure is known, or is the measure.
    """
    there_n = np.isfinite(y_n)
    beside_nb = np.empty((len(obs), len(columns)))
    for b, column in enumerate(columns):
        beside_nb[:, b] = numbers_of(obs, column, role="beside")
        both_n = there_n & np.isfinite(beside_nb[:, b])
        if len(np.unique(beside_nb[both_n, b])) < 2:
            msg = (
                f"beside {column!r} has {int(both_n.sum())} values where the measure is known and no two that differ; "
                "there is nothing to learn from it, leave it out"
            )
            raise InputError(msg)
        if np.array_equal(beside_nb[both_n, b], y_n[both_n]):
            msg = f"beside {column!r} is the measure {measure!r} itself; name columns that say something else"
            raise InputError(msg)
    return beside_nb


def standardised(beside_nb: np.ndarray) -> np.ndarray:
    """Columns of mean zero and standard deviation one over the samples that have them, zero where they are missing."""
    there_nb = np.isfinite(beside_nb)
    count_b = np.maximum(there_nb.sum(0), 1)
    centred_nb = np.where(there_nb, beside_nb - np.where(there_nb, beside_nb, 0.0).sum(0) / count_b, 0.0)
    sd_b = np.sqrt((centred_nb**2).sum(0) / count_b)
    return centred_nb / np.where(sd_b > 0, sd_b, 1.0)


def smoothed(y_nt: np.ndarray, subject_n: np.ndarray, when_n: np.ndarray) -> np.ndarray:
    """Each value half its own, half the mean of the subject's visits just before and after; alone where it has none.

    A measure taken at one visit is a noisy reading of how the subject fares around then. Values and times that are
    missing stay out. The half is from the log of the study ``severity``.
    """
    smoothed_nt = y_nt.copy()
    known = np.flatnonzero(np.isfinite(y_nt[:, 0]) & np.isfinite(when_n))
    for own in rows_of_subjects(subject_n[known]):
        rows = known[own]
        rows = rows[np.argsort(when_n[rows], kind="stable")]
        if len(rows) < 2:
            continue
        beside_nt = np.zeros((len(rows), y_nt.shape[1]))
        beside_nt[1:] += y_nt[rows[:-1]]
        beside_nt[:-1] += y_nt[rows[1:]]
        beside_nt[1:-1] /= 2
        smoothed_nt[rows] = (y_nt[rows] + beside_nt) / 2
    return smoothed_nt


def numbers_of(obs: pd.DataFrame, column: str, *, role: str) -> np.ndarray:
    """A column of numbers, NaN where there is none.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    InputError
        If it holds text.
    """
    if column not in obs:
        raise UnknownNameError(role, column, obs.columns, where="obs")
    values = obs[column]
    y_n = pd.to_numeric(values.astype(object), errors="coerce").to_numpy(np.float64)
    text = values[values.notna().to_numpy() & np.isnan(y_n)]
    if len(text):
        msg = (
            f"{role} {column!r} has {len(text)} values that are not numbers (first {first_three(map(repr, text))}); "
            "give each level a number, for example obs['grade'] = obs['stage'].map({'mild': 1, 'severe': 2})"
        )
        raise InputError(msg)
    return np.where(np.isfinite(y_n), y_n, np.nan)


def check_known(there_n: np.ndarray, subject_n: np.ndarray, columns: Sequence[str]) -> None:
    """Stop when a measure, of one column or several, is missing for most samples or known for too few subjects.

    Raises
    ------
    InputError
        If so.
    """
    subjects, measure = count_subjects(subject_n[there_n]), " until ".join(columns)
    if there_n.sum() < len(there_n) / 2:
        query = " or ".join(f"{quoted(column)}.isna()" for column in columns)
        msg = (
            f"measure {measure!r} is missing for {int((~there_n).sum())} of {len(there_n)} samples; if the others are "
            f"what you mean, keep them alone: adata[adata.obs[{list(columns)}].notna().all(axis=1)], or "
            f"--drop {shlex.quote(query)}"
        )
        raise InputError(msg)
    if subjects < LEAST_SUBJECTS:
        msg = (
            f"measure {measure!r} is known for {int(there_n.sum())} samples of {subjects} subject"
            f"{'' if subjects == 1 else 's'}, at least {LEAST_SUBJECTS} subjects are needed to judge a score on unseen "
            "ones; give samples of more subjects, or another column of subjects where this one names none"
        )
        raise InputError(msg)
