"""Severity: planted severity found, permuted not; intervals that hold; what cannot be learned from, refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import stats
from sklearn.linear_model import Ridge

import genelight as gl
from genelight.errors import InputError, UnknownNameError
from genelight.nouns import Contrast, Severity
from genelight.nouns.severity import bounds
from genelight.patients._measures import smoothed, standardised
from genelight.patients._stack import Targets, learn
from genelight.patients.severity import check_measure
from genelight.stats.conformal import coverage, coverage_by, inside, residuals
from genelight.stats.folds import subject_folds
from genelight.stats.ridge import PENALTIES, ridge_path

SHORT = gl.patients.Protocol(folds=5, draws=19, signature=("g0", "g1"))


def patients(*, subjects=40, visits=3, genes=150, effect=1.0, seed=0) -> AnnData:
    """Subjects with a severity that moves forty genes, and their visits."""
    rng = np.random.default_rng(seed)
    subject = np.repeat([f"p{s:03d}" for s in range(subjects)], visits)
    level = np.repeat(rng.normal(size=subjects), visits) + 0.7 * rng.normal(size=subjects * visits)
    loading = np.zeros(genes)
    loading[:40] = effect * rng.normal(size=40)
    x = np.outer(level, loading) + rng.normal(size=(len(level), genes)) + 8
    x += rng.normal(size=(len(level), 2)) @ rng.normal(size=(2, genes))
    obs = pd.DataFrame({"subject": subject, "score": np.round(4 + 2 * level + 0.5 * rng.normal(size=len(level)))})
    obs.index = [f"n{i}" for i in range(len(obs))]
    return AnnData(x, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(genes)]))


@pytest.fixture(scope="module")
def adata():
    return patients()


@pytest.fixture(scope="module")
def model(adata):
    return gl.models.PCA(8).fit(adata)


@pytest.fixture(scope="module")
def found(adata, model):
    folds = gl.Folds.by_subject(adata, gl.models.PCA(8, subject="subject"), k=SHORT.folds)
    return gl.patients.severity(adata, model, measure="score", subject="subject", folds=folds, protocol=SHORT)


def test_planted_severity_is_found_beside_its_baselines(found):
    figures = found.figures.set_index("method")
    assert list(figures.index) == ["severity", "signature", "pca", "genes"]
    assert figures.loc["severity", "value"] > 0.8
    assert figures.loc["severity", "p"] == 0.05
    assert figures.loc["severity", "low"] < figures.loc["severity", "value"] < figures.loc["severity", "high"]
    assert figures.loc["signature", "value"] < figures.loc["severity", "value"]
    assert found.about["refitted"]
    own = found.held_out
    assert figures.loc["severity", "value"] == pytest.approx(stats.spearmanr(own["score"], own["measure"]).statistic)
    assert found.calibration["measure"].is_monotonic_increasing


def test_a_subject_is_never_in_two_folds(found):
    assert (found.held_out.groupby("subject")["fold"].nunique() == 1).all()
    assert len(found.held_out) == 120


def test_nothing_is_found_in_a_measure_without_meaning(model):
    ps, values = [], []
    for seed in range(3):
        noise = patients(effect=0.0, seed=seed)
        nothing = gl.patients.severity(noise, model, measure="score", subject="subject", protocol=SHORT, seed=seed)
        ps.append(nothing.figures.loc[0, "p"])
        values.append(nothing.figures.loc[0, "value"])
    assert np.mean(ps) > 0.2
    # Not zero: without its subjects a fold's training mean lies on the other side of theirs, which permuted ones share.
    assert max(values) < 0.15


def test_the_frozen_score_gives_the_heads_predictions(adata, model, found, tmp_path):
    x_ng = model.prepare(adata)
    features = {"PC": model.encode(x_ng), "genes": x_ng}
    score_n = found.score(features)
    assert stats.spearmanr(score_n, adata.obs["score"]).statistic > 0.85
    found.save(tmp_path / "s.parquet")
    again = Severity.load(tmp_path / "s.parquet")
    np.testing.assert_array_equal(again.score(features), score_n)
    for one, other in zip(again.interval(score_n, coverage=0.8), found.interval(score_n, coverage=0.8), strict=True):
        np.testing.assert_array_equal(one, other)
    pd.testing.assert_frame_equal(again.figures, found.figures)


def test_no_id_leaves_with_the_file(found, tmp_path):
    found.save(tmp_path / "s.parquet")
    content = (tmp_path / "s.parquet").read_bytes()
    assert b"p007" not in content
    again = Severity.load(tmp_path / "s.parquet").held_out
    assert again["subject"].nunique() == 40
    np.testing.assert_array_equal(again["score"], found.held_out["score"])


def test_the_way_from_control_to_case_is_zero_to_one(cohort):
    model = gl.models.PCA(6).fit(cohort.adata)
    plan = gl.patients.Protocol(folds=4, signature=("g0", "g1"))
    found = gl.patients.severity(cohort.adata, model, measure=cohort.contrast, protocol=plan)
    score_n = found.score({"PC": model.encode(model.prepare(cohort.adata))})
    weight_n = cohort.contrast.weight_n()
    assert score_n @ (weight_n * cohort.contrast.case_n) == pytest.approx(1, abs=1e-4)
    assert score_n @ (weight_n * cohort.contrast.control_n) == pytest.approx(0, abs=1e-4)
    assert found.figures.loc[0, "value"] > 0.8
    assert found.figures.loc[0, "metric"] == "auc"
    assert np.isnan(found.interval(score_n)[0]).all()


@pytest.mark.parametrize("columns", [7, 90])
def test_ridge_gives_scikit_learns_weights(columns):
    rng = np.random.default_rng(0)
    f, y, w = rng.normal(size=(50, columns)) + 3, rng.normal(size=(50, 2)), rng.random(50) + 0.1
    path = ridge_path(f, y, w)
    mean = np.average(f, axis=0, weights=w)
    length = np.average(((f - mean) ** 2).sum(1), weights=w)
    for i in (0, 5, 10):
        # Ours is relative to the weighted mean squared length, over n samples of mean weight one.
        reference = Ridge(alpha=PENALTIES[i] * length, solver="cholesky").fit(f, y, sample_weight=w / w.mean())
        np.testing.assert_allclose(path.predict(f)[:, i], reference.predict(f), rtol=1e-6, atol=1e-8)
        line = path.line(i, 1)
        np.testing.assert_allclose(line.intercept + (f - line.centre_f) @ line.weight_f, path.predict(f)[:, i, 1])


def test_a_part_without_signal_gets_no_share():
    rng = np.random.default_rng(1)
    signal, noise = rng.normal(size=(120, 3)), rng.normal(size=(120, 3))
    y = signal @ [1.0, 2.0, -1.0] + 0.1 * rng.normal(size=120)
    targets = Targets(y[:, None], np.repeat(np.arange(40), 3))
    stack = learn({"a": signal, "b": noise}, targets, {"both": ["a", "b"]})["both"]
    assert stack.share_mt[0, 0] == pytest.approx(1, abs=0.05)
    assert stack.share_mt[1, 0] < 0.05


def test_intervals_hold_for_new_subjects_whose_spread_differs():
    rng = np.random.default_rng(2)

    def draw(subjects):
        visits = rng.integers(1, 8, subjects)
        who = np.repeat(np.arange(subjects), visits)
        score = rng.gamma(2.0, size=len(who))
        off = np.repeat(rng.normal(size=subjects), visits) + rng.normal(size=len(who))
        return score + (0.2 + 0.5 * score) * off, score, who

    covered = []
    for _ in range(40):
        y, score, who = draw(80)
        covered.append(coverage(y, score, who, fold_n=who % 5, level=0.9))
    assert 0.89 < np.mean(covered) < 0.94
    y, score, who = draw(2000)
    made = residuals(y, score, who)
    assert made.spread[1] > 0
    assert made.table.groupby("part")["weight"].sum().to_numpy() == pytest.approx(np.ones(5))


def test_intervals_hold_in_every_fifth_of_the_score():
    """Spread that is no line in the score: with one part for all, the fifths differ by a fifth."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(12):
        who = np.repeat(np.arange(200), 3)
        score = rng.uniform(0, 4, size=len(who))
        y = score + np.where(score % 2 < 1, 0.2, 2.0) * rng.standard_t(4, size=len(who))
        inside_n, above_n = inside(y, score, who, fold_n=who % 5, level=0.9)
        found.append([row["coverage"] for row in coverage_by(score, inside_n, above_n, subject_n=who)])
    assert np.mean(found, axis=0) == pytest.approx(np.full(5, 0.9), abs=0.03)


