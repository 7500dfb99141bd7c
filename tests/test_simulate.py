"""Simulated data hold the truth that their docstrings state."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from genelight import simulate
from genelight.errors import InputError
from genelight.simulate import Nuisance, Programmes
from genelight.simulate._cohort import switch
from genelight.simulate._compendium import _sparse_unit_rows


def health(adata):
    return adata[adata.obs["condition"] == "control"]


def gap(adata, matrix):
    """Mean of cases less mean of controls, per gene."""
    case = (adata.obs["condition"] == "case").to_numpy()
    return matrix[case].mean(0) - matrix[~case].mean(0)


def explained(x_ng, z_nk):
    """Share of the columns' variance that a linear fit on z explains."""
    design = np.column_stack([np.ones(len(z_nk)), z_nk])
    rest = x_ng - design @ np.linalg.lstsq(design, x_ng, rcond=None)[0]
    return 1 - rest.var(0).sum() / x_ng.var(0).sum()


# Cohorts


def test_cohort_is_a_function_of_its_seed(tmp_path):
    once, again, other = simulate.cohort(20), simulate.cohort(20), simulate.cohort(20, seed=1)
    np.testing.assert_array_equal(once.X, again.X)
    pd.testing.assert_frame_equal(once.obs, again.obs)
    assert not np.allclose(once.X, other.X)
    once.write_h5ad(tmp_path / "cohort.h5ad")
    back = anndata.read_h5ad(tmp_path / "cohort.h5ad")
    assert back.uns["simulate"]["programmes"]["size"] == 40
    np.testing.assert_array_equal(back.layers["programmes"], once.layers["programmes"])


def test_cohort_looks_like_log2_expression():
    adata = simulate.cohort(200, visits=2)
    assert adata.X.dtype == np.float32
    assert 2 < adata.X.min() < 6
    assert 12 < adata.X.max() < 17
    healthy = health(adata)
    np.testing.assert_allclose(healthy.X.mean(0), adata.var["mean"], atol=0.3)
    np.testing.assert_allclose(np.median(healthy.X.std(0) / adata.var["sd"]), 1, atol=0.05)
    np.testing.assert_allclose(adata.layers["batch"], 0)
    np.testing.assert_allclose(adata.layers["composition"], 0)


def test_subjects_keep_their_condition_and_half_are_cases():
    obs = simulate.cohort(41, visits=3).obs
    by_subject = obs.groupby("subject", observed=True)
    assert (by_subject["condition"].nunique() == 1).all()
    assert (by_subject["visit"].apply(list).map(tuple) == (1, 2, 3)).all()
    assert (by_subject["condition"].first() == "case").sum() == 20
    assert (obs.loc[obs["condition"] == "control", "severity"] == 0).all()
    assert obs.loc[obs["condition"] == "case", "severity"].mean() == pytest.approx(1, abs=0.25)


def test_visits_of_a_subject_correlate_by_half():
    adata = health(simulate.cohort(800, visits=2, n_genes=60, programmes=Programmes(number=2, size=20)))
    for values in (adata.X, adata.obsm["programmes"]):
        first, second = values[0::2], values[1::2]
        r = [np.corrcoef(a, b)[0, 1] for a, b in zip(first.T, second.T, strict=True)]
        assert np.mean(r) == pytest.approx(0.5, abs=0.03)


def test_planted_programmes_are_found_by_plain_correlation():
    adata = simulate.cohort(80)
    healthy = health(adata)
    r_gk = np.corrcoef(healthy.X.T, healthy.obsm["programmes"].T)[: adata.n_vars, adata.n_vars :]
    w_gk = adata.varm["programmes"]
    assert all(roc_auc_score(w != 0, abs(r)) > 0.98 for w, r in zip(w_gk.T, r_gk.T, strict=True))
    inside = w_gk != 0
    np.testing.assert_allclose(r_gk[inside], w_gk[inside], atol=0.35)
    assert np.corrcoef(r_gk[inside], w_gk[inside])[0, 1] > 0.98
    assert (inside.sum(0) == 40).all()
    assert (inside.sum(1) <= 1).all()


