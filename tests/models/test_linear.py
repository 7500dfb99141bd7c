"""PCA and ICA: one space, other directions."""

import numpy as np
import pytest
from scipy.stats import kurtosis

from genelight import demo, models
from genelight.errors import InputError, UnknownNameError


@pytest.fixture(scope="module")
def pair():
    adata = demo.cohort()
    return adata, models.PCA(8).fit(adata), models.ICA(8).fit(adata)


def test_ica_reconstructs_as_pca_does(pair):
    adata, pca, ica = pair
    x_ng = pca.prepare(adata)
    assert models.r2(ica, x_ng) == pytest.approx(models.r2(pca, x_ng), abs=1e-5)
    np.testing.assert_allclose(ica.basis_gk.T @ ica.basis_gk, np.eye(8), atol=1e-5)


def test_ica_profiles_have_heavier_tails_and_the_heavy_one_up(pair):
    _, pca, ica = pair
    assert kurtosis(ica.basis_gk).mean() > 1.5 * kurtosis(pca.basis_gk).mean()
    assert (ica.basis_gk**3).sum(0).min() > 0


@pytest.mark.parametrize("kind", [1, 2])
def test_save_and_load(pair, kind, tmp_path):
    model = pair[kind]
    model.save(tmp_path / "model")
    again = models.load(tmp_path / "model")
    assert type(again) is type(model)
    assert again.digest == model.digest
    assert again.widths == model.widths


@pytest.mark.parametrize("kind", [models.PCA, models.ICA])
@pytest.mark.parametrize("width", [0, 100_000])
def test_a_width_that_does_not_fit(kind, width):
    with pytest.raises(InputError, match=f"width = {width}, but 252 samples x 4147 genes allow 1 to"):
        kind(width).fit(demo.cohort())


def test_an_unknown_layer(pair):
    with pytest.raises(UnknownNameError, match="unknown layer 'PC' in a model of kind ica"):
        pair[2].decode(np.zeros((1, 8)), "PC")