def test_it_is_said_where_the_most_severe_lie_above_their_interval():
    adata = patients(subjects=80, effect=0.15)
    model = gl.models.PCA(8).fit(adata)
    asked = {"subject": "subject", "protocol": replace(SHORT, draws=1)}
    found = gl.patients.severity(adata, model, measure="score", **asked)
    # Genes tell little of the measure, so that the fifth that is worst is called too low.
    worst = found.held_out[found.held_out["measure"] >= 7]
    outside = (worst["measure"] > worst["high"]).mean()
    assert outside > 0.1
    said = found.about["under_called"]
    assert said.startswith("of samples with a measure of 7 and more, ")
    assert float(said.split(", ")[1].partition("%")[0]) / 100 == pytest.approx(outside, abs=0.05)
    # Nobody lies above where the measure ends before an interval does.
    adata.obs["score"] = np.minimum(adata.obs["score"], 5)
    assert "under_called" not in gl.patients.severity(adata, model, measure="score", **asked).about


def test_few_subjects_share_one_part_and_older_scores_are_read_as_such():
    rng = np.random.default_rng(4)
    who = np.arange(50)
    made = residuals(rng.normal(size=50), rng.normal(size=50), who)
    assert made.edges == ()
    older = made.table.drop(columns="part")
    low, high = bounds(np.zeros(3), older, spread=made.spread, coverage=0.9)
    assert (low < high).all()


