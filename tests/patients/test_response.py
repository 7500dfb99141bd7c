"""Response over cohorts: planted programmes found, whole cohorts left out, bad input."""

from pathlib import Path
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.stats import kstest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from statsmodels.stats.meta_analysis import effectsize_smd

import genelight as gl
from genelight.errors import FormatError, GeneMismatchError, InputError, UnknownNameError
from genelight.nouns import Edges, Response
from genelight.patients import ResponsePlan, score_response
from genelight.patients._response_judge import judge
from genelight.patients._response_programmes import Programmes, hedges, interaction_of
from genelight.patients._response_rules import CHOSEN, SIGNATURE, Bench, Eigen, Rule, auc_t
from genelight.patients._response_sheet import ask, read_words, words_question
from genelight.report._response import response_page

COMPENDIUM = Path(__file__).parents[2] / "../shared/data/compendium/human_bulk.h5ad"
QUICK = ResponsePlan(draws=0)
SETS = Edges("sets", pd.DataFrame({"source": "planted", "target": [f"PLANT{i}" for i in range(12)], "weight": 1.0}))


@pytest.fixture(scope="module")
def known(treated):
    """Response goes with the signature alone."""
    return gl.response(treated.cohorts(signature=1.5), sets=SETS, plan=ResponsePlan(draws=60))


@pytest.fixture(scope="module")
def unknown(treated):
    """Response goes with a programme that the signature knows nothing of."""
    return gl.response(treated.cohorts(planted=2.0, seed=1), sets=SETS, plan=ResponsePlan(draws=60))


@pytest.fixture(scope="module")
def nothing(treated):
    return gl.response(treated.cohorts(seed=2), sets=SETS, plan=ResponsePlan(draws=60))


def of(found, method):
    return found.methods.set_index("method").loc[method]


def test_the_signature_is_recommended_where_it_is_what_counts(known):
    assert known.rule == SIGNATURE
    assert of(known, SIGNATURE)["auc"] > 0.7
    assert "so it is recommended" in known.about["sentences"]["recommend"]
    table = known.programmes.set_index("name")
    assert table.loc[SIGNATURE, "q"] < 0.05
    assert table.loc[SIGNATURE, "same_sign"]
    assert table.loc["planted", "q"] > 0.05


def test_another_rule_is_recommended_where_it_is_better(unknown):
    assert unknown.rule == CHOSEN
    assert of(unknown, CHOSEN)["gain_low"] > 0
    assert unknown.programmes.loc[0, "name"] == "planted"
    assert unknown.programmes.loc[0, "q"] < 0.01
    assert "it is recommended" in unknown.about["sentences"]["recommend"]


def test_where_nothing_is_nothing_is_said(nothing):
    assert nothing.rule == SIGNATURE
    assert (nothing.programmes["q"] > 0.05).all()
    assert of(nothing, CHOSEN)["p"] > 0.05
    assert "0 go with response" in nothing.about["sentences"]["programmes"]


def test_random_genes_are_chance_and_p_follows_what_is_there(known, nothing):
    assert abs(of(nothing, "random genes")["auc"] - 0.5) < 0.05
    assert of(known, SIGNATURE)["p"] == pytest.approx(1 / 61)


def test_p_of_no_effect_is_uniform(treated):
    p = [
        of(gl.response(treated.cohorts(4, seed=20 + s), plan=ResponsePlan(draws=19)), "ridge on genes")["p"]
        for s in range(12)
    ]
    assert 0.25 < np.mean(p) < 0.8
    assert min(p) >= 1 / 20


def test_a_cohort_left_out_has_no_say_in_its_own_scores():
    rng = np.random.default_rng(0)
    cohort_n = np.repeat(np.arange(5), 20)
    y_n = (rng.random(100) < 0.5).astype(float)
    f_nk = rng.normal(size=(100, 6)) + y_n[:, None]
    given = {
        "x_ng": rng.normal(size=(100, 30)) + y_n[:, None],
        "f_nk": f_nk,
        "fixed": {SIGNATURE: rng.normal(size=100)},
    }
    turned_n = np.where(cohort_n == 2, 1 - y_n, y_n)
    one, other = (judge(Bench.of(cohort_n, y[:, None], **given)) for y in (y_n, turned_n))
    for method in one.score:
        np.testing.assert_allclose(one.score[method][cohort_n == 2], other.score[method][cohort_n == 2])
        np.testing.assert_allclose(one.inner[method][2], other.inner[method][2])
        assert one.chosen[method][2] == other.chosen[method][2]
    assert not np.allclose(one.score["ridge on genes"], other.score["ridge on genes"])
    assert np.isnan(one.inner[CHOSEN][2][cohort_n == 2]).all()


