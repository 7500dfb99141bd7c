"""How much residuals are worth, and that intervals made from them hold."""

import numpy as np
import pytest

from genelight.stats.conformal import _effective, coverage, residuals


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.9, 1.0])
def test_residuals_are_worth_as_many_as_subjects_where_they_are_all_alike(alike):
    rng = np.random.default_rng(0)
    subjects, each = 3000, 4
    shared = np.sqrt(alike) * np.repeat(rng.normal(size=subjects), each)
    residual = shared + np.sqrt(1 - alike) * rng.normal(size=subjects * each)
    worth = _effective(residual, np.repeat(np.arange(subjects), each))
    assert worth == pytest.approx(subjects / (alike + (1 - alike) / each), rel=0.05)


def test_subjects_of_one_sample_and_one_subject_count_themselves():
    assert _effective(np.arange(5.0), np.arange(5)) == 5
    assert _effective(np.arange(5.0), np.zeros(5)) == 1


def test_scores_are_parted_only_where_each_part_has_fifty_subjects():
    rng = np.random.default_rng(1)
    for subjects, parts in ((49, 1), (101, 2), (160, 3), (260, 5), (2000, 5)):
        score = rng.normal(size=subjects)
        assert len(residuals(score + rng.normal(size=subjects), score, np.arange(subjects)).edges) + 1 == parts


def test_intervals_hold_where_the_spread_grows_with_the_score():
    rng = np.random.default_rng(2)
    score = rng.uniform(0, 10, 2000)
    y = score + rng.normal(size=2000) * (0.2 + 0.3 * score)
    held = coverage(y, score, np.arange(2000), fold_n=np.arange(2000) % 5, level=0.9)
    assert held == pytest.approx(0.9, abs=0.02)
