"""The rotation of principal axes that makes their gene profiles independent."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from .._core.threads import one_thread
from .subspace import Subspace

__all__ = ["independent"]

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
    profile_kg = rotation_kk @ basis_gk.T
    rotation_kk *= np.where((profile_kg**3).sum(1) < 0, -1.0, 1.0)[:, None]
    order = np.argsort(-(rotation_kk**2 @ subspace.variance_k[:axes]), kind="stable")
    return rotation_kk[order].astype(np.float32)


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