def test_the_frozen_rule_scores_as_it_did(treated, unknown):
    given = treated.cohorts(planted=2.0, seed=1)
    lean = unknown.about["beliefs"]["slope"]
    assert lean > 0
    found = score_response(given["c1"], response=unknown).table
    mine = unknown.held_out[unknown.held_out["cohort"] == "c1"]
    there = found["inside"].to_numpy()
    assert np.corrcoef(found["score"][there], mine["score"][there])[0, 1] > 0.9
    assert 0.5 < found["score"].std() / mine["score"].std() < 2


def test_figures_are_those_of_the_scores(unknown):
    held_out = unknown.held_out
    for row in unknown.cohorts.itertuples():
        mine = held_out[held_out["cohort"] == row.cohort]
        assert roc_auc_score(mine["responded"], mine["score"]) == pytest.approx(
            unknown.cohorts.set_index("cohort").loc[row.cohort, unknown.rule]
        )
    weight = unknown.cohorts["samples"] / unknown.cohorts["samples"].sum()
    assert of(unknown, SIGNATURE)["auc"] == pytest.approx(float(unknown.cohorts[SIGNATURE] @ weight))


def test_probabilities_are_calibrated(unknown):
    told = unknown.about["slopes"]["recalibrated locally"]
    assert 0.6 < told["slope"] < 1.6
    assert told["low"] < 1 < told["high"]
    there = unknown.held_out.dropna(subset="local")
    assert there["local"].mean() == pytest.approx(there["responded"].mean(), abs=0.08)
    best = unknown.decision.set_index("threshold")
    assert best.loc[0.5, "rule"] > max(best.loc[0.5, "treat_all"], 0)
    assert (best["treat_none"] == 0).all()


def test_the_local_share_alone_stands_beside_the_rule(unknown, nothing):
    gains = [
        f.decision["rule"] - f.decision[["local_share", "treat_all", "treat_none"]].max(axis=1)
        for f in (unknown, nothing)
    ]
    assert gains[0].max() > 0.05
    assert gains[1].mean() < 0.01
    assert "Over that share alone" in nothing.about["sentences"]["decision"]


def test_effects_are_hedges_g():
    rng = np.random.default_rng(0)
    f_nk, y_n = rng.normal(size=(30, 3)), np.r_[np.ones(12), np.zeros(18)]
    found, variance = hedges(f_nk, y_n, np.empty((30, 0)))
    for k in range(3):
        one, other = f_nk[y_n == 1, k], f_nk[y_n == 0, k]
        theirs = effectsize_smd(one.mean(), one.std(ddof=1), 12, other.mean(), other.std(ddof=1), 18)
        assert found[k] == pytest.approx(theirs[0], rel=2e-3)
        assert variance[k] == pytest.approx(theirs[1], rel=0.1)


def test_a_covariate_takes_off_what_is_its_own(treated):
    given = treated.cohorts(signature=1.5, seed=4)
    for adata in given.values():
        adata.obs["burden"] = np.asarray(adata[:, list(treated.SIX)].X).mean(1)
        adata.obs["sex"] = "f"
    plan = ResponsePlan(draws=0, adjust=("burden", "sex"))
    table = gl.response(given, plan=plan).programmes.set_index("name")
    alone = gl.response(given, plan=QUICK).programmes.set_index("name")
    assert abs(table.loc["CD8A", "effect"]) < 0.5 * alone.loc["CD8A", "effect"]
    assert any("not adjusted for sex" in note for note in gl.response(given, plan=plan).about["notes"])
    with pytest.raises(UnknownNameError, match="did you mean 'burden'"):
        gl.response(given, plan=ResponsePlan(draws=0, adjust=("burdn",)))


def test_a_blank_covariate_is_missing_and_numbers_stay_numbers(treated):
    given = treated.cohorts(4, signature=1.5, seed=5)
    rng = np.random.default_rng(0)
    for adata in given.values():
        adata.obs["age"] = rng.integers(40, 80, adata.n_obs).astype(str)
    given["c1"].obs.iloc[3, given["c1"].obs.columns.get_loc("age")] = " "
    found = gl.response(given, plan=ResponsePlan(draws=0, adjust=("age",)))
    assert found.about["notes"] == ["c1: not adjusted for age, which is missing for 1 of 40"]
    assert found.programmes["p"].notna().all()
    number = {name: adata.copy() for name, adata in given.items()}
    for adata in number.values():
        adata.obs["age"] = pd.to_numeric(adata.obs["age"], errors="coerce")
    same = gl.response(number, plan=ResponsePlan(draws=0, adjust=("age",)))
    pd.testing.assert_frame_equal(found.programmes, same.programmes)


