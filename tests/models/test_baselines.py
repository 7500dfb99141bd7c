"""Every registered baseline keeps the protocol; NMF against scikit-learn and scipy; random weights know nothing."""

import numpy as np
import pytest
from scipy.optimize import nnls
from sklearn.decomposition import NMF as Reference

import genelight as gl
from genelight import models
from genelight.errors import InputError, UnknownNameError
from genelight.models.nmf import mixture
from genelight.models.spec import BASELINES
from genelight.nouns import Model


@pytest.fixture(scope="module", params=list(BASELINES))
def baseline(request, cohort):
    return BASELINES[request.param]((8, 6), seed=3).fit(cohort)


def test_a_baseline_keeps_the_protocol(baseline, cohort):
    assert isinstance(baseline, Model)
    assert min(baseline.widths.values()) == 6
    x_ng = baseline.prepare(cohort)
    for layer, width in baseline.widths.items():
        h_nk = baseline.encode(x_ng, layer)
        assert h_nk.shape == (48, width)
        assert h_nk.dtype == np.float32
        np.testing.assert_allclose(baseline.encode(x_ng[7:8], layer), h_nk[7:8], atol=1e-4)
        assert baseline.decode(h_nk, layer).shape == x_ng.shape
        np.testing.assert_allclose(baseline.code_range(layer).maximum, h_nk.max(0), atol=1e-4)
    with pytest.raises(UnknownNameError, match="unknown layer 'L9'"):
        baseline.encode(x_ng, "L9")


def test_a_baseline_is_saved_and_read_back_to_the_bit(baseline, cohort, tmp_path):
    baseline.save(tmp_path / "model")
    again = models.load(tmp_path / "model")
    assert type(again) is type(baseline)
    assert (again.name, again.digest, again.widths) == (baseline.name, baseline.digest, baseline.widths)
    x_ng = baseline.prepare(cohort)
    for layer in baseline.widths:
        np.testing.assert_array_equal(again.encode(x_ng, layer), baseline.encode(x_ng, layer))


def test_a_baselines_nodes_can_be_lit(baseline):
    for layer in baseline.widths:
        nodes = gl.nodes.light_up(baseline, layer)
        assert np.isfinite(nodes.values_kg).all()
        assert (np.abs(nodes.values_kg).max(1) > 0).any()


def test_the_order_of_genes_in_a_table_changes_no_code(baseline, cohort):
    order = np.random.default_rng(0).permutation(cohort.n_vars)
    layer = list(baseline.widths)[-1]
    codes = [baseline.encode(baseline.prepare(table), layer) for table in (cohort, cohort[:, order])]
    np.testing.assert_array_equal(codes[0], codes[1])


def test_nmf_reconstructs_as_scikit_learn_does(cohort):
    model = models.NMF(5).fit(cohort)
    x_ng = model.prepare(cohort)
    y_ng = x_ng - x_ng.min(0)
    reference = Reference(5, init="nndsvda", max_iter=1000).fit(y_ng)
    error = np.linalg.norm(x_ng - model.decode(model.encode(x_ng)))
    assert error == pytest.approx(reference.reconstruction_err_, rel=2e-3)
    assert (model.parts_kg >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(model.parts_kg, axis=1), 1, rtol=1e-5)


def test_nmf_is_below_pca_of_the_same_width(cohort):
    nmf, pca = models.NMF(5).fit(cohort), models.PCA(5).fit(cohort)
    x_ng = pca.prepare(cohort)
    assert 0 < models.r2(nmf, x_ng) <= models.r2(pca, x_ng)


@pytest.mark.parametrize("seed", range(3))
def test_mixtures_are_scipys_nonnegative_least_squares(seed):
    rng = np.random.default_rng(seed)
    parts_kg = rng.exponential(size=(6, 40)).astype(np.float32)
    y_ng = rng.exponential(size=(9, 40)).astype(np.float32)
    want = np.array([nnls(parts_kg.T.astype(float), y.astype(float))[0] for y in y_ng])
    assert (want == 0).any()
    np.testing.assert_allclose(mixture(y_ng, parts_kg), want, atol=1e-4)


def test_a_part_without_genes_takes_no_share():
    parts_kg = np.zeros((2, 5), dtype=np.float32)
    parts_kg[0] = 1
    np.testing.assert_allclose(mixture(np.full((3, 5), 2.0, np.float32), parts_kg), [[2, 0]] * 3, atol=1e-6)


def test_random_weights_depend_on_the_seed_and_not_on_the_values(cohort):
    flipped = cohort.copy()
    flipped.X = flipped.X[::-1]
    same, moved, other = (models.Random((8, 4), seed=s).fit(a) for a, s in ((cohort, 0), (flipped, 0), (cohort, 1)))
    for name, weight in same.net.state_dict().items():
        np.testing.assert_array_equal(weight, moved.net.state_dict()[name])
    np.testing.assert_array_equal(same.subspace.basis_gk, moved.subspace.basis_gk)
    assert not np.allclose(same.subspace.basis_gk, other.subspace.basis_gk)


def test_random_nodes_share_no_genes_beyond_chance(cohort):
    values_kg = gl.nodes.light_up(models.Random((64,), seed=1).fit(cohort), "L1").values_kg
    values_kg = values_kg[np.abs(values_kg).max(1) > 0]
    correlation = np.corrcoef(values_kg)[np.triu_indices(len(values_kg), 1)]
    assert abs(correlation.mean()) < 0.02
    assert correlation.std() < 0.4


@pytest.mark.parametrize("width", [0, 49])
def test_a_width_that_does_not_fit(cohort, width):
    with pytest.raises(InputError, match=f"width = {width}, but 48 samples x 400 genes allow 1 to 48"):
        models.NMF(width).fit(cohort)
    if not width:
        with pytest.raises(InputError, match=r"widths\[0\] = 0 must be above zero"):
            models.Random((width,)).fit(cohort)
