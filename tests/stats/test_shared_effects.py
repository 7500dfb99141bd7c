"""Effects under a low-rank prior: exact against dense algebra, calibrated, and fading as groups grow."""

import numpy as np
import pytest
from scipy import stats

from genelight.stats import shared_effects as module
from genelight.stats.shared_effects import Axes, shared_effects

GENES, RANK = 600, 8


@pytest.fixture(scope="module")
def loading_gk():
    return np.random.default_rng(0).normal(size=(GENES, RANK)) * np.geomspace(2, 0.3, RANK)


def drawn(loading_gk, rng, *, subjects, effect=1.0, own=0.2):
    """Standardised effects, residuals and truth of two groups whose genes vary together as the reference has it."""
    truth_g = loading_gk @ rng.normal(scale=effect, size=RANK) + rng.normal(scale=own, size=GENES)
    shared_ng = rng.normal(size=(2 * subjects, RANK)) @ loading_gk.T
    sd_g = np.sqrt((loading_gk**2).sum(1) + 1)
    x_ng = (shared_ng + rng.normal(size=shared_ng.shape)) / sd_g
    case_n = np.arange(len(x_ng)) < subjects
    residual_ng = np.where(case_n[:, None], x_ng - x_ng[case_n].mean(0), x_ng - x_ng[~case_n].mean(0))
    effect_g = x_ng[case_n].mean(0) - x_ng[~case_n].mean(0) + truth_g / sd_g
    given = {"df": 2 * subjects - 2, "total_df": np.inf, "unit": 2 / subjects, "axes": Axes.of(loading_gk)}
    return effect_g, residual_ng, given, truth_g / sd_g


def test_axes_have_the_covariance_they_came_from(loading_gk):
    axes = Axes.of(loading_gk)
    np.testing.assert_allclose(axes.basis_gk.T @ axes.basis_gk, np.eye(RANK), atol=1e-9)
    back_gg = (axes.basis_gk * axes.spectrum_k) @ axes.basis_gk.T
    whole_gg = loading_gk @ loading_gk.T
    np.testing.assert_allclose(back_gg / np.trace(back_gg), whole_gg / np.trace(whole_gg), atol=1e-9)


def test_the_posterior_is_that_of_dense_algebra(loading_gk, monkeypatch):
    monkeypatch.setattr(module, "SCALES", np.array([1.0]))
    effect_g, residual_ng, given, _ = drawn(loading_gk, np.random.default_rng(1), subjects=6)
    found = shared_effects(effect_g, residual_ng, **given)
    axes, basis_gk = given["axes"], given["axes"].basis_gk
    noise_k, noise, _ = module._noise(residual_ng, axes, df=10, total_df=np.inf)
    noise_k, noise = noise_k * given["unit"], noise * given["unit"]
    along_k = basis_gk.T @ effect_g
    beside_g = effect_g - basis_gk @ along_k
    variance_k, own = module._variances(
        along_k, beside_g @ beside_g, genes=GENES - RANK, noise=(noise_k, noise), spectrum_k=axes.spectrum_k
    )
    rest_gg = np.eye(GENES) - basis_gk @ basis_gk.T
    shared = own * own / (own + noise)
    prior_gg = (basis_gk * variance_k) @ basis_gk.T + shared * rest_gg
    total_gg = (basis_gk * (variance_k + noise_k)) @ basis_gk.T + (own + noise) * rest_gg
    gain_gg = prior_gg @ np.linalg.inv(total_gg)
    np.testing.assert_allclose(found.mean_g, gain_gg @ effect_g, atol=1e-8)
    np.testing.assert_allclose(found.sd_g**2, np.diag(prior_gg - gain_gg @ prior_gg), atol=1e-8)


@pytest.mark.parametrize("subjects", [3, 6, 20])
def test_false_signs_are_as_many_as_said(loading_gk, subjects):
    said, wrong = [], []
    for seed in range(30):
        effect_g, residual_ng, given, truth_g = drawn(loading_gk, np.random.default_rng(seed), subjects=subjects)
        found = shared_effects(effect_g, residual_ng, **given)
        said.append(found.false_sign(found.mean_g).mean())
        wrong.append(np.mean(np.sign(found.mean_g) != np.sign(truth_g)))
    assert np.mean(said) == pytest.approx(np.mean(wrong), abs=0.03)


def test_false_signs_of_one_case_are_those_of_a_t(loading_gk, monkeypatch):
    monkeypatch.setattr(module, "NOISES", np.array([0.5]))
    monkeypatch.setattr(module, "SIZES", np.array([1.0]))
    effect_g, residual_ng, given, _ = drawn(loading_gk, np.random.default_rng(3), subjects=3)
    found = shared_effects(effect_g, residual_ng, **given)
    df = module._noise(residual_ng, given["axes"], df=4, total_df=np.inf)[2]
    z_g = found.averaged.mean_cg[0] / found.averaged.sd_cg[0]
    np.testing.assert_allclose(
        found.false_sign(np.ones(GENES)), stats.t.sf(z_g, df) if df < np.inf else stats.norm.sf(z_g)
    )
    np.testing.assert_allclose(found.false_sign(np.ones(GENES)) + found.false_sign(-np.ones(GENES)), 1)


