"""From a score to a probability: learned on other cohorts, moved by a few patients of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit, logit

from ..stats.intervals import jackknife_interval
from ..stats.logistic import Logit, fit_logit

DRAWS, FIFTHS = 50, 5
SCALES, GRID = (1.0, 0.5), 100  # of how far log odds and slopes differ between cohorts
EDGE = 1e-4
THRESHOLDS = tuple(round(0.1 + 0.05 * step, 2) for step in range(13))


@dataclass(frozen=True)
class Beliefs:
    """What other cohorts say of a new one: the line from score to log odds over all, and its variance between them."""

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
    """Learn them from patients of several cohorts, each scored by what was learned without it.

    Intercept and slope of every cohort, joined by random effects. Few cohorts hardly know how far they differ, so that
    variance has a half-normal prior and enters by its expectation.

    References
    ----------
    Roever et al. 2021 on the prior, doi 10.1002/jrsm.1475.
    """
    pooled = fit_logit(score_n, y_n)
    # A cohort whose score parts the classes completely has no finite slope; a wide belief keeps it, at little weight.
    wide_2 = np.array([9.0, 4.0])
    value_c2, variance_c2 = [], []
    for c in np.unique(cohort_n):
        own = fit_logit(
            score_n[cohort_n == c], y_n[cohort_n == c], prior=Logit(pooled.intercept, pooled.slope, np.diag(wide_2))
        )
        value_c2.append((own.intercept, own.slope))
        variance_c2.append(1 / np.maximum(1 / np.diag(own.cov_22) - 1 / wide_2, 1e-3))
    mean_2, variance_2, tau2_2 = np.array(
        [
            _joined(*columns, scale=scale)
            for *columns, scale in zip(np.array(value_c2).T, np.array(variance_c2).T, SCALES, strict=True)
        ]
    ).T
    line = Logit(float(mean_2[0]), float(mean_2[1]), np.diag(variance_2))
    return Beliefs(line, float(tau2_2[0]), float(tau2_2[1]))


def _joined(value_c: np.ndarray, variance_c: np.ndarray, *, scale: float) -> tuple[float, float, float]:
    """Mean over cohorts, its variance, and the expected variance between cohorts, that having a half-normal prior."""
    tau2_t = np.linspace(0, 4 * scale, GRID) ** 2
    weight_tc = 1 / (variance_c + tau2_t[:, None])
    total_t = weight_tc.sum(1)
    mean_t = weight_tc @ value_c / total_t
    off_t = (weight_tc * (value_c - mean_t[:, None]) ** 2).sum(1)
    log_t = 0.5 * (np.log(weight_tc).sum(1) - np.log(total_t) - off_t - tau2_t / scale**2)
    share_t = np.exp(log_t - log_t.max())
    share_t /= share_t.sum()
    mean = float(share_t @ mean_t)
    return mean, float(share_t @ (1 / total_t + (mean_t - mean) ** 2)), float(share_t @ tau2_t)


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


def patient_interval(
    line: Logit, score_n: np.ndarray, *, variance: float, coverage: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability of patients, and its interval: what is not known of the line, and of where scores are centred."""
    odds_n = line.intercept + line.slope * score_n
    reach_n = stats.norm.isf((1 - coverage) / 2) * np.sqrt(line.se(score_n) ** 2 + line.slope**2 * variance)
    return expit(odds_n), expit(odds_n - reach_n), expit(odds_n + reach_n)


def slopes(found: Calibrated, y_n: np.ndarray, cohort_n: np.ndarray) -> dict[str, dict[str, float]]:
    """Slope and intercept of the outcome on the log odds (1 and 0 where they are right), with 95% over cohorts."""
    made = {}
    for name, p_dn in (("as learned", found.plain_n[None]), ("recalibrated locally", found.local_dn)):
        intercept, slope = _mean_line(p_dn, y_n)
        kept_cn = [cohort_n != c for c in np.unique(cohort_n)]
        low, high = jackknife_interval(slope, np.array([_mean_line(p_dn[:, n], y_n[n])[1] for n in kept_cn]))
        made[name] = {"slope": slope, "low": low, "high": high}
        made[name] |= {"intercept": intercept, "brier": float(np.nanmean((p_dn - y_n) ** 2))}
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


def _mean_line(p_dn: np.ndarray, y_n: np.ndarray) -> tuple[float, float]:
    """Mean over draws of intercept and slope."""
    intercept, slope = np.mean([_line(p_n, y_n) for p_n in p_dn], axis=0)
    return float(intercept), float(slope)


def _line(p_n: np.ndarray, y_n: np.ndarray) -> tuple[float, float]:
    there = np.isfinite(p_n)
    found = fit_logit(logit(np.clip(p_n[there], EDGE, 1 - EDGE)), y_n[there])
    return found.intercept, found.slope