def test_too_few_subjects_bound_nothing():
    score = np.arange(8.0)
    assert coverage(score + 1, score, np.arange(8), fold_n=np.arange(8) % 2, level=0.9) == 1.0


def test_folds_are_of_about_one_size():
    who = np.repeat(np.arange(30), np.arange(1, 31))
    fold_n = subject_folds(who, folds=5, seed=0)
    assert np.ptp(np.bincount(fold_n)) <= 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o["score"].map(lambda v: "mild" if v < 4 else "severe"), "not numbers"),
        (lambda o: pd.Series(3.0, index=o.index), "is 3 for all"),
        (lambda o: o["score"].where(np.arange(len(o)) < 30), "missing for 90 of 120 samples"),
    ],
)
def test_a_measure_that_says_nothing_is_refused(adata, model, change, message):
    changed = adata.copy()
    changed.obs["score"] = change(adata.obs)
    with pytest.raises(InputError, match=message):
        gl.patients.severity(changed, model, measure="score", subject="subject", protocol=SHORT)


def test_one_subject_and_unknown_names_are_refused(adata, model):
    one = adata.copy()
    one.obs["subject"] = "p001"
    with pytest.raises(InputError, match="120 samples of 1 subject, at least 5"):
        gl.patients.severity(one, model, measure="score", subject="subject", protocol=SHORT)
    with pytest.raises(UnknownNameError, match="did you mean 'score'"):
        gl.patients.severity(adata, model, measure="scor", subject="subject", protocol=SHORT)
    with pytest.raises(UnknownNameError, match="unknown layer"):
        gl.patients.severity(adata, model, measure="score", subject="subject", layer="L9", protocol=SHORT)
    labels = np.ones(3, dtype=bool)
    other = Contrast(labels, ~labels, np.arange(3), "")
    with pytest.raises(InputError, match="the contrast was made for"):
        gl.patients.severity(adata, model, measure=other)


def test_noise_of_single_visits_is_taken_off_before_learning():
    y = np.array([[4.0], [8.0], [0.0], [5.0], [np.nan]])
    smooth = smoothed(y, np.array(["a", "a", "a", "b", "a"]), np.array([2.0, 1.0, 3.0, 1.0, 4.0]))
    # In time: 8, 4, 0; the ends have one neighbour each.
    np.testing.assert_allclose(smooth[:4, 0], [4.0, 6.0, 2.0, 5.0])
    assert np.isnan(smooth[4, 0])


def test_smoothed_measures_teach_better_and_figures_stay_with_the_measure():
    gain = []
    for seed in range(4):
        adata = patients(subjects=30, visits=8, effect=0.15, seed=seed)
        rng = np.random.default_rng(seed)
        adata.obs["visit"] = np.tile(np.arange(8.0), 30)
        # How a subject fares is one for all its visits, and each reading of it noisy.
        smooth = adata.obs.groupby("subject")["score"].transform("mean")
        adata.obs["score"] = smooth + 4 * rng.normal(size=adata.n_obs)
        model = gl.models.PCA(8).fit(adata)
        plain, smooth = (
            gl.patients.severity(adata, model, measure="score", subject="subject", protocol=replace(SHORT, time=time))
            for time in (None, "visit")
        )
        pd.testing.assert_series_equal(plain.held_out["measure"], smooth.held_out["measure"])
        gain.append(smooth.figures.loc[0, "value"] - plain.figures.loc[0, "value"])
    assert np.mean(gain) > 0


def test_the_order_of_visits_must_be_numbers(adata, model):
    adata = adata.copy()
    adata.obs["when"] = "spring"
    protocol = replace(SHORT, time="when")
    with pytest.raises(InputError, match="time 'when' has 120 values that are not numbers"):
        gl.patients.severity(adata, model, measure="score", subject="subject", protocol=protocol)
    with pytest.raises(UnknownNameError):
        check_measure(adata, "score", subject="subject", time="wen")


