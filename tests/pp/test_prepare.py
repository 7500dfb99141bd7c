import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData
from hypothesis import given
from hypothesis import strategies as st

from genelight import demo, prepare
from genelight.errors import FormatError, GeneMismatchError, InputError, UnknownNameError
from genelight.pp.preparation import Preparation
from genelight.pp.scale import SCALES

DATA = Path(__file__).parents[2] / "../shared/data"
LUPUS = DATA / "sle_blood_GSE65391.h5ad"


def table(x_ng: np.ndarray) -> AnnData:
    """Samples s0, s1, ... and genes G0, G1, ... around given values."""
    n, g = x_ng.shape
    obs, var = (pd.DataFrame(index=[f"{letter}{i}" for i in range(size)]) for letter, size in (("s", n), ("G", g)))
    return AnnData(x_ng, obs=obs, var=var)


def logged(n: int = 30, g: int = 40) -> np.ndarray:
    return np.random.default_rng(0).normal(8, 1, (n, g)).astype(np.float32)


def on(scale: str) -> AnnData:
    """The same samples as each scale has them; one of the samples is of a hundredth of the others' depth."""
    raw = np.round(2 ** logged().astype(np.float64))
    raw[3] = np.round(raw[3] / 100)
    others = {
        "beta": 1 / (1 + 2 ** (8 - logged().astype(np.float64))),
        "m": logged().astype(np.float64) - 8,
        "intensity": raw + 60.5,
        "composition": raw,
        "molecules": raw,
    }
    return table({"log2": logged(), "counts": raw, "linear": raw + 60.5, "ln": logged() * np.log(2), **others}[scale])


OF_OTHERS = {"beta": "cpg", "m": "cpg", "intensity": "protein", "composition": "taxon", "molecules": "cell"}


TABLES = {scale: on(scale) for scale in SCALES}
FITTED = {scale: prepare(adata, scale=scale, features=OF_OTHERS.get(scale)) for scale, adata in TABLES.items()}


@pytest.mark.parametrize("scale", SCALES)
def test_fitted_samples_have_mean_zero_and_sd_one(scale):
    z_ng = FITTED[scale].transform(TABLES[scale])
    assert z_ng.dtype == np.float32
    np.testing.assert_allclose(z_ng.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(z_ng.std(0), 1, atol=1e-5)


@given(st.sampled_from(list(SCALES)), st.permutations(range(30)), st.integers(1, 30))
def test_a_sample_alone_is_what_it_is_among_many(scale, order, size):
    whole = FITTED[scale].transform(TABLES[scale])
    some = order[:size]
    np.testing.assert_array_equal(FITTED[scale].transform(TABLES[scale][some]), whole[some])
    np.testing.assert_array_equal(FITTED[scale].transform(TABLES[scale][some[0]]), whole[some[:1]])


@given(st.sampled_from(list(SCALES)), st.permutations(range(40)))
def test_the_order_of_genes_changes_only_the_order_of_columns(scale, order):
    adata = TABLES[scale]
    shuffled = adata[:, order]
    np.testing.assert_array_equal(FITTED[scale].transform(shuffled), FITTED[scale].transform(adata))
    again = prepare(shuffled.copy(), scale=scale, features=OF_OTHERS.get(scale))
    assert set(again.genes.ids) == set(FITTED[scale].genes.ids)
    index = again.genes.align(FITTED[scale].genes).index
    np.testing.assert_allclose(again.transform(adata), FITTED[scale].transform(adata)[:, index], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csc_matrix, sp.csr_array])
def test_a_sparse_matrix_gives_the_same(make):
    adata = TABLES["counts"]
    sparse = AnnData(make(adata.X), obs=adata.obs, var=adata.var)
    assert prepare(sparse, scale="counts").digest == FITTED["counts"].digest
    np.testing.assert_array_equal(FITTED["counts"].transform(sparse), FITTED["counts"].transform(adata))


def test_the_fitted_table_is_left_as_it_was():
    adata = table(logged())
    prepare(adata, scale="log2").transform(adata)
    np.testing.assert_array_equal(adata.X, logged())


def test_constant_genes_are_dropped_and_counted():
    x = logged()
    x[:, [0, 7]] = 6.6
    x[:, 9] = 6.6 + 1e-7 * np.arange(len(x))
    preparation = prepare(table(x))
    assert {"G0", "G7", "G9"}.isdisjoint(preparation.genes.ids)
    assert preparation.account["genes_constant"] == 3
    assert preparation.account["genes_kept"] == len(preparation.genes) == 37


