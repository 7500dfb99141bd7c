"""Empirical Bayes: variances of many genes drawn towards what they share, with a trend and with outliers if asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

__all__ = ["Squeezed", "squeeze"]

LEAST_FOR_TREND = 30
KNOTS = (0.0, 1 / 3, 2 / 3, 1.0)
WINSORISED = (0.05, 0.1)
NODES = 128


@dataclass(frozen=True)
class Squeezed:
    """Posterior variances, shape ``(b, g)``, and the prior behind them.

    Attributes
    ----------
    variance_bg
        Weighted mean of each gene's own variance and its prior.
    prior_df_bg
        Degrees of freedom of the prior, shape ``(b, 1)``, or ``(b, g)`` where outliers have fewer; infinite where genes
        vary no more than chance has it.
    prior_variance_bg
        Variance of the prior, shape ``(b, 1)``, or ``(b, g)`` along a trend.
    """

    variance_bg: np.ndarray
    prior_df_bg: np.ndarray
    prior_variance_bg: np.ndarray


def squeeze(
    variance_bg: np.ndarray, df_b: np.ndarray, *, average_g: np.ndarray | None = None, robust: bool = False
) -> Squeezed:
    """Draw the genes' variances towards a common prior, row by row.

    The prior (its degrees of freedom and its variance) is fitted to the mean and variance of the log variances,
    which under the model follow a scaled F distribution.

    Parameters
    ----------
    variance_bg
        Residual variances.
    df_b
        Their degrees of freedom.
    average_g
        Average expression: the prior's variance then follows a natural cubic spline in it (two knots inside, at the
        thirds). Without it, or with fewer than 30 genes, it is one constant.
    robust
        Fit the prior to winsorised log variances (a twentieth below, a tenth above), and give genes whose variance is
        too large for it a prior with fewer degrees of freedom, so that a few hypervariable genes do not cost the
        others their power.

    References
    ----------
    Smyth 2004, doi 10.2202/1544-6115.1027; Law et al. 2014 on the trend, doi 10.1186/gb-2014-15-2-r29; Phipson et
    al. 2016 on outliers, doi 10.1214/16-AOAS920.
    """
    middle_b = np.median(variance_bg, axis=1)
    floor_b = 1e-5 * np.where(middle_b > 0, middle_b, 1.0)
    floored_bg = np.maximum(variance_bg, floor_b[:, None])
    half_b1 = df_b[:, None] / 2
    log_bg = np.log(floored_bg) - (special.digamma(half_b1) - np.log(half_b1))
    basis_gk = _basis(average_g, variance_bg.shape[1])
    level_bg, excess_b = _moments(log_bg, basis_gk)
    excess_b = excess_b - special.polygamma(1, half_b1[:, 0])
    prior_df_bg, prior_bg = _prior(level_bg, excess_b)
    if basis_gk is None:
        prior_bg = np.where(np.isinf(prior_df_bg), floored_bg.mean(1, keepdims=True), prior_bg)
    if robust:
        rows = [
            _robust(z_g, df, prior_df=prior_df, prior_g=prior_g, basis_gk=basis_gk)
            for z_g, df, prior_df, prior_g in zip(np.log(floored_bg), df_b, prior_df_bg[:, 0], prior_bg, strict=True)
        ]
        prior_df_bg, prior_bg = (np.stack(part) for part in zip(*rows, strict=True))
    # With d0 -> infinity the weighted mean of variance and prior becomes the prior.
    finite_bg = np.isfinite(prior_df_bg)
    trust_bg = np.where(finite_bg, df_b[:, None] / (df_b[:, None] + np.where(finite_bg, prior_df_bg, 0.0)), 0.0)
    return Squeezed(trust_bg * variance_bg + (1 - trust_bg) * prior_bg, prior_df_bg, prior_bg)


def _basis(average_g: np.ndarray | None, genes: int) -> np.ndarray | None:
    """Orthonormal basis of natural cubic splines with four knots, shape ``(g, 4)``; None for a constant."""
    if average_g is None or genes < LEAST_FOR_TREND:
        return None
    knots = np.unique(np.quantile(average_g, KNOTS))
    if len(knots) < 2:
        return None
    x_g = (average_g - knots[0]) / (knots[-1] - knots[0])
    knots = (knots - knots[0]) / (knots[-1] - knots[0])
    cube_gk = np.maximum(x_g[:, None] - knots[:-1], 0.0) ** 3 - np.maximum(x_g - 1.0, 0.0)[:, None] ** 3
    slope_gk = cube_gk / (1.0 - knots[:-1])
    columns = np.column_stack((np.ones(genes), x_g, slope_gk[:, :-1] - slope_gk[:, -1:]))
    left, size, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left[:, size > 1e-8 * size[0]])


def _moments(log_bg: np.ndarray, basis_gk: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Fitted level of log variances, ``(b, 1)`` or ``(b, g)``, and their variance about it, ``(b,)``."""
    if basis_gk is None:
        return log_bg.mean(1, keepdims=True), log_bg.var(axis=1, ddof=1)
    level_bg = (log_bg @ basis_gk) @ basis_gk.T
    left = log_bg.shape[1] - basis_gk.shape[1]
    return level_bg, ((log_bg - level_bg) ** 2).sum(1) / left


