"""Signs under what a cohort leaves open: how large its noise turned out, and how large effects are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

__all__ = ["Averaged", "averaged", "directions", "noises"]

NOISES = (np.arange(9) + 0.5) / 9
"""Quantiles of what the noise of the difference is, as a multiple of what residuals foretell."""
SIZES = np.geomspace(0.01, 10, 10)
"""Multiples of the most likely variance of effects along the axes."""
LEAST_WEIGHT = 0.002  # of a case that is still looked at


@dataclass(frozen=True)
class Averaged:
    """Posteriors of all effects in several cases.

    Attributes
    ----------
    weight_c
        Weight of each case; they sum to one.
    mean_cg, sd_cg
        Posterior mean and standard deviation of each gene's effect among the people that the cohort was drawn from.
    df
        Degrees of freedom that noise is known with, the cohort's and those of its prior; tails have as many.
    """

    weight_c: np.ndarray
    mean_cg: np.ndarray
    sd_cg: np.ndarray
    df: float

    def false_sign(self, sign_g: np.ndarray) -> np.ndarray:
        """Probability that a gene's sign is not that of `sign_g`, over all cases."""
        z_cg = -np.sign(sign_g) * self.mean_cg / self.sd_cg
        below_cg = special.stdtr(self.df, z_cg) if np.isfinite(self.df) else special.ndtr(z_cg)
        return np.asarray(self.weight_c @ below_cg)


def directions(residual_rg: np.ndarray, basis_gk: np.ndarray, noise_k: np.ndarray, *, df: float) -> tuple[float, float]:
    """Independent directions that noise has along the axes, in units of `noise_k`, and beside them.

    People differ along few directions, which are not the reference's, so that noise is large along many axes at once
    or along none. The number is the squared trace of the noise's covariance over the trace of its square, the latter
    without the bias that few residuals bring (Bai and Saranadasa 1996).
    """
    along_rk = residual_rg @ basis_gk
    beside_rr = residual_rg @ residual_rg.T - along_rk @ along_rk.T
    along_rk = along_rk / np.sqrt(noise_k)
    genes, rank = basis_gk.shape
    along = float(np.clip(_directions(along_rk @ along_rk.T, df), 1, rank))
    return along, float(np.clip(_directions(beside_rr, df), along, max(genes - rank, along)))


def averaged(
    along_k: np.ndarray,
    beside_g: np.ndarray,
    *,
    noise: tuple[np.ndarray, float],
    noises_c2: np.ndarray,
    prior_km: np.ndarray,
    share_m: np.ndarray,
    basis_gk: np.ndarray,
    df: float,
) -> Averaged:
    """Posteriors of all effects, for every size of the noise and of the effects.

    Parameters
    ----------
    along_k, beside_g
        Effects along the axes, and what they leave.
    noise
        Expected variance of both: along each axis, and of one gene.
    noises_c2
        Multiples of the two, equally likely.
    prior_km, share_m
        Variances that the effect along an axis may have, and how often it has them.
    df
        Degrees of freedom that the noise along the axes is known with.
    """
    noise_ck = noises_c2[:, :1] * noise[0]
    rest_c = noises_c2[:, 1] * noise[1]
    prior_skm = SIZES[:, None, None] * prior_km
    weight_csk, spread_csk, fit_cs = _shrunk(along_k, noise_ck, prior_skm=prior_skm, share_m=share_m)
    # A flat prior on the share of variance that is the effects'.
    share_k = np.log(prior_km @ share_m) - np.log(noise_ck)
    size_cs = share_k.mean(1)[:, None] + np.log(SIZES)
    fit_cs += size_cs - 2 * np.logaddexp(0, size_cs)
    chance_cs = special.softmax(fit_cs, axis=1) / len(rest_c)
    case, size = np.nonzero(chance_cs > LEAST_WEIGHT)
    genes, rank = basis_gk.shape
    total = float(beside_g @ beside_g) / max(genes - rank, 1)
    own_c = np.maximum(1 - rest_c / max(total, 1e-12), 0.0)[case]
    own_variance_c = own_c * rest_c[case]
    mean_cg = (weight_csk[case, size] * along_k) @ basis_gk.T + own_c[:, None] * beside_g
    left_ck = spread_csk[case, size] - own_variance_c[:, None]
    variance_cg = left_ck @ (basis_gk**2).T + own_variance_c[:, None]
    weight_c = chance_cs[case, size]
    return Averaged(weight_c / weight_c.sum(), mean_cg, np.sqrt(np.maximum(variance_cg, 1e-24)), df)


def noises(along: float, beside: float, *, df: float) -> np.ndarray:
    """Multiples of the expected noise along so many directions and beside them, quantiles of F, shape ``(c, 2)``."""
    return np.column_stack([stats.f.ppf(NOISES, number, number * df) for number in (along, beside)])


def _directions(inner_rr: np.ndarray, df: float) -> float:
    trace, square = float(np.trace(inner_rr)), float((inner_rr**2).sum())
    if trace <= 0:
        return np.inf
    unbiased = (square - trace**2 / df) / (max(df - 1, 1.0) * (df + 2))
    return (trace / df) ** 2 / max(unbiased, 1e-12 * trace**2)


def _shrunk(
    along_k: np.ndarray, noise_ck: np.ndarray, *, prior_skm: np.ndarray, share_m: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares believed and posterior variances, both ``(c, s, k)``, and log likelihoods, ``(c, s)``."""
    total_cskm = prior_skm + noise_ck[:, None, :, None]
    square_k1 = (along_k**2)[:, None]
    fit_cskm = np.log(share_m) - (np.log(total_cskm) + square_k1 / total_cskm) / 2
    log_csk = special.logsumexp(fit_cskm, axis=-1)
    part_cskm = np.exp(fit_cskm - log_csk[..., None])
    shrunk_cskm = prior_skm / total_cskm
    weight_csk = (part_cskm * shrunk_cskm).sum(-1)
    between_csk = (part_cskm * (shrunk_cskm - weight_csk[..., None]) ** 2).sum(-1) * along_k**2
    return weight_csk, weight_csk * noise_ck[:, None] + between_csk, log_csk.sum(-1)
