import anndata
import matplotlib.pyplot as plt
import numpy as np
import pytest

from genelight import models, nodes, pl
from genelight.errors import GeneMismatchError, InputError, UnknownNameError


@pytest.fixture(scope="module")
def model(cohort):
    return models.fit(cohort.adata, widths=(12, 8), subject="subject", epochs=1)


def test_slots_survive_an_h5ad_file(cohort, model, tmp_path):
    adata = cohort.adata.copy()
    assert nodes.annotate(adata, model) is None
    adata.write_h5ad(tmp_path / "a.h5ad")
    back = anndata.read_h5ad(tmp_path / "a.h5ad")
    for table in (adata, back):
        assert {key: table.obsm[key].shape for key in table.obsm} == {"X_L1": (80, 12), "X_L2": (80, 8)}
        assert {key: table.varm[key].shape for key in table.varm} == {"lightup_L1": (200, 12), "lightup_L2": (200, 8)}
        np.testing.assert_array_equal(table.obsm["X_L2"], nodes.encode(cohort.adata, model, layer="L2"))
        np.testing.assert_array_equal(table.varm["lightup_L2"].T, nodes.light_up(model, "L2").values_kg)
        about = table.uns["genelight"]
        assert about["digest"] == model.digest
        assert {layer: int(width) for layer, width in about["layers"].items()} == {"L1": 12, "L2": 8}
        assert (about["model"], about["rest"], about["level"]) == ("autoencoder", "minimum", "max")


def test_layers_and_states_of_ones_choice(cohort, model):
    adata = cohort.adata.copy()
    nodes.annotate(adata, model, layers=["L2"], rest="mean", level="q99")
    assert list(adata.obsm) == ["X_L2"]
    expected = nodes.light_up(model, "L2", rest="mean", level="q99").values_kg.T
    np.testing.assert_array_equal(adata.varm["lightup_L2"], expected)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"layers": ["L3"]}, UnknownNameError),
        ({"layers": []}, InputError),
        ({"level": "q98"}, UnknownNameError),
        ({"rest": "average"}, UnknownNameError),
    ],
)
def test_bad_input_leaves_the_table_as_it_was(cohort, model, settings, error):
    adata = cohort.adata.copy()
    with pytest.raises(error):
        nodes.annotate(adata, model, **settings)
    assert not list(adata.obsm) + list(adata.varm) + list(adata.uns)


def test_table_with_other_genes(cohort, model):
    adata = cohort.adata[:, :100].copy()
    with pytest.raises(GeneMismatchError, match="only 100 of the model's 200 genes"):
        nodes.annotate(adata, model)
    assert not list(adata.obsm)


def test_codes_of_nodes_as_columns_of_obs_where_asked(cohort, model):
    adata = cohort.adata.copy()
    nodes.annotate(adata, model, obs=["L2.5", "L1.0"])
    np.testing.assert_array_equal(adata.obs["L2.5"], adata.obsm["X_L2"][:, 5])
    fresh = cohort.adata.copy()
    with pytest.raises(UnknownNameError, match=r"L2\.5"):
        nodes.annotate(fresh, model, obs=["L2.55"])
    assert not list(fresh.obsm)
    assert set(fresh.obs) == set(cohort.adata.obs)


def test_a_node_is_drawn_from_the_table_alone(cohort, model):
    adata = cohort.adata.copy()
    nodes.annotate(adata, model)
    names = [[t.get_text() for t in pl.node_genes(lit, "L2.5", n_top=6).get_yticklabels()] for lit in
             (adata, nodes.light_up(model, "L2"))]  # fmt: skip
    plt.close("all")
    assert names[0] == names[1]
    with pytest.raises(UnknownNameError, match="annotate"):
        pl.node_genes(cohort.adata, "L2.5")
    with pytest.raises(UnknownNameError, match=r"L2\.8"):
        pl.node_genes(adata, "L2.8")


@pytest.mark.filterwarnings("ignore")
def test_scanpy_colours_a_umap_by_a_node_and_lists_its_genes(cohort, model, tmp_path):
    scanpy = pytest.importorskip("scanpy", reason="scanpy is not installed")
    adata = cohort.adata.copy()
    nodes.annotate(adata, model, obs=["L2.5"])
    # Where the samples stand is UMAP's to say; its own graph would take half a minute to compile.
    adata.obsm["X_umap"] = adata.obsm["X_L1"][:, :2].astype(np.float32)
    adata.write_h5ad(tmp_path / "a.h5ad")
    adata = anndata.read_h5ad(tmp_path / "a.h5ad")
    axes = scanpy.pl.umap(adata, color="L2.5", show=False)
    np.testing.assert_allclose(np.sort(axes.collections[0].get_array()), np.sort(adata.obs["L2.5"]), rtol=1e-6)
    found = scanpy.get.rank_genes_groups_df(adata, group="L2.5", key="lightup_L2")
    assert list(found["names"][:20]) == list(nodes.light_up(model, "L2").of("L2.5").index[:20])
    scanpy.pl.rank_genes_groups(adata, groups=["L2.5"], key="lightup_L2", show=False)
    plt.close("all")


# What scanpy calls of matplotlib's that will go is not ours to mend.
@pytest.mark.filterwarnings("ignore")
def test_scanpys_own_plots_find_the_slots(cohort, model):
    scanpy = pytest.importorskip("scanpy", reason="scanpy is not installed; it reads obsm and varm as anndata does")
    adata = cohort.adata.copy()
    nodes.annotate(adata, model)
    # UMAP's own graph would take half a minute to compile.
    scanpy.pp.neighbors(adata, use_rep="X_L1", n_neighbors=5, method="gauss", transformer="sklearn")
    assert adata.obsp["connectivities"].nnz > 0
    axes = scanpy.pl.embedding(adata, "X_L2", show=False)
    np.testing.assert_allclose(axes.collections[0].get_offsets(), adata.obsm["X_L2"][:, :2], rtol=1e-6)
    scanpy.pl.ranking(adata, "varm", "lightup_L2", indices=[1, 0], show=False)
    first = [text.get_text() for text in plt.gcf().axes[0].texts]
    plt.close("all")
    assert first[:5] == nodes.light_up(model, "L2").of("L2.1").index[:5].tolist()
