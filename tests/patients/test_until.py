"""Time to an event: planted hazards found and permuted ones not, numbers as lifelines and statsmodels have them."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from anndata import AnnData

import genelight as gl
from genelight.errors import InputError, UnknownNameError
from genelight.nouns import Severity
from genelight.nouns.contrast import Until, measure_of
from genelight.patients._until import excess, waiting
from genelight.patients.severity import check_measure

SHORT = gl.patients.Protocol(folds=5, draws=19, signature=("g0", "g1"))
WAIT = Until("days", "flare")
lifelines = pytest.mark.skipif(importlib.util.find_spec("lifelines") is None, reason="lifelines is an extra")


def followed(*, effect=1.2, subjects=60, visits=2, seed=0) -> AnnData:
    """Visits followed up for an exponential time; the higher forty genes, the sooner the flare."""
    rng = np.random.default_rng(seed)
    subject = np.repeat([f"p{s:03d}" for s in range(subjects)], visits)
    level = np.repeat(rng.normal(size=subjects), visits) + 0.3 * rng.normal(size=len(subject))
    loading = np.zeros(120)
    loading[:40] = rng.normal(size=40)
    x = np.outer(level, loading) + rng.normal(size=(len(level), 120)) + 8
    wait, end = rng.exponential(size=len(level)) / np.exp(effect * level), rng.exponential(2, size=len(level))
    obs = pd.DataFrame({"subject": subject, "days": np.minimum(wait, end), "flare": (wait <= end).astype(int)})
    obs["level"] = level
    obs.index = [f"n{i}" for i in range(len(obs))]
    return AnnData(x, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(120)]))


@pytest.fixture(scope="module")
def adata():
    return followed()


@pytest.fixture(scope="module")
def model(adata):
    return gl.models.PCA(8).fit(adata)


def test_excess_is_the_martingale_residual_with_ties():
    rng = np.random.default_rng(0)
    time, event = rng.integers(1, 12, 80).astype(float), rng.integers(0, 2, 80).astype(float)
    table = sm.SurvfuncRight(time, event)
    by_time = dict(zip(table.surv_times, np.cumsum(table.n_events / table.n_risk), strict=True))
    expected = [max((h for s, h in by_time.items() if s <= t), default=0.0) for t in time]
    np.testing.assert_allclose(excess(time, event), event - expected, atol=1e-12)
    assert abs(excess(time, event).sum()) < 1e-9


@lifelines
def test_a_planted_hazard_is_found_and_judged_by_cox_and_concordance(adata, model, tmp_path):
    from lifelines import CoxPHFitter
    from lifelines.utils import concordance_index

    folds = gl.Folds.by_subject(adata, gl.models.PCA(8, subject="subject"), k=SHORT.folds)
    found = gl.patients.severity(
        adata, model, measure="days until flare", subject="subject", folds=folds, protocol=SHORT
    )
    figures, obs = found.figures.set_index("method"), adata.obs
    assert list(figures.index) == ["severity", "signature", "pca", "genes"]
    assert set(figures["metric"]) == {"concordance"}
    assert figures.loc["severity", "p"] == 0.05
    score = found.held_out["score"].to_numpy()
    assert figures.loc["severity", "value"] == pytest.approx(concordance_index(obs["days"], -score, obs["flare"]))
    # What the planted level itself would reach is the most there is.
    assert figures.loc["severity", "value"] > concordance_index(obs["days"], -obs["level"], obs["flare"]) - 0.03
    hazard = found.about["hazard"]
    assert 1 < hazard["low"] < hazard["ratio"] < hazard["high"]
    cox = CoxPHFitter().fit(
        pd.DataFrame({"z": score / score.std(), "t": obs["days"].to_numpy(), "e": obs["flare"].to_numpy()}), "t", "e"
    )
    assert hazard["ratio"] == pytest.approx(float(np.exp(cox.params_["z"])))
    assert found.calibration["measure"].is_monotonic_increasing
    assert found.measure == "days until flare"
    assert np.isnan(found.held_out[["low", "high"]].to_numpy()).all()
    found.save(tmp_path / "s.parquet")
    assert Severity.load(tmp_path / "s.parquet").shown == "events above expectation"
    scored = gl.patients.score(adata[:3], model, severity=found, refuse=False).table
    assert scored["severity"].notna().all()


@lifelines
@pytest.mark.parametrize(("sign", "says"), [(1, "the higher score"), (-1, "the lower score"), (0, "")])
def test_perfect_separation_is_said_in_the_result(sign, says):
    rng = np.random.default_rng(0)
    score, came = np.arange(30.0), np.arange(30) >= 12
    time = np.where(came, 40 - score, 50.0)
    obs = pd.DataFrame({"days": time, "flare": came.astype(float)})
    wait = waiting(obs, WAIT, np.arange(30), draws=0, seed=0)
    score = sign * score if sign else rng.permutation(score)
    hazard = wait.remarks(score, np.arange(30))["hazard"]
    if sign:
        assert says in hazard["warning"]
        assert hazard["ratio"] is hazard["high"] is None
    else:
        assert "warning" not in hazard
        assert hazard["low"] < hazard["ratio"] < hazard["high"]


@lifelines
def test_it_does_as_well_as_a_penalised_cox_regression(adata, model):
    from lifelines import CoxPHFitter
    from lifelines.utils import concordance_index

    train, test = followed(seed=0), followed(seed=0, subjects=60)
    half = np.isin(train.obs["subject"], train.obs["subject"].unique()[:30])
    h = model.encode(model.prepare(test)).astype(float)
    table = pd.DataFrame(h / h.std(0), columns=list("abcdefgh")).assign(
        t=test.obs["days"].values, e=test.obs["flare"].values
    )
    cox = CoxPHFitter(penalizer=0.1).fit(table[half], "t", "e")
    theirs = concordance_index(table["t"][~half], -cox.predict_log_partial_hazard(table[~half]), table["e"][~half])
    found = gl.patients.severity(
        train[half].copy(), model, measure="days until flare", subject="subject", protocol=SHORT
    )
    own = gl.patients.score(test[~half].copy(), model, severity=found, refuse=False).table["severity"]
    assert concordance_index(table["t"][~half], -own.to_numpy(), table["e"][~half]) > theirs - 0.03


@lifelines
def test_nothing_is_found_in_waits_without_meaning(model):
    ps = []
    for seed in range(3):
        noise = followed(effect=0.0, seed=seed)
        ps.append(
            gl.patients.severity(
                noise, model, measure="days until flare", subject="subject", protocol=SHORT
            ).figures.loc[0, "p"]
        )
    assert np.mean(ps) > 0.2


@lifelines
def test_waits_that_cannot_be_learned_from_are_refused(adata):
    def ask(**columns):
        obs = adata.obs.assign(**columns)
        waiting(obs, WAIT, adata.obs["subject"].astype(str).to_numpy(), draws=0, seed=0)

    ask(flare=adata.obs["flare"].astype(bool))
    with pytest.raises(InputError, match=r"event 'flare' holds 2.0; give 1 where it came"):
        ask(flare=2)
    with pytest.raises(InputError, match="event 'flare' has 120 values that are not numbers"):
        ask(flare="yes")
    with pytest.raises(InputError, match="below zero for 120 samples"):
        ask(days=-1.0)
    with pytest.raises(InputError, match="came to 0 subjects, at least 5"):
        ask(flare=0)
    with pytest.raises(InputError, match="missing for 120 of 120"):
        ask(days=np.nan)
    with pytest.raises(UnknownNameError, match="did you mean 'days'"):
        waiting(adata.obs, Until("dys", "flare"), adata.obs["subject"].to_numpy(), draws=0, seed=0)


def test_lifelines_is_asked_for_by_name_where_it_is_missing(adata, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "lifelines.utils", None)
    with pytest.raises(InputError, match=r"pip install 'genelight\[survival\]'"):
        check_measure(adata, "days until flare", subject="subject")


def test_words_for_it(adata):
    assert measure_of(adata.obs, "days until flare", subject="subject") == WAIT
    assert measure_of(adata.obs, "level", subject="subject") == "level"
    named = adata.obs.assign(**{"visits until remission": 1})
    assert measure_of(named, "visits until remission", subject="subject") == "visits until remission"