def test_no_sentence_prints_nan(treated):
    given = treated.cohorts(3, signature=1.5, seed=5)
    for adata in given.values():
        adata.obs["bed"] = [f"b{i}" for i in range(adata.n_obs)]
    found = gl.response(given, plan=ResponsePlan(draws=0, adjust=("bed",)))
    assert "can be told: too few patients" in found.about["sentences"]["programmes"]
    assert not any("nan" in text.split() or "+nan" in text for text in found.about["sentences"].values())
    assert "39 columns leave too few of 40 patients" in found.about["notes"][0]


def test_only_two_arms_tell_predictive_from_prognostic(treated, known):
    assert "can't be told: every cohort has one arm" in known.about["sentences"]["arms"]
    given = {}
    for name, seed in (("c1", 51), ("c2", 52), ("c3", 53), ("c4", 54)):
        drug, none = treated.cohort(60, signature=2.5, seed=seed), treated.cohort(60, signature=0.0, seed=seed + 40)
        none.X -= np.asarray(none.X).mean(0) - np.asarray(drug.X).mean(0)
        both = AnnData(np.vstack([drug.X, none.X]), obs=pd.concat([drug.obs, none.obs]), var=drug.var)
        both.obs["arm"] = ["drug"] * 60 + ["placebo"] * 60
        given[name] = both
    found = gl.response(given, sets=SETS, plan=ResponsePlan(draws=0, treated='arm == "drug"'))
    assert list(found.cohorts["samples"]) == [60] * 4
    assert len(found.held_out) == 240
    table = found.interaction.set_index("name")
    assert table.loc[SIGNATURE, "q"] < 0.05
    assert table.loc["planted", "q"] > 0.05
    assert "predictive" in found.about["sentences"]["arms"]


@pytest.mark.parametrize("cohorts", [6, 1])
def test_p_of_no_interaction_is_uniform_with_what_makes_one_adjusted_for(cohorts):
    rng = np.random.default_rng(0)
    n = 360
    cohort_n, treated_n = np.repeat(np.arange(cohorts), n // cohorts), rng.random(n) < 0.6
    y_n = (rng.random(n) < 0.4).astype(float)
    age_n = rng.normal(size=n) + 2 * y_n * treated_n
    names = tuple(f"p{k}" for k in range(1500))
    # Prognostic in both arms; in the treated one responders are older too.
    programmes = Programmes(names, names, {}, rng.normal(size=(n, 1500)) + (0.7 * y_n + age_n)[:, None])
    found = SimpleNamespace(names="abcdef"[:cohorts], cohort_n=cohort_n, y_n=y_n, treated_n=treated_n)
    found.obs = pd.DataFrame({"age": age_n, "sex": np.where(treated_n, np.arange(n) % 2, 0)})
    alone = interaction_of(found, programmes, adjust=(), notes=[])["p"]
    notes: list[str] = []
    adjusted = interaction_of(found, programmes, adjust=("age", "sex"), notes=notes)["p"]
    assert kstest(adjusted, "uniform").pvalue > 0.01
    assert 0.03 < (adjusted <= 0.05).mean() < 0.07
    assert (alone <= 0.05).mean() > 0.9
    assert notes[0] == "a, untreated: not adjusted for sex, which is 0 for all"


def test_rules_are_of_the_treated_alone(treated):
    given = treated.cohorts(4, signature=1.5, seed=13)
    alone = gl.response(given, plan=QUICK)
    for name, adata in given.items():
        rest = treated.cohort(12, seed=900 + int(name[1:]))
        both = AnnData(np.vstack([adata.X, rest.X]), obs=pd.concat([adata.obs, rest.obs]), var=adata.var)
        both.obs["arm"] = ["drug"] * 40 + ["placebo"] * 12
        given[name] = both
    given["c5"] = treated.cohort(20, seed=950)
    given["c5"].obs["arm"] = "placebo"
    found = gl.response(given, plan=ResponsePlan(draws=0, treated='arm == "drug"'))
    pd.testing.assert_frame_equal(found.methods, alone.methods)
    assert "0 responders and 0 others among the treated" in found.about["dropped"]["c5"]
    assert len(found.interaction) == 3


def test_a_cohort_without_biopsies_before_treatment_is_left_out(treated):
    given = treated.cohorts(4, signature=1.5, seed=14)
    for name, adata in given.items():
        adata.obs["timepoint"] = "On" if name == "c4" else "Pre"
    found = gl.response(given, plan=ResponsePlan(draws=0, before='timepoint == "Pre"'))
    assert found.about["dropped"] == {"c4": "40 biopsies not before treatment"}


def test_rules_are_those_of_other_libraries():
    rng = np.random.default_rng(0)
    cohort_n = np.repeat([0, 1, 2], 20)
    y_nt = (rng.random((60, 1)) < 0.5).astype(float)
    given = {"x_ng": rng.normal(size=(60, 30)), "f_nk": rng.normal(size=(60, 4))}
    bench = Bench.of(cohort_n, y_nt, **given, fixed={SIGNATURE: rng.normal(size=60)})
    train_n = cohort_n < 2
    scale = np.trace(bench.z_ng @ bench.z_ng.T) / 60
    target = y_nt[train_n, 0] - np.repeat([y_nt[:20].mean(), y_nt[20:40].mean()], 20)
    theirs = Ridge(alpha=10.0 * scale, fit_intercept=False).fit(bench.z_ng[train_n], target)
    ours = Rule("ridge", "ridge", "genes", (10.0,)).raw(bench, train_n, Eigen(bench, train_n))
    np.testing.assert_allclose(ours[:, 0], theirs.predict(bench.z_ng), atol=1e-10)
    assert auc_t(ours, y_nt)[0] == pytest.approx(roc_auc_score(y_nt[:, 0], ours[:, 0]))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["R", "NR", ""], [1, 0, np.nan]),
        (["Responder", "non-responder", "Non responder"], [1, 0, 0]),
        (["CR", "PR", "PD", "NE"], [1, 1, 0, np.nan]),
        (["Complete Response", "partial_response", "Progressive disease"], [1, 1, 0]),
        ([1, 0, 1.0, np.nan], [1, 0, 1, np.nan]),
        ([True, False], [1, 0]),
        (["yes", "No", "CR/PR"], [1, 0, 1]),
    ],
)
def test_response_in_any_spelling(words, found):
    np.testing.assert_array_equal(read_words(pd.Series(words, dtype=object), {})[0], found)


