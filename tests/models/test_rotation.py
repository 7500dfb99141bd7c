"""Rotations of axes: varimax finds planted axes of few genes, and stays a rotation."""

import numpy as np
from sklearn.decomposition._factor_analysis import _ortho_rotation

from genelight.models.rotation import varimax


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