def test_genes_on_a_floor_are_dropped_and_counted():
    x = logged()
    x[:, :10] = np.where(np.arange(30)[:, None] < 20, np.float32(3.322), x[:, :10])
    x[0, 39] = 1.0  # a stray value below the floor
    preparation = prepare(table(x))
    assert preparation.account["floor"] == pytest.approx(3.322)
    assert preparation.account["genes_on_floor"] == 10
    assert preparation.genes.ids == tuple(f"G{i}" for i in range(10, 40))
    assert len(prepare(table(x), above_floor=0.3).genes) == 40


@pytest.mark.parametrize("decimals", [0, 1, 2, 3])
def test_rounded_values_have_no_floor(decimals):
    preparation = prepare(table(np.round(logged(), decimals)))
    assert preparation.account["floor"] is None
    assert len(preparation.genes) == 40


def test_zero_counts_are_a_floor():
    x = np.random.default_rng(1).poisson(300.0, (30, 40)).astype(float)
    x[:, :5] = np.random.default_rng(1).poisson(0.2, (30, 5))
    account = prepare(table(x), scale="counts").account
    assert (account["floor"], account["genes_on_floor"]) == (0.0, 5)


def test_only_the_most_variable_genes_may_be_asked_for():
    x = logged()
    widest = np.sort(np.argsort(-x.std(0))[:10])
    assert prepare(table(x), variable=10).genes.ids == tuple(f"G{i}" for i in widest)
    assert prepare(table(x), variable=10).account["genes_less_variable"] == 30
    assert len(prepare(table(x), variable=1000).genes) == 40
    with pytest.raises(InputError, match="variable = -5 must be above zero"):
        prepare(table(x), variable=-5)


@pytest.mark.parametrize(("value", "said"), [(np.nan, "1 missing"), (np.inf, "1 infinite"), (-np.inf, "1 infinite")])
def test_a_value_that_is_no_number_is_placed(value, said):
    x = logged()
    x[4, 5] = value
    # A single gap is nothing to learn from, but a model that is there fills it: with its mean, before a model is asked.
    for do in (prepare, *([] if np.isnan(value) else [FITTED["log2"].transform])):
        with pytest.raises(InputError, match=rf"{said}.*sample 's4', gene 'G5'"):
            do(table(x))


def test_repeated_genes_are_named():
    adata = table(logged(g=12))
    adata.var_names = ["A", "B", "A", *(f"G{i}" for i in range(9))]
    for do in (prepare, FITTED["log2"].transform):
        with pytest.raises(InputError, match=r"1 gene ids occur more than once \(A\)"):
            do(adata)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (logged(n=9), "9 samples are too few to prepare a table and to train a model on, at least 10"),
        (logged(g=9), r"only 9 of 9 genes can be used \(0 are constant, 0 on the floor\); at least 10"),
        (2 ** logged() + 0.5, "they look like scale = 'linear'"),
        (np.round(2 ** logged()), "they look like scale = 'counts'"),
    ],
)
def test_a_table_that_does_not_fit_says_why(x, said):
    with pytest.raises(InputError, match=said):
        prepare(table(x))


def test_a_table_without_values_says_where_to_put_them():
    empty = AnnData(obs=pd.DataFrame(index=[f"s{i}" for i in range(20)]), var=pd.DataFrame(index=list("ABC")))
    with pytest.raises(InputError, match="has no X; put the expression matrix there"):
        prepare(empty)


def test_an_unknown_scale_says_which_may_be_meant():
    with pytest.raises(UnknownNameError, match="did you mean 'counts'"):
        prepare(table(logged()), scale="count")


def test_transforming_on_another_scale_stops():
    with pytest.raises(InputError, match="they look like scale = 'counts'"):
        FITTED["log2"].transform(TABLES["counts"])
    with pytest.raises(InputError, match="as in logged data"):
        FITTED["linear"].transform(TABLES["log2"])


def test_missing_genes_get_their_mean():
    adata, preparation = TABLES["log2"], FITTED["log2"]
    z_ng = preparation.transform(adata[:, 8:])
    np.testing.assert_array_equal(z_ng[:, :8], 0)
    np.testing.assert_array_equal(z_ng[:, 8:], preparation.transform(adata)[:, 8:])


