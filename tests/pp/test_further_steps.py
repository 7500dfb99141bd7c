"""Normalising, adjusting and standardising: fitted once, the same for any later sample."""

import json

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, rankdata
from sklearn.linear_model import LinearRegression

import genelight as gl
from genelight import prepare
from genelight._core.provenance import sealed
from genelight.errors import FormatError, GeneMismatchError, InputError, UnknownNameError
from genelight.pp import Adjust, PreparationSettings
from genelight.pp.adjust import combat
from genelight.pp.preparation import Preparation
from genelight.pp.prepare import prepare_as

NEUROCOMBAT = [
    [8.63914, 8.15307, 9.38254, 8.62754, 7.95104, 9.0367],
    [9.26421, 9.05085, 8.4394, 7.62106, 9.21304, 9.85151],
    [7.19975, 8.65412, 8.49776, 9.40323, 7.42905, 9.59982],
]
GENES = [f"G{i}" for i in range(40)]


def cohort(n: int = 60) -> AnnData:
    """Samples of three sites that shift and stretch genes, and of an age that moves some of them."""
    rng = np.random.default_rng(3)
    site = np.array(["a", "b", "c"])[np.arange(n) % 3]
    age = rng.uniform(20, 70, n)
    x = rng.normal(8, 1, (n, 40)) * np.array([1.0, 1.5, 0.7])[np.arange(n) % 3][:, None]
    x += rng.normal(0, 1, (3, 40))[np.arange(n) % 3] + 8 + 0.04 * age[:, None] * (np.arange(40) < 10)
    sex = rng.choice(["f", "m"], n)
    obs = pd.DataFrame({"site": site, "age": age, "sex": sex}, index=[f"s{i}" for i in range(n)])
    return AnnData(x, obs=obs, var=pd.DataFrame(index=GENES))


COHORT = cohort()
WAYS = {
    "quantile": {"normalise": "quantile"},
    "rank": {"normalise": "rank"},
    "minmax": {"standardise": "minmax"},
    "centre": {"standardise": "centre"},
    "covariates": {"adjust": Adjust(("age", "sex"))},
    "batch": {"adjust": Adjust(batch="site")},
    "combat": {"adjust": Adjust(("age",), "site", "combat")},
    "all": {"normalise": "quantile", "standardise": "minmax", "adjust": Adjust(("age", "sex"), "site", "combat")},
}
FITTED = {name: prepare(COHORT, **how) for name, how in WAYS.items()}


