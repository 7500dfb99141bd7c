"""The rotation of principal axes that makes their gene profiles independent."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from ..._core.threads import one_thread
from .exact import Subspace

__all__ = ["independent", "varimax"]

# Products of a search, at most: beyond a hundred axes or so it ends before the iterations do.
MOST_PRODUCTS = 1.5e11


def independent(
    subspace: Subspace, axes: int, *, seed: int = 0, iterations: int = 200, tolerance: float = 1e-4
) -> np.ndarray:
    """Rotation of the first axes to independent gene profiles, shape ``(axes, axes)``, one profile a row.

    Every profile has its heavier tail up; the one that carries the largest variance comes first.

    Parameters
    ----------
    subspace
        Principal axes.
    axes
        How many of them to rotate.
    seed
        For the start.
    iterations, tolerance
        When FastICA ends; the defaults serve a start that is trained further. Wide searches end earlier, for time.

    Notes
    -----
    Source: Lee and Batzoglou 2003, doi 10.1186/gb-2003-4-11-r76.
    """
    basis_gk = subspace.basis_gk[:, :axes]
    affordable = int(MOST_PRODUCTS / (4 * axes**2 * len(basis_gk)))
    most = min(iterations, max(10, affordable))
    ica = FastICA(whiten=False, fun=_log_cosh, max_iter=most, tol=tolerance, random_state=seed)
    with one_thread():
        u, _, vt = np.linalg.svd(_components(ica, basis_gk * np.float32(np.sqrt(len(basis_gk)))))
    rotation_kk = u @ vt
    return _arranged(rotation_kk, rotation_kk @ basis_gk.T, variance_k=rotation_kk**2 @ subspace.variance_k[:axes])


def varimax(loading_gk: np.ndarray, *, iterations: int = 300, tolerance: float = 1e-7) -> np.ndarray:
    """Rotation under which every axis loads few genes strongly, shape ``(axes, axes)``, one axis a row.

    Codes stay uncorrelated, with variance one: what changes is which directions are axes. The heavier tail of each
    axis is up; the one that carries the largest variance comes first.

    Parameters
    ----------
    loading_gk
        What a standard deviation of each axis does to the genes. Each gene counts the same (Kaiser's normalisation).
    iterations, tolerance
        When it ends. Wide searches end earlier, for time.

    Notes
    -----
    Source: Kaiser 1958, doi 10.1007/BF02289233. Cost: two products of genes by axes by axes in each iteration.
    """
    genes, axes = loading_gk.shape
    length_g1 = np.linalg.norm(loading_gk, axis=1, keepdims=True)
    even_gk = loading_gk / np.where(length_g1 > 0, length_g1, 1.0)
    rotation_kk, before = np.eye(axes, dtype=even_gk.dtype), 0.0
    for _ in range(min(iterations, max(10, int(MOST_PRODUCTS / (4 * axes**2 * genes))))):
        rotated_gk = even_gk @ rotation_kk
        u, s, vt = np.linalg.svd(even_gk.T @ (rotated_gk**3 - rotated_gk * (rotated_gk**2).mean(0)))
        rotation_kk, reached = u @ vt, float(s.sum())
        if reached < before * (1 + tolerance):
            break
        before = reached
    profile_kg = (loading_gk @ rotation_kk).T
    return _arranged(rotation_kk.T, profile_kg, variance_k=(profile_kg**2).sum(1))


def _arranged(rotation_kk: np.ndarray, profile_kg: np.ndarray, *, variance_k: np.ndarray) -> np.ndarray:
    """Rows with the heavier tail of their profiles up, from the largest variance on."""
    sign_k = np.where((profile_kg**3).sum(1) < 0, -1.0, 1.0)
    return (rotation_kk * sign_k[:, None])[np.argsort(-variance_k, kind="stable")].astype(np.float32)


def _components(ica: FastICA, white_gk: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        # An unfinished rotation is still a rotation: only how sparse the profiles are depends on it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            return ica.fit(white_gk).components_
        except np.linalg.LinAlgError:
            # In single precision the decomposition of several hundred components now and then does not converge.
            return ica.fit(white_gk.astype(np.float64)).components_


def _log_cosh(x_kg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivative of log cosh, and the mean of its own derivative: FastICA's default contrast, without its row loop."""
    slope_kg = np.tanh(x_kg)
    return slope_kg, 1 - np.einsum("kg,kg->k", slope_kg, slope_kg) / slope_kg.shape[1]
