"""Random effects against statsmodels, published figures, and a null with and without heterogeneity."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from genelight.stats.meta import leave_one_out, moderated_effects, random_effects, standardised

# Thirteen trials of BCG against tuberculosis: ill and well of the vaccinated, ill and well of the others
# (Colditz et al. 1994, doi 10.1001/jama.1994.03510330076038), the example of metafor's manual.
BCG = np.array(
    [
        (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
        (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232),
        (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
    ]
)  # fmt: skip


def bcg():
    """Log relative risks and their variances, one column."""
    ill, well, control_ill, control_well = BCG.T
    effect_c = np.log(ill / (ill + well)) - np.log(control_ill / (control_ill + control_well))
    variance_c = 1 / ill - 1 / (ill + well) + 1 / control_ill - 1 / (control_ill + control_well)
    return effect_c[:, None], variance_c[:, None]


def drawn(cohorts, genes, *, tau=0.0, seed=0):
    """Effects of no gene: unequal cohorts, true effects that differ by `tau`."""
    rng = np.random.default_rng(seed)
    variance_cg = rng.uniform(0.05, 0.5, size=(cohorts, 1)) * np.ones(genes)
    return rng.normal(scale=np.sqrt(variance_cg + tau**2)), variance_cg


def test_the_vaccine_trials_have_their_published_figures():
    found = random_effects(*bcg())
    # metafor 4: rma(measure="RR", method="PM"): tau² 0.3181; Q 152.2330 on 12 df, I² 92.12% by Q.
    assert found.tau2_g[0] == pytest.approx(0.3181, abs=5e-5)
    assert found.q_g[0] == pytest.approx(152.2330, abs=5e-5)
    assert found.i2_g[0] == pytest.approx(1 - 12 / 152.2330, abs=1e-6)
    assert found.mean_g[0] == pytest.approx(-0.715, abs=1e-3)


@pytest.mark.parametrize(("cohorts", "tau"), [(2, 0.0), (3, 1.0), (5, 0.3), (11, 0.6)])
def test_every_gene_has_what_statsmodels_says(cohorts, tau):
    effect_cg, variance_cg = drawn(cohorts, 40, tau=tau)
    found = random_effects(effect_cg, variance_cg)
    low_g, high_g = found.interval_g()
    for g in range(40):
        # To a finer tolerance their last step may pass the root by a rounding error, which they take for no root.
        theirs = combine_effects(effect_cg[:, g], variance_cg[:, g], method_re="iterated", use_t=True, atol=1e-4)
        assert found.tau2_g[g] == pytest.approx(theirs.tau2, rel=1e-3, abs=1e-4)
        assert found.mean_g[g] == pytest.approx(theirs.mean_effect_re, abs=1e-3)
        assert found.se_g[g] == pytest.approx(theirs.sd_eff_w_re_hksj, abs=1e-3)
        assert found.q_g[g] == pytest.approx(theirs.q)
        assert found.heterogeneity_p_g[g] == pytest.approx(theirs.test_homogeneity().pvalue)
        ci = theirs.conf_int(use_t=True)[3]
        np.testing.assert_allclose((low_g[g], high_g[g]), ci, atol=1e-3)


def test_a_prediction_interval_is_what_higgins_has():
    found = random_effects(*bcg())
    low_g, high_g = found.prediction_g()
    reach = stats.t.isf(0.025, 11) * np.sqrt(found.tau2_g + found.se_g**2)
    np.testing.assert_allclose((low_g, high_g), (found.mean_g - reach, found.mean_g + reach))


def test_leaving_one_out_is_the_same_without_its_row():
    effect_cg, variance_cg = drawn(5, 30, tau=0.5)
    effect_cg[2, :10] = np.nan
    found = leave_one_out(effect_cg, variance_cg)
    for c in range(5):
        alone = random_effects(np.delete(effect_cg, c, 0), np.delete(variance_cg, c, 0))
        np.testing.assert_allclose(found.mean_g[c], alone.mean_g)
        np.testing.assert_allclose(found.p_g[c], alone.p_g)
        np.testing.assert_array_equal(found.weight_cg[c, c], 0.0)


def test_genes_that_cohorts_lack_are_left_to_the_others():
    effect_cg, variance_cg = drawn(4, 6, tau=0.5)
    effect_cg[0, 0] = np.nan
    variance_cg[1, 1], variance_cg[1, 2], variance_cg[1, 3] = 0.0, np.nan, np.inf
    effect_cg[1:, 4] = np.nan
    effect_cg[:, 5] = np.nan
    found = random_effects(effect_cg, variance_cg)
    np.testing.assert_array_equal(found.cohorts_g, [3, 3, 3, 3, 1, 0])
    np.testing.assert_allclose(
        found.mean_g[1], random_effects(effect_cg[[0, 2, 3], 1], variance_cg[[0, 2, 3], 1]).mean_g
    )
    np.testing.assert_allclose(found.weight_cg[:, :5].sum(0), 1.0)
    assert found.mean_g[4] == effect_cg[0, 4]
    assert found.se_g[4] == pytest.approx(np.sqrt(variance_cg[0, 4]))
    assert np.isnan([found.p_g[4], found.i2_g[4], found.tau2_g[4], found.interval_g()[0][4]]).all()
    assert np.isnan([found.mean_g[5], found.se_g[5], found.p_g[5]]).all()
    assert np.isnan(random_effects(*drawn(2, 3)).prediction_g()[0]).all()


@pytest.mark.parametrize("tau", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("cohorts", [2, 3, 5, 11])
def test_p_holds_its_level_whether_cohorts_differ_or_not(cohorts, tau):
    p_g = random_effects(*drawn(cohorts, 20_000, tau=tau, seed=1)).p_g
    # Unequal cohorts that hardly differ are the hard case of any random-effects test.
    assert np.mean(p_g < 0.05) < 0.065
    assert np.mean(p_g < 0.05) > 0.02


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("cohorts", [2, 3, 5, 11])
def test_moderated_p_holds_its_level_where_genes_differ_in_how_far_cohorts_do(cohorts, spread):
    rng = np.random.default_rng(2)
    tau_g = spread * np.sqrt(stats.gamma.rvs(2, scale=0.5, size=20_000, random_state=rng))
    variance_cg = rng.uniform(0.05, 0.5, size=(cohorts, 1)) * np.ones(20_000)
    p_g = moderated_effects(rng.normal(scale=np.sqrt(variance_cg + tau_g**2)), variance_cg).p_g
    assert 0.035 < np.mean(p_g < 0.05) < 0.06


def test_moderated_effects_lead_with_true_genes_where_few_cohorts_cannot_say_how_they_differ():
    rng = np.random.default_rng(3)
    truth_g = np.where(np.arange(5000) < 200, 1.0, 0.0)
    variance_cg = rng.uniform(0.05, 0.3, size=(3, 1)) * np.ones(5000)
    effect_cg = truth_g + rng.normal(scale=np.sqrt(variance_cg + 0.05))
    first = {
        way.__name__: np.argsort(way(effect_cg, variance_cg).p_g)[:200] for way in (moderated_effects, random_effects)
    }
    found = {way: np.mean(genes < 200) for way, genes in first.items()}
    assert found["moderated_effects"] > 0.7 > 0.5 > found["random_effects"]


def test_moderated_effects_are_plain_ones_where_genes_have_little_to_share():
    effect_cg, variance_cg = drawn(5, 9, tau=0.5)
    np.testing.assert_array_equal(
        moderated_effects(effect_cg, variance_cg).p_g, random_effects(effect_cg, variance_cg).p_g
    )
    effect_cg, variance_cg = drawn(5, 400, tau=0.5)
    effect_cg[0, :100], effect_cg[:, 100] = np.nan, np.nan
    effect_cg[1:, 101] = np.nan
    found, plain = moderated_effects(effect_cg, variance_cg), random_effects(effect_cg, variance_cg)
    np.testing.assert_array_equal(found.cohorts_g, plain.cohorts_g)
    np.testing.assert_array_equal(found.q_g, plain.q_g)
    np.testing.assert_array_equal(found.heterogeneity_p_g, plain.heterogeneity_p_g)
    assert np.isnan(found.mean_g[100])
    assert found.mean_g[101] == effect_cg[0, 101]
    assert np.isnan(found.p_g[101])
    assert np.isfinite(np.delete(found.p_g, (100, 101))).all()


def test_standardised_effects_have_the_mean_and_the_variance_that_are_said():
    rng = np.random.default_rng(4)
    case_n = np.arange(10) < 4
    for truth in (0.0, 1.5):
        x_ng = rng.normal(size=(10, 100_000))
        x_ng[case_n] += truth
        within_g = np.concatenate([x_ng[side] - x_ng[side].mean(0) for side in (case_n, ~case_n)])
        sd_g = np.sqrt((within_g**2).sum(0) / 8)
        unit = 1 / 4 + 1 / 6
        t_g = (x_ng[case_n].mean(0) - x_ng[~case_n].mean(0)) / sd_g / np.sqrt(unit)
        effect_g, _ = standardised(t_g, np.full(100_000, 8.0), unit)
        assert effect_g.mean() == pytest.approx(truth, abs=0.01)
        # The formula asks for the true effect; at that it is exact.
        fair = effect_g[0] / (t_g[0] * np.sqrt(unit))
        _, said = standardised(np.array([truth / fair / np.sqrt(unit)]), np.array([8.0]), unit)
        assert effect_g.var() == pytest.approx(said[0], rel=0.03)