def _prior(level_bg: np.ndarray, excess_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Degrees of freedom ``(b, 1)`` and variance of the prior whose log variances have this level and excess."""
    finite_b = excess_b > 0
    half_b = _inverse_trigamma(np.where(finite_b, excess_b, 1.0))
    shift_b = np.where(finite_b, special.digamma(half_b) - np.log(half_b), 0.0)
    return np.where(finite_b, 2 * half_b, np.inf)[:, None], np.exp(level_bg + shift_b[:, None])


def _inverse_trigamma(value_b: np.ndarray) -> np.ndarray:
    """Solve ``trigamma(y) = value`` by Newton's method on ``1 / trigamma``, which is nearly linear in y."""
    y_b = 0.5 + 1 / value_b
    for _ in range(50):
        trigamma_b = special.polygamma(1, y_b)
        step_b = trigamma_b * (1 - trigamma_b / value_b) / special.polygamma(2, y_b)
        y_b = y_b + step_b
        if np.all(np.abs(step_b) < 1e-10 * y_b):
            break
    return y_b


def _robust(
    z_g: np.ndarray, df: float, *, prior_df: float, prior_g: np.ndarray, basis_gk: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Prior of one row of log variances by winsorised moments: degrees of freedom and variance, both ``(g,)``."""
    genes = len(z_g)
    if genes * min(WINSORISED) < 1 or np.isinf(prior_df):
        return np.full(genes, prior_df), np.broadcast_to(prior_g, genes)
    trend_g = stats.trim_mean(z_g, WINSORISED[1]) if basis_gk is None else (z_g @ basis_gk) @ basis_gk.T
    left_g = z_g - trend_g
    kept_g = np.clip(left_g, *np.quantile(left_g, (WINSORISED[0], 1 - WINSORISED[1])))

    def gap(share: float) -> float:
        """How much more the winsorised residuals vary than under these degrees of freedom, as a logarithm."""
        return float(np.log(kept_g.var(ddof=1) / _winsorised(df, share / (1 - share) if share < 1 else np.inf)[1]))

    # The plain fit sees the outliers, so it is the least that the prior can have.
    least = prior_df / (1 + prior_df)
    if gap(1.0) <= 0:
        prior_df = np.inf
    elif gap(least) < 0:
        share = optimize.brentq(gap, least, 1.0, xtol=1e-9)
        prior_df = share / (1 - share)
    level_g = trend_g + kept_g.mean() - _winsorised(df, prior_df)[0] + np.zeros(genes)
    return _with_outliers(np.exp(z_g - level_g), df, prior_df), np.exp(level_g)


def _winsorised(df: float, prior_df: float) -> tuple[float, float]:
    """Mean and variance of the winsorised logarithm of an F of these degrees of freedom."""
    known = stats.chi2(df, scale=1 / df) if np.isinf(prior_df) else stats.f(df, prior_df)
    low, high = known.ppf((WINSORISED[0], 1 - WINSORISED[1]))
    # Gauss and Legendre's rule in x / (1 + x), which is bounded.
    first, last = low / (1 + low), high / (1 + high)
    node, weight = np.polynomial.legendre.leggauss(NODES)
    node = first + (last - first) * (node + 1) / 2
    value = node / (1 - node)
    weight = weight / 2 * (last - first) * known.pdf(value) / (1 - node) ** 2
    ends = np.log((low, high))
    mean = weight @ np.log(value) + ends @ WINSORISED
    return float(mean), float(weight @ (np.log(value) - mean) ** 2 + (ends - mean) ** 2 @ WINSORISED)


def _with_outliers(f_g: np.ndarray, df: float, prior_df: float) -> np.ndarray:
    """Degrees of freedom of each gene's prior, shape ``(g,)``: fewer the less its F fits the others'."""
    genes = len(f_g)
    known = stats.chi2(df, scale=1 / df) if np.isinf(prior_df) else stats.f(df, prior_df)
    log_tail_g = known.logsf(f_g)
    expected_g = np.log((genes - stats.rankdata(f_g) + 0.5) / genes)
    fits_g = np.exp(np.minimum(log_tail_g - expected_g, 0.0))
    order = np.argsort(log_tail_g, kind="stable")
    if np.isinf(prior_df):
        own_g = np.where(fits_g < 1, fits_g * genes * df, np.inf)
        own_g[order] = np.maximum.accumulate(own_g[order])
        return own_g
    if (fits_g == 1).all():
        return np.full(genes, prior_df)
    least = 0.0
    if np.isfinite(log_tail_g.min()):
        # So few that the largest F would be the median of its distribution.
        least = np.log(0.5) / log_tail_g.min() * prior_df
        least *= np.log(0.5) / stats.f(df, least).logsf(f_g.max())
    own = (fits_g * prior_df + (1 - fits_g) * least)[order]
    mean = np.cumsum(own) / np.arange(1, genes + 1)
    lowest = int(np.argmin(mean))
    own[: lowest + 1] = mean[lowest]
    own_g = np.empty(genes)
    own_g[order] = np.maximum.accumulate(own)
    return own_g