def test_true_module_is_what_differs_and_nothing_else():
    adata = simulate.cohort(200, visits=1)
    case = (adata.obs["condition"] == "case").to_numpy()
    t = stats.ttest_ind(adata.X[case], adata.X[~case], equal_var=False)
    assert roc_auc_score(adata.var["module"], abs(t.statistic)) > 0.98
    null = t.pvalue[~adata.var["module"]]
    assert 0.02 < (null < 0.05).mean() < 0.09  # genes of a programme share its fate, so the count is overdispersed
    up = np.sign(adata.varm["programmes"][:, 0]) == np.sign(t.statistic)
    assert up[adata.varm["programmes"][:, 0] != 0].all()


def test_no_effect_means_no_truth_and_the_same_noise():
    planted, empty = simulate.cohort(20), simulate.cohort(20, programmes=Programmes(effect=0))
    assert not empty.var["module"].any()
    assert list(empty.uns["simulate"]["disease_programmes"]) == []
    controls = (planted.obs["condition"] == "control").to_numpy()
    np.testing.assert_array_equal(planted.X[controls], empty.X[controls])
    outside = ~planted.var["module"].to_numpy()
    np.testing.assert_array_equal(planted.X[:, outside], empty.X[:, outside])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_nonlinear_share_is_what_no_linear_fit_explains(share):
    adata = simulate.cohort(2000, visits=1, n_genes=400, programmes=Programmes(effect=0, nonlinear=share), noise=0)
    signal_ng = adata.layers["programmes"][:, adata.var["programme"] != ""]
    assert explained(signal_ng, adata.obsm["programmes"]) == pytest.approx(1 - share, abs=0.03)


def test_which_genes_follow_a_product_is_told():
    design = Programmes(effect=0, nonlinear=0.5)
    adata = simulate.cohort(2000, visits=1, n_genes=400, programmes=design, noise=0)
    a_nk = adata.obsm["programmes"]
    planted_g = (adata.var["programme"] != "").to_numpy()
    own_g = np.abs(adata.varm["programmes"][planted_g]).argmax(1)
    product_ng = (a_nk * np.roll(a_nk, -1, axis=1))[:, own_g]
    r_g = stats.pearsonr(adata.X[:, planted_g], product_ng, axis=0).statistic
    np.testing.assert_array_equal(adata.var["response"][~planted_g], "")
    np.testing.assert_array_equal(adata.var["response"][planted_g] == "product", np.abs(r_g) > 0.4)
    assert not simulate.cohort(20, visits=1, n_genes=400).var["response"].any()


def test_a_single_programme_may_be_nonlinear():
    design = Programmes(number=1, diseased=1, effect=0, nonlinear=1)
    adata = simulate.cohort(2000, visits=1, n_genes=40, programmes=design)
    assert explained(adata.layers["programmes"], adata.obsm["programmes"]) < 0.05


@given(st.floats(-2, 2))
@settings(max_examples=20, deadline=None)
def test_bend_is_standardised_and_uncorrelated_with_its_input(threshold):
    z = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    response = switch(z, threshold)
    np.testing.assert_allclose([response.mean(), response.std(), (response * z).mean()], [0, 1, 0], atol=2e-3)


def test_batches_are_balanced_unless_confounded():
    def table(confounding):
        adata = simulate.cohort(100, nuisance=Nuisance(batches=4, batch=1, confounding=confounding))
        return adata, pd.crosstab(adata.obs["condition"], adata.obs["batch"])

    adata, free = table(0)
    assert np.ptp(free.to_numpy()) <= 1
    outside = ~adata.var["module"].to_numpy()
    assert np.abs(gap(adata, adata.layers["batch"])).max() < 0.05
    adata, tied = table(1)
    assert (tied.loc["control", ["B3", "B4"]] == 0).all()
    assert (tied.loc["case", ["B1", "B2"]] == 0).all()
    assert np.abs(gap(adata, adata.layers["batch"]))[outside].mean() > 0.2
    _, half = table(0.5)
    assert 0.6 < half.loc["case", ["B3", "B4"]].sum() / half.loc["case"].sum() < 0.9


