from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from sklearn.metrics import roc_auc_score

from genelight.nouns import Contrast
from genelight.stats.intervals import weighted_auc
from genelight.stats.subjects import (
    Labels,
    bootstrap_counts,
    by_appearance,
    handed_on,
    kinds,
    numbered,
    one_of_each,
    permuted_within,
    shuffled_within,
    some_subjects,
    subject_means,
    weights_under,
)

KINDS = st.lists(st.sampled_from([0, 1, 2, 3]), min_size=4, max_size=40)


def contrast_of(kind_s, visits=2):
    """Two samples per subject and group; subjects of kind 0 have samples outside the contrast."""
    rows = [(s, g) for s, kind in enumerate(kind_s) for g in ([1, 2] if kind == 3 else [kind]) for _ in range(visits)]
    subject_n, group_n = np.array(rows).T
    return Contrast(group_n == 1, group_n == 2, subject_n, "")


@settings(deadline=None)
@given(KINDS.filter(lambda k: 1 in k and 2 in k), st.integers(0, 100))
def test_draws_keep_group_sizes_and_weights(kind_list, seed):
    contrast = contrast_of(kind_list)
    kind_s = kinds(contrast)
    for count_s in bootstrap_counts(contrast, draws=5, seed=seed):
        for kind in range(4):
            assert count_s[kind_s == kind].sum() == (kind_s == kind).sum()
        weight_n = weights_under(contrast, count_s)
        assert weight_n[contrast.case_n].sum() == pytest.approx(1)
        assert weight_n[contrast.control_n].sum() == pytest.approx(1)
    np.testing.assert_allclose(weights_under(contrast, np.ones(len(kind_s))), contrast.weight_n())


@settings(deadline=None)
@given(KINDS, st.integers(0, 100), st.booleans())
def test_shuffled_labels_stay_with_subjects(kind_list, seed, adjusted):
    contrast = contrast_of(kind_list)
    if adjusted:
        batch_n = np.random.default_rng(seed).normal(size=(len(contrast.case_n), 2))
        contrast = replace(contrast, covariate_nc=batch_n)
    shuffled = Labels.of(contrast, rng := np.random.default_rng(seed)).draw(rng)
    assert not (shuffled.case_n & shuffled.control_n).any()
    np.testing.assert_array_equal(shuffled.used_n, contrast.used_n)
    before, after = kinds(contrast), kinds(shuffled)
    np.testing.assert_array_equal(np.bincount(before), np.bincount(after))
    np.testing.assert_array_equal(before == 3, after == 3)
    for s in np.nonzero(before == 3)[0]:
        mine = contrast.subject_n == s
        swapped = shuffled.case_n[mine] == contrast.control_n[mine]
        assert swapped.all() or not swapped.any()


def test_subject_means():
    x = np.array([[1.0], [3.0], [10.0], [7.0]])
    mean_sg, subjects = subject_means(x, np.array([True, True, True, False]), np.array([4, 4, 2, 2]))
    np.testing.assert_array_equal(mean_sg, [[10.0], [2.0]])
    np.testing.assert_array_equal(subjects, [2, 4])


def test_auc_equals_scikit_learn_with_ties_and_weights():
    rng = np.random.default_rng(0)
    score, case, weight = rng.integers(0, 6, 60) / 3, rng.random(60) < 0.4, rng.random(60)
    contrast = Contrast(case, ~case, np.arange(60), "")
    assert weighted_auc(score, contrast, weight) == pytest.approx(roc_auc_score(case, score, sample_weight=weight))


