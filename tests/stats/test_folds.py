import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, StratifiedKFold

from genelight.errors import InputError
from genelight.stats.folds import cut_folds, folds_of, leave_out, parts, round_folds, spread_folds, subject_folds
from genelight.stats.subjects import group_sizes, kinds

from .test_subjects import KINDS, contrast_of

SUBJECTS = st.lists(st.sampled_from("abcdefghij"), min_size=4, max_size=60)


@settings(deadline=None)
@given(KINDS, st.integers(2, 5), st.integers(0, 100))
def test_every_fold_has_both_groups_or_none_is_made(kind_list, folds, seed):
    kind_s = kinds(contrast_of(kind_list))
    np.testing.assert_array_equal(kind_s, kind_list)
    if min(group_sizes(kind_s)) < folds:
        with pytest.raises(InputError, match="use at most folds="):
            folds_of(kind_s, folds=folds, seed=seed)
        return
    fold_s = folds_of(kind_s, folds=folds, seed=seed)
    for fold in range(folds):
        assert min(group_sizes(kind_s[fold_s == fold])) > 0
    for kind in range(4):
        sizes = np.bincount(fold_s[kind_s == kind], minlength=folds)
        assert sizes.max() - sizes.min() <= 1


def assert_same(ours, theirs):
    for found, wanted in zip(ours, theirs, strict=True):
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(one, other)


@settings(deadline=None)
@given(SUBJECTS, st.integers(2, 5), st.integers(0, 100))
def test_subjects_are_cut_and_left_out_as_by_scikit_learn(subjects, folds, seed):
    if len(set(subjects)) >= folds:
        theirs = GroupKFold(folds, shuffle=True, random_state=seed).split(subjects, groups=subjects)
        assert_same(parts(cut_folds(subjects, folds=folds, seed=seed)), theirs)
    if len(set(subjects)) > 1:
        theirs = GroupShuffleSplit(1, test_size=0.2, random_state=seed).split(subjects, groups=subjects)
        assert_same([leave_out(subjects, seed=seed)], theirs)


@settings(deadline=None)
@given(SUBJECTS, st.integers(2, 5), st.integers(0, 100))
def test_classes_are_spread_as_by_scikit_learn(classes, folds, seed):
    if min(map(classes.count, classes)) < folds:
        with pytest.raises(InputError, match="use fewer folds"):
            spread_folds(classes, folds=folds, seed=seed)
        return
    theirs = StratifiedKFold(folds, shuffle=True, random_state=seed).split(classes, classes)
    assert_same(parts(spread_folds(classes, folds=folds, seed=seed)), theirs)


@settings(deadline=None)
@given(SUBJECTS, st.integers(2, 5), st.integers(0, 100), st.sampled_from([round_folds, subject_folds]))
def test_no_fold_parts_a_subject(subjects, folds, seed, deal):
    fold_n = deal(np.array(subjects), folds=folds, seed=seed)
    for name in set(subjects):
        assert len(set(fold_n[np.array(subjects) == name])) == 1
    if deal is round_folds:
        counts = np.bincount(
            [dict(zip(subjects, fold_n, strict=True))[name] for name in set(subjects)], minlength=folds
        )
        assert np.ptp(counts) <= 1


def test_folds_without_a_subject_each_are_not_made():
    with pytest.raises(InputError, match="3 subjects do not make 4 folds"):
        cut_folds(list("aabc"), folds=4, seed=0)
    with pytest.raises(InputError, match="1 subjects do not make 2 folds"):
        leave_out(["a", "a"], seed=0)
