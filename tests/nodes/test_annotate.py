import anndata
import matplotlib.pyplot as plt
import numpy as np
import pytest

from genelight import models, nodes
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
