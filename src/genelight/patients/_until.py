"""Time to an event as a measure of severity: who comes to it sooner than expected."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ..errors import InputError, first_three
from ..nouns.contrast import Until
from ..stats.subjects import count_subjects, handed_on
from ._measures import LEAST_SUBJECTS, Learned, check_known, numbers_of
from ._stack import Features, Targets, learn

SEPARATED = (
    "every event came to the sample with the {side} score of all still waited for (complete separation), so the hazard "
    "ratio has no bound and cannot be given"
)


@dataclass(frozen=True)
class Waiting:
    """Times to an event or to the end of observation, and for permutations whose times each sample is handed.

    Learned is by how many events a sample's wait held more than the average hazard lets expect: the martingale
    residual, by which a Cox regression takes its first step. The penalised regression of it is the ridge regression
    that every other measure has, with the same baselines.

    References
    ----------
    Therneau, Grambsch and Fleming 1990, doi 10.1093/biomet/77.1.147.
    """

    name: str
    time_n: np.ndarray
    event_n: np.ndarray
    donor_nt: np.ndarray
    subject_n: np.ndarray
    seed: int = 0

    metric: ClassVar[str] = "concordance"
    estimates: ClassVar[bool] = False
    shown: ClassVar[str] = "events above expectation"

    @property
    def y_nt(self) -> np.ndarray:
        """Events above expectation by the hazard of all; NaN where the wait is not known."""
        there_n = np.isfinite(self.time_n)
        y_nt = np.full(self.donor_nt.shape, np.nan)
        y_nt[there_n, 0] = excess(self.time_n[there_n], self.event_n[there_n])
        return y_nt

    def learn(
        self, features: Features, rows: np.ndarray, methods: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Learned]:
        """Ridge regressions and their mixture, the hazard taken from the samples in `rows` alone."""
        donor_nt = self.donor_nt[rows]
        y_nt = np.stack([excess(self.time_n[donor_n], self.event_n[donor_n]) for donor_n in donor_nt.T], axis=1)
        return learn(features, Targets(y_nt, self.subject_n[rows], self.seed), methods)

    def value(self, score_n: np.ndarray, rows: np.ndarray, *, target: int = 0) -> float:
        """Harrell's concordance: of two samples, how often the higher score has the earlier event; ties are a half."""
        donor_n = self.donor_nt[rows, target]
        try:
            found = _lifelines("utils").concordance_index(self.time_n[donor_n], -score_n, self.event_n[donor_n])
        except ZeroDivisionError:  # no two can be compared
            return 0.5
        return float(found)

    def remarks(self, score_n: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
        """Cox regression on the scores: hazard ratio per standard deviation, 95% interval robust to subjects.

        Without figures, and with a ``warning``, where the scores order all events without a fault or the regression
        does not converge.
        """
        spread = float(score_n.std())
        if not spread:
            return {"hazard": dict.fromkeys(("ratio", "low", "high"), 1.0)}
        time_n, event_n = self.time_n[rows], self.event_n[rows]
        side = _separated(score_n, time_n, event_n)
        if side:
            return {"hazard": dict.fromkeys(("ratio", "low", "high")) | {"warning": SEPARATED.format(side=side)}}
        table = pd.DataFrame({"score": score_n / spread, "time": time_n, "event": event_n})
        table["subject"] = self.subject_n[rows]
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = _lifelines("").CoxPHFitter().fit(table, "time", "event", cluster_col="subject")
        columns = {"ratio": "exp(coef)", "low": "exp(coef) lower 95%", "high": "exp(coef) upper 95%"}
        hazard: dict[str, Any] = {name: float(found.summary.loc["score", c]) for name, c in columns.items()}
        doubts = [str(w.message).partition("\n")[0] for w in said if w.category.__name__ == "ConvergenceWarning"]
        return {"hazard": hazard | ({"warning": f"not to be relied on: {doubts[0]}"} if doubts else {})}


def waiting(obs: pd.DataFrame, until: Until, subject_n: np.ndarray, *, draws: int, seed: int) -> Waiting:
    """Two columns of ``obs`` as a measure, and as often handed to other subjects.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    InputError
        If times are text or negative, events other than yes and no, too few subjects have one, most samples lack them,
        or lifelines is not installed.
    """
    _lifelines("utils")
    time_n = numbers_of(obs, until.time, role="time")
    event_n = numbers_of(obs, until.event, role="event")
    there_n = np.isfinite(time_n) & np.isfinite(event_n)
    if (time_n[there_n] < 0).any():
        msg = (
            f"time {until.time!r} is below zero for {(time_n[there_n] < 0).sum()} samples; count it from the sample on"
        )
        raise InputError(msg)
    other = sorted(set(event_n[there_n]) - {0.0, 1.0})
    if other:
        msg = f"event {until.event!r} holds {first_three(map(str, other))}; give 1 where it came and 0 where it did not"
        raise InputError(msg)
    check_known(there_n, subject_n, (until.time, until.event))
    with_event = count_subjects(subject_n[there_n & (event_n == 1)])
    if with_event < LEAST_SUBJECTS:
        msg = f"event {until.event!r} came to {with_event} subjects, at least {LEAST_SUBJECTS} are needed to learn from"
        raise InputError(msg)
    time_n, event_n = np.where(there_n, time_n, np.nan), np.where(there_n, event_n, np.nan)
    donor_nt = np.repeat(np.arange(len(obs))[:, None], 1 + draws, axis=1)
    rng = np.random.default_rng((seed, 1))
    for t in range(1, 1 + draws):
        donor_nt[there_n, t] = handed_on(donor_nt[there_n, 0], subject_n[there_n], rng)
    return Waiting(until.name, time_n, event_n, donor_nt, subject_n, seed)


def _separated(score_n: np.ndarray, time_n: np.ndarray, event_n: np.ndarray) -> str:
    """Whether at every event the sample has the highest (or the lowest) score of all still waited for."""
    at_risk = [score_n[time_n >= time] for time in time_n[event_n == 1]]
    own = score_n[event_n == 1]
    if all(score >= rest.max() for score, rest in zip(own, at_risk, strict=True)):
        return "higher"
    return "lower" if all(score <= rest.min() for score, rest in zip(own, at_risk, strict=True)) else ""


def excess(time_n: np.ndarray, event_n: np.ndarray) -> np.ndarray:
    """Martingale residuals: events less the cumulative hazard of all samples by then (Nelson and Aalen)."""
    position_n = np.unique(time_n, return_inverse=True)[1]
    events_m = np.bincount(position_n, event_n)
    at_risk_m = np.bincount(position_n)[::-1].cumsum()[::-1]
    return event_n - np.cumsum(events_m / at_risk_m)[position_n]


def _lifelines(part: str) -> Any:
    """The library, or a part of it, if it is installed."""
    try:
        return import_module(f"lifelines.{part}" if part else "lifelines")
    except ImportError as error:
        msg = f"time to an event needs lifelines, which is not here ({error}); pip install 'genelight[survival]'"
        raise InputError(msg) from error
