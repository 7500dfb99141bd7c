"""Logistic regression on one score, with what is believed of its line beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

__all__ = ["Logit", "fit_logit"]

ROUNDS, CLOSE, WIDE = 50, 1e-10, 1e-6


@dataclass(frozen=True)
class Logit:
    """Log odds ``intercept + slope * score``, and the covariance of both."""

    intercept: float
    slope: float
    cov_22: np.ndarray

    def probability(self, score_n: np.ndarray) -> np.ndarray:
        """Probability at each score."""
        return np.asarray(expit(self.intercept + self.slope * score_n))

    def se(self, score_n: np.ndarray) -> np.ndarray:
        """Standard error of the log odds at each score."""
        row_n2 = np.column_stack((np.ones(len(score_n)), score_n))
        return np.sqrt(np.einsum("np,pq,nq->n", row_n2, self.cov_22, row_n2))


def fit_logit(score_n: np.ndarray, y_n: np.ndarray, *, prior: Logit | None = None) -> Logit:
    """Maximum a posteriori line, by Newton's method.

    Parameters
    ----------
    score_n, y_n
        Score, and 1 or 0.
    prior
        A normal distribution of intercept and slope; by default one so wide that it only keeps a score that parts the
        classes completely from an infinite slope.

    Notes
    -----
    Agrees with ``statsmodels.Logit`` without a prior.

    Examples
    --------
    >>> import numpy as np
    >>> line = fit_logit(np.array([-1.0, -1.0, 1.0, 1.0, 1.0, -1.0]), np.array([0, 0, 1, 1, 0, 1.0]))
    >>> round(line.slope, 2)
    0.69
    """
    row_n2 = np.column_stack((np.ones(len(score_n)), score_n))
    mean_2 = np.zeros(2) if prior is None else np.array([prior.intercept, prior.slope])
    precision_22 = np.eye(2) * WIDE if prior is None else np.linalg.inv(prior.cov_22)
    at_2 = mean_2.copy()
    information_22 = precision_22
    for _ in range(ROUNDS):
        p_n = expit(row_n2 @ at_2)
        slope_2 = row_n2.T @ (y_n - p_n) - precision_22 @ (at_2 - mean_2)
        information_22 = (row_n2 * (p_n * (1 - p_n))[:, None]).T @ row_n2 + precision_22
        step_2 = np.linalg.solve(information_22, slope_2)
        # A long step from a poor start overshoots.
        step_2 *= min(1.0, 2.0 / max(float(np.abs(step_2).max()), 1e-12))
        at_2 = at_2 + step_2
        if np.abs(step_2).max() < CLOSE:
            break
    return Logit(float(at_2[0]), float(at_2[1]), np.linalg.inv(information_22))
