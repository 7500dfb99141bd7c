"""Groups over cohorts with the study taken out: planted ones found in each, response tested within cohorts."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score

import genelight as gl
from genelight.errors import InputError, UnknownNameError
from genelight.nouns import Groups
from genelight.patients.stratify_cohorts import _tested


def cohorts(*, apart, responds=0.0, per=30, studies=4, genes=60, seed=0) -> AnnData:
    """Three kinds of people in every study; studies differ far more than kinds, and in response."""
    rng = np.random.default_rng(seed)
    people = per * studies
    study, kind = np.repeat(np.arange(studies), per), np.arange(people) % 3
    loading = rng.normal(size=(3, genes)) * (np.arange(genes) < 30)
    shift = 3 * rng.normal(size=(studies, genes))
    x = apart * loading[kind] + shift[study] + rng.normal(size=(people, genes)) + 8
    chance = np.clip(0.2 + 0.2 * study + responds * (kind - 1) / 2, 0.02, 0.98)
    obs = pd.DataFrame({"study": [f"s{c}" for c in study], "kind": np.array(["a", "b", "c"])[kind]})
    obs["response"] = np.where(rng.random(people) < chance, "R", "NR")
    obs.index = [f"p{i}" for i in range(people)]
    return AnnData(x, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(genes)]))


@pytest.fixture(scope="module")
def planted():
    adata = cohorts(apart=1.2, responds=0.6)
    model = gl.models.PCA(8).fit(adata)
    ask = {"cohort": "study", "tested": ["response"], "resamples": 60}
    return adata, model, gl.patients.stratify_cohorts(adata, model, **ask)


def test_groups_of_every_cohort_are_found_with_the_study_out(planted):
    adata, model, found = planted
    kind = adata.obs["kind"]
    assert found.found in (3, 4)
    assert adjusted_rand_score(kind[found.members["subject"]], found.members["group"]) > 0.7
    assert "4 of 4 cohorts fall into them by themselves" in found.verdict
    rows = found.about["cohorts"]
    assert [row["cohort"] for row in rows] == ["s0", "s1", "s2", "s3"]
    assert all(row["agreement"] > 0.6 > row["null"] for row in rows)
    assert all(0.05 < share < 0.45 for row in rows for share in row["shares"].values())
    alone = gl.patients.stratify(adata, model, resamples=60)  # the study left in: groups are the studies
    assert adjusted_rand_score(adata.obs["study"][alone.members["subject"]], alone.members["group"]) > 0.4


def test_response_is_tested_within_cohorts(planted):
    _, model, found = planted
    row = found.described.set_index("name").loc["response"]
    assert row["test"] == "permutation within cohorts"
    assert row["p"] < 0.01
    assert row["effect"] > 0.03
    silent = cohorts(apart=1.2, seed=1)
    ask = {"cohort": "study", "tested": ["response", "study"], "resamples": 60}
    none = gl.patients.stratify_cohorts(silent, gl.models.PCA(8).fit(silent), **ask)
    assert none.found in (3, 4)
    assert none.described.set_index("name").loc["response", "p"] > 0.05
    assert "study" not in set(none.described["name"])  # the same for all of a cohort
    assert model.name == found.about["model"]


def test_the_test_knows_that_cohorts_differ():
    rng = np.random.default_rng(0)
    cohort_s = np.repeat(["a", "b"], 60)
    p, naive = [], []
    for _ in range(40):
        group_s = np.where(rng.random(120) < np.where(cohort_s == "a", 0.8, 0.2), "A", "B").astype(object)
        responded = pd.Series(np.where(rng.random(120) < np.where(cohort_s == "a", 0.8, 0.2), "R", "NR"))
        p.append(_tested(responded, group_s, cohort_s, seed=0)["p"])
        naive.append(_tested(responded, group_s, np.full(120, "one"), seed=0)["p"])
    assert np.mean(np.array(p) <= 0.1) < 0.25
    assert np.mean(np.array(naive) <= 0.1) > 0.8


def test_no_stable_groups_stays_an_answer(tmp_path):
    adata = cohorts(apart=0.0, responds=0.5)
    model = gl.models.PCA(8).fit(adata)
    found = gl.patients.stratify_cohorts(adata, model, cohort="study", tested=["response"], resamples=50)
    assert found.found == 0
    assert found.verdict.startswith("no stable groups")
    assert found.described.empty
    assert found.about["cohorts"] == []
    found.save(tmp_path / "g.parquet")
    assert Groups.load(tmp_path / "g.parquet").verdict == found.verdict


def test_what_a_group_over_cohorts_cannot_do_is_said(planted, tmp_path):
    adata, model, found = planted
    found.save(tmp_path / "g.parquet")
    again = Groups.load(tmp_path / "g.parquet")
    assert again.verdict == found.verdict
    one = adata[adata.obs["study"] == "s1"]
    h_nk = model.encode(model.prepare(one), found.layer)
    names, _ = again.assign(h_nk - h_nk.mean(0))
    assert adjusted_rand_score(one.obs["kind"], names) > 0.6
    with pytest.raises(InputError, match=r"h_nk - h_nk.mean"):
        gl.score(one, model, groups=again)
    with pytest.raises(InputError, match="names one cohort"):
        gl.patients.stratify_cohorts(one, model, cohort="study")
    with pytest.raises(UnknownNameError, match="did you mean 'response'"):
        gl.patients.stratify_cohorts(adata, model, cohort="study", tested=["respons"])
    many = adata.copy()
    many.obs["ward"] = [f"w{i % 30}" for i in range(120)]
    with pytest.raises(InputError, match=r"'ward' has 30 classes .w0, w1, w2.*more than 20"):
        gl.patients.stratify_cohorts(many, model, cohort="study", tested=["ward"])
    twice = adata.copy()
    twice.obs["who"] = [f"w{i % 60}" for i in range(120)]
    with pytest.raises(InputError, match="60 subjects are in two cohorts"):
        gl.patients.stratify_cohorts(twice, model, cohort="study", subject="who")