@pytest.mark.parametrize(
    ("words", "told", "message"),
    [
        (["R", "NR", "SD"], {}, "stable disease .*--words SD=NR"),
        (["R", "NR", "Stable Disease"], {"mixed": "NR"}, "stable disease"),
        (["R", "NR", "mixed"], {}, "a mixed response"),
        (["R", "NR", "DCB"], {}, "no known meaning .'DCB'"),
        (["2", "1"], {}, "no known meaning"),
        ([1, -1], {}, "1 of 2 samples .* no known meaning .'-1'"),
        ([1.0, -1.0], {}, "no known meaning .'-1.0'"),
        (["1", "-1", "-1"], {}, "2 of 3 samples .*--words=-1=drop"),
        (["R+", "R-"], {}, "no known meaning .'R.', 'R-'"),
        (["R", "N/R"], {}, "no known meaning .'N/R'"),
        (["+", "-"], {}, "no known meaning"),
        (["R", ""], {"": "NR"}, "it stays missing"),
        (["R", "SD"], {"SD": "maybe"}, "say R .responded., NR"),
    ],
)
def test_what_has_no_one_meaning_is_asked_for(words, told, message):
    with pytest.raises(InputError, match=message):
        ask([words_question({"a": pd.Series(words, dtype=object)}, told)])


def test_what_was_said_of_a_word_counts():
    told = {"SD": "NR", "DCB": "R", "mixed": "drop"}
    given = pd.Series(["stable disease", "dcb", "mixed response", "PD"], dtype=object)
    np.testing.assert_array_equal(read_words(given, told)[0], [0, 1, np.nan, 0])


@pytest.mark.parametrize(
    ("words", "told", "found"),
    [
        (["+", "-", "", None, np.nan, " "], {"-": "NR", "+": "R"}, [1, 0, *[np.nan] * 4]),
        ([1.0, -1.0, np.nan], {"-1": "NR"}, [1, 0, np.nan]),
        ([1, -1, 0], {"-1": "drop"}, [1, np.nan, 0]),
        (["R+", "R-"], {"R+": "R", "R-": "NR"}, [1, 0]),
        (["n/a", "CR and PR", "CR + PR", "N.A.", "."], {}, [np.nan, 1, 1, np.nan, np.nan]),
    ],
)
def test_signs_carry_meaning_and_a_blank_stays_missing(words, told, found):
    np.testing.assert_array_equal(read_words(pd.Series(words, dtype=object), told)[0], found)


def test_cohorts_that_say_nothing_are_left_out_by_name(treated):
    given = treated.cohorts(5, signature=1.5, seed=5)
    given["c4"].obs["response"] = "R"
    given["c5"] = given["c5"][:5].copy()
    found = gl.response(given, plan=QUICK)
    assert list(found.cohorts["cohort"]) == ["c1", "c2", "c3"]
    assert "left out: 40 responders and 0 others" in found.about["dropped"]["c4"]
    assert "c5" in found.about["dropped"]
    with pytest.raises(InputError, match=r"2 of 3 cohorts can be used .c4: left out"):
        gl.response({name: given[name] for name in ("c1", "c2", "c4")}, plan=QUICK)


