"""Ways of the study of response to learn what holds in every cohort: each does on planted data what it says."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from genelight.patients._response_rules import SIGNATURE, Bench, auc_t

COHORTS, PER = 6, 50


@pytest.fixture
def travels(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    return importlib.import_module("studies._travels")


def planted(seed=0, *, turned=()) -> Bench:
    """The first of twelve programmes goes with response everywhere, the second another way in the last cohort."""
    rng = np.random.default_rng(seed)
    cohort_n = np.repeat(np.arange(COHORTS), PER)
    y_n = (rng.random(len(cohort_n)) < 0.5).astype(float)
    f_nk = rng.normal(size=(len(y_n), 12))
    f_nk[:, 0] += y_n
    f_nk[:, 1] += 1.5 * y_n * np.where(cohort_n == COHORTS - 1, -1, 1)
    told_n = np.where(np.isin(cohort_n, turned), 1 - y_n, y_n)
    return Bench.of(cohort_n, told_n[:, None], x_ng=f_nk, f_nk=f_nk, fixed={SIGNATURE: f_nk[:, 0]})


def sides(travels, bench):
    return travels.Sides(bench.f_nk, bench)


WAYS = ("ridge", "group_dro", "stable_direction", "no_sign_turned", "adversarial", "only_what_is_present")


@pytest.mark.parametrize("way", WAYS)
def test_a_cohort_that_is_judged_has_no_say(travels, way, monkeypatch):
    monkeypatch.setattr(travels, "STEPS", 2)
    learn = getattr(travels, way)
    learn = learn(np.ones((COHORTS, 12), dtype=bool)) if way == "only_what_is_present" else learn
    one, other = (travels.nested(sides(travels, planted(turned=t)), learn, (0.1, 1.0)) for t in ((), (2,)))
    mine = planted().cohort_n == 2
    np.testing.assert_allclose(one[mine], other[mine])
    assert not np.allclose(one[~mine], other[~mine])


def test_a_setting_is_chosen_by_the_other_cohorts_whatever_serves_the_judged_one(travels):
    bench = planted()
    second_k = np.eye(12)[1]
    score_n = travels.nested(sides(travels, bench), lambda *given: given[2] * second_k, (-1.0, 1.0))
    last = bench.cohort_n == COHORTS - 1
    assert auc_t(score_n[last][:, None], bench.y_nt[last])[0] < 0.3
    assert auc_t(score_n[~last][:, None], bench.y_nt[~last])[0] > 0.7


def test_what_turns_round_in_one_cohort_weighs_less_where_every_cohort_counts(travels):
    here = sides(travels, planted())
    share = {}
    for way in ("ridge", "group_dro", "stable_direction"):
        weight_k = getattr(travels, way)(here, range(COHORTS), 0.1)
        share[way] = weight_k[1] / weight_k[0]
    assert share["ridge"] > 0.5
    assert abs(share["group_dro"]) < 0.2
    assert abs(share["stable_direction"]) < 0.2


def test_no_sign_is_turned_and_much_penalty_leaves_the_signature(travels):
    bench = planted()
    f_nk = bench.f_nk * np.where(np.arange(12) == 1, -1, 1)
    here = travels.Sides(f_nk, bench)
    assert travels.ridge(here, range(COHORTS), 0.1)[1] < -0.05
    weight_k = travels.no_sign_turned(here, range(COHORTS), 0.1)
    assert weight_k.min() == weight_k[1] == 0
    assert weight_k[0] > 0
    far_k = travels.no_sign_turned(here, range(COHORTS), 1e6)
    np.testing.assert_allclose(far_k[1:] / far_k[0], 0, atol=1e-3)


def test_codes_against_an_adversary_read_less_of_what_tells_the_cohort(travels):
    rng = np.random.default_rng(0)
    cohort_n = np.repeat(np.arange(COHORTS), PER)
    y_n = (rng.random(len(cohort_n)) < 0.5).astype(float)
    f_nk = rng.normal(size=(len(y_n), 20)) + 0.3 * y_n[:, None]
    f_nk[:, 10:] *= np.array([0.1, 0.2, 0.5, 1, 2, 4])[cohort_n][:, None]  # the spread tells it, the mean is out
    here = travels.Sides(f_nk, Bench.of(cohort_n, y_n[:, None], x_ng=f_nk, f_nk=f_nk, fixed={SIGNATURE: y_n}))
    alone_k, against_k = (np.abs(travels.adversarial(here, range(COHORTS), strength)) for strength in (0.0, 1.0))
    assert against_k[10:].sum() / against_k[:10].sum() < 0.85 * alone_k[10:].sum() / alone_k[:10].sum()


def test_what_is_absent_from_the_training_cohorts_has_no_weight(travels):
    there_ck = np.ones((COHORTS, 12), dtype=bool)
    there_ck[:2, 1], there_ck[:1, 2] = False, False
    weight_k = travels.only_what_is_present(there_ck)(sides(travels, planted()), range(COHORTS), 0.1)
    assert weight_k[1] == 0
    assert weight_k[[0, 2]].all()


def test_at_equal_composition_nothing_goes_with_its_axes(travels):
    bench = planted()
    cells_nk = bench.f_nk[:, :3]
    composition = SimpleNamespace(names=("B", "T", "NK"), f_nk=cells_nk)
    left_nk = travels.at_equal_composition(bench.f_nk, composition, bench.cohort_n)
    np.testing.assert_allclose(left_nk.T @ cells_nk, 0, atol=1e-9)
    assert left_nk[:, 3:].std() > 0.9
