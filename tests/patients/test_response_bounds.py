"""Few cohorts: intervals that hold, the learning curve, what bounds the signature, and names that would hide it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

import genelight as gl
from genelight.errors import InputError
from genelight.nouns import Edges
from genelight.patients import ResponsePlan
from genelight.patients._response_calibration import beliefs, patient_interval
from genelight.patients._response_judge import auc_interval, flipped, reliability
from genelight.patients._response_rules import SIGNATURE, Bench
from genelight.patients._response_sentences import _curve
from genelight.patients.response_score import _check_apart, _drivers
from genelight.stats.intervals import jackknife_interval

QUICK = ResponsePlan(draws=0)


def sets(name):
    return Edges("sets", pd.DataFrame({"source": name, "target": [f"PLANT{i}" for i in range(12)], "weight": 1.0}))


def test_the_jackknife_of_a_mean_is_the_t_test():
    value_c = np.array([0.61, 0.72, 0.55, 0.66, 0.48])
    low, high = jackknife_interval(value_c.mean(), (value_c.sum() - value_c) / 4)
    theirs = stats.ttest_1samp(value_c, 0).confidence_interval()
    assert (low, high) == pytest.approx((theirs.low, theirs.high))
    assert auc_interval(value_c, np.full(5, 7.0)) == pytest.approx((value_c.mean(), low, high))
    assert np.isnan(jackknife_interval(0.5, np.array([0.5]))).all()


@pytest.mark.parametrize("cohorts", [3, 4, 6, 12])
def test_intervals_over_few_cohorts_of_unequal_size_hold(cohorts):
    rng = np.random.default_rng(cohorts)
    missed = bootstrap = 0
    for _ in range(1500):
        size_c = rng.integers(13, 57, cohorts).astype(float)
        value_c = 0.6 + rng.normal(size=cohorts) * np.sqrt(0.05**2 + 0.3 / size_c)
        low, high = auc_interval(value_c, size_c)[1:]
        missed += not low <= 0.6 <= high
        drawn = rng.integers(0, cohorts, (200, cohorts))
        low, high = np.quantile((value_c * size_c)[drawn].sum(1) / size_c[drawn].sum(1), (0.025, 0.975))
        bootstrap += not low <= 0.6 <= high
    assert 0.035 < missed / 1500 < 0.075
    assert bootstrap / 1500 > 0.075


@pytest.mark.parametrize(("cohorts", "alone"), [(3, True), (6, True), (6, False), (11, False)])
def test_a_patients_interval_holds_where_cohorts_differ(cohorts, alone):
    rng = np.random.default_rng(3)
    cohort_n = np.repeat(np.arange(cohorts + 1), 25)
    mine = cohort_n == cohorts
    missed = []
    for _ in range(80):
        odds_c, slope_c = -0.4 + 0.6 * rng.normal(size=cohorts + 1), 0.5 + 0.3 * rng.normal(size=cohorts + 1)
        mean_c = 0.5 * rng.normal(size=cohorts + 1)
        off_n = rng.normal(size=len(cohort_n))
        true_n = expit(odds_c[cohort_n] + slope_c[cohort_n] * off_n)
        y_n = (rng.random(len(true_n)) < true_n).astype(float)
        line = beliefs(off_n[~mine], y_n[~mine], cohort_n[~mine]).prior
        variance, shift = (float(mean_c[:-1].var(ddof=1)), mean_c[-1] - mean_c[:-1].mean()) if alone else (0.0, 0.0)
        _, low_n, high_n = patient_interval(line, off_n[mine] + shift, variance=variance, coverage=0.9)
        missed.append(((true_n[mine] < low_n) | (true_n[mine] > high_n)).mean())
    assert np.mean(missed) < 0.16


def test_the_curve_rises_where_there_is_more_to_learn(treated):
    rising = gl.response(treated.cohorts(planted=0.8, seed=1), sets=sets("planted"), plan=QUICK)
    flat = gl.response(treated.cohorts(seed=2), sets=sets("planted"), plan=QUICK)
    assert sorted(rising.curve["cohorts"].unique()) == [2, 3, 5]
    genes = [f.curve[f.curve["method"] == "ridge on genes"].set_index("cohorts")["auc"] for f in (rising, flat)]
    assert genes[0][5] > genes[0][2] + 0.03
    assert genes[1][5] < 0.62
    assert "learned from 2 to 5 others" in rising.about["sentences"]["curve"]
    whole = rising.methods.set_index("method")["auc"]
    assert genes[0][5] == pytest.approx(whole["ridge on genes"], abs=0.04)
    ours = rising.curve.loc[rising.curve["method"] == SIGNATURE, "auc"]
    assert ours.tolist() == pytest.approx([whole[SIGNATURE]] * 3)


def test_the_curve_is_held_against_the_signature_on_the_same_cohorts():
    rows = [(2, "ridge", 0.6), (5, "ridge", 0.7), (2, SIGNATURE, 0.65), (5, SIGNATURE, 0.65)]
    said = _curve(pd.DataFrame(rows, columns=["cohorts", "method", "auc"]))
    assert "others: ridge 0.600 to 0.700; the best reaches the 0.650" in said


def test_what_bounds_the_signature_is_told(treated):
    found = gl.response(treated.cohorts(signature=1.5), plan=QUICK)
    bounds = found.bounds.set_index("bound")
    auc = found.methods.set_index("method").loc[SIGNATURE, "auc"]
    assert bounds.loc["cohorts that differ", "auc"] == pytest.approx(auc)
    assert bounds.loc["noise of the signature's genes", "auc"] > auc
    assert (
        auc > bounds.loc["5% of responses called wrongly", "auc"] > bounds.loc["10% of responses called wrongly", "auc"]
    )
    assert "What could hold the signature's" in found.about["sentences"]["bounds"]
    three = gl.response(treated.cohorts(3, signature=1.5), plan=QUICK)
    assert "No learning curve" in three.about["sentences"]["curve"]


def test_wrong_labels_cost_what_they_must():
    rng = np.random.default_rng(0)
    cohort_n, y_n = np.repeat(np.arange(4), 200), np.tile([0.0, 1.0], 400)
    bench = Bench.of(
        cohort_n,
        y_n[:, None],
        x_ng=rng.normal(size=(800, 5)),
        f_nk=np.empty((800, 0)),
        fixed={SIGNATURE: rng.normal(size=800) + 1.2 * y_n},
    )
    clean, wrong = (flipped(bench, share, draws=20, seed=0) for share in (0.0, 0.1))
    assert wrong - 0.5 == pytest.approx(0.8 * (clean - 0.5), abs=0.01)  # a tenth of either class is the other


def test_the_reliability_is_that_of_parallel_halves(treated):
    from genelight.patients._response_cohorts import read_cohorts

    given = treated.cohorts(4, signature=1.5)  # genes = drive + 0.6 noise: six of them
    told = reliability(read_cohorts(given, QUICK))
    assert told == pytest.approx(1 / (1 + 0.36 / 6), abs=0.03)


@pytest.mark.parametrize("name", [SIGNATURE, "cd8a", "PC.0"])
def test_a_set_never_takes_the_name_of_what_stands_beside_it(treated, name):
    given = treated.cohorts(3, signature=1.5)
    model = gl.models.PCA(4).fit(given["c1"])
    with pytest.raises(InputError, match=r"1 of 1 gene sets are called like .*\(set\)"):
        gl.response(given, model, sets=sets(name), plan=QUICK)


def test_cohorts_that_print_alike_are_told(treated):
    given = treated.cohorts(3, signature=1.5)
    twice = {"a\x07": given["c1"], "a\\x07": given["c2"], "b": given["c3"], "c": treated.cohort(seed=77)}
    with pytest.raises(InputError, match="same name where it is printed"):
        gl.response(twice, plan=QUICK)


def test_a_gene_and_a_programme_of_one_name_both_drive():
    parts_nf, offs_nf = np.array([[0.3, -0.8]]), np.array([[1.0, np.nan]])
    table = _drivers(["s"], ["STAT1", "STAT1"], parts_nf=parts_nf, offs_nf=offs_nf)
    assert table["part"].tolist() == [-0.8, 0.3]


def test_a_new_patient_is_found_among_local_ones_of_whom_other_genes_were_measured():
    new_ng, local_ng = np.random.default_rng(0).normal(size=(2, 6, 300))
    local_ng[4] = new_ng[2]
    new_ng[:, 20:60], local_ng[:, 90:110] = np.nan, np.nan
    new, local = SimpleNamespace(x_ng=new_ng), SimpleNamespace(x_ng=local_ng)
    with pytest.raises(InputError, match=r"1 of the new patients are among the local ones .c"):
        _check_apart(new, local, list("abcdef"))
    _check_apart(new, SimpleNamespace(x_ng=local_ng[:4]), list("abcdef"))


def test_one_cohort_says_nothing_of_another(treated):
    with pytest.raises(InputError, match="1 of 1 cohorts can be used"):
        gl.response({"only": treated.cohort(signature=1.5, seed=1)}, plan=QUICK)


def test_a_class_is_adjusted_for_within_cohorts(treated):
    given = treated.cohorts(5, seed=31)
    rng = np.random.default_rng(31)
    for adata in given.values():
        adata.obs["cancer_type"] = rng.choice(["skin", "lung"], adata.n_obs)
        lung = (adata.obs["cancer_type"] == "lung").to_numpy()
        adata.X[:, : len(treated.SIX)] += 3 * lung[:, None]
        adata.obs["response"] = np.where(rng.random(adata.n_obs) < np.where(lung, 0.8, 0.2), "R", "NR")
    alone, adjusted = (
        gl.response(given, plan=ResponsePlan(draws=0, adjust=adjust)).programmes.set_index("name")
        for adjust in ((), ("cancer_type",))
    )
    assert alone.loc[SIGNATURE, "q"] < 0.05
    assert abs(adjusted.loc[SIGNATURE, "effect"]) < 0.3 * alone.loc[SIGNATURE, "effect"]
    assert adjusted.loc[SIGNATURE, "low"] < 0 < adjusted.loc[SIGNATURE, "high"]
