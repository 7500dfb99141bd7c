import numpy as np
import pytest
from sklearn.decomposition import PCA as Reference

from genelight import models
from genelight.errors import InputError, UnknownNameError
from genelight.models.reconstruct import squared_errors
from genelight.nouns import Model


def test_axes_codes_and_r2_are_those_of_scikit_learn(cohort, pca):
    x_ng = pca.prepare(cohort)
    reference = Reference(8, svd_solver="full").fit(x_ng.astype(np.float64))
    cosine_kk = reference.components_ @ pca.basis_gk
    np.testing.assert_allclose(np.abs(cosine_kk), np.eye(8), atol=1e-4)
    codes = reference.transform(x_ng.astype(np.float64)) * np.sign(np.diag(cosine_kk))
    np.testing.assert_allclose(pca.encode(x_ng), codes, atol=1e-3)
    assert models.r2(pca, x_ng) == pytest.approx(reference.explained_variance_ratio_.sum(), abs=1e-6)


def test_more_genes_or_more_samples_make_no_difference(cohort):
    few = cohort[:, :30].copy()
    model = models.PCA(5).fit(few)
    reference = Reference(5, svd_solver="full").fit(model.prepare(few).astype(np.float64))
    np.testing.assert_allclose(np.abs(reference.components_ @ model.basis_gk), np.eye(5), atol=1e-4)


def test_all_components_give_everything_back(cohort):
    model = models.PCA(47).fit(cohort)
    assert models.r2(model, model.prepare(cohort)) == pytest.approx(1, abs=1e-6)


def test_the_order_of_genes_changes_nothing(cohort, pca):
    order = np.random.default_rng(0).permutation(cohort.n_vars)
    again = models.PCA(8).fit(cohort[:, order].copy())
    assert models.r2(again, again.prepare(cohort)) == pytest.approx(models.r2(pca, pca.prepare(cohort)), abs=1e-6)
    np.testing.assert_array_equal(pca.encode(pca.prepare(cohort[:, order])), pca.encode(pca.prepare(cohort)))


def test_squared_errors_add_up_to_r2(cohort, pca):
    x_ng = pca.prepare(cohort)
    sse_n, sst_n = squared_errors(pca, x_ng)
    np.testing.assert_allclose(sst_n, (x_ng.astype(np.float64) ** 2).sum(1), rtol=1e-6)
    np.testing.assert_allclose(sse_n, ((x_ng - pca.decode(pca.encode(x_ng))) ** 2).sum(1), rtol=1e-4)
    assert models.r2(pca, x_ng) == 1 - sse_n.sum() / sst_n.sum()


@pytest.mark.parametrize("width", [0, -1, 48])
def test_a_width_that_does_not_fit_names_the_range(cohort, width):
    with pytest.raises(InputError, match=f"width = {width}, but 48 samples x 400 genes allow 1 to 47"):
        models.PCA(width).fit(cohort)


@pytest.mark.parametrize("name", ["pca", "autoencoder", "plain"])
def test_every_model_keeps_the_protocol(name, cohort, request):
    model = request.getfixturevalue(name)
    assert isinstance(model, Model)
    x_ng = model.prepare(cohort)
    assert x_ng.shape == (48, len(model.genes))
    decoded = []
    for layer, width in model.widths.items():
        h_nk = model.encode(x_ng, layer)
        assert h_nk.shape == (48, width)
        assert h_nk.dtype == np.float32
        np.testing.assert_allclose(model.encode(x_ng[7:8], layer), h_nk[7:8], atol=1e-4)
        decoded.append(model.decode(h_nk, layer))
        assert decoded[-1].shape == x_ng.shape
        np.testing.assert_allclose(decoded[-1], decoded[0], atol=1e-4)
        seen = model.code_range(layer)
        for part, want in (("minimum", h_nk.min(0)), ("maximum", h_nk.max(0)), ("mean", h_nk.mean(0))):
            np.testing.assert_allclose(getattr(seen, part), want, atol=1e-4)
        np.testing.assert_allclose(seen.sd, h_nk.std(0), atol=1e-4)
    for ask in (lambda: model.encode(x_ng, "L9"), lambda: model.decode(x_ng, "L9"), lambda: model.code_range("L9")):
        with pytest.raises(UnknownNameError, match="unknown layer 'L9'"):
            ask()
