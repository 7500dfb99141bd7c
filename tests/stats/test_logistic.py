"""A logistic line against statsmodels, and with what is believed of it."""

import numpy as np
import pytest
import statsmodels.api as sm

from genelight.stats.logistic import Logit, fit_logit


def test_the_line_is_that_of_statsmodels():
    rng = np.random.default_rng(0)
    score_n = rng.normal(size=200)
    y_n = (rng.random(200) < 1 / (1 + np.exp(-score_n))).astype(float)
    theirs = sm.Logit(y_n, sm.add_constant(score_n)).fit(disp=0)
    ours = fit_logit(score_n, y_n)
    np.testing.assert_allclose([ours.intercept, ours.slope], theirs.params, rtol=1e-4)
    np.testing.assert_allclose(ours.cov_22, theirs.cov_params(), rtol=1e-3)
    apart = fit_logit(np.r_[-np.ones(5), np.ones(5)], np.r_[np.zeros(5), np.ones(5)], prior=Logit(0, 1, np.eye(2)))
    assert 0 < apart.slope < 5


def test_a_belief_is_kept_where_nothing_is_known():
    rng = np.random.default_rng(1)
    score_n, y_n = rng.normal(size=40), rng.integers(0, 2, 40).astype(float)
    believed = Logit(-0.4, 0.8, np.diag([1e-8, 1e-8]))
    held = fit_logit(score_n, y_n, prior=believed)
    assert (held.intercept, held.slope) == pytest.approx((-0.4, 0.8), abs=1e-4)
    assert (held.se(score_n) < 1e-3).all()


def test_the_interval_of_the_log_odds_holds():
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(300):
        score_n = rng.normal(size=80)
        y_n = (rng.random(80) < 1 / (1 + np.exp(0.5 - score_n))).astype(float)
        line, at = fit_logit(score_n, y_n), np.array([1.0])
        inside.append(abs(line.intercept + line.slope - 0.5) < 1.96 * line.se(at)[0])
    assert 0.90 < np.mean(inside) < 0.99