def test_composition_moves_markers_and_follows_disease_only_when_confounded():
    free = simulate.cohort(200, nuisance=Nuisance(composition=1))
    np.testing.assert_allclose(free.obsm["composition"].sum(1), 1)
    np.testing.assert_allclose(free.obsm["composition"].mean(0), [0.55, 0.30, 0.10, 0.05], atol=0.03)
    marker = free.varm["composition"].any(1)
    assert marker.sum() == 160
    assert not (marker & (free.var["programme"] != "")).any()
    moved = (free.layers["composition"] != 0).any(0)
    np.testing.assert_array_equal(moved, marker)
    tied = simulate.cohort(200, nuisance=Nuisance(composition=1, confounding=1))
    first = free.varm["composition"][:, 0] == 1
    scale = free.var["sd"].to_numpy()[first]
    assert np.abs(gap(free, free.layers["composition"])[first] / scale).max() < 0.35
    assert (gap(tied, tied.layers["composition"])[first] / scale).min() > 0.6


def test_nuisances_leave_the_rest_untouched():
    plain = simulate.cohort(20)
    rough = simulate.cohort(20, nuisance=Nuisance(batches=2, batch=0.5, composition=0.5))
    rest = rough.X - rough.layers["batch"] - rough.layers["composition"]
    np.testing.assert_allclose(rest, plain.X, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulate.cohort(1), "at least 2 subjects"),
        (lambda: simulate.cohort(visits=0), "visits = 0 must be above zero"),
        (lambda: simulate.cohort(n_genes=300), "set n_genes=320 or more"),
        (lambda: simulate.cohort(n_genes=320, nuisance=Nuisance(composition=1)), "markers of 4 cell types"),
        (lambda: simulate.cohort(noise=-1), "noise = -1"),
        (lambda: Programmes(diseased=9), "diseased = 9 must be from 0 to 8"),
        (lambda: Programmes(nonlinear=1.5), "nonlinear = 1.5"),
        (lambda: Programmes(effect=float("nan")), "effect = nan"),
        (lambda: Nuisance(batch=1), "set batches=2"),
        (lambda: Nuisance(confounding=0.5), "nothing to act on"),
    ],
)
def test_impossible_cohorts_say_what_to_type(call, message):
    with pytest.raises(InputError, match=message):
        call()


# Networks and sets


def test_network_is_simple_and_its_degrees_have_a_long_tail():
    adata = simulate.cohort(4, n_genes=3000)
    edges = simulate.network(adata, within=0)
    assert simulate.network(adata, within=0).digest == edges.digest
    pairs = edges.table[["source", "target"]]
    assert (pairs["source"] < pairs["target"]).all()  # no loops, each edge once
    assert not pairs.duplicated().any()
    degree = pd.concat([pairs["source"], pairs["target"]]).value_counts()
    assert len(degree) == adata.n_vars
    assert degree.mean() == pytest.approx(8, abs=0.1)
    assert degree.max() > 10 * degree.median()
    tail = degree[degree >= 8].to_numpy()
    exponent = 1 + len(tail) / np.log(tail / 7.5).sum()  # Clauset, Shalizi and Newman (2009), eq. 3.7
    assert exponent == pytest.approx(3, abs=0.4)


def test_programmes_are_dense_in_the_network_by_the_stated_probability():
    adata = simulate.cohort(4)
    edges = simulate.network(adata, within=0.3)
    programme = adata.var["programme"]
    source, target = programme[edges.table["source"]].to_numpy(), programme[edges.table["target"]].to_numpy()
    inside = ((source == target) & (source != "")).sum()
    assert inside / (8 * 40 * 39 / 2) == pytest.approx(0.3, abs=0.03)
    assert len(simulate.network(adata, within=0)) < len(edges)


def test_sets_hold_their_programmes_at_the_stated_purity():
    adata = simulate.cohort(4)
    edges = simulate.sets(adata, n_random=300, purity=0.75, sizes=(10, 200))
    sizes = edges.table.groupby("source").size()
    assert not edges.table.duplicated().any()
    planted = sizes.index.str.startswith("programme")
    assert (sizes[planted] == 40).all()
    assert sizes[~planted].between(10, 200).all()
    assert np.median(sizes[~planted]) == pytest.approx(np.sqrt(10 * 200), rel=0.25)
    for number in range(1, 9):
        members = edges.table.loc[edges.table["source"] == f"programme P{number}", "target"]
        assert (adata.var.loc[members, "programme"] == f"P{number}").sum() == 30