def test_cohorts_of_which_nothing_is_known_are_one_line(treated):
    given = treated.cohorts(3, signature=1.5, seed=5)
    for c in range(8):
        given[f"blood{c}"] = treated.cohort(12, seed=500 + c)
        given[f"blood{c}"].obs["response"] = ""
    dropped = gl.response(given, plan=QUICK).about["dropped"]
    assert dropped == {"8 cohorts": "nobody's response is known (blood0, blood1, blood2 and 5 more)"}


def test_menopause_is_no_time_of_a_biopsy(treated):
    given = treated.cohorts(3, signature=1.5, seed=5)
    given["c1"].obs["menopausal_status"] = ["pre", "post"] * 20
    assert gl.response(given, plan=QUICK).cohorts.loc[0, "samples"] == 40


@pytest.mark.parametrize("wrong", [{"draws": -3}, {"local": -5}, {"local": 2.5}])
def test_counts_are_whole_numbers_from_zero(wrong):
    with pytest.raises(InputError, match="whole number, zero or more"):
        ResponsePlan(**wrong)


def test_signs_of_control_in_a_cohorts_name_reach_no_page(treated):
    names = ["bell\x07", "<b>", "$\\frac{$"]
    given = dict(zip(names, treated.cohorts(3, signature=1.5, seed=5).values(), strict=True))
    sets = Edges("sets", SETS.table.assign(source="\x1b[31mred"))
    found = gl.response(given, sets=sets, plan=QUICK)
    page = response_page(found).html
    assert list(found.cohorts["cohort"]) == ["bell\\x07", "<b>", "$\\frac{$"]
    assert "\x07" not in page
    assert "<b>" not in page


def test_it_prints_as_a_card(known):
    lines = repr(known).splitlines()
    assert lines[0] == "response in 6 cohorts"
    assert len(lines) < 16
    assert "interferon-gamma signature, AUC" in repr(known)


def test_one_table_needs_the_column_of_its_cohorts(treated):
    given = treated.cohorts(3, signature=1.5, seed=6)
    one = AnnData(
        np.vstack([a.X for a in given.values()]),
        obs=pd.concat([a.obs.assign(study=name) for name, a in given.items()]),
        var=given["c1"].var,
    )
    with pytest.raises(InputError, match="--by study"):
        gl.response(one, plan=QUICK)
    by = gl.response(one, plan=ResponsePlan(by="study", draws=0))
    pd.testing.assert_frame_equal(by.methods, gl.response(given, plan=QUICK).methods)


def test_biopsies_under_treatment_and_repeated_ones_are_asked_for(treated):
    given = treated.cohorts(3, signature=1.5, seed=7)
    a = given["c1"]
    a.obs["timepoint"] = ["Pre", "On"] * 20
    with pytest.raises(InputError, match=r"20 of 40 biopsies are not from before .*--before"):
        gl.response(given, plan=QUICK)
    for adata in given.values():
        adata.obs["timepoint"] = adata.obs.get("timepoint", "Pre")
    before = gl.response(given, plan=ResponsePlan(draws=0, before='timepoint == "Pre"'))
    assert "20 biopsies not before treatment" in before.about["dropped"]["c1"]
    del a.obs["timepoint"]
    a.obs["Patient"] = [f"p{i // 2}" for i in range(40)]
    a.obs["response"] = np.repeat(a.obs["response"].to_numpy()[::2], 2)
    with pytest.raises(InputError, match=r"40 biopsies are of 20 patients .*subject='Patient'"):
        gl.response(given, plan=QUICK)
    for adata in given.values():
        if "Patient" not in adata.obs:
            adata.obs["Patient"] = list(adata.obs_names)
    by = ResponsePlan(draws=0, subject="Patient")
    assert gl.response(given, plan=by).cohorts.loc[0, "samples"] == 20
    a.obs.iloc[1, a.obs.columns.get_loc("response")] = "NR" if a.obs["response"].iloc[0] == "R" else "R"
    with pytest.raises(InputError, match=r"1 patients have biopsies with different responses .p0"):
        gl.response(given, plan=by)


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("week", (0, 4), "week == 0"),
        ("sample_time", ("W0", "W4"), 'sample_time == "W0"'),
        ("Visit", ("T0", "T1"), 'Visit == "T0"'),
        ("cycle", ("C1D1", "C3D1"), 'cycle == "C1D1"'),
        ("biopsy", ("baseline", "cycle 2"), 'biopsy == "baseline"'),
        ("timepoint", ("first", "second"), 'timepoint == "first"'),
        ("state", ("Baseline", "C2D1"), 'state == "Baseline"'),
        ("time point", ("Pre", "EDT"), '`time point` == "Pre"'),
    ],
)
def test_the_question_about_times_runs_as_it_is_told(treated, column, values, told):
    given = treated.cohorts(4, signature=1.5, seed=7)
    given["c2"].obs[column] = [values[i % 3 == 0] for i in range(40)]
    with pytest.raises(InputError, match=r"14 of 40 biopsies|40 of 40 biopsies") as stopped:
        gl.response(given, plan=QUICK)
    assert f"--before '{told}'" in str(stopped.value)
    assert f"'{values[1]}' 14" in str(stopped.value)
    found = gl.response(given, plan=ResponsePlan(draws=0, before=told))
    assert list(found.cohorts["samples"]) == [40, 26, 40, 40]
    assert f"all biopsies taken as before treatment, for {column!r} isn't known" in found.about["dropped"]["c1"]


