import importlib
import sys

import anndata
import numpy as np
import pytest
from sklearn.decomposition import IncrementalPCA

from genelight import models, nodes, prepare, simulate
from genelight.cli import main
from genelight.errors import InputError
from genelight.io import Store, pack
from genelight.models.subspace.exact import find_subspace
from genelight.models.subspace.sketch import InMemory, sketch
from genelight.models.subspace.streaming import Reduced, reduce_store
from genelight.pp.stream import PreparedStore
from genelight.simulate import Compendium

subspace_file = importlib.import_module("genelight.models.subspace.exact")
sketch_file = importlib.import_module("genelight.models.subspace.sketch")
streaming_file = importlib.import_module("genelight.models.subspace.streaming")


@pytest.fixture(scope="module")
def stored(cohort, tmp_path_factory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    cohort.write_h5ad(folder / "cohort.h5ad")
    return pack([folder / "cohort.h5ad"], folder / "cohort.zarr")


@pytest.fixture(scope="module")
def x_ng() -> np.ndarray:
    x_ng = Compendium(2600, 900).rows(0, 2600)
    return (x_ng - x_ng.mean(0)) / x_ng.std(0)


def test_a_store_and_its_table_give_one_subspace(cohort, stored):
    x_ng = prepare(cohort).transform(cohort)
    want = find_subspace(x_ng)
    reduced = reduce_store(PreparedStore(stored, prepare(stored)), rank=256, learners=np.arange(len(x_ng)))
    rank = want.basis_gk.shape[1]
    assert reduced.subspace.basis_gk.shape[1] == rank
    np.testing.assert_allclose(reduced.subspace.variance_k, want.variance_k, rtol=1e-5)
    np.testing.assert_allclose(reduced.c_nk @ reduced.c_nk.T, x_ng @ x_ng.T, atol=1e-5 * (x_ng**2).sum(1).max())
    # Axes of nearly the same variance may turn into one another; what they span may not.
    np.testing.assert_allclose(np.abs((reduced.subspace.basis_gk[:, :8] * want.basis_gk[:, :8]).sum(0)), 1, atol=1e-5)
    assert reduced.subspace.lost == 0
    assert reduced.inside(np.arange(10)) == 1


def test_a_model_of_a_store_is_that_of_its_table(cohort, stored):
    settings = {"widths": (16, 8, 4), "subject": "subject", "epochs": 10}
    inside, streamed = models.fit(cohort, **settings), models.fit(stored, **settings)
    x_ng = inside.prepare(cohort)
    assert streamed.genes.ids == inside.genes.ids
    assert models.r2(streamed, x_ng) == pytest.approx(models.r2(inside, x_ng), abs=2e-3)
    for key in ("held_out_r2", "held_out_r2_pca"):
        assert streamed.history[0][key] == pytest.approx(inside.history[0][key], abs=1e-4)
    h_nk = nodes.encode(cohort, streamed, layer="L2")
    np.testing.assert_allclose(nodes.encode(stored, streamed, layer="L2"), h_nk, atol=1e-4)
    assert models.r2(streamed, stored) == pytest.approx(models.r2(streamed, x_ng), abs=1e-6)
    with pytest.raises(InputError, match="never changed"):
        nodes.encode(stored, streamed, layer="L2", key_added="X_L2")


def test_pca_of_a_store_is_that_of_its_table(cohort, stored):
    inside, streamed = models.PCA(8).fit(cohort), models.PCA(8).fit(stored)
    np.testing.assert_allclose(streamed.basis_gk, inside.basis_gk, atol=1e-5)
    np.testing.assert_allclose(streamed.code_range().sd, inside.code_range().sd, rtol=1e-5)
    with pytest.raises(InputError, match="width = 999"):
        models.PCA(999).fit(stored)


def test_beyond_its_size_held_out_r2_counts_what_lies_outside(cohort, stored, monkeypatch, tmp_path):
    monkeypatch.setattr(streaming_file, "EXACT_UP_TO", 10)
    monkeypatch.setattr(importlib.import_module("genelight.models.autoencoder"), "LEAST_RANK", 12)
    monkeypatch.setattr(sketch_file, "EXTRA_AXES", 4)
    model = models.fit(stored, widths=(6, 4), subject="subject", epochs=3)
    assert model.settings["rank"] == 12
    assert 0.1 < model.subspace.lost < 0.9
    x_ng = model.prepare(cohort)
    got = ((x_ng @ model.subspace.basis_gk) ** 2).sum() / (x_ng**2).sum()
    assert got == pytest.approx(1 - model.subspace.lost, abs=1e-4)
    exact = models.fit(cohort, widths=(6, 4), subject="subject", epochs=3)
    assert model.history[0]["held_out_r2_pca"] == pytest.approx(exact.history[0]["held_out_r2_pca"], abs=0.01)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(
        nodes.encode(stored, models.load(tmp_path / "model"), layer="L1"), nodes.encode(stored, model, layer="L1")
    )


def test_the_paper_preset_needs_its_samples_in_memory(stored):
    with pytest.raises(InputError, match="in memory"):
        models.fit(stored, preset="paper", widths=(8, 4), subject="subject", epochs=1)


def test_the_sketch_finds_the_leading_axes(x_ng):
    values = np.linalg.eigvalsh((x_ng.T @ x_ng).astype(np.float64))[::-1]
    found = sketch(InMemory(x_ng), rank=64)
    share = found.squares_k.sum() / values[:64].sum()
    assert 0.99 < share <= 1 + 1e-6
    assert found.squares_k[:16].sum() / values[:16].sum() == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(found.basis_gk.T @ found.basis_gk, np.eye(64), atol=1e-5)
    np.testing.assert_allclose(found.c_nk, x_ng @ found.basis_gk, atol=1e-3)
    assert found.c_nk.base is None, "a view of the wider coordinates would keep their memory"
    np.testing.assert_allclose(found.outside_n + (found.c_nk**2).sum(1), (x_ng**2).sum(1), rtol=1e-4)
    assert found.total == pytest.approx((x_ng.astype(np.float64) ** 2).sum(), rel=1e-6)
    peer = IncrementalPCA(64, batch_size=500).fit(x_ng)
    assert found.squares_k.sum() > peer.singular_values_.__pow__(2).sum()


def test_samples_move_to_another_order_in_their_own_memory(x_ng):
    c_nk, outside_n = x_ng[:300, :37].copy(), np.arange(300.0)
    order_n = np.random.default_rng(0).permutation(300)
    want = c_nk[order_n]
    moved = Reduced(find_subspace(x_ng[:50, :37]), c_nk, outside_n).sorted(order_n)
    np.testing.assert_array_equal(moved.c_nk, want)
    np.testing.assert_array_equal(moved.outside_n, order_n)
    assert moved.c_nk is c_nk


def test_samples_that_are_not_learned_from_decide_nothing(x_ng, monkeypatch):
    monkeypatch.setattr(sketch_file, "PILOT", 400)
    learn_n = np.arange(len(x_ng)) % 5 > 0
    other = x_ng.copy()
    other[~learn_n] = np.random.default_rng(0).normal(0, 9, other[~learn_n].shape)
    want, got = (sketch(InMemory(x), rank=16, learn_n=learn_n) for x in (x_ng, other))
    np.testing.assert_allclose(got.basis_gk, want.basis_gk, atol=1e-6)
    alone = sketch(InMemory(x_ng[learn_n]), rank=16)
    assert want.squares_k.sum() == pytest.approx(alone.squares_k.sum(), rel=1e-3)


def test_a_store_is_prepared_as_its_table_is(tmp_path):
    adata = simulate.cohort(20, n_genes=320)
    adata.X[adata.X < 5] = 5.0
    for scale, values in (("log2", adata.X), ("linear", 2**adata.X + 60), ("counts", np.round(2**adata.X))):
        table = adata.copy()
        table.X = values.astype(np.float32)
        table.write_h5ad(tmp_path / f"{scale}.h5ad")
        store = pack([tmp_path / f"{scale}.h5ad"], tmp_path / f"{scale}.zarr")
        want, got = prepare(table, scale=scale), prepare(store, scale=scale)
        assert got.account == want.account
        assert got.genes.ids == want.genes.ids
        np.testing.assert_allclose(got.mean_g, want.mean_g, rtol=1e-12)
        np.testing.assert_allclose(got.sd_g, want.sd_g, rtol=1e-9)
        prepared = PreparedStore(store, want)
        parts = [x_ng for _, x_ng in prepared.blocks(7)]
        assert prepared._short_way is not None
        np.testing.assert_allclose(np.concatenate(parts), want.transform(table), atol=1e-4)
        np.testing.assert_allclose(prepared.take(np.array([4, 1])), want.transform(table)[[4, 1]], atol=1e-4)
        fewer = prepare(table[:, :60].copy(), scale="log2" if scale == "log2" else scale)
        np.testing.assert_allclose(
            next(PreparedStore(store, fewer).blocks(5))[1], fewer.transform(table[:5]), atol=1e-4
        )


def test_missing_values_leave_their_genes_out_and_say_so(tmp_path):
    adata = simulate.cohort(20, n_genes=320)
    first, second = adata[:25].copy(), adata[25:, 8:].copy()
    for name, part in (("a", first), ("b", second)):
        part.write_h5ad(tmp_path / f"{name}.h5ad")
    store = pack([tmp_path / "a.h5ad", tmp_path / "b.h5ad"], tmp_path / "s.zarr", genes="union")
    preparation = prepare(store)
    assert preparation.account["genes_incomplete"] == 8
    assert set(preparation.genes.ids) <= set(adata.var_names[8:])
    whole = prepare(adata)
    with pytest.raises(InputError, match="missing"):
        list(PreparedStore(store, whole).blocks())
    # Codes of another model: genes that an input lacks are at the model's mean, as in a table that lacks them.
    pca = models.PCA(3).fit(adata)
    want = np.concatenate([nodes.encode(first, pca, layer="PC"), nodes.encode(second, pca, layer="PC")])
    np.testing.assert_allclose(nodes.encode(store, pca, layer="PC"), want, atol=1e-4)


def test_the_command_line_packs_fits_and_encodes(cohort, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cohort.write_h5ad("cohort.h5ad")
    for words in (
        "pack cohort.h5ad --out cohort.zarr",
        "fit cohort.zarr --subject subject --widths 8,4 --out model",
        "encode cohort.zarr --model model --layer L2 --out codes.h5ad",
        "fetch --list",
    ):
        monkeypatch.setattr(sys, "argv", ["genelight", *words.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "cohort.h5ad: 48 samples; 400 genes found, 0 missing, 0 not used; 0 values missing" in said
    assert "reactome: pathways" in said
    codes = anndata.read_h5ad("codes.h5ad")
    assert codes.obsm["X_L2"].shape == (48, 4)
    assert list(codes.obs_names) == list(cohort.obs_names)