def test_labels_keep_going_with_their_batch_as_far_as_they_did():
    rng = np.random.default_rng(0)
    batch_s = np.arange(200) % 2
    kind_s = np.where(rng.random(200) < np.where(batch_s, 0.8, 0.2), 1, 2)
    subject_n = np.repeat(np.arange(200), 2)
    case_n = (kind_s == 1)[subject_n]
    contrast = Contrast(case_n, ~case_n, subject_n, "", batch_s[subject_n][:, None].astype(float))
    labels = Labels.of(contrast, rng)
    drawn = np.stack([kinds(labels.draw(rng)) == 1 for _ in range(300)])
    own = np.corrcoef(kind_s == 1, batch_s)[0, 1]
    together = np.array([np.corrcoef(row, batch_s)[0, 1] for row in drawn])
    assert abs(together.mean() - own) < 0.03
    assert (drawn.sum(1) == (kind_s == 1).sum()).all()
    # Within a batch every subject is as likely a case as any other.
    for batch in (0, 1):
        share_s = drawn[:, batch_s == batch].mean(0)
        assert share_s.std() < 1.3 * np.sqrt(share_s.mean() * (1 - share_s.mean()) / 300)


def test_pairs_swap_as_far_as_their_covariates_leave_it_open():
    rng = np.random.default_rng(1)
    subject_n, case_n = np.tile(np.arange(60), 2), np.repeat([True, False], 60)
    later_n = rng.normal(size=120) + 1.0 * case_n
    contrast = Contrast(case_n, ~case_n, subject_n, "", later_n[:, None])
    labels = Labels.of(contrast, rng)
    gap_s = later_n[:60] - later_n[60:]
    swapped = np.mean([labels.draw(rng).case_n[:60] != case_n[:60] for _ in range(400)], axis=0)
    assert np.corrcoef(swapped, gap_s)[0, 1] < -0.9
    means = [np.where(draw, -gap_s, gap_s).mean() for draw in rng.random((400, 60)) < swapped]
    assert np.mean(means) == pytest.approx(gap_s.mean(), abs=0.15)


def test_subjects_are_numbered_as_they_appear_as_by_pandas():
    subjects = np.random.default_rng(0).choice(list("qwertyuiop"), 60).astype(object)
    np.testing.assert_array_equal(by_appearance(subjects), pd.factorize(subjects)[0])


@pytest.mark.parametrize("shuffled", [shuffled_within, lambda *given, **more: permuted_within(*given, **more).T])
def test_values_are_shuffled_within_blocks_and_any_order_is_as_likely(shuffled):
    value_n, block_n = np.array([0, 5, 1, 6, 2]), np.array([0, 1, 0, 1, 0])
    drawn_bn = shuffled(value_n, block_n, draws=6000, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(drawn_bn[:, block_n == 0]), np.tile([0, 1, 2], (6000, 1)))
    np.testing.assert_array_equal(np.sort(drawn_bn[:, block_n == 1]), np.tile([5, 6], (6000, 1)))
    count = np.unique(drawn_bn, axis=0, return_counts=True)[1]
    assert len(count) == 12
    assert chisquare(count).pvalue > 0.001


def test_one_sample_of_each_subject_is_drawn_and_every_one_in_turn():
    subject_n = np.array(["b", "a", "b", "c", "b"])
    drawn = np.array([one_of_each(subject_n, np.random.default_rng(seed)) for seed in range(100)])
    assert (subject_n[drawn] == ["a", "b", "c"]).all()
    assert set(drawn[:, 1]) == {0, 2, 4}


def test_as_many_subjects_are_drawn_as_have_about_so_many_samples():
    subject_n = np.repeat(np.arange(50), 4)
    some_n = some_subjects(subject_n, samples=60, least=5, seed=0)
    assert 56 <= some_n.sum() <= 60
    assert len(numbered(subject_n[some_n])[0]) * 4 == some_n.sum()
    assert some_subjects(subject_n, samples=4, least=5, seed=0).sum() == 20


def test_permuted_measures_are_handed_on_in_runs():
    y, who = np.arange(12.0), np.repeat(np.arange(4), 3)
    given = handed_on(y, who, np.random.default_rng(0))
    assert sorted(given) == sorted(y)
    for s in range(4):
        assert len(set(given[who == s] // 3)) == 1