def test_a_whole_cohort_under_treatment_is_asked_about(treated):
    given = treated.cohorts(4, signature=1.5, seed=7)
    for name, adata in given.items():
        adata.obs["timepoint"] = "On" if name == "c4" else "Pre"
        adata.obs["os_days"] = np.arange(adata.n_obs)
        adata.obs["biopsy_site"] = ["skin", "node"] * 20
    with pytest.raises(InputError, match=r"cohort 'c4': by the column 'timepoint' 40 of 160"):
        gl.response(given, plan=QUICK)
    kept = gl.response(given, plan=ResponsePlan(draws=0, before='timepoint == "Pre"'))
    assert list(kept.cohorts["cohort"]) == ["c1", "c2", "c3"]


def test_a_cohort_without_the_column_of_patients_is_taken_as_it_is(treated):
    given = treated.cohorts(4, signature=1.5, seed=7)
    a = given["c1"]
    a.obs["patient"] = [f"p{i // 2}" for i in range(40)]
    a.obs["response"] = np.repeat(a.obs["response"].to_numpy()[::2], 2)
    found = gl.response(given, plan=ResponsePlan(draws=0, subject="patient"))
    assert list(found.cohorts["samples"]) == [20, 40, 40, 40]
    assert "each biopsy taken as a patient's own" in found.about["dropped"]["c2"]
    with pytest.raises(UnknownNameError, match="subject column"):
        gl.response(given, plan=ResponsePlan(draws=0, subject="person"))
    with pytest.raises(UnknownNameError, match="tme"):
        gl.response(given, plan=ResponsePlan(draws=0, subject="patient", before='tme == "Pre"'))


def test_local_biopsies_under_treatment_are_asked_about(treated, known):
    local = treated.cohort(20, signature=1.5, seed=90)
    local.obs["timepoint"] = ["Pre", "On"] * 10
    new = treated.cohort(12, signature=1.5, seed=91)
    with pytest.raises(InputError, match=r"the local patients.*10 of 20 biopsies"):
        score_response(new, response=known, local=local)
    plan = ResponsePlan(before='timepoint == "Pre"')
    by = score_response(new, response=known, local=local, plan=plan).table
    pd.testing.assert_frame_equal(by, score_response(new, response=known, local=local[::2], plan=QUICK).table)


def test_a_local_patient_counts_once(treated, known):
    local = treated.cohort(20, signature=1.5, seed=90)
    local.obs["patient"] = [f"p{i // 2}" for i in range(20)]
    local.obs["response"] = np.repeat(local.obs["response"].to_numpy()[::2], 2)
    new = treated.cohort(12, signature=1.5, seed=91)
    with pytest.raises(InputError, match=r"the local patients.*20 biopsies are of 10 patients .*--subject patient"):
        score_response(new, response=known, local=local)
    found = score_response(new, response=known, local=local, plan=ResponsePlan(subject="patient"))
    assert "mean of 10 local patients" in found.about["centred_by"]
    local.obs.iloc[1, local.obs.columns.get_loc("response")] = "NR" if local.obs["response"].iloc[0] == "R" else "R"
    with pytest.raises(InputError, match=r"the local patients.*1 patients have biopsies with different responses .p0"):
        score_response(new, response=known, local=local, plan=ResponsePlan(subject="patient"))
    local.obs["response"] = "R"
    with pytest.raises(InputError, match="4 local patients have a response"):
        score_response(new, response=known, local=local[:8].copy(), plan=ResponsePlan(subject="patient"))


def test_a_new_patient_is_not_among_the_local_ones(treated, known):
    local = treated.cohort(20, signature=1.5, seed=90)
    new = anndata.concat([treated.cohort(5, signature=1.5, seed=91), local[[3]]])
    with pytest.raises(InputError, match=r"1 of the new patients are among the local ones .s90_3"):
        score_response(new, response=known, local=local)