def told_by_others(seed: int) -> AnnData:
    """Genes tell of six findings; the measure is their sum, read with so much noise that it teaches little itself."""
    rng = np.random.default_rng(seed)
    finding_nk = rng.normal(size=(120, 6))
    x = finding_nk @ rng.normal(size=(6, 150)) + 4 * rng.normal(size=(120, 150)) + 8
    obs = pd.DataFrame(finding_nk, columns=[f"finding{k}" for k in range(6)], index=[f"n{i}" for i in range(120)])
    obs["truth"] = finding_nk.sum(1)
    obs["score"] = obs["truth"] + 5 * rng.normal(size=120)
    obs["subject"] = np.repeat([f"p{s:02d}" for s in range(40)], 3)
    return AnnData(x, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(150)]))


def test_columns_beside_the_measure_teach_and_are_not_asked_for_again(tmp_path):
    gain, plan = [], replace(SHORT, folds=3, draws=0)
    for seed in range(4):
        adata = told_by_others(seed)
        adata.obs.loc[adata.obs_names[::7], "finding0"] = np.nan
        model = gl.models.PCA(8).fit(adata)
        beside = tuple(f"finding{k}" for k in range(6))
        alone, told = (
            gl.patients.severity(adata, model, measure="score", subject="subject", protocol=replace(plan, beside=names))
            for names in ((), beside)
        )
        truth_n = adata.obs["truth"].to_numpy()
        gain.append(
            stats.spearmanr(told.held_out["score"], truth_n).statistic
            - stats.spearmanr(alone.held_out["score"], truth_n).statistic
        )
    assert np.mean(gain) > 0.03
    assert min(gain) > 0
    told.save(tmp_path / "s.parquet")
    again = Severity.load(tmp_path / "s.parquet")
    assert again.about["beside"] == list(beside)
    # Expression is all that a score reads.
    bare = AnnData(adata.X, obs=adata.obs[[]], var=adata.var)
    scored = gl.patients.score(bare, model, severity=again, refuse=False).table["severity"]
    assert stats.spearmanr(scored, truth_n).statistic > 0.7


def test_nothing_of_held_out_subjects_beside_the_measure_is_read():
    adata = told_by_others(0)
    model = gl.models.PCA(8).fit(adata)
    plan = replace(SHORT, draws=0, beside=("finding0", "finding1"))
    first = gl.patients.severity(adata, model, measure="score", subject="subject", protocol=plan).held_out
    own_n = (first["fold"] == 1).to_numpy()
    adata.obs.loc[own_n, ["finding0", "finding1"]] = 1e3
    again = gl.patients.severity(adata, model, measure="score", subject="subject", protocol=plan).held_out
    np.testing.assert_allclose(again["score"][own_n], first["score"][own_n])
    assert not np.allclose(again["score"][~own_n], first["score"][~own_n])


def test_a_blend_of_ridges_is_one_line():
    rng = np.random.default_rng(3)
    f, finding = rng.normal(size=(90, 20)), rng.normal(size=(90, 2))
    y = f[:, :3].sum(1, keepdims=True) + finding @ np.ones((2, 1))
    targets = Targets(y, np.repeat(np.arange(30), 3), 0, standardised(finding))
    found = learn({"a": f}, targets, {"m": ["a"]})["m"]
    line = found.lines()["a"]
    np.testing.assert_allclose(line.intercept + (f - line.centre_f) @ line.weight_f, found.predict({"a": f})[:, 0])


def test_missing_values_beside_stand_at_the_mean_of_the_others():
    z = standardised(np.array([[1.0, np.nan, 2.0], [3.0, np.nan, 2.0], [np.nan, np.nan, 2.0]]))
    np.testing.assert_allclose(z, [[-1, 0, 0], [1, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("mild", "beside 'c3' has 120 values that are not numbers"),
        (np.nan, "beside 'c3' has 0 values where the measure is known"),
        (2.0, "has 120 values where the measure is known and no two that differ"),
        ("score", "beside 'c3' is the measure 'score' itself"),
    ],
)
def test_a_column_beside_that_says_nothing_is_refused(adata, model, values, message):
    changed = adata.copy()
    changed.obs["c3"] = adata.obs["score"] if values == "score" else values
    protocol = replace(SHORT, beside=("c3",))
    with pytest.raises(InputError, match=message):
        gl.patients.severity(changed, model, measure="score", subject="subject", protocol=protocol)
    with pytest.raises(UnknownNameError, match="did you mean 'score'"):
        check_measure(adata, "score", subject="subject", beside=("scor",))


def test_columns_beside_a_contrast_are_refused(cohort):
    model = gl.models.PCA(6).fit(cohort.adata)
    with pytest.raises(InputError, match="is learned with a number"):
        gl.patients.severity(
            cohort.adata, model, measure=cohort.contrast, protocol=gl.patients.Protocol(beside=("age",))
        )
