import numpy as np
import pytest
from sklearn.linear_model import Ridge

from genelight.nouns import Contrast
from genelight.stats.discriminant import PENALTIES, cross_validate, fit_head
from genelight.stats.folds import folds_of
from genelight.stats.subjects import kinds


@pytest.fixture(params=[4, 60], ids=["wide table", "more nodes than samples"])
def codes(request):
    rng = np.random.default_rng(3)
    subject = np.repeat(np.arange(24), 2)
    case = subject < 10
    h = rng.normal(size=(48, request.param)) * rng.uniform(0.5, 3, request.param) + 2
    h[case, 0] += 2
    return h, Contrast(case, ~case, subject, "")


def ridge(h, contrast, weight_n, penalty):
    """The same head by scikit-learn; returns standardised codes and the model."""
    half = weight_n / 2
    mean = half @ h
    sd = np.sqrt(half @ (h - mean) ** 2)
    model = Ridge(alpha=penalty, tol=1e-12).fit((h - mean) / sd, np.where(contrast.case_n, 1, -1), sample_weight=half)
    return mean, sd, model


@pytest.mark.parametrize("penalty", [1e-3, 1.0, 100.0])
def test_weights_equal_scikit_learn(codes, penalty):
    h, contrast = codes
    head = fit_head(h, contrast, contrast.weight_n(), penalty=penalty)
    _, sd, model = ridge(h, contrast, contrast.weight_n(), penalty)
    np.testing.assert_allclose(head.weight_k, model.coef_, atol=1e-8)
    np.testing.assert_allclose(head.sd_k, sd)
    np.testing.assert_allclose(head.control_k, contrast.weight_n()[~contrast.case_n] @ h[~contrast.case_n])


def test_where_a_node_lies_does_not_matter(codes):
    """A node whose mean is a thousand times its spread varies, and takes part as it does about zero."""
    h, contrast = codes
    here, there = (fit_head(x, contrast, contrast.weight_n(), penalty=0.1) for x in (h, h + 3000.0))
    np.testing.assert_allclose(there.weight_k, here.weight_k, atol=1e-8)


def test_without_penalty_the_pattern_is_the_difference_of_means():
    rng = np.random.default_rng(1)
    case = np.arange(200) < 80
    h = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6))
    h[case] += rng.normal(size=6)
    contrast = Contrast(case, ~case, np.arange(200), "")
    head = fit_head(h, contrast, contrast.weight_n(), penalty=1e-12)
    np.testing.assert_allclose(head.activation_k(), h[case].mean(0) - h[~case].mean(0), atol=1e-8)


def test_pattern_ignores_a_node_that_only_cancels_noise():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=2000)
    case = np.arange(2000) < 1000
    h = np.c_[case + noise, noise]
    contrast = Contrast(case, ~case, np.arange(2000), "")
    head = fit_head(h, contrast, contrast.weight_n(), penalty=1e-6)
    assert abs(head.weight_k[1]) > 0.5 * abs(head.weight_k[0])
    assert abs(head.activation_k()[1]) < 0.1 * abs(head.activation_k()[0])


def test_push_takes_the_head_from_control_to_case(codes):
    h, contrast = codes
    head = fit_head(h, contrast, contrast.weight_n(), penalty=0.1)
    assert head.push_k() / head.sd_k @ head.weight_k == pytest.approx(head.gap)
    assert head.share_k().sum() == pytest.approx(1)


def test_a_node_that_never_moves_takes_no_part(codes):
    h, contrast = codes
    still = h.copy()
    still[:, 1] = 7.0
    head = fit_head(still, contrast, contrast.weight_n(), penalty=0.1)
    assert (head.weight_k[1], head.activation_k()[1], head.share_k()[1]) == (0, 0, 0)
    nothing = fit_head(np.ones_like(h), contrast, contrast.weight_n(), penalty=0.1)
    assert not nothing.activation_k().any()
    assert cross_validate(np.ones_like(h), contrast, seed=0).auc == 0.5


def test_cross_validation_equals_refitting_every_fold_and_penalty(codes):
    h, contrast = codes
    fold_n = folds_of(kinds(contrast), folds=5, seed=4)[contrast.subject_n]
    losses = []
    for penalty in PENALTIES:
        score = np.empty(len(h))
        for fold in range(5):
            train, part = fold_n != fold, contrast.take(fold_n != fold)
            mean, sd, model = ridge(h[train], part, part.weight_n(), penalty)
            score[~train] = model.predict((h[~train] - mean) / sd)
        losses.append(contrast.weight_n() @ (np.where(contrast.case_n, 1, -1) - score) ** 2 / 2)
    figure = cross_validate(h, contrast, seed=4)
    assert figure.penalty == PENALTIES[np.argmin(losses)]
    assert figure.loss == pytest.approx(min(losses))