def test_other_tables_that_cannot_be_read_stop(treated):
    given = treated.cohorts(3, signature=1.5, seed=8)
    with pytest.raises(UnknownNameError, match="response column"):
        gl.response(given, plan=ResponsePlan(response="respons"))
    centred = {**given, "c1": given["c1"].copy()}
    centred["c1"].X = centred["c1"].X - np.asarray(centred["c1"].X).mean(0)
    with pytest.raises(InputError, match="before they were centred"):
        gl.response(centred, plan=QUICK)
    other = {name: adata.copy() for name, adata in given.items()}
    other["c2"].var_names = [f"ENSG{i:011d}" for i in range(300)]
    with pytest.raises(InputError, match="has 0 of the 6 genes"):
        gl.response(other, plan=QUICK)
    twice = {**given, "c4": given["c1"].copy()}
    with pytest.raises(InputError, match="40 biopsies are in two cohorts at once"):
        gl.response(twice, plan=QUICK)
    again = given["c1"][[0]].copy()
    again.obs_names = ["by another name"]
    twice = {**given, "c1": anndata.concat([given["c1"], again])}
    with pytest.raises(
        InputError, match=r"1 biopsies are twice in one cohort, the first .* of c1 and 'by another name' of c1"
    ):
        gl.response(twice, plan=QUICK)
    small = {name: adata[:, list(treated.KNOWN) + list(treated.PLANTED)].copy() for name, adata in given.items()}
    with pytest.raises(InputError, match="share 21 genes"):
        gl.response(small, plan=QUICK)


def test_a_gene_that_a_cohort_lacks_costs_no_cohort(treated):
    given = treated.cohorts(4, signature=1.5, seed=9)
    given["c2"] = given["c2"][:, [g for g in given["c2"].var_names if g not in ("IFNG", "GENE5")]].copy()
    found = gl.response(given, plan=QUICK)
    assert found.rule == SIGNATURE
    assert set(found.weights("genes")["feature"]) == set(treated.SIX) - {"IFNG"}


def test_the_order_of_genes_and_the_scale_do_not_matter(treated):
    given = treated.cohorts(3, signature=1.5, seed=10)
    turned = {name: adata[:, ::-1].copy() for name, adata in given.items()}
    turned["c1"].X = 2 ** np.asarray(turned["c1"].X, dtype=np.float64)
    one, other = gl.response(given, sets=SETS, plan=QUICK), gl.response(turned, sets=SETS, plan=QUICK)
    pd.testing.assert_frame_equal(one.methods.iloc[:-1], other.methods.iloc[:-1], rtol=1e-5)
    pd.testing.assert_frame_equal(one.programmes, other.programmes, rtol=1e-5)


def test_what_is_saved_comes_back(treated, unknown, tmp_path):
    unknown.save(tmp_path / "r.parquet")
    again = Response.load(tmp_path / "r.parquet")
    assert again.verdict == unknown.verdict
    pd.testing.assert_frame_equal(again.methods, unknown.methods)
    pd.testing.assert_frame_equal(again.cohorts, unknown.cohorts)
    assert again.held_out["sample"].tolist() == list(range(1, len(unknown.held_out) + 1))
    new = treated.cohort(12, planted=2.0, seed=777)
    mine, theirs = (score_response(new, response=r).table for r in (unknown, again))
    pd.testing.assert_frame_equal(mine, theirs)
    (tmp_path / "r.parquet").write_bytes(b"nothing")
    with pytest.raises(FormatError):
        Response.load(tmp_path / "r.parquet")


def test_a_new_cohort_is_scored_by_the_frozen_rule(treated, unknown):
    new = treated.cohort(120, planted=2.0, seed=888)
    found = score_response(new, response=unknown)
    kept = found.table[found.table["inside"]]
    responded = new.obs.loc[kept["sample"], "response"] == "R"
    assert roc_auc_score(responded, kept["score"]) > 0.75
    assert found.refused <= 4
    assert (kept["low"] <= kept["probability"]).all()
    assert (kept["probability"] <= kept["high"]).all()
    near = score_response(new[:60].copy(), response=unknown, local=new[60:].copy())
    assert (near.table["high"] - near.table["low"]).mean() < (found.table["high"] - found.table["low"]).mean()


def test_one_patient_has_a_page_of_its_own_and_a_wide_interval(treated, known):
    new = treated.cohort(40, signature=1.5, seed=999)
    together, alone = score_response(new, response=known), score_response(new[:1].copy(), response=known)
    width = [float(t.loc[0, "high"] - t.loc[0, "low"]) for t in (together.table, alone.table)]
    assert width[1] > width[0]
    assert set(alone.drivers["feature"]) <= set(treated.SIX)
    assert "Not a medical device" in alone.about["not_known"]
    assert {"name", "z", "effect"} <= set(alone.programmes)


