import numpy as np
import pytest
from sklearn.decomposition import FastICA

from genelight.models.rotation import independent
from genelight.models.subspace import find_subspace


@pytest.fixture
def subspace():
    rng = np.random.default_rng(0)
    x_ng = rng.normal(size=(60, 8)) @ rng.laplace(size=(8, 400))
    return find_subspace((x_ng - x_ng.mean(0)).astype(np.float32))


def test_a_rotation_is_orthogonal_and_its_profiles_point_to_the_heavier_tail(subspace):
    rotation_kk = independent(subspace, 6)
    np.testing.assert_allclose(rotation_kk @ rotation_kk.T, np.eye(6), atol=1e-5)
    assert ((rotation_kk @ subspace.basis_gk[:, :6].T) ** 3).sum(1).min() >= 0


def test_a_decomposition_that_fails_in_single_precision_is_done_in_double(subspace, monkeypatch):
    expected = independent(subspace, 6)
    fit = FastICA.fit

    def only_in_double(self, x):
        if x.dtype == np.float32:
            raise np.linalg.LinAlgError("SVD did not converge")
        return fit(self, x)

    monkeypatch.setattr(FastICA, "fit", only_in_double)
    np.testing.assert_allclose(np.abs(expected @ independent(subspace, 6).T), np.eye(6), atol=1e-2)