@pytest.mark.parametrize("way", WAYS)
@given(order=st.permutations(range(60)), size=st.integers(1, 60))
@settings(max_examples=15, deadline=None)
def test_a_sample_alone_is_what_it_is_among_many(way, order, size):
    whole = FITTED[way].transform(COHORT)
    some = order[:size]
    np.testing.assert_allclose(FITTED[way].transform(COHORT[some]), whole[some], rtol=0, atol=1e-6)
    np.testing.assert_allclose(FITTED[way].transform(COHORT[some[0]]), whole[some[:1]], rtol=0, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_it_comes_back_from_disk_exactly(way, tmp_path):
    kept = FITTED[way]
    kept.save(tmp_path / "prepare.json")
    back = Preparation.load(tmp_path / "prepare.json")
    np.testing.assert_array_equal(back.transform(COHORT), kept.transform(COHORT))
    assert (back.digest, dict(back.account)) == (kept.digest, dict(kept.account))
    assert len({p.digest for p in FITTED.values()}) == len(FITTED)


@pytest.mark.parametrize("way", WAYS)
def test_restoring_takes_back_only_shift_and_span(way):
    kept = FITTED[way]
    z_ng = kept.transform(COHORT)
    restored = kept.restore(z_ng)
    np.testing.assert_allclose(restored.mean(0), kept.mean_g, atol=1e-5)
    np.testing.assert_allclose(z_ng.mean(0), kept.centre_g, atol=1e-5)
    np.testing.assert_allclose(z_ng.std(0), kept.spread_g, atol=1e-5)


def test_quantiles_are_those_of_the_mean_sample():
    restored = FITTED["quantile"].restore(FITTED["quantile"].transform(COHORT))
    reference = np.sort(COHORT.X, 1).mean(0)
    np.testing.assert_allclose(np.sort(restored, 1), np.tile(reference, (60, 1)), atol=1e-5)
    np.testing.assert_array_equal(np.argsort(restored, 1), np.argsort(COHORT.X, 1))


def test_another_platform_gets_the_same_distribution():
    other = COHORT.copy()
    other.X = np.exp(other.X / 10) * 3
    np.testing.assert_allclose(FITTED["quantile"].transform(other), FITTED["quantile"].transform(COHORT), atol=1e-6)
    # Ties share a value; genes that are missing do not leave a gap.
    fewer = FITTED["quantile"].transform(COHORT[:, 4:].copy())
    assert np.corrcoef(fewer[:, 4:].ravel(), FITTED["quantile"].transform(COHORT)[:, 4:].ravel())[0, 1] > 0.98


def test_ranks_become_a_standard_normal_as_scipy_has_it():
    restored = FITTED["rank"].restore(FITTED["rank"].transform(COHORT))
    want = norm.ppf((rankdata(COHORT.X, axis=1) - 0.5) / 40)
    np.testing.assert_allclose(restored, want, atol=1e-5)


def test_minmax_goes_from_0_to_1_over_the_fitted_samples():
    z = FITTED["minmax"].transform(COHORT)
    np.testing.assert_allclose((z.min(0), z.max(0)), ([0] * 40, [1] * 40), atol=1e-6)
    beyond = COHORT[:1].copy()
    beyond.X = np.full_like(beyond.X, 30.0)
    assert (FITTED["minmax"].transform(beyond) > 1).all()


def test_covariates_leave_what_sklearn_leaves():
    design = np.column_stack([COHORT.obs["age"], COHORT.obs["sex"] == "m"]).astype(float)
    fit = LinearRegression().fit(design, COHORT.X)
    want = COHORT.X - fit.predict(design) + COHORT.X.mean(0)
    got = FITTED["covariates"].restore(FITTED["covariates"].transform(COHORT))
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_a_batch_loses_its_mean_and_by_combat_its_spread():
    for way in ("batch", "combat"):
        kept = FITTED[way].restore(FITTED[way].transform(COHORT))
        means, spreads = (np.array([f(kept[COHORT.obs["site"] == s], 0) for s in "abc"]) for f in (np.mean, np.std))
        # ComBat shrinks what a batch does to one gene towards what it does to all.
        assert np.abs(means - means.mean(0)).max() < (1e-5 if way == "batch" else 0.35)
        assert (spreads.mean(1).max() / spreads.mean(1).min() < 1.1) == (way == "combat")


def test_combat_gives_the_numbers_of_neurocombat():
    """``neuroCombat(dat=x.T, covars=DataFrame({"b": batch}), batch_col="b")["data"].T`` of neuroCombat 0.2.12."""
    rng = np.random.default_rng(0)
    batch = np.repeat([0, 1, 2], [5, 6, 4])
    x = rng.normal(8, 1, (15, 6)) + np.array([0.0, 1.0, -0.5])[batch][:, None]
    factor, offset = combat(x, batch)
    got = x * factor[batch] + offset[batch]
    np.testing.assert_allclose(got[[0, 7, 14]], NEUROCOMBAT, atol=2e-4)


@pytest.mark.filterwarnings("ignore")  # of the reference
def test_combat_gives_the_numbers_of_neurocombat_where_it_is_installed():
    reference = pytest.importorskip("neuroCombat", reason="neuroCombat is a peer")
    rng = np.random.default_rng(1)
    batch = np.arange(60) % 4
    x = rng.normal(8, 1, (60, 300)) * np.array([1, 1.3, 0.8, 1.1])[batch][:, None] + rng.normal(0, 1, (4, 300))[batch]
    want = reference.neuroCombat(dat=x.T, covars=pd.DataFrame({"b": batch}), batch_col="b")["data"].T
    factor, offset = combat(x, batch)
    np.testing.assert_allclose(x * factor[batch] + offset[batch], want, atol=2e-4)
    assert np.abs(x - want).max() > 1


@pytest.mark.parametrize(
    ("adjust", "said"),
    [
        (Adjust(("aeg",)), "unknown covariate column 'aeg'.*did you mean 'age'"),
        (Adjust(batch="sight"), "unknown batch column 'sight'.*did you mean 'site'"),
        (Adjust(batch="site", method="conbat"), "unknown batch method 'conbat'.*did you mean 'combat'"),
        (Adjust(("site",), "site"), r"covariates site and the batch 'site' cannot be told apart"),
        (Adjust(("one",)), "covariate 'one' has only the value x"),
        (Adjust(batch="one"), "batch column 'one' has only x"),
        (Adjust(batch="each"), "with a single sample"),
        (Adjust(("gap",)), "covariate column 'gap' is missing for 1 of 60 samples"),
    ],
)
def test_what_cannot_be_adjusted_for_says_why(adjust, said):
    adata = COHORT.copy()
    adata.obs["one"], adata.obs["each"] = "x", [f"b{i}" for i in range(60)]
    adata.obs["gap"] = [None, *["x", "y"] * 29, "x"]
    with pytest.raises(InputError, match=said):
        prepare(adata, adjust=adjust)


def test_new_samples_need_levels_that_were_fitted():
    later = COHORT[:3].copy()
    later.obs["site"] = ["a", "d", "e"]
    with pytest.raises(InputError, match=r"obs column 'site' has d, e, which no fitted sample had \(a, b, c\)"):
        FITTED["combat"].transform(later)
    later.obs["site"], later.obs["age"] = "a", ["old", "young", "old"]
    with pytest.raises(InputError, match=r"covariate 'age' was a number .* 'old' is none"):
        FITTED["combat"].transform(later)
    with pytest.raises(UnknownNameError, match="unknown covariate column 'age'"):
        FITTED["combat"].transform(AnnData(later.X, obs=later.obs[["site"]], var=COHORT.var))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"normalise": "quantiles"}, "unknown normalisation 'quantiles'.*did you mean 'quantile'"),
        ({"standardise": "z-score"}, "unknown way to standardise 'z-score'.*did you mean 'zscore'"),
    ],
)
def test_an_unknown_step_says_which_may_be_meant(how, said):
    with pytest.raises(UnknownNameError, match=said):
        prepare(COHORT, **how)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda c: c["normalisation"].update(name="bells"), "bells"),
        (lambda c: c["normalisation"].pop("reference"), "reference"),
        (lambda c: c["adjustment"].pop("batches"), "batches"),
        (lambda c: c["adjustment"]["factor_bg"][0].pop(), "prepare.json"),
        (lambda c: c["span"].__setitem__(0, 0.0), "span is not above zero"),
        (lambda c: c["shift"].pop(), "do not agree"),
        (lambda c: c.update(id_map={"format": 1}), "no map of ids"),
    ],
)
def test_a_hand_edited_step_is_refused(edit, said, tmp_path):
    path = tmp_path / "prepare.json"
    FITTED["all"].save(path)
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    with pytest.raises(FormatError, match="its seal does not fit"):
        Preparation.load(path)
    path.write_text(json.dumps(sealed(content)))
    with pytest.raises(FormatError, match=said):
        Preparation.load(path)


