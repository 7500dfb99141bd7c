"""Trends over depth: exact permutations, intervals of scipy, and calibration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from genelight.evidence._verdict import change, contrast, interval, trend_p


def test_change_is_that_of_the_least_squares_line() -> None:
    values = np.random.default_rng(0).normal(size=(5, 4))
    slopes = [stats.linregress(np.arange(4), row).slope * 3 for row in values]
    np.testing.assert_allclose(change(values), slopes, rtol=1e-10)


@pytest.mark.parametrize("sign", [1, -1])
def test_p_counts_every_way_of_exchanging_layers(sign: int) -> None:
    values = np.random.default_rng(1).normal(size=(3, 3))
    every = itertools.product(itertools.permutations(range(3)), repeat=3)
    found = [change(np.array([values[s][list(o)] for s, o in enumerate(orders)])).mean() for orders in every]
    want = np.mean(sign * np.array(found) >= sign * change(values).mean() - 1e-12)
    assert trend_p(values, sign=sign) == pytest.approx(want)


def test_p_by_draws_is_near_the_exact_one() -> None:
    values = np.random.default_rng(2).normal([0.0, 0.4, 0.8], 1, size=(5, 3))
    exact = trend_p(values, sign=1)
    drawn = trend_p(np.vstack([values, np.zeros((1, 3))]), sign=1)
    assert drawn == pytest.approx(exact, abs=0.02)


def test_p_is_uniform_without_a_trend() -> None:
    rng = np.random.default_rng(3)
    p = [trend_p(rng.normal(size=(5, 3)), sign=1) for _ in range(300)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_intervals_are_students_and_welchs() -> None:
    rng = np.random.default_rng(4)
    one, other = rng.normal(1, 1, 6), rng.normal(0, 3, 4)
    found = interval(one)
    want = stats.ttest_1samp(one, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((want.low, want.high))
    found = contrast(one, other)
    want = stats.ttest_ind(one, other, equal_var=False).confidence_interval()
    assert (found.low, found.high) == pytest.approx((want.low, want.high))
    found = contrast(one, np.array([0.5]))
    want = stats.ttest_1samp(one - 0.5, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((want.low, want.high))
    assert np.isnan(contrast(one[:1], other[:1]).low)
