"""Rotations of axes to independent profiles and to profiles of few genes: found again, and rotations indeed."""

import numpy as np
import pytest
from sklearn.decomposition import FastICA
from sklearn.decomposition._factor_analysis import _ortho_rotation

from genelight.models.subspace.exact import find_subspace
from genelight.models.subspace.rotation import independent, varimax


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


def planted(axes: int = 5, genes: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Loadings of which each axis has genes of its own, and the same mixed by a random rotation."""
    rng = np.random.default_rng(0)
    loading_gk = 0.02 * rng.normal(size=(genes, axes))
    for k in range(axes):
        loading_gk[k * 40 : k * 40 + 40, k] += rng.uniform(0.5, 1.5, 40)
    mix_kk, _ = np.linalg.qr(rng.normal(size=(axes, axes)))
    return loading_gk, loading_gk @ mix_kk


def test_planted_axes_come_back_whatever_they_were_mixed_by():
    loading_gk, mixed_gk = planted()
    rotation_kk = varimax(mixed_gk)
    np.testing.assert_allclose(rotation_kk @ rotation_kk.T, np.eye(5), atol=1e-5)
    back_gk = mixed_gk @ rotation_kk.T
    r_kk = np.corrcoef(back_gk.T, loading_gk.T)[:5, 5:]
    assert (r_kk.max(1) > 0.99).all()  # heavier tails are up, as planted
    assert (np.diff((back_gk**2).sum(0)) <= 1e-6).all()


def test_it_is_as_simple_as_scikit_learns_varimax():
    rng = np.random.default_rng(1)
    mixed_gk = rng.standard_t(3, size=(400, 6)) @ np.linalg.qr(rng.normal(size=(6, 6)))[0]
    even_gk = mixed_gk / np.linalg.norm(mixed_gk, axis=1, keepdims=True)
    ours_gk = even_gk @ varimax(mixed_gk).T
    theirs_gk = _ortho_rotation(even_gk, method="varimax", tol=1e-8, max_iter=1000).T

    def simplicity(x_gk: np.ndarray) -> float:
        return float((x_gk**2).var(0).sum())

    assert simplicity(ours_gk) > simplicity(even_gk)
    np.testing.assert_allclose(simplicity(ours_gk), simplicity(theirs_gk), rtol=1e-3)