def counts() -> AnnData:
    x = np.random.default_rng(0).negative_binomial(1, 0.01, (20, 40)).astype(float)
    return AnnData(x, obs=pd.DataFrame(index=[f"s{i}" for i in range(20)]), var=pd.DataFrame(index=GENES))


def test_a_scale_can_be_told_from_the_values_and_is_accounted_for():
    found = prepare(counts(), scale="auto")
    assert found.scale == "counts"
    assert found.account["scale_detected"] == "counts"
    assert "whole numbers" in found.account["scale_evidence"]
    assert found.digest == prepare(counts(), scale="counts").digest
    assert prepare(COHORT, scale="auto").scale == "log2"


def test_a_scale_that_no_model_can_be_given_stops():
    z = COHORT.copy()
    z.X = (z.X - z.X.mean(0)) / z.X.std(0)
    with pytest.raises(InputError, match=r"the values look like zscore .*say which with scale="):
        prepare(z, scale="auto")


def test_a_model_of_log2_values_reads_counts_when_told():
    kept = prepare(COHORT, normalise="rank")
    with pytest.raises(InputError, match="they look like scale = 'counts'"):
        kept.transform(counts())
    assert np.isfinite(kept.on("counts").transform(counts())).all()
    with pytest.raises(UnknownNameError, match="did you mean 'counts'"):
        kept.on("count")


def test_genes_are_missed_by_their_variance():
    adata = COHORT.copy()
    adata.X[:, :4] = 3 * adata.X[:, :4] - 30
    kept = prepare(adata)
    with pytest.raises(GeneMismatchError, match=r"only 36 of the model's 40 genes .*% of their variance; at least 80%"):
        kept.align(GENES[4:])
    alignment = kept.align(GENES[:32])
    assert (alignment.missing, alignment.fraction) == (8, 0.8)
    assert alignment.weighted == pytest.approx((kept.sd_g[:32] ** 2).sum() / (kept.sd_g**2).sum())


def test_a_panel_of_highly_expressed_genes_lies_where_the_whole_table_would_have_it():
    adata = gl.demo.cohort()
    asked = gl.pp.PreparationSettings(missing=True, normalise="rank", standardise="centre", above_floor=0.0)
    preparation = gl.models.PCA(2, preparation=asked).fit(adata).preparation
    high_g = np.argsort(adata.X.mean(0))[-1200:]
    panel = adata[:, high_g].copy()
    index_g = preparation.genes.align(gl.nouns.Genes(tuple(panel.var_names), "symbol")).index
    there_g = index_g >= 0
    whole_ng, part_ng = preparation.transform(adata)[:, there_g], preparation.transform(panel)[:, there_g]
    assert np.abs(part_ng - whole_ng).mean() < 0.1
    spread_ng = (
        preparation.normalisation.apply(panel.X[:, index_g[there_g]].astype(float)) - preparation.mean_g[there_g]
    )
    assert np.abs(spread_ng - whole_ng).mean() > 0.5
    with pytest.raises(GeneMismatchError, match="at least 20% is needed"):
        preparation.transform(adata[:, high_g[:200]].copy())


@pytest.mark.parametrize("standardise", ["centre", "zscore"])
def test_a_store_is_ranked_as_the_same_table_in_memory(tmp_path, standardise):
    adata = gl.demo.cohort()
    adata.write_h5ad(tmp_path / "flu.h5ad")
    store = gl.io.pack([tmp_path / "flu.h5ad"], tmp_path / "flu.zarr")
    asked = PreparationSettings(normalise="rank", standardise=standardise)
    ours, theirs = prepare_as(store, asked), prepare_as(adata, asked)
    np.testing.assert_allclose(ours.transform(adata), theirs.transform(adata), atol=1e-5)
    with pytest.raises(InputError, match="read the table into memory for those"):
        prepare_as(store, PreparationSettings(normalise="quantile"))