def test_priors_refuse_what_cannot_be():
    adata = simulate.cohort(4, n_genes=320)
    with pytest.raises(InputError, match="within = 2"):
        simulate.network(adata, within=2)
    with pytest.raises(InputError, match="needs more than 320 genes"):
        simulate.network(adata, links=320)
    with pytest.raises(InputError, match="purity"):
        simulate.sets(adata, purity=-0.1)
    with pytest.raises(InputError, match="sizes"):
        simulate.sets(adata, sizes=(30, 10))
    del adata.varm["programmes"]
    with pytest.raises(InputError, match=r"simulate\.cohort"):
        simulate.network(adata)


# Compendia


@given(size=st.integers(1, 700), n_samples=st.integers(1, 600))
@settings(max_examples=15, deadline=None)
def test_bytes_do_not_depend_on_chunks(size, n_samples):
    compendium = simulate.Compendium(n_samples, 30, rank=8)
    whole = simulate.Compendium(600, 30, rank=8).rows(0, n_samples)
    chunks = list(compendium.chunks(size))
    assert all(len(c) == size for c in chunks[:-1])
    assert np.concatenate(chunks).tobytes() == whole.tobytes()


def test_any_rows_can_be_asked_for(tmp_path):
    compendium = simulate.Compendium(500, 40, rank=8, seed=3)
    whole = compendium.rows(0, 500)
    np.testing.assert_array_equal(compendium.rows(127, 300), whole[127:300])
    np.testing.assert_array_equal(compendium.rows(499, 500), whole[499:])
    saved = np.load(compendium.save(tmp_path / "compendium.npy"), mmap_mode="r")
    np.testing.assert_array_equal(saved, whole)
    assert saved.dtype == np.float32
    table = anndata.read_h5ad(compendium.save(tmp_path / "compendium.h5ad"))
    np.testing.assert_array_equal(table.X, whole)
    assert tuple(table.var_names) == compendium.genes.ids
    assert table.obs_names[499] == "S000500"
    assert not np.array_equal(simulate.Compendium(500, 40, rank=8, seed=4).rows(0, 500), whole)
    assert len(set(map(bytes, whole))) == 500  # no block repeats another


def test_loadings_do_not_depend_on_how_a_processor_partitions():
    rows = _sparse_unit_rows(np.random.default_rng(0), 60, 12)
    rng = np.random.default_rng(0)
    where_ne = np.sort(np.argsort(rng.random((60, 12)), axis=1)[:, :4], axis=1)
    value_ne = rng.standard_normal((60, 4))
    value_ne /= np.linalg.norm(value_ne, axis=1, keepdims=True)
    np.testing.assert_allclose(np.take_along_axis(rows, where_ne, axis=1), value_ne)
    assert np.count_nonzero(rows) == 240


def test_compendium_has_the_stated_parts():
    def signal(**settings):
        compendium = simulate.Compendium(4000, 150, rank=16, **settings)
        return compendium, compendium.rows(0, 4000)

    compendium, x_ng = signal(noise=0, nonlinear=0.5)
    f_nr = compendium.factors(0, 4000)
    assert explained(x_ng, f_nr) == pytest.approx(0.5, abs=0.06)
    np.testing.assert_allclose(np.linalg.norm(compendium.loadings_gr, axis=1), np.sqrt(0.5), rtol=1e-5)
    _, noisy_ng = signal(noise=1, nonlinear=0.5)
    assert x_ng.var(0).sum() / noisy_ng.var(0).sum() == pytest.approx(0.5, abs=0.05)
    linear, x_ng = signal(noise=0, nonlinear=0)
    assert explained(x_ng, linear.factors(0, 4000)) > 1 - 1e-5
    np.testing.assert_array_equal(linear.factors(0, 4000), f_nr)  # one stream per part


def test_compendium_streams_in_bounded_memory():
    import tracemalloc

    compendium = simulate.Compendium(100_000, 1000, rank=8)  # 400 MB as a whole
    compendium.rows(0, 1)
    tracemalloc.start()
    chunks = compendium.chunks(256)
    for _ in range(20):
        next(chunks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6


def test_impossible_compendia_say_what_to_type():
    with pytest.raises(InputError, match="n_samples = 0"):
        simulate.Compendium(0, 10)
    with pytest.raises(InputError, match="rank = 2 must be at least 4"):
        simulate.Compendium(10, 10, rank=2)
    with pytest.raises(InputError, match="size = 0"):
        simulate.Compendium(10, 10).chunks(0)
    with pytest.raises(InputError, match="rows 5 to 11 are not within the 10 samples"):
        simulate.Compendium(10, 10).rows(5, 11)
