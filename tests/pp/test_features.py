"""Features other than genes: how each kind is told, how it comes to a model's scale, and what is asked."""

import numpy as np
import pytest
from anndata import AnnData
from scipy.stats import gmean

from genelight import prepare, simulate
from genelight.errors import InputError, UnknownNameError
from genelight.io import pack
from genelight.models.reference.missing import training_values
from genelight.pp.features import FEATURES, GENES, told_by_ids
from genelight.pp.gaps import Detection
from genelight.pp.preparation import Preparation
from genelight.pp.scale import check_scale, to_log2

SAID = {"protein": {"scale": "linear", "features": "protein"}, "cell": {"scale": "counts", "features": "cell"}}
KINDS = [kind for kind in FEATURES if kind != GENES]
TABLES = {
    kind: simulate.features(kind, 30, visits=10 if kind == "cell" else 1, n_features=300, seed=1) for kind in KINDS
}


def prepared(kind: str) -> Preparation:
    return prepare(TABLES[kind], **SAID.get(kind, {"scale": "auto"}))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_goes_from_its_own_values_to_a_model(kind, tmp_path):
    adata, preparation = TABLES[kind], prepared(kind)
    assert preparation.settings.features == preparation.account["features"] == kind
    assert preparation.account["unit"] == preparation.unit
    z_ng = training_values(preparation, adata)
    assert np.isfinite(z_ng).all()
    np.testing.assert_allclose(z_ng.mean(0), 0, atol=0.1)
    np.testing.assert_allclose(z_ng.std(0).mean(), 1, atol=0.05)
    preparation.save(tmp_path / "p.json")
    back = Preparation.load(tmp_path / "p.json")
    assert (back.digest, back.settings) == (preparation.digest, preparation.settings)
    np.testing.assert_array_equal(back.transform(adata), preparation.transform(adata))
    again = prepare(adata[: adata.n_obs // 2].copy(), scale=preparation.scale, features=kind)
    assert again.settings == preparation.settings


@pytest.mark.parametrize("kind", KINDS)
def test_ids_tell_where_they_can_and_are_said_to(kind):
    told = told_by_ids(TABLES[kind].var_names)
    assert told == (kind if FEATURES[kind].by_ids else GENES)
    if told == kind:
        assert "their ids" in prepare(TABLES[kind], scale="auto").account["features_told_by"]


@pytest.mark.parametrize("kind", KINDS)
def test_one_sample_alone_is_what_it_is_among_many(kind):
    whole = prepared(kind).transform(TABLES[kind])
    np.testing.assert_allclose(prepared(kind).transform(TABLES[kind][3:4]), whole[3:4], rtol=1e-5, atol=1e-6)


def test_beta_values_become_m_values_off_the_ends():
    b = np.array([[0.0, 0.2, 0.5, 1.0]])
    np.testing.assert_allclose(to_log2(b, "beta")[0, 1:3], np.log2([0.25, 1.0]))
    assert np.abs(to_log2(b, "beta")).max() == pytest.approx(np.log2(999), rel=1e-6)
    adata = TABLES["cpg"]
    m = AnnData(adata.layers["m"], obs=adata.obs, var=adata.var)
    preparation = prepare(m, scale="auto")
    assert preparation.scale == "m"
    np.testing.assert_allclose(preparation.transform(m), prepared("cpg").transform(adata), atol=1e-3)
    # A model of M values reads beta values when it is told.
    np.testing.assert_allclose(preparation.rescale(adata, "beta").X, m.X, atol=1e-3)


def test_centred_log_ratios_are_those_of_the_geometric_mean_among_the_taxa_that_are_kept():
    adata, preparation = TABLES["taxon"], prepared("taxon")
    columns = [adata.var_names.get_loc(taxon) for taxon in preparation.genes.ids]
    assert 100 < len(columns) < 300
    assert ((adata.X[:, columns] > 0).mean(0) >= 0.1).all()
    with_half = adata.X[:, columns] + 0.5
    want = np.log(with_half / gmean(with_half, axis=1)[:, None])
    np.testing.assert_allclose(preparation.restore(preparation.transform(adata)), want, atol=1e-4)
    # What a table has beside the model's taxa changes nothing.
    np.testing.assert_array_equal(
        preparation.transform(adata[:, list(preparation.genes.ids)]), preparation.transform(adata)
    )


def test_fractions_are_taken_as_parts_whatever_they_add_up_to_but_all_alike():
    x = TABLES["taxon"].X.astype(np.float64)
    share = x / x.sum(1, keepdims=True)
    check_scale(share, "composition")
    check_scale(100 * share, "composition")
    np.testing.assert_allclose(to_log2(100 * share, "composition"), to_log2(share, "composition"), atol=1e-9)
    with pytest.raises(
        InputError, match=r"fractions add up to 1 .* in 30 of 30 they add up to 0\.\d+ .* taxa were left"
    ):
        check_scale(share[:, :250], "composition")


def test_the_chance_of_being_seen_is_found_and_fills_in_lower_than_the_mean():
    adata, preparation = TABLES["protein"], prepared("protein")
    assert Detection.of(np.log2(adata.X)).slope == pytest.approx(0.9, abs=0.15)
    assert "not at random" in preparation.account["missing"]
    columns = [adata.var_names.get_loc(protein) for protein in preparation.genes.ids]
    gap, truth = np.isnan(adata.X[:, columns]), adata.layers["log2"][:, columns]
    error = (preparation.restore(training_values(preparation, adata)) - truth)[gap]
    at_random = Preparation(
        preparation.genes, "intensity", preparation.mean_g, preparation.sd_g, asked=preparation.asked
    )
    taken = (at_random.restore(training_values(at_random, adata)) - truth)[gap]
    assert abs(error.mean()) < 0.15 < taken.mean()
    assert np.sqrt((error**2).mean()) < 0.9 * np.sqrt((taken**2).mean())


def test_gaps_that_have_nothing_to_do_with_the_level_are_taken_as_at_random():
    adata = TABLES["protein"].copy()
    adata.X = np.where(np.random.default_rng(0).random(adata.shape) < 0.1, 0.0, 2.0 ** adata.layers["log2"])
    preparation = prepare(adata, **SAID["protein"])
    assert preparation.censored_g is None
    assert "taken as at random" in preparation.account["missing"]
    assert preparation.gaps(adata).any()  # a zero is no intensity


@pytest.mark.parametrize(
    ("kind", "spoil", "asked", "said"),
    [
        ("cpg", lambda x: x + 0.1, {"scale": "beta"}, r"beta values go from 0 to 1, but \d+ of 9000 lie outside"),
        ("cpg", lambda x: x * 100, {"scale": "beta"}, "percents: divide them by 100"),
        ("cpg", lambda x: x, {"scale": "counts"}, "unknown scale of features of kind cpg 'counts'.*beta, m"),
        ("cpg", lambda x: x, {"scale": "m"}, "as beta values: scale = 'beta'"),
        ("taxon", lambda x: x - 1, {}, r"parts of a whole cannot be below zero \(lowest -1\)"),
        ("mirna", lambda x: x + 0.5, {"scale": "counts"}, "needs whole numbers"),
        ("mirna", lambda x: x, {}, "they look like scale = 'counts': say so"),
        ("protein", lambda x: x, {"features": "protein"}, "they look like scale = 'linear': say so"),
        ("protein", np.log2, SAID["protein"], "as in logged data; use scale = 'log2'"),
        (
            "cell",
            np.log1p,
            SAID["cell"],
            r"cells need counts of molecules, but \d+ of \d+ values have frac",
        ),
        ("cell", lambda x: (x > 0) * 1.0, SAID["cell"], "whether a gene was seen, not how often"),
    ],
)
def test_values_that_are_not_what_they_are_said_to_be(kind, spoil, asked, said):
    adata = TABLES[kind].copy()
    x = adata.X.toarray() if kind == "cell" else adata.X
    adata.X = spoil(x)
    with pytest.raises(InputError, match=said):
        prepare(adata, **asked)


def test_an_unknown_kind_says_which_may_be_meant():
    with pytest.raises(UnknownNameError, match="did you mean 'protein'"):
        prepare(TABLES["protein"], features="proteins")


def test_rows_named_as_cells_are_asked_about(tmp_path):
    cells = TABLES["cell"].copy()
    rng = np.random.default_rng(0)
    cells.obs_names = ["".join(rng.choice(list("ACGT"), 16)) + "-1" for _ in range(cells.n_obs)]
    with pytest.raises(InputError, match=r"named as cells are .*features='cell'.*--features cell --subject donor"):
        prepare(cells, scale="counts")
    cells.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(InputError, match="named as cells are"):
        prepare(pack([tmp_path / "cells.h5ad"], tmp_path / "cells.zarr"), scale="counts")
    assert prepare(cells, scale="counts", features="gene").scale == "counts"


def test_what_lies_low_is_filled_in_alike_whatever_values_are_scaled_to():
    adata = TABLES["protein"]
    filled = []
    for standardise in ("zscore", "minmax"):
        preparation = prepare(adata, **SAID["protein"], standardise=standardise)
        assert preparation.censored_g is not None
        gap_ng = preparation.gaps(adata)
        filled.append(preparation.restore(training_values(preparation, adata))[gap_ng].mean())
    assert filled[0] == pytest.approx(filled[1], abs=0.1)
