"""The samples' own subspace: where a model with a linear output can be trained without loss, many times faster.

For n samples x g genes of rank k, ``x = c V'`` with coordinates ``c`` (n x k) and an orthonormal basis ``V``
(g x k). A network whose output is linear in its last hidden layer and whose error is squared has, for training
samples, the same loss and the same gradient on ``c`` as on ``x``; for any other sample the part outside the
subspace is orthogonal and adds a constant. See Eckart and Young 1936, doi 10.1007/BF02288367.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from sklearn.utils.extmath import randomized_svd

from .._core.threads import one_thread

__all__ = ["EXACT_UP_TO", "Subspace", "eigen", "find_subspace"]

EXACT_UP_TO = 4000


@dataclass(frozen=True)
class Subspace:
    """An orthonormal basis of gene space, its directions sorted by the variance they carry.

    Attributes
    ----------
    basis_gk
        Shape ``(g, k)``, float32, orthonormal columns: the principal axes.
    variance_k
        Variance of the training samples along each axis.
    lost
        Share of the training variance outside the basis; 0 where the basis is exact.
    """

    basis_gk: np.ndarray
    variance_k: np.ndarray
    lost: float

    def coordinates(self, x_ng: np.ndarray) -> np.ndarray:
        """Coordinates of samples, shape ``(n, k)``."""
        return np.asarray(x_ng, dtype=np.float32) @ self.basis_gk

    def genes(self, c_nk: np.ndarray) -> np.ndarray:
        """Gene values of coordinates, shape ``(n, g)``."""
        return np.asarray(c_nk, dtype=np.float32) @ self.basis_gk.T


def find_subspace(x_ng: np.ndarray, *, rank: int | None = None, seed: int = 0) -> Subspace:
    """Find the subspace that centred samples span.

    Parameters
    ----------
    x_ng
        Centred values, shape ``(n, g)``.
    rank
        Keep only so many axes. By default all, exactly, up to min(n, g) = 4,000, and 4,000 beyond.
    seed
        For the randomized decomposition, used only beyond that size.

    Notes
    -----
    Cost of the exact way: one Gram matrix, O(n g min(n, g)), and its eigenvectors, O(min(n, g)³).
    """
    smaller = min(x_ng.shape)
    total = float(np.einsum("ng,ng->", x_ng, x_ng, dtype=np.float64))
    if smaller > EXACT_UP_TO:
        wanted = min(rank or EXACT_UP_TO, smaller)
        _, s_k, vt_kg = randomized_svd(x_ng, wanted, random_state=seed)
        basis_gk = vt_kg.T
    else:
        s_k, basis_gk = _exact(x_ng.astype(np.float64), rank)
    kept = float((s_k**2).sum())
    lost = max(0.0, 1.0 - kept / total) if total else 0.0
    variance_k = s_k**2 / x_ng.shape[0]
    # An axis has no sign of its own: its strongest gene points up, as in scikit-learn's svd_flip.
    strongest = np.abs(basis_gk).argmax(0)
    basis_gk = basis_gk * np.sign(basis_gk[strongest, np.arange(basis_gk.shape[1])])
    basis = np.ascontiguousarray(basis_gk, dtype=np.float32)
    return Subspace(basis, variance_k, lost if lost > 1e-6 else 0.0)


def eigen(symmetric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues from the largest on, and their vectors as columns."""
    with one_thread() if len(symmetric) < 2000 else nullcontext():
        values, vectors = scipy.linalg.eigh(symmetric, overwrite_a=True, check_finite=False)
    return values[::-1], vectors[:, ::-1]


def _exact(x_ng: np.ndarray, rank: int | None) -> tuple[np.ndarray, np.ndarray]:
    n, g = x_ng.shape
    gram = x_ng @ x_ng.T if n <= g else x_ng.T @ x_ng
    values, vectors = eigen(gram)
    # Eigenvalues of a Gram matrix are squared: below this they are rounding noise, not directions.
    real = values > values[0] * 1e-10
    values, vectors = values[real][:rank], vectors[:, real][:, :rank]
    s_k = np.sqrt(values)
    return s_k, (x_ng.T @ vectors) / s_k if n <= g else vectors
