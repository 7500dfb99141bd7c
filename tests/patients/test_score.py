"""New samples: the same numbers alone and together, refusals with reasons, errors for what cannot be scored."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import genelight as gl
from genelight.errors import GeneMismatchError, InputError
from genelight.nouns.model import Applicability
from genelight.patients.score import Scores

PLAN = gl.patients.Protocol(folds=4, draws=0)


def cohort(*, subjects=120, genes=60, seed=0) -> AnnData:
    rng = np.random.default_rng(seed)
    loading = np.random.default_rng(99).normal(size=(4, genes))
    state = rng.normal(size=(subjects, 4))
    x = state @ loading + 0.5 * rng.normal(size=(subjects, genes)) + 8
    obs = pd.DataFrame({"subject": [f"q{s:03d}" for s in range(subjects)], "level": state[:, 0]})
    obs.index = [f"n{i}" for i in range(subjects)]
    return AnnData(x, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(genes)]))


@pytest.fixture(scope="module")
def known():
    adata = cohort()
    model = gl.models.PCA(4).fit(adata)
    severity = gl.patients.severity(adata, model, measure="level", subject="subject", protocol=PLAN)
    return model, severity, gl.patients.stratify(adata, model, subject="subject", resamples=20)


def test_new_samples_of_the_same_kind_are_inside_and_their_measure_in_the_interval(known):
    model, severity, _ = known
    new = cohort(subjects=300, seed=1)
    table = gl.patients.score(new, model, severity=severity).table
    assert table["inside"].mean() > 0.95
    kept = table["inside"].to_numpy()
    measure = new.obs["level"].to_numpy()
    inside = (measure >= table["low"]) & (measure <= table["high"])
    assert inside[kept].mean() == pytest.approx(0.9, abs=0.06)
    assert np.corrcoef(table["severity"][kept], measure[kept])[0, 1] > 0.9
    assert table["programmes"][kept].str.contains(r"PC\.\d \(g").all()


def test_a_sample_gets_the_same_alone_as_among_others(known):
    model, severity, groups = known
    new = cohort(subjects=30, seed=2)
    together = gl.patients.score(new, model, severity=severity, groups=groups).table
    alone = gl.patients.score(new[7:8], model, severity=severity, groups=groups).table
    pd.testing.assert_frame_equal(alone, together.iloc[7:8].reset_index(drop=True), rtol=1e-4)


def test_what_the_model_has_not_seen_is_refused_with_reasons(known):
    model, severity, groups = known
    rng = np.random.default_rng(3)
    strange = cohort(subjects=20, seed=3)
    strange.X = rng.normal(size=strange.shape) * 3 + 8
    far = cohort(subjects=20, seed=4)
    far.X = (far.X - 8) * 4 + 8
    for new, words in ((strange, "its genes are reconstructed"), (far, "its codes lie")):
        scored = gl.patients.score(new, model, severity=severity, groups=groups)
        assert scored.refused > 15
        refused = scored.table[~scored.table["inside"]]
        assert refused["reasons"].str.contains(words).any()
        assert refused[["severity", "low", "high", "confidence"]].isna().all(axis=None)
        assert (refused["group"] == "").all()
        kept = gl.patients.score(new, model, severity=severity, refuse=False)
        assert kept.table["severity"].notna().all()
        assert kept.refused == scored.refused


def test_a_shift_between_laboratories_is_taken_off(known):
    model, severity, _ = known
    other = cohort(subjects=200, seed=5)
    other.X = other.X + 2 * np.random.default_rng(0).normal(size=60)
    assert gl.patients.score(other, model, severity=severity).refused > 150
    moved = gl.patients.score(other, model, severity=severity, recentre=True)
    assert moved.refused < 20
    with pytest.raises(InputError, match="3 samples have no mean to recentre by"):
        gl.patients.score(other[:3], model, severity=severity, recentre=True)


@pytest.mark.parametrize("standardise", ["zscore", "minmax", "centre"])
def test_training_samples_recentred_are_where_they_were_whatever_the_standard(standardise):
    adata = cohort()
    model = gl.models.PCA(4).fit(adata, preparation=gl.prepare(adata, standardise=standardise))
    severity = gl.patients.severity(adata, model, measure="level", subject="subject", protocol=PLAN)
    plain, moved = (gl.patients.score(adata, model, severity=severity, recentre=r) for r in (False, True))
    assert moved.refused == plain.refused < 10
    np.testing.assert_allclose(moved.table["severity"], plain.table["severity"], atol=1e-3)


def test_conformal_p_is_uniform_for_what_is_exchangeable():
    rng = np.random.default_rng(0)
    ps = []
    for _ in range(300):
        known_s = np.sort(rng.normal(size=49))
        ps.append(
            Applicability("L1", np.zeros(1), np.eye(1), known_s, known_s).p(rng.normal(size=1), np.zeros(1))[0][0]
        )
    assert np.mean(np.array(ps) <= 0.1) == pytest.approx(0.1, abs=0.05)
    assert min(ps) >= 1 / 50


def test_what_cannot_be_scored_is_refused_in_one_line(known):
    model, severity, _ = known
    new = cohort(subjects=5, seed=6)
    with pytest.raises(GeneMismatchError, match="only 30 of the model's 60 genes"):
        gl.patients.score(new[:, :30], model, severity=severity)
    linear = new.copy()
    linear.X = 2**new.X
    with pytest.raises(InputError, match="not log2"):
        gl.patients.score(linear, model, severity=severity)
    with pytest.raises(InputError, match="nothing to score by"):
        gl.patients.score(new, model)
    other = gl.models.PCA(4).fit(cohort(seed=7))
    with pytest.raises(InputError, match="pass the one it came from"):
        gl.patients.score(new, other, severity=severity)


def test_scores_come_back_from_disk(known, tmp_path):
    model, severity, groups = known
    scored = gl.patients.score(cohort(subjects=5, seed=8), model, severity=severity, groups=groups)
    scored.save(tmp_path / "scores.tsv")
    again = Scores.load(tmp_path / "scores.tsv").table
    np.testing.assert_allclose(again["severity"], scored.table["severity"])
    assert list(again["sample"]) == list(scored.table["sample"])
    assert again["inside"].dtype == bool