def test_patients_unlike_all_others_are_counted_as_declined(treated):
    given = treated.cohorts(5, signature=1.5, seed=15)
    rng = np.random.default_rng(0)
    for i in range(6):
        given["c2"].X[i] = rng.permutation(given["c2"].X[i])
    found = gl.response(given, plan=QUICK)
    far = set(given["c2"].obs_names[:6])
    held = found.held_out.set_index("sample")
    assert not held.loc[sorted(far), "inside"].any()
    assert (~held["inside"]).sum() <= 6 + 0.05 * len(held)
    declined = found.cohorts.set_index("cohort")["declined"]
    for name, mine in held.groupby("cohort"):
        assert declined[name] == pytest.approx((~mine["inside"]).mean())
    assert declined.idxmax() == "c2"
    said = found.about["sentences"]["declined"]
    assert said.startswith(f"For {(~held['inside']).mean():.0%} of the patients it declines to answer")
    assert said.endswith(f"most in c2 ({declined['c2']:.0%}).")


def test_a_patient_unlike_all_is_refused(treated, known):
    new = treated.cohort(12, signature=1.5, seed=42)
    rng = np.random.default_rng(0)
    new.X[0] = rng.permutation(np.asarray(new.X[0]))
    found = score_response(new, response=known).table
    assert not found.loc[0, "inside"]
    assert found.loc[0, "reasons"]
    assert np.isnan(found.loc[0, "probability"])
    with pytest.raises(GeneMismatchError, match="of the weight of the rule"):
        score_response(new[:, [g for g in new.var_names if g not in treated.SIX]].copy(), response=known)
    with pytest.raises(InputError, match="at least 5 are needed"):
        score_response(new, response=known, local=treated.cohort(12, seed=43)[:3].copy())


def test_a_model_gives_its_nodes(treated, tmp_path):
    given = treated.cohorts(4, planted=2.0, seed=11)
    everyone = AnnData(np.vstack([a.X for a in given.values()]), var=given["c1"].var)
    everyone.obs_names = [name for a in given.values() for name in a.obs_names]
    model = gl.models.PCA(6).fit(everyone)
    found = gl.response(given, model, plan=QUICK)
    assert found.programmes["name"].str.startswith("PC.").sum() == 6
    new = treated.cohort(12, planted=2.0, seed=12)
    scored = score_response(new, model, response=found)
    assert scored.programmes["name"].str.startswith("PC.").sum() == 6 * 12
    with pytest.raises(InputError, match="made with a model of digest"):
        score_response(new, gl.models.PCA(4).fit(everyone), response=found)


@pytest.mark.skipif(not COMPENDIUM.is_file(), reason="needs the shared compendium")
def test_the_compendium_recommends_the_signature():
    adata = gl.read(COMPENDIUM, dense=True)
    tumours = adata[adata.obs["family"] == "ICB"].copy()
    with pytest.raises(
        InputError, match=r"39 of 185 samples have stable disease .*2 of 15 samples .*--words SD=NR --words mixed=NR"
    ):
        gl.response(tumours, plan=ResponsePlan(by="study"))
    plan = ResponsePlan(by="study", words={"SD": "drop", "mixed": "drop"}, draws=0)
    found = gl.response(tumours, plan=plan)
    assert len(found.cohorts) == 12
    assert len(found.held_out) == 296
    assert found.rule == SIGNATURE
    assert of(found, SIGNATURE)["auc"] == pytest.approx(0.634, abs=0.001)
    assert 0.8 < found.about["slopes"]["recalibrated locally"]["slope"] < 1.2


def test_many_patients_are_learned_from_in_fewer_coordinates():
    rng = np.random.default_rng(0)
    cohort_n = np.repeat(np.arange(4), 160)
    y_n1 = (rng.random((640, 1)) < 0.5).astype(float)
    x_ng = rng.normal(size=(640, 5)) @ rng.normal(size=(5, 700)) + 0.1 * rng.normal(size=(640, 700))
    bench = Bench.of(cohort_n, y_n1, x_ng=x_ng, f_nk=np.empty((640, 0)), fixed={SIGNATURE: x_ng[:, 0]})
    assert bench.sides["genes"].shape == (640, 512)
    assert "programmes" not in bench.sides
    train_n = cohort_n < 3
    ours = Rule("ridge", "ridge", "genes", (10.0,)).raw(bench, train_n, Eigen(bench, train_n))[:, 0]
    scale = np.trace(bench.z_ng @ bench.z_ng.T) / 640
    target = y_n1[train_n, 0] - np.repeat([y_n1[cohort_n == c].mean() for c in range(3)], 160)
    theirs = Ridge(alpha=10.0 * scale, fit_intercept=False).fit(bench.z_ng[train_n], target).predict(bench.z_ng)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.999