def test_cases_are_weighed_and_more_noise_is_less_sure():
    rng = np.random.default_rng(7)
    basis_gk = np.linalg.qr(rng.normal(size=(GENES, RANK)))[0]
    along_k, own_g = rng.normal(scale=3, size=RANK), rng.normal(size=GENES)
    given = {"noise": (np.ones(RANK), 0.5), "prior_km": np.full((RANK, 1), 9.0), "share_m": np.ones(1), "df": np.inf}
    beside_g = own_g - basis_gk @ (basis_gk.T @ own_g)
    said = []
    for noise in (0.5, 1.5):
        noises_c2 = np.full((1, 2), noise)
        found = module.averaged(along_k, beside_g, noises_c2=noises_c2, basis_gk=basis_gk, **given)
        assert found.weight_c.sum() == pytest.approx(1)
        assert 1 < len(found.weight_c) <= len(module.SIZES)
        said.append(found.false_sign(along_k @ basis_gk.T + beside_g).mean())
    assert said[0] < said[1] - 0.02


@pytest.mark.parametrize("people", [6, 40])
def test_directions_are_counted_without_the_bias_of_few_people(people):
    rng = np.random.default_rng(8)
    basis_gk = np.linalg.qr(rng.normal(size=(2000, 40)))[0]
    found = []
    for _ in range(40):
        along_rk = rng.normal(size=(people, 5)) @ np.linalg.qr(rng.normal(size=(40, 5)))[0].T
        beside_rg = rng.normal(size=(people, 2000)) * np.sqrt(np.arange(2000) < 200)
        x_rg = along_rk @ basis_gk.T + beside_rg - (beside_rg @ basis_gk) @ basis_gk.T
        found.append(module.directions(x_rg - x_rg.mean(0), basis_gk, np.ones(40), df=people - 1))
    along, beside = np.median(found, axis=0)
    assert along == pytest.approx(5, rel=0.2)
    assert beside == pytest.approx(200, rel=0.2)


def test_weak_effects_under_noise_of_few_directions_are_not_too_sure():
    """People differ along two directions, which are not the axes; genes do much of their own."""
    rank, subjects, said, wrong, sure = 30, 6, [], [], []
    loading_gk = np.random.default_rng(0).normal(size=(400, rank)) * np.geomspace(2, 0.5, rank)
    sd_g = np.sqrt((loading_gk**2).sum(1) + 1)
    given = {"df": 2 * subjects - 2, "total_df": np.inf, "unit": 2 / subjects, "axes": Axes.of(loading_gk)}
    case_n = np.arange(2 * subjects) < subjects
    for seed in range(60):
        rng = np.random.default_rng(seed)
        turn_kk = np.linalg.qr(rng.normal(size=(rank, rank)))[0]
        code_nk = rng.normal(size=(2 * subjects, 2)) @ turn_kk[:2] * np.sqrt(rank / 2)
        truth_g = (loading_gk @ rng.normal(scale=0.2, size=rank) + rng.normal(scale=0.5, size=400)) / sd_g
        x_ng = (code_nk @ loading_gk.T + rng.normal(size=(2 * subjects, 400))) / sd_g
        mean_sg = np.stack([x_ng[case_n].mean(0), x_ng[~case_n].mean(0)])
        residual_ng = x_ng - mean_sg[np.where(case_n, 0, 1)]
        found = shared_effects(mean_sg[0] - mean_sg[1] + truth_g, residual_ng, **given)
        said.append(found.false_sign(found.mean_g))
        wrong.append(np.sign(found.mean_g) != np.sign(truth_g))
        sure.append(said[-1] < 0.05)
    assert np.mean(said) == pytest.approx(np.mean(wrong), abs=0.02)
    assert np.concatenate(wrong)[np.concatenate(sure)].mean() < 0.2


def test_it_is_nearer_to_the_truth_than_the_difference_and_fades(loading_gk):
    gain = []
    for subjects in (4, 40, 4000):
        effect_g, residual_ng, given, truth_g = drawn(loading_gk, np.random.default_rng(2), subjects=subjects)
        found = shared_effects(effect_g, residual_ng, **given)
        gain.append(np.mean((found.mean_g - truth_g) ** 2) / np.mean((effect_g - truth_g) ** 2))
    assert gain[0] < 0.6
    assert found.own > 0.9
    np.testing.assert_allclose(found.mean_g, effect_g, atol=0.05)


def test_a_reference_that_does_not_fit_leaves_the_ranking_to_the_genes(loading_gk):
    effect_g, residual_ng, given, _ = drawn(loading_gk, np.random.default_rng(3), subjects=30)
    strange = Axes.of(np.random.default_rng(4).normal(size=(GENES, RANK)))
    found = shared_effects(effect_g, residual_ng, **{**given, "axes": strange})
    assert found.on_axes < 0.1 < shared_effects(effect_g, residual_ng, **given).on_axes
    assert stats.spearmanr(found.mean_g, effect_g)[0] > 0.95


def test_order_of_genes_does_not_matter_and_weights_serve_other_effects(loading_gk):
    effect_g, residual_ng, given, _ = drawn(loading_gk, np.random.default_rng(5), subjects=5)
    found = shared_effects(effect_g, residual_ng, **given)
    order = np.random.default_rng(6).permutation(GENES)
    turned = shared_effects(effect_g[order], residual_ng[:, order], **{**given, "axes": Axes.of(loading_gk[order])})
    np.testing.assert_allclose(turned.mean_g, found.mean_g[order], atol=1e-4)
    np.testing.assert_allclose(found.means(np.stack((effect_g, -effect_g))), [found.mean_g, -found.mean_g], atol=1e-10)
