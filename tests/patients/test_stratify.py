"""Groups: planted ones found and assigned, none in a cohort without."""

import sys

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

import genelight as gl
from genelight.errors import InputError, UnknownNameError
from genelight.nouns import Groups
from genelight.patients._consensus_clusters import ambiguity, consensus_of, k_means


def cohort(*, apart, subjects=60, visits=2, genes=80, seed=0) -> AnnData:
    """Subjects of three kinds, `apart` standard deviations from one another in forty genes."""
    rng = np.random.default_rng(seed)
    kind = np.arange(subjects) % 3
    loading = rng.normal(size=(3, genes)) * (np.arange(genes) < 40)
    own = apart * loading[kind] + 0.7 * rng.normal(size=(subjects, genes))
    x = np.repeat(own, visits, axis=0) + 0.7 * rng.normal(size=(subjects * visits, genes)) + 8
    obs = pd.DataFrame({"subject": np.repeat([f"p{s:03d}" for s in range(subjects)], visits)})
    obs["kind"] = np.repeat(np.array(["x", "y", "z"])[kind], visits)
    obs["level"] = np.repeat(kind + 0.3 * rng.normal(size=subjects), visits)
    obs["noise"] = rng.normal(size=len(obs))
    obs.index = [f"n{i}" for i in range(len(obs))]
    return AnnData(x, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(genes)]))


@pytest.fixture(scope="module")
def planted():
    adata = cohort(apart=1.0)
    model = gl.models.PCA(8).fit(adata)
    found = gl.patients.stratify(adata, model, subject="subject", explain=["noise"], resamples=100)
    return adata, model, found


def test_planted_groups_are_found(planted):
    adata, _, found = planted
    kind = adata.obs.groupby("subject")["kind"].first()
    assert found.found == 3
    assert found.verdict.startswith("3 stable groups")
    assert adjusted_rand_score(kind[found.members["subject"]], found.members["group"]) == 1
    assert (found.members["confidence"] > 0.8).all()
    assert found.stability.loc[found.stability["groups"] == 3, "p"].item() == 0.02


def test_groups_are_described_by_what_goes_with_them(planted):
    _, _, found = planted
    columns = found.described[found.described["kind"] == "column"].set_index("name")
    assert columns.loc["kind", "effect"] == pytest.approx(1)
    assert columns.loc["level", "q"] < 1e-6
    assert columns.loc["noise", "q"] > 0.01
    programmes = found.described[found.described["kind"] == "programme"]
    assert programmes["p"].isna().all()
    assert programmes["effect"].max() > 0.8
    assert found.about["explained"] < 0.35


def test_new_patients_are_assigned_with_a_confidence(planted):
    adata, model, found = planted
    names, sure_n = found.assign(model.encode(model.prepare(adata)))
    by_subject = found.members.set_index("subject")["group"]
    assert np.mean(np.array(names) == by_subject[adata.obs["subject"]].to_numpy()) > 0.98
    between = found.centres.mean().to_numpy() @ np.array(found.about["axes"]).T + np.array(found.about["centre"])
    assert found.assign(between[None])[1][0] < np.median(sure_n)


def test_a_cohort_without_groups_has_none(tmp_path):
    adata = cohort(apart=0.0)
    model = gl.models.PCA(8).fit(adata)
    found = gl.patients.stratify(adata, model, subject="subject", resamples=50)
    assert found.found == 0
    assert found.verdict.startswith("no stable groups")
    assert found.described.empty
    names, sure_n = found.assign(model.encode(model.prepare(adata[:2])))
    assert names == ["", ""]
    assert np.isnan(sure_n).all()
    found.save(tmp_path / "g.parquet")
    assert Groups.load(tmp_path / "g.parquet").found == 0


def test_groups_come_back_from_disk_without_ids(planted, tmp_path):
    adata, model, found = planted
    found.save(tmp_path / "g.parquet")
    assert b"p007" not in (tmp_path / "g.parquet").read_bytes()
    again = Groups.load(tmp_path / "g.parquet")
    h_nk = model.encode(model.prepare(adata))
    np.testing.assert_allclose(again.assign(h_nk)[1], found.assign(h_nk)[1])
    assert again.verdict == found.verdict
    pd.testing.assert_frame_equal(again.stability, found.stability, check_dtype=False)


def test_k_means_is_as_good_as_scikit_learns():
    rng = np.random.default_rng(0)
    a = np.concatenate([rng.normal(size=(40, 3)) + 6 * np.eye(3)[i] for i in range(3)])
    label_bs = k_means(a, 3, np.ones((20, 120), dtype=bool), rng=rng)
    inertia = [sum(((a[v == g] - a[v == g].mean(0)) ** 2).sum() for g in np.unique(v)) for v in label_bs]
    assert min(inertia) == pytest.approx(KMeans(3, n_init=10, random_state=0).fit(a).inertia_, rel=1e-4)


def test_consensus_is_a_share_and_clear_groups_leave_no_doubt():
    rng = np.random.default_rng(0)
    a = np.concatenate([rng.normal(size=(30, 2)), rng.normal(size=(30, 2)) + 20])
    consensus = consensus_of(a, 2, resamples=30, seed=0)
    assert consensus.min() >= 0
    assert consensus.max() <= 1
    assert ambiguity(consensus) == 0
    assert ambiguity(consensus_of(rng.normal(size=(60, 5)), 3, resamples=30, seed=0)) > 0.3


def test_what_cannot_be_grouped_is_refused(planted):
    adata, model, _ = planted
    one = adata.copy()
    one.obs["subject"] = "p000"
    with pytest.raises(InputError, match="120 samples of 1 subject hold no groups"):
        gl.patients.stratify(one, model, subject="subject")
    with pytest.raises(UnknownNameError, match="unknown layer"):
        gl.patients.stratify(adata, model, subject="subject", layer="L9")
    flat = adata.copy()
    flat.X = np.full_like(flat.X, 8.0)
    with pytest.raises(InputError, match="are the same"):
        gl.patients.stratify(flat, model, subject="subject")


def test_what_does_not_fit_is_told_before_the_clustering(planted, monkeypatch):
    adata, model, _ = planted
    monkeypatch.setattr(sys.modules["genelight.patients.stratify"], "groups_of", None)
    with pytest.raises(UnknownNameError, match="unknown column to explain by 'nois'"):
        gl.patients.stratify(adata, model, subject="subject", explain=["nois"])
    folds = gl.Folds.by_subject(adata[:40].copy(), gl.models.PCA(4, subject="subject"), k=3)
    with pytest.raises(InputError, match="80 of 120 samples are in no fold"):
        gl.patients.stratify(adata, model, subject="subject", folds=folds)
