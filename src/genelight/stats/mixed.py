"""Linear models of several samples per subject: one intercept a subject, by restricted maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from .subjects import numbered

__all__ = ["Coefficient", "random_intercept"]

LOGS = np.linspace(np.log(0.02), np.log(1e7), 57)
HALVINGS = 40
GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of every response, each of shape ``(k,)``.

    Attributes
    ----------
    value, se
        Estimate and standard error.
    df
        Degrees of freedom of the t distribution that the ratio of the two is held against.
    ratio
        Variance between subjects over that within; below zero where samples of one subject differ more.
    """

    value: np.ndarray
    se: np.ndarray
    df: np.ndarray
    ratio: np.ndarray

    @property
    def p(self) -> np.ndarray:
        """Two-sided p."""
        return np.asarray(2 * stats.t.sf(np.abs(self.value / self.se), self.df))

    def interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends."""
        half = stats.t.ppf((1 + level) / 2, self.df) * self.se
        return self.value - half, self.value + half


def random_intercept(y_nk: np.ndarray, x_np: np.ndarray, subject_n: np.ndarray, *, column: int) -> Coefficient:
    """Explain each response by a design, with an intercept of its own for every subject.

    Restricted maximum likelihood with one unknown, the variance between subjects over that within: sums over subjects
    give the likelihood at any ratio, a grid and a golden section its maximum, so that no fit fails. The ratio may be
    below zero, where a subject's samples differ more than those of different subjects: held at zero, the variance
    within is taken too small and tests within subjects are too bold, those between too shy. Standard errors
    and degrees of freedom are those of Kenward and Roger 1997 (doi 10.2307/2533558), from the expected information;
    where every subject has one sample, this is least squares.

    Parameters
    ----------
    y_nk
        Responses, shape ``(n, k)``.
    x_np
        Design with its intercept, of full rank, shape ``(n, p)``, ``p < n``.
    subject_n
        Whose each sample is.
    column
        Whose coefficient is wanted.

    Returns
    -------
    The coefficient of each response. Cost: about a hundred solutions of p equations for each response.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.stats.mixed import random_intercept
    >>> who = np.repeat(np.arange(6), 2)
    >>> x = np.column_stack([np.ones(12), np.tile([0.0, 1.0], 6)])
    >>> y = (who + 2 * x[:, 1] + np.tile([0.0, 0.1, 0.1, 0.0], 3))[:, None]
    >>> found = random_intercept(y, x, who, column=1)
    >>> found.value.round(3), found.df.round(1)
    (array([2.]), array([5.]))
    """
    sums = _Sums.of(y_nk, x_np, subject_n)
    ratio_k = np.zeros(y_nk.shape[1]) if len(sums.size_s) == len(y_nk) else _ratios(sums)
    return _coefficient(sums, ratio_k, column=column)


@dataclass(frozen=True)
class _Sums:
    """What the likelihood needs: cross products, and sums over each subject's samples; `y` less its least squares."""

    size_s: np.ndarray
    xx_pp: np.ndarray
    xy_pk: np.ndarray
    yy_k: np.ndarray
    x_sp: np.ndarray
    y_sk: np.ndarray
    least_squares_pk: np.ndarray

    @classmethod
    def of(cls, y_nk: np.ndarray, x_np: np.ndarray, subject_n: np.ndarray) -> _Sums:
        position_n = numbered(subject_n)[1]
        beta_pk = np.linalg.lstsq(x_np, y_nk, rcond=None)[0]
        rest_nk = y_nk - x_np @ beta_pk
        of_sn = np.zeros((position_n.max() + 1, len(position_n)))
        of_sn[position_n, np.arange(len(position_n))] = 1.0
        return cls(
            of_sn.sum(1),
            x_np.T @ x_np,
            x_np.T @ rest_nk,
            (rest_nk**2).sum(0),
            of_sn @ x_np,
            of_sn @ rest_nk,
            beta_pk,
        )

    def left_ks(self, ratio_k: np.ndarray) -> np.ndarray:
        """What is left of a subject's mean once its intercept is allowed for: 1 / (1 + ratio x samples)."""
        return np.asarray(1 / (1 + ratio_k[:, None] * self.size_s))

    def inner(self, weight_ks: np.ndarray) -> np.ndarray:
        """Design's products over subjects' sums, subjects weighted, shape ``(k, p, p)``."""
        return np.einsum("ks,sp,sq->kpq", weight_ks, self.x_sp, self.x_sp, optimize=True)

    def solve(self, ratio_k: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """At given ratios: the weighted products of the design, the coefficients, the sum of squares left."""
        taken_ks = (1 - self.left_ks(ratio_k)) / self.size_s
        xx_kpp = self.xx_pp - self.inner(taken_ks)
        xy_kp = self.xy_pk.T - np.einsum("ks,sp,sk->kp", taken_ks, self.x_sp, self.y_sk, optimize=True)
        beta_kp = np.linalg.solve(xx_kpp, xy_kp[..., None])[..., 0]
        rss_k = self.yy_k - (taken_ks * self.y_sk.T**2).sum(1) - (beta_kp * xy_kp).sum(1)
        return xx_kpp, beta_kp, np.maximum(rss_k, 1e-12 * np.maximum(self.yy_k, 1e-300))

    @property
    def degrees(self) -> float:
        """Samples less columns."""
        return float(self.size_s.sum() - len(self.xx_pp))


def _ratios(sums: _Sums) -> np.ndarray:
    """The most likely ratio of each response; of a subject's samples that differ more than others', below zero."""
    most = sums.size_s.max()

    def deviance(log_k: np.ndarray) -> np.ndarray:
        """Minus twice the restricted log-likelihood, but for a constant."""
        ratio_k = np.expm1(log_k) / most
        xx_kpp, _, rss_k = sums.solve(ratio_k)
        logdet_k = np.linalg.slogdet(xx_kpp)[1]
        return np.asarray(sums.degrees * np.log(rss_k) + logdet_k - np.log(sums.left_ks(ratio_k)).sum(1))

    best_k = np.array([deviance(np.full(len(sums.yy_k), log)) for log in LOGS]).argmin(0)
    low_k, high_k = LOGS[np.clip(best_k - 1, 0, None)], LOGS[np.clip(best_k + 1, None, len(LOGS) - 1)]
    for _ in range(HALVINGS):
        span_k = GOLDEN * (high_k - low_k)
        left_k, right_k = high_k - span_k, low_k + span_k
        nearer_k = deviance(left_k) < deviance(right_k)
        low_k, high_k = np.where(nearer_k, low_k, left_k), np.where(nearer_k, right_k, high_k)
    return np.asarray(np.expm1((low_k + high_k) / 2) / most)


def _coefficient(sums: _Sums, ratio_k: np.ndarray, *, column: int) -> Coefficient:
    """Kenward and Roger's covariance and degrees of freedom, in units of the variance within."""
    xx_kpp, beta_kp, rss_k = sums.solve(ratio_k)
    variance_k, phi_kpp = rss_k / sums.degrees, np.linalg.inv(xx_kpp)
    value_k = sums.least_squares_pk[column] + beta_kp[:, column]
    if len(sums.size_s) == sums.size_s.sum():
        se_k = np.sqrt(variance_k * phi_kpp[:, column, column])
        return Coefficient(value_k, se_k, np.full(len(ratio_k), sums.degrees), ratio_k)
    left_ks, size_s = sums.left_ks(ratio_k), sums.size_s
    # First and second: the variance within (of every sample) and that between (of a subject's samples together).
    change = [sums.xx_pp - sums.inner((1 - left_ks**2) / size_s), sums.inner(left_ks**2)]
    both = sums.inner(left_ks**3)
    second = [[sums.xx_pp - sums.inner((1 - left_ks**3) / size_s), both], [both, sums.inner(size_s * left_ks**3)]]
    shared_k = (size_s * left_ks**2).sum(1)
    traces = [[(size_s - 1 + left_ks**2).sum(1), shared_k], [shared_k, ((size_s * left_ks) ** 2).sum(1)]]
    moved = [phi_kpp @ part for part in change]
    information_k22 = np.empty((len(ratio_k), 2, 2))
    for i in range(2):
        for j in range(2):
            twice_k = traces[i][j] - 2 * np.einsum("kpq,kqp->k", phi_kpp, second[i][j])
            information_k22[:, i, j] = (twice_k + np.einsum("kpq,kqp->k", moved[i], moved[j])) / 2
    spread_k22 = np.linalg.inv(information_k22)
    inner_kpp = sum(
        spread_k22[:, i, j, None, None] * (second[i][j] - change[i] @ moved[j]) for i in range(2) for j in range(2)
    )
    adjusted_kpp = phi_kpp + 2 * phi_kpp @ inner_kpp @ phi_kpp
    slope_k2 = np.stack([(m @ phi_kpp)[:, column, column] for m in moved], axis=1)
    noise_k = np.einsum("ki,kij,kj->k", slope_k2, spread_k22, slope_k2)
    df_k = 2 * phi_kpp[:, column, column] ** 2 / noise_k
    return Coefficient(value_k, np.sqrt(variance_k * adjusted_kpp[:, column, column]), df_k, ratio_k)
