"""Random-effects meta-analysis of many genes at once: one effect and its variance from every cohort."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from .squeeze import squeeze

__all__ = ["RandomEffects", "leave_one_out", "moderated_effects", "random_effects", "standardised"]

ROUNDS = 100
CLOSE = 1e-10
LEAST_GENES = 10  # from which a prior can be learned
WORTH = 30  # genes go together: all of them know no more than so many independent ones


@dataclass(frozen=True)
class RandomEffects:
    """Effects over cohorts; every array but `weight_cg` has the shape of one cohort's effects.

    Attributes
    ----------
    mean_g, se_g
        Mean effect over cohorts and its standard error; NaN where no cohort has the gene.
    df_g
        Degrees of freedom of their ratio: cohorts less one, and the prior's where there is one; 0 for no test.
    tau2_g
        Variance of the true effect between cohorts.
    q_g, i2_g
        Cochran's Q, and the share of the variance between the cohorts' effects that exceeds chance.
    cohorts_g
        How many cohorts have the gene.
    weight_cg
        Share of every cohort in the mean, zero where it lacks the gene.
    """

    mean_g: np.ndarray
    se_g: np.ndarray
    df_g: np.ndarray
    tau2_g: np.ndarray
    q_g: np.ndarray
    i2_g: np.ndarray
    cohorts_g: np.ndarray
    weight_cg: np.ndarray

    @property
    def p_g(self) -> np.ndarray:
        """Two-sided p of the mean effect; NaN with fewer than two cohorts."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t_g = np.abs(self.mean_g / self.se_g)
            return np.where(self.df_g > 0, 2 * stats.t.sf(t_g, np.maximum(self.df_g, 1)), np.nan)

    @property
    def heterogeneity_p_g(self) -> np.ndarray:
        """P of Cochran's Q: whether cohorts differ more than chance has it; NaN with fewer than two cohorts."""
        df_g = self.cohorts_g - 1
        return np.where(df_g > 0, stats.chi2.sf(self.q_g, np.maximum(df_g, 1)), np.nan)

    def interval_g(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Confidence interval of the mean effect; NaN with fewer than two cohorts."""
        return self._around(self.se_g, self.df_g, level)

    def prediction_g(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Within which the true effect of one more cohort lies; NaN with one degree of freedom or less.

        References
        ----------
        Higgins et al. 2009, doi 10.1111/j.1467-985X.2008.00552.x.
        """
        return self._around(np.sqrt(self.se_g**2 + self.tau2_g), self.df_g - 1, level)

    def _around(self, se_g: np.ndarray, df_g: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
        reach_g = np.where(df_g > 0, stats.t.isf((1 - level) / 2, np.maximum(df_g, 1)), np.nan) * se_g
        return self.mean_g - reach_g, self.mean_g + reach_g


def random_effects(effect_cg: np.ndarray, variance_cg: np.ndarray) -> RandomEffects:
    """Mean effect of every gene over cohorts whose true effects differ.

    The variance between cohorts is Paule and Mandel's: the one at which the weighted squares about the mean are what
    they are expected to be, or none where they are less without it. The standard error is Hartung and Knapp's, from
    these squares, and the mean over it has a t distribution with one degree of freedom less than cohorts: with few
    cohorts the normal distribution finds far too much.

    Parameters
    ----------
    effect_cg
        Cohorts in rows; further axes (genes, draws) as wanted. NaN where a cohort lacks a gene.
    variance_cg
        Squares of the standard errors. A cohort without a positive, finite variance of a gene lacks it.

    Notes
    -----
    Newton's steps for all genes together; they rise from zero to the root and never pass it. Cost: cohorts x genes,
    10 to 20 times. Agrees with ``statsmodels.stats.meta_analysis.combine_effects`` (``method_re="iterated"``,
    ``use_t=True``), which takes one gene at a time.

    References
    ----------
    Paule and Mandel 1982, doi 10.6028/jres.087.022; Hartung and Knapp 2001, doi 10.1002/sim.791; a comparison:
    Langan et al. 2019, doi 10.1002/jrsm.1316.

    Examples
    --------
    >>> import numpy as np
    >>> found = random_effects(np.array([[0.1], [0.3], [0.5]]), np.full((3, 1), 0.01))
    >>> found.mean_g.round(2), found.tau2_g.round(3), found.p_g.round(3)
    (array([0.3]), array([0.03]), array([0.122]))
    """
    there_cg = np.isfinite(effect_cg) & np.isfinite(variance_cg) & (np.nan_to_num(variance_cg) > 0)
    effect_cg = np.where(there_cg, effect_cg, 0.0)
    variance_cg = np.where(there_cg, variance_cg, 1.0)
    cohorts_g = there_cg.sum(0)
    df_g = np.maximum(cohorts_g - 1, 0)

    def at(tau2_g: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights, mean, and squares about it."""
        weight_cg = there_cg / (variance_cg + tau2_g)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean_g = (weight_cg * effect_cg).sum(0) / weight_cg.sum(0)
        return weight_cg, mean_g, (effect_cg - mean_g) ** 2

    tau2_g = np.zeros(cohorts_g.shape)
    weight_cg, mean_g, square_cg = at(tau2_g)
    q_g = (weight_cg * square_cg).sum(0)
    for _ in range(ROUNDS):
        excess_g = (weight_cg * square_cg).sum(0) - df_g
        slope_g = (weight_cg**2 * square_cg).sum(0)
        step_g = np.divide(excess_g, slope_g, out=np.zeros_like(tau2_g), where=(excess_g > 0) & (slope_g > 0))
        tau2_g = tau2_g + step_g
        weight_cg, mean_g, square_cg = at(tau2_g)
        if not (step_g > CLOSE * tau2_g).any():
            break
    with np.errstate(divide="ignore", invalid="ignore"):
        scale_g = np.where(df_g > 0, (weight_cg * square_cg).sum(0) / np.maximum(df_g, 1), 1.0)
        se_g = np.sqrt(scale_g / weight_cg.sum(0))
        i2_g = np.where(df_g > 0, np.maximum(1 - df_g / q_g, 0.0), np.nan)
        share_cg = np.nan_to_num(weight_cg / weight_cg.sum(0))
    known_g = cohorts_g > 0
    return RandomEffects(
        np.where(known_g, mean_g, np.nan),
        np.where(known_g, se_g, np.nan),
        df_g,
        np.where(df_g > 0, tau2_g, np.nan),
        np.where(df_g > 0, q_g, np.nan),
        i2_g,
        cohorts_g,
        share_cg,
    )


def moderated_effects(effect_cg: np.ndarray, variance_cg: np.ndarray) -> RandomEffects:
    """The same where many genes say together how far cohorts differ: for two to ten cohorts, and for rankings.

    By themselves, few cohorts hardly know how far they differ, and the genes of the smallest p are those whose cohorts
    happened to agree. So one variance between cohorts, of all genes, sets the weights, and each gene's weighted squares
    about its mean are drawn towards what the genes share, as limma draws variances
    (:func:`genelight.stats.squeeze.squeeze`); the mean has a t distribution with the prior's degrees of freedom beside
    the gene's own. `tau2_g` is what the drawn squares leave beyond the cohorts' own variances; `q_g` and `i2_g` are the
    gene's own, not drawn. However alike genes are, the prior has no more degrees of freedom than thirty of them would
    give: they go together. With fewer than ten genes it is :func:`random_effects`.

    Parameters
    ----------
    effect_cg, variance_cg
        As there, but cohorts by genes alone, effects in one unit for all genes.

    References
    ----------
    Smyth 2004 on the prior, doi 10.2202/1544-6115.1027; DerSimonian and Laird 1986 on the variance between cohorts,
    taken over all genes, doi 10.1016/0197-2456(86)90046-2. ``python -m studies several_cohorts`` has its level and
    what the leading genes are worth beside other ways.

    Examples
    --------
    >>> import numpy as np
    >>> effect_cg = np.random.default_rng(0).normal(size=(3, 500)) + np.where(np.arange(500) < 5, 4, 0)
    >>> found = moderated_effects(effect_cg, np.ones((3, 500)))
    >>> bool((found.p_g[:5] < 1e-4).all()), bool((random_effects(effect_cg, np.ones((3, 500))).p_g[:5] < 1e-4).any())
    (True, False)
    """
    alone = random_effects(effect_cg, variance_cg)
    several_g = alone.df_g > 0
    if several_g.sum() < LEAST_GENES:
        return alone
    there_cg = np.isfinite(effect_cg) & np.isfinite(variance_cg) & (np.nan_to_num(variance_cg) > 0)
    weight_cg = np.where(there_cg, 1 / np.where(there_cg, variance_cg, 1.0), 0.0)
    total_g = np.maximum(weight_cg.sum(0), 1e-300)
    room_g = total_g - (weight_cg**2).sum(0) / total_g
    excess = float((alone.q_g - alone.df_g)[several_g].sum()) / float(room_g[several_g].sum())
    weight_cg = np.where(there_cg, 1 / (np.where(there_cg, variance_cg, 1.0) + max(excess, 0.0)), 0.0)
    sum_g = np.maximum(weight_cg.sum(0), 1e-300)
    mean_g = (weight_cg * np.where(there_cg, effect_cg, 0.0)).sum(0) / sum_g
    square_g = (weight_cg * (np.where(there_cg, effect_cg, 0.0) - mean_g) ** 2).sum(0) / np.maximum(alone.df_g, 1)
    # The prior is learned where most genes lie, in those of one number of cohorts.
    usual = int(np.bincount(alone.df_g[several_g]).argmax())
    learned = squeeze(square_g[several_g & (alone.df_g == usual)][None], np.array([float(usual)]))
    prior_df, prior = float(learned.prior_df_bg[0, 0]), float(learned.prior_variance_bg[0, 0])
    most = float(usual * min(WORTH, int(several_g.sum())))
    drawn_df = min(prior_df, most)
    drawn_g = (drawn_df * prior + alone.df_g * square_g) / (drawn_df + alone.df_g)
    mean_variance_g = alone.cohorts_g / total_g
    tau2_g = np.maximum(drawn_g * (mean_variance_g + max(excess, 0.0)) - mean_variance_g, 0.0)
    return RandomEffects(
        np.where(several_g, mean_g, alone.mean_g),
        np.where(several_g, np.sqrt(drawn_g / sum_g), alone.se_g),
        np.where(several_g, np.minimum(alone.df_g + drawn_df, most), 0.0),
        np.where(several_g, tau2_g, np.nan),
        alone.q_g,
        alone.i2_g,
        alone.cohorts_g,
        np.where(several_g, weight_cg / sum_g, alone.weight_cg),
    )


def standardised(t_g: np.ndarray, df_g: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """Effects in standard deviations and their variances, from a cohort's moderated t; free of the platform's scale.

    ``t * sqrt(unit)``, less its bias with few subjects (Hedges), with the moderated degrees of freedom in place of the
    residual ones.

    Parameters
    ----------
    t_g, df_g
        Moderated t and its degrees of freedom, above two.
    unit
        Variance of a difference where a subject's is one.

    References
    ----------
    Hedges 1981, doi 10.3102/10769986006002107; Marot et al. 2009 on moderated t, doi 10.1093/bioinformatics/btp444.

    Examples
    --------
    >>> import numpy as np
    >>> effect_g, variance_g = standardised(np.array([2.0]), np.array([10.0]), 1 / 6 + 1 / 6)
    >>> effect_g.round(3), variance_g.round(3)
    (array([1.065]), array([0.428]))
    """
    # Beyond this the correction is one to every digit.
    df_g = np.minimum(df_g, 1e6)
    fair_g = np.exp(special.gammaln(df_g / 2) - special.gammaln((df_g - 1) / 2)) * np.sqrt(2 / df_g)
    effect_g = fair_g * t_g * np.sqrt(unit)
    return effect_g, fair_g**2 * df_g / (df_g - 2) * (unit + effect_g**2) - effect_g**2


def leave_one_out(effect_cg: np.ndarray, variance_cg: np.ndarray) -> RandomEffects:
    """The same without each cohort in turn: arrays have a first axis that says which one is left out.

    Examples
    --------
    >>> import numpy as np
    >>> leave_one_out(np.array([[0.1], [0.3], [0.5]]), np.full((3, 1), 0.01)).mean_g.round(2)
    array([[0.4],
           [0.3],
           [0.2]])
    """
    cohorts = len(effect_cg)
    out_cc = np.eye(cohorts, dtype=bool).reshape(cohorts, cohorts, *(1,) * (effect_cg.ndim - 1))
    return random_effects(np.where(out_cc, np.nan, effect_cg[:, None]), np.repeat(variance_cg[:, None], cohorts, 1))
