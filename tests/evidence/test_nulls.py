from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from genelight.errors import InputError
from genelight.stats.matched import match_bins, matched_orders
from genelight.stats.pvalues import adjust, empirical_p

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=60)


@given(P_VALUES)
def test_adjust_is_benjamini_hochberg_of_scipy(p: list[float]) -> None:
    np.testing.assert_allclose(adjust(np.array(p)), stats.false_discovery_control(p), rtol=1e-12)


@given(P_VALUES, st.data())
def test_counts_stand_for_repeated_p_values(p: list[float], data: st.DataObject) -> None:
    count = np.array(data.draw(st.lists(st.integers(1, 5), min_size=len(p), max_size=len(p))))
    repeated = adjust(np.repeat(p, count))
    np.testing.assert_allclose(np.repeat(adjust(np.array(p), count=count), count), repeated, rtol=1e-12)


def test_empirical_p_counts_the_observed_set_as_a_draw() -> None:
    null = np.arange(99.0)[:, None]
    assert empirical_p(np.array([200.0]), null, sign=1) == pytest.approx(0.01)
    assert empirical_p(np.array([-1.0]), null, sign=-1) == pytest.approx(0.01)
    assert empirical_p(np.array([-1.0]), null, sign=1) == 1.0


@settings(deadline=None)
@given(st.lists(st.integers(1, 500), min_size=30, max_size=400), st.integers(5, 60))
def test_every_bin_has_its_members_and_holds_a_range_of_degrees(degrees: list[int], least: int) -> None:
    degree = np.array(degrees)
    bins = match_bins(degree, least=least)
    size = np.bincount(bins)
    assert len(size) == 1 or size.min() >= least
    ranges = [(degree[bins == b].min(), degree[bins == b].max()) for b in range(len(size))]
    assert all(a[1] < b[0] for a, b in pairwise(ranges))


def test_expression_splits_bins_by_mean_and_variance() -> None:
    rng = np.random.default_rng(0)
    degree = rng.integers(1, 9, 2000)
    mean, sd = rng.normal(size=2000), rng.uniform(0.1, 3, 2000)
    x = mean + sd * rng.normal(size=(40, 2000))
    coarse, fine = match_bins(degree), match_bins(degree, x_nu=x)
    assert np.bincount(fine).min() >= min(25, np.bincount(coarse).min())
    assert all(len(np.unique(coarse[fine == b])) == 1 for b in range(fine.max() + 1))
    for key in (x.mean(0), x.var(0)):
        within = np.mean([key[fine == b].var() for b in range(fine.max() + 1)])
        assert within < 0.35 * key.var()


def test_orders_are_samples_without_replacement_and_the_same_for_any_length() -> None:
    members = [np.arange(10), np.arange(10, 14)]
    orders = matched_orders(members, np.array([3, 4]), draws=4000, seed=1)
    assert orders.shape == (4000, 7)
    assert all(len(set(row)) == 7 for row in orders)
    np.testing.assert_array_equal(orders[:, :2], matched_orders(members, np.array([2, 0]), draws=4000, seed=1))
    assert stats.chisquare(np.bincount(orders[:, :3].ravel(), minlength=10)[:10]).pvalue > 0.001
    pairs = np.bincount(orders[:, 3] * 4 + orders[:, 4], minlength=196)
    assert stats.chisquare(pairs[pairs > 0]).pvalue > 0.001
    assert (pairs > 0).sum() == 12


def test_least_must_be_above_zero() -> None:
    with pytest.raises(InputError, match="least = 0"):
        match_bins(np.ones(3), least=0)


def test_a_module_of_which_no_gene_is_in_the_network_is_not_tested():
    import genelight as gl

    adata, network = gl.demo.cohort(), gl.demo.network()
    known = set(network.table["source"]) | set(network.table["target"])
    outside = [gene not in known for gene in adata.var_names]
    score_g = np.where(outside, 2.0, 1.0)
    genes = gl.Genes(tuple(adata.var_names))
    module = gl.Module.from_scores(score_g, genes, size=2, name="outside", method="de")
    found = gl.assess(module, network=network, tests=["distance"], draws=19)
    assert not len(found.table)