def test_too_many_missing_genes_stop_the_run():
    said = r"only 31 of the model's 40 genes are in this table .*9 missing.*G0, G1, G2 and 6 more.*at least 80%"
    with pytest.raises(GeneMismatchError, match=said):
        FITTED["log2"].transform(TABLES["log2"][:, 9:])


def test_no_samples_give_no_rows():
    for scale, preparation in FITTED.items():
        assert preparation.transform(TABLES[scale][:0]).shape == (0, 40)


@pytest.mark.parametrize("scale", SCALES)
def test_a_saved_preparation_comes_back_exactly(scale, tmp_path):
    kept = FITTED[scale]
    kept.save(tmp_path / "prepare.json")
    back = Preparation.load(tmp_path / "prepare.json")
    assert (back.genes, back.scale, dict(back.account)) == (kept.genes, kept.scale, dict(kept.account))
    np.testing.assert_array_equal(back.mean_g, kept.mean_g)
    np.testing.assert_array_equal(back.sd_g, kept.sd_g)
    assert back.digest == kept.digest
    np.testing.assert_array_equal(back.transform(TABLES[scale]), kept.transform(TABLES[scale]))


def test_the_digest_changes_with_what_changes_a_number():
    kept = FITTED["log2"]
    others = [
        Preparation(kept.genes, "linear", kept.mean_g, kept.sd_g),
        Preparation(kept.genes, "log2", kept.mean_g + 1e-12, kept.sd_g),
        Preparation(kept.genes, "log2", kept.mean_g, kept.sd_g * 2),
    ]
    assert len({kept.digest, *(other.digest for other in others)}) == 4
    assert Preparation(kept.genes, "log2", kept.mean_g, kept.sd_g, {"note": 1}).digest == kept.digest


@pytest.mark.parametrize(
    "edit",
    [
        *[lambda c, key=key: c.pop(key) for key in ("format", "namespace", "scale", "account", "genes", "mean", "sd")],
        lambda c: c.update(format="one"),
        lambda c: c.update(format=Preparation.FORMAT + 1),
        lambda c: c.update(scale="log10"),
        lambda c: c.update(account=3),
        lambda c: c.update(genes="MX1"),
        lambda c: c["genes"].pop(),
        lambda c: c["genes"].__setitem__(0, c["genes"][1]),
        lambda c: c["mean"].append(0.0),
        lambda c: c["mean"].__setitem__(0, "eight"),
        lambda c: c["mean"].__setitem__(0, float("nan")),
        lambda c: c["sd"].__setitem__(0, 0.0),
        lambda c: c["sd"].__setitem__(0, None),
    ],
)
def test_a_hand_edited_file_is_refused_with_its_name(edit, tmp_path):
    path = tmp_path / "02_prepare.json"
    FITTED["log2"].save(path)
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    with pytest.raises(FormatError, match=r"02_prepare\.json"):
        Preparation.load(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"log2"'])
def test_a_file_of_something_else_is_refused(text, tmp_path):
    path = tmp_path / "02_prepare.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"02_prepare\.json"):
        Preparation.load(path)


def test_the_demo_has_no_floor():
    account = prepare(demo.cohort()).account
    assert (account["floor"], account["genes_kept"]) == (None, 4147)


@pytest.mark.skipif(not LUPUS.exists(), reason="the lupus cohort lies outside the package")
def test_the_floor_of_an_array_is_its_most_frequent_value():
    adata = anndata.read_h5ad(LUPUS)
    assert adata.n_vars == 26_802
    account = prepare(adata).account
    assert account["floor"] == pytest.approx(np.log2(10), abs=1e-3)
    assert 11_300 < account["genes_kept"] < 11_600
    assert account["genes_constant"] + account["genes_on_floor"] + account["genes_kept"] == 26_802


def test_a_table_is_brought_to_the_scale_of_the_model():
    learned = prepare(TABLES["log2"])
    rescaled = learned.rescale(TABLES["counts"], "counts")
    np.testing.assert_array_equal(learned.transform(rescaled), learned.on("counts").transform(TABLES["counts"]))
    assert learned.rescale(TABLES["log2"], "log2") is TABLES["log2"]
    with pytest.raises(InputError, match="trained on scale = 'counts'; values on scale = 'log2' cannot be made of"):
        prepare(TABLES["counts"], scale="counts").rescale(TABLES["log2"], "log2")
