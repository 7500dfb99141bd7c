"""Effects of all genes at once, under a prior that says which genes change together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from .squeeze import squeeze

__all__ = ["Averaged", "Axes", "SharedEffects", "averaged", "directions", "shared_effects"]

SCALES = np.array([0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0])
"""Multiples of an axis's expected variance that its effect may have: none at all, to far more than expected."""
PSEUDO = 0.5  # axes counted for every scale before any is seen
ROUNDS = 60
LEAST_DF = 2.5  # below, a t has no variance
# The power of the reference's spectrum is near one unless the cohort says otherwise: mean and standard deviation.
NOISE_POWER, EFFECT_POWER = (1.0, 0.5), (1.0, 0.3)
SMALLEST, LARGEST = -5.0, 12.0
SMALLEST_VARIANCE = 1e-8
NOISES = (np.arange(9) + 0.5) / 9
"""Quantiles of what the noise of the difference is, as a multiple of what residuals foretell."""
SIZES = np.geomspace(0.01, 10, 10)
"""Multiples of the most likely variance of effects along the axes."""
LEAST_WEIGHT = 0.002  # of a case that is still looked at


@dataclass(frozen=True)
class Axes:
    """Orthonormal axes along which genes vary together in a reference.

    Attributes
    ----------
    basis_gk
        One axis a column.
    spectrum_k
        Variance along each, with a mean of one.
    """

    basis_gk: np.ndarray
    spectrum_k: np.ndarray

    @classmethod
    def of(cls, loading_gk: np.ndarray) -> Axes:
        """Axes of the covariance ``loading_gk @ loading_gk.T``, genes in units of their own spread."""
        variance_k, rotation_kk = np.linalg.eigh(loading_gk.T @ loading_gk)
        kept = variance_k > SMALLEST_VARIANCE * variance_k[-1]
        variance_k, rotation_kk = variance_k[kept][::-1], rotation_kk[:, kept][:, ::-1]
        return cls(loading_gk @ rotation_kk / np.sqrt(variance_k), variance_k / variance_k.mean())


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


@dataclass(frozen=True)
class SharedEffects:
    """What a cohort and a reference together say of every gene; effects in standard deviations of each gene.

    Attributes
    ----------
    mean_g, sd_g
        Posterior mean and standard deviation of the part of the effect that other cohorts would share.
    axes
        The reference's.
    weight_k
        How much of the change along each axis is believed, 0 to 1.
    own
        How much of what a gene does beside the axes is believed, 0 to 1.
    on_axes
        Share of the effects' variance, noise taken off, that lies along the axes: how well the reference fits.
    averaged
        Posteriors of whole effects, those of single genes included, in all cases that the cohort leaves open.
    """

    mean_g: np.ndarray
    sd_g: np.ndarray
    axes: Axes
    weight_k: np.ndarray
    own: float
    on_axes: float
    averaged: Averaged

    def false_sign(self, sign_g: np.ndarray) -> np.ndarray:
        """Local false sign rate of each gene: the posterior probability that its sign is not that of `sign_g`.

        It is of the whole effect in the people that the cohort was drawn from, where `mean_g` is of what others share.
        """
        return self.averaged.false_sign(sign_g)

    def means(self, effect_bg: np.ndarray) -> np.ndarray:
        """Posterior means of other effects under the same weights, shape ``(b, g)``."""
        basis_gk = self.axes.basis_gk
        return np.asarray(((effect_bg @ basis_gk) * (self.weight_k - self.own)) @ basis_gk.T + self.own * effect_bg)


