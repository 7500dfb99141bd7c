"""From a score to a probability: learned on other cohorts, moved by a few patients of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit

from ..stats.logistic import Logit, fit_logit
from ..stats.meta import random_effects

__all__ = ["Beliefs", "Calibrated", "beliefs", "bins", "calibrate", "net_benefit", "slopes"]

DRAWS, BOOTSTRAPS, FIFTHS = 50, 500, 5
EDGE = 1e-4
THRESHOLDS = tuple(round(0.1 + 0.05 * step, 2) for step in range(13))


@dataclass(frozen=True)
class Beliefs:
    """What other cohorts say of a new one: the line from score to log odds, and how much lines differ by cohort.

    Attributes
    ----------
    line
        Over all cohorts.
    intercept_tau2, slope_tau2
        Variance between cohorts of the log odds of response, and of the slope.
    """

    line: Logit
    intercept_tau2: float
    slope_tau2: float

    @property
    def prior(self) -> Logit:
        """The line of a new cohort before any patient of it is known."""
        more_22 = np.diag([self.intercept_tau2, self.slope_tau2])
        return Logit(self.line.intercept, self.line.slope, self.line.cov_22 + more_22)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        line = self.prior
        return {"intercept": line.intercept, "slope": line.slope, "cov": line.cov_22.tolist()}


@dataclass(frozen=True)
class Calibrated:
    """Probabilities of patients of cohorts left out.

    Attributes
    ----------
    plain_n
        By the other cohorts alone.
    local_dn
        After some of the cohort's patients recalibrated it, by draw of these; NaN for them.
    """

    plain_n: np.ndarray
    local_dn: np.ndarray

    @property
    def local_n(self) -> np.ndarray:
        """Mean over draws."""
        there_dn = np.isfinite(self.local_dn)
        total_n = np.where(there_dn, self.local_dn, 0.0).sum(0)
        return np.asarray(total_n / np.where(there_dn.any(0), there_dn.sum(0), np.nan))


def beliefs(score_n: np.ndarray, y_n: np.ndarray, cohort_n: np.ndarray) -> Beliefs:
    """Learn them from patients of several cohorts, each scored by what was learned without it."""
    line = fit_logit(score_n, y_n)
    rate, rate_variance, slope, slope_variance = [], [], [], []
    for c in np.unique(cohort_n):
        y, s = y_n[cohort_n == c], score_n[cohort_n == c]
        ones, zeros = y.sum() + 0.5, (1 - y).sum() + 0.5
        rate.append(np.log(ones / zeros))
        rate_variance.append(1 / ones + 1 / zeros)
        # One that parts the classes completely has no finite slope; a wide belief keeps it, at little weight.
        own = fit_logit(s, y, prior=Logit(line.intercept, line.slope, np.diag([9.0, 4.0])))
        slope.append(own.slope)
        slope_variance.append(1 / max(1 / float(own.cov_22[1, 1]) - 1 / 4.0, 1e-3))
    columns = np.column_stack((rate, slope)), np.column_stack((rate_variance, slope_variance))
    tau2 = np.nan_to_num(random_effects(*columns).tau2_g)
    return Beliefs(line, float(tau2[0]), float(tau2[1]))


def calibrate(
    score_n: np.ndarray, inner_cn: np.ndarray, *, y_n: np.ndarray, cohort_n: np.ndarray, local: int, seed: int
) -> Calibrated:
    """Probabilities of each cohort by the others; with `local` of its patients known, drawn 50 times.

    At most half of a cohort's patients are taken.
    """
    rng = np.random.default_rng((seed, 6))
    plain_n, local_dn = np.full(len(y_n), np.nan), np.full((DRAWS, len(y_n)), np.nan)
    for c in np.unique(cohort_n):
        rows, rest = np.flatnonzero(cohort_n == c), cohort_n != c
        believed = beliefs(inner_cn[c][rest], y_n[rest], cohort_n[rest])
        plain_n[rows] = believed.line.probability(score_n[rows])
        size = min(local, len(rows) // 2)
        for d in range(DRAWS):
            known = rng.permutation(len(rows)) < size
            line = fit_logit(score_n[rows][known], y_n[rows][known], prior=believed.prior)
            local_dn[d, rows[~known]] = line.probability(score_n[rows][~known])
    return Calibrated(plain_n, local_dn)


def slopes(found: Calibrated, y_n: np.ndarray, cohort_n: np.ndarray, *, seed: int) -> dict[str, dict[str, float]]:
    """Slope and intercept of the outcome on the log odds (1 and 0 where they are right), with 95% over cohorts."""
    rng = np.random.default_rng((seed, 7))
    cohorts = int(cohort_n.max()) + 1
    drawn = rng.integers(0, cohorts, (BOOTSTRAPS, cohorts))
    weight_bn = np.stack([np.bincount(d, minlength=cohorts)[cohort_n] for d in drawn]).astype(float)
    made = {}
    for name, p_dn in (("as learned", found.plain_n[None]), ("recalibrated locally", found.local_dn)):
        value = np.mean([_line(p_n, y_n, np.ones(len(y_n))) for p_n in p_dn], axis=0)
        boot = np.array([_line(p_dn[b % len(p_dn)], y_n, weight_n) for b, weight_n in enumerate(weight_bn)])
        low, high = np.quantile(boot, (0.025, 0.975), axis=0)
        made[name] = {"slope": float(value[1]), "low": float(low[1]), "high": float(high[1])}
        made[name] |= {"intercept": float(value[0]), "brier": float(np.nanmean((p_dn - y_n) ** 2))}
    return made


def bins(found: Calibrated, y_n: np.ndarray) -> pd.DataFrame:
    """Fifths of the probability, and the share of responders there."""
    parts = []
    for name, p_n in (("as learned", found.plain_n), ("recalibrated locally", found.local_n)):
        there = np.isfinite(p_n)
        edges = np.unique(np.quantile(p_n[there], np.linspace(0, 1, FIFTHS + 1)[1:-1]))
        part_n = np.searchsorted(edges, p_n[there])
        for part in np.unique(part_n):
            p, y = p_n[there][part_n == part], y_n[there][part_n == part]
            parts.append((name, p.min(), p.max(), p.mean(), y.mean(), len(y)))
    return pd.DataFrame(parts, columns=["which", "from", "to", "probability", "share", "samples"])


def net_benefit(p_n: np.ndarray, y_n: np.ndarray) -> np.ndarray:
    """Net benefit of treating whoever lies above each threshold, in responders treated a patient.

    References
    ----------
    Vickers and Elkin 2006, doi 10.1177/0272989X06295361.
    """
    there = np.isfinite(p_n)
    p_n, y_n = p_n[there], y_n[there]
    found = []
    for threshold in THRESHOLDS:
        treated = p_n >= threshold
        odds = threshold / (1 - threshold)
        found.append((treated & (y_n == 1)).mean() - (treated & (y_n == 0)).mean() * odds)
    return np.array(found)


def _line(p_n: np.ndarray, y_n: np.ndarray, weight_n: np.ndarray) -> tuple[float, float]:
    there = np.isfinite(p_n) & (weight_n > 0)
    found = fit_logit(logit(np.clip(p_n[there], EDGE, 1 - EDGE)), y_n[there], weight_n=weight_n[there])
    return found.intercept, found.slope
