"""The forecast of replication: what draws share, what is learned of cohorts, and which size is said to do."""

import json

import numpy as np
import pytest
from anndata import AnnData

import genelight as gl
from genelight import errors
from genelight.modules.replication import LEARNED, TIMES, Learned, _draws, forecast, replication
from genelight.stats.subjects import bootstrap_counts

GENES = 1200


def cohort(*, people=6, effect=1.5, seed=0):
    """Genes that go together, an eighth of which move in cases."""
    rng = np.random.default_rng(seed)
    loading_kg = rng.normal(size=(4, GENES))
    case_n = np.arange(2 * people) < people
    x_ng = 8 + rng.normal(size=(2 * people, 4)) @ loading_kg * 0.3 + rng.normal(size=(2 * people, GENES))
    x_ng[case_n] += np.where(np.arange(GENES) < GENES // 8, effect, 0.0)
    adata = AnnData(x_ng.astype(np.float32))
    adata.var_names = [f"G{i}" for i in range(GENES)]
    return adata, gl.Contrast(case_n, ~case_n, np.arange(2 * people).astype(str).astype(object), "ill against well")


def told(seed=0, **given):
    adata, contrast = cohort(seed=seed, **given)
    return replication(adata, gl.models.PCA(4).fit(adata), contrast=contrast, method="de", bootstraps=20)


def test_more_people_and_larger_effects_are_told_to_replicate_better():
    agreement = {
        (people, effect): np.mean([told(seed, people=people, effect=effect).agreement for seed in range(2)])
        for people in (5, 20)
        for effect in (0.0, 1.5)
    }
    assert agreement[20, 1.5] > agreement[5, 1.5] > agreement[5, 0.0]
    assert agreement[20, 1.5] > agreement[20, 0.0] + 0.2


def test_draws_of_a_larger_cohort_share_what_a_larger_cohort_shares():
    small, large = told(people=6), told(people=24, seed=1)
    curve = {row["times"]: row["agreement"] for row in small.curve}
    assert curve[4] == pytest.approx(large.agreement, abs=0.12)
    assert curve[1] < curve[4] < curve[16]


def test_the_forecast_is_what_draws_share_times_what_was_learned():
    found = told()
    learned = LEARNED["de"]
    assert found.again == pytest.approx(learned.factor * found.agreement)
    assert (found.again, found.interval) == forecast(found.agreement, learned)
    assert 0 <= found.interval[0] < found.again < found.interval[1] <= 1
    assert found.method == "de"
    assert json.loads(json.dumps(found.to_dict()))["says"] == str(found)
    assert f"expected to find {found.again:.0%} of the 200 leading genes again" in str(found)


def test_learned_factors_cover_what_they_were_learned_of():
    for learned in LEARNED.values():
        rng = np.random.default_rng(0)
        factor = rng.normal(learned.factor, learned.between, 4000)
        again = 0.5 * factor + rng.normal(scale=learned.within, size=4000)
        low, high = forecast(0.5, learned)[1]
        assert np.mean((again >= low) | (low == 0)) > 0.95
        assert 0.95 < np.mean(again <= high) < 1


@pytest.mark.parametrize(
    ("factor", "aim", "says"),
    [
        (0.3, None, "No size is seen to reach 50%: 30% is what any number of subjects is expected to reach"),
        (0.9, "some", "50% would take about"),
    ],
)
def test_the_size_that_would_do_is_said_or_that_none_does(monkeypatch, factor, aim, says):
    monkeypatch.setitem(LEARNED, "de", Learned(factor, 0.05, 0.01, 21, 6))
    found = told(people=8)
    assert says in str(found)
    assert (found.aim is None) == (aim is None)
    if found.aim:
        at = np.interp(np.log(found.aim), np.log(TIMES), [row["again"] for row in found.curve])
        assert at == pytest.approx(0.5, abs=0.03) or found.aim == 1.0


@pytest.mark.parametrize(("between", "says"), [(0.15, "50% would take "), (0.4, "50% is within reach only")])
def test_what_one_disease_at_best_needs_is_said_beside_the_ceiling(monkeypatch, between, says):
    monkeypatch.setitem(LEARNED, "de", Learned(0.4, between, 0.03, 21, 6))
    found = told(people=8)
    assert found.aim is None
    assert (found.aim_at_best == 1) == (between > 0.2)
    assert f"{says}" in str(found)
    assert "in a disease whose cohorts are most alike; 40% is what any number" in str(found)


def test_a_method_of_which_nothing_is_known_has_that_of_genes_by_themselves_and_says_so():
    adata, contrast = cohort()
    model = gl.models.PCA(4).fit(adata)
    found = gl.modules.replication(adata, model, contrast=contrast, method="direction", bootstraps=20)
    assert found.method == "de"
    assert "leading genes again when ranked by de (of direction nothing is known)" in str(found)
    assert found.again == told().again


def test_a_reference_has_a_forecast_of_its_own():
    adata, contrast = cohort()
    model = gl.models.PCA(4).fit(adata)
    found = gl.modules.replication(adata, model, contrast=contrast, method="reference", bootstraps=20)
    assert (found.method, found.about["asked"]) == ("reference", "reference")
    assert found.agreement > told().agreement


def test_draws_keep_groups_and_have_people_to_compare():
    _, contrast = cohort(people=3)
    counted = _draws(gl.Contrast(contrast.case_n, contrast.control_n, np.arange(6), ""), 4, bootstraps=20, seed=0)
    assert counted.shape == (20, 6)
    assert (counted[:, :3].sum(1) == 12).all()
    assert ((counted[:, 3:] > 0).sum(1) >= 2).all()
    np.testing.assert_array_equal(
        bootstrap_counts(contrast_at(3), draws=5, seed=1), bootstrap_counts(contrast_at(3), draws=5, seed=1, times=1)
    )


def contrast_at(people):
    case_n = np.arange(2 * people) < people
    return gl.Contrast(case_n, ~case_n, np.arange(2 * people), "")


def test_two_against_two_has_no_forecast():
    adata, contrast = cohort(people=6)
    keep = np.array([0, 1, 6, 7])
    small = contrast.take(keep)
    model = gl.models.PCA(4).fit(adata)
    with pytest.raises(errors.InputError, match="a forecast needs three of each and more"):
        gl.modules.replication(adata[keep].copy(), model, contrast=small, method="de", bootstraps=40)