def shared_effects(
    effect_g: np.ndarray, residual_rg: np.ndarray, *, df: float, total_df: float, unit: float, axes: Axes
) -> SharedEffects:
    """Posterior of all effects under a low-rank prior whose scales are learned from the cohort at hand.

    Effects are ``U c + d``: along the axes ``U`` of a reference, and of each gene's own. The noise has the same form,
    so that all is diagonal in these axes and exact for any number of genes.

    1. Noise along the axes is the cohort's residual variance, drawn towards a power of the reference's spectrum; beside
       them it is one variance. The sum is what a t of `total_df` degrees of freedom has.
    2. The effects' variance along the axes (a power of the spectrum) and beside them maximise the marginal likelihood.
    3. The effect along an axis is a mixture over multiples of that variance, with weights learned by EM over the axes,
       so that a few strong axes are not shrunk and silent ones are.
    4. What genes do of their own is shrunk by its reliability ``r``; of that, a share `r` is taken for what other
       cohorts would share, the rest for this cohort's own (batch, sampling of people).
    5. False signs are averaged over what steps 1 and 2 do not know: how large the noise of this difference is (an F
       over the few directions that residuals have, the same quantile along the axes and beside them), and, given that,
       the effects' scale along the axes. They count all of what a gene does of its own, shrunk by `r`.

    As groups grow, noise vanishes, all weights go to one and the posterior mean to the effect. Where the reference's
    axes do not hold the effects, their weights go down and those of single genes up.

    Parameters
    ----------
    effect_g
        Differences over the genes' moderated standard deviations: ``t * sqrt(unit)``.
    residual_rg
        Residuals of the design over the same standard deviations.
    df, total_df
        Residual degrees of freedom, and those of t.
    unit
        Variance of a difference where a subject's is one: ``1 / n + 1 / m`` for two groups.
    axes
        The reference's, over the same genes.

    Notes
    -----
    In the manner of adaptive shrinkage (Stephens 2017, doi 10.1093/biostatistics/kxw041) and of multivariate adaptive
    shrinkage (Urbut et al. 2019, doi 10.1038/s41588-018-0268-8), across genes instead of conditions. Step 4 rests on
    no theory: shares between 0.3 and 1 were compared on the cohorts that ``studies/small_cohorts.py`` names.
    In step 5 the noise's size is not learned from the difference, which cannot tell it from effects: that took strong
    effects for noise (``studies/false_signs.py``). Cost: linear in genes x (axes + subjects) x subjects.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> axes = Axes.of(rng.normal(size=(400, 5)))
    >>> truth = axes.basis_gk @ rng.normal(scale=20, size=5)
    >>> noise = rng.normal(size=(11, 400))
    >>> found = shared_effects(truth + noise[0], noise[1:], df=10, total_df=100, unit=1.0, axes=axes)
    >>> bool(np.mean((found.mean_g - truth) ** 2) < 0.1 * np.mean(noise[0] ** 2))
    True
    """
    basis_gk, spectrum_k = axes.basis_gk, axes.spectrum_k
    genes, rank = basis_gk.shape
    along_k = effect_g @ basis_gk
    beside_g = effect_g - basis_gk @ along_k
    noise_k, noise, noise_df = _noise(residual_rg, axes, df=df, total_df=total_df)
    noise_k, noise = noise_k * unit, noise * unit
    variance_k, variance = _variances(
        along_k, float(beside_g @ beside_g), genes=genes - rank, noise=(noise_k, noise), spectrum_k=spectrum_k
    )
    weight_k, spread_k, share_m = _mixture(along_k, noise_k, variance_k)
    reliability = variance / (variance + noise)
    own = reliability**2
    mean_g = basis_gk @ (weight_k * along_k) + own * beside_g
    own_variance = reliability * variance * (1 - own)
    sd_g = np.sqrt(own_variance + (basis_gk**2) @ (spread_k - own_variance))
    signal = max(float((along_k**2 - noise_k).sum()), 0.0)
    rest = max(float(beside_g @ beside_g - (genes - rank) * noise), 0.0)
    on_axes = signal / (signal + rest) if signal + rest > 0 else 0.0
    # Of the expected noise along so many directions and beside them, quantiles of F.
    numbers = directions(residual_rg, basis_gk, noise_k, df=df)
    noises_c2 = np.column_stack([stats.f.ppf(NOISES, number, number * df) for number in numbers])
    in_all = averaged(
        along_k,
        beside_g,
        noise=(noise_k, noise),
        noises_c2=noises_c2,
        prior_km=variance_k[:, None] * SCALES,
        share_m=share_m,
        basis_gk=basis_gk,
        df=noise_df,
    )
    return SharedEffects(mean_g, np.maximum(sd_g, 1e-12), axes, weight_k, float(own), on_axes, in_all)


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
    """Posteriors of all effects, for every size of the noise and of the effects along the axes and beside them.

    The noise has an expected variance along each axis and of one gene, known with `df` degrees of freedom; multiples
    of the two are equally likely. An effect along an axis has one of the variances `prior_km`, as often as `share_m`.
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


def _noise(residual_rg: np.ndarray, axes: Axes, *, df: float, total_df: float) -> tuple[np.ndarray, float, float]:
    """Variance of a subject's residual along each axis, ``(k,)``, of one gene beside them, and the former's df."""
    genes, rank = axes.basis_gk.shape
    squares_k = ((residual_rg @ axes.basis_gk) ** 2).sum(0)
    total = float(np.einsum("rg,rg->", residual_rg, residual_rg))
    # Moderated variances and residuals go together, so that residuals alone say too little of the spread of t.
    total_df = max(total_df, LEAST_DF)
    spread = total_df / (total_df - 2) if np.isfinite(total_df) else 1.0
    scale = spread * genes * df / total
    squares_k, total = squares_k * scale, total * scale
    beside = max((total - float(squares_k.sum())) / df / max(genes - rank, 1), 1e-12)
    mean, sd = NOISE_POWER

    def loss(at: np.ndarray) -> float:
        """Of a common scale (its logarithm) and a power of the spectrum."""
        expected_k = np.exp(at[0]) * axes.spectrum_k ** at[1] + beside
        fit = (df * np.log(expected_k) + squares_k / expected_k).sum()
        return float(fit + ((at[1] - mean) / sd) ** 2) / 2

    start = np.log(max(float(squares_k.mean()) / df - beside, 1e-3))
    found = optimize.minimize(loss, (start, mean), method="L-BFGS-B", bounds=((-LARGEST, LARGEST), (0.0, 2.0)))
    expected_k = np.exp(found.x[0]) * axes.spectrum_k ** found.x[1] + beside
    drawn = squeeze((squares_k / df / expected_k)[None], np.array([float(df)]))
    return expected_k * drawn.variance_bg[0], beside, df + float(drawn.prior_df_bg[0, 0])


def _variances(
    along_k: np.ndarray, beside: float, *, genes: int, noise: tuple[np.ndarray, float], spectrum_k: np.ndarray
) -> tuple[np.ndarray, float]:
    """Variance of effects along each axis, ``(k,)``, and of `genes` beside them with this sum of squares."""
    noise_k, rest = noise
    mean, sd = EFFECT_POWER

    def loss(at: np.ndarray) -> float:
        """Of a scale along the axes, a power of the spectrum, and a variance beside them; scales as logarithms."""
        own = np.exp(at[2])
        total_k = np.exp(at[0]) * spectrum_k ** at[1] + own + noise_k
        fit = (np.log(total_k) + along_k**2 / total_k).sum() + genes * np.log(own + rest) + beside / (own + rest)
        return float(fit + ((at[1] - mean) / sd) ** 2) / 2

    start = (
        np.log(max(float((along_k**2 - noise_k).mean()), 0.05 * float(noise_k.mean()))),
        mean,
        np.log(max(beside / max(genes, 1) - rest, 0.01 * rest)),
    )
    bounds = ((SMALLEST, LARGEST), (0.0, 2.0), (SMALLEST - 2, LARGEST))
    found = optimize.minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    own = float(np.exp(found.x[2]))
    return np.exp(found.x[0]) * spectrum_k ** found.x[1] + own, own


def _mixture(
    along_k: np.ndarray, noise_k: np.ndarray, variance_k: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of each axis's change that is believed, posterior variance of its effect, and how often a scale holds."""
    prior_km = variance_k[:, None] * SCALES
    total_km = prior_km + noise_k[:, None]
    fit_km = -(np.log(total_km) + along_k[:, None] ** 2 / total_km) / 2
    share_m = np.full(len(SCALES), 1 / len(SCALES))
    for _ in range(ROUNDS):
        part_km = np.exp(fit_km - fit_km.max(1, keepdims=True)) * share_m
        part_km /= part_km.sum(1, keepdims=True)
        share_m = (part_km.sum(0) + PSEUDO) / (len(along_k) + PSEUDO * len(SCALES))
    shrunk_km = prior_km / total_km
    weight_k = (part_km * shrunk_km).sum(1)
    between_k = (part_km * (shrunk_km - weight_k[:, None]) ** 2).sum(1) * along_k**2
    return weight_k, weight_k * noise_k + between_k, share_m
