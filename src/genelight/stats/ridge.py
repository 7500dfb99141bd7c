"""Ridge regression of many targets at once, every penalty from one decomposition, subjects weighted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.threads import one_thread

__all__ = ["PENALTIES", "Line", "Path", "ridge_map", "ridge_path", "spectrum"]

# Relative to the mean squared length of a sample; the strongest first, so that it wins ties.
PENALTIES = np.logspace(2, -3, 11)


@dataclass(frozen=True)
class Line:
    """A weight per feature; a prediction is ``intercept + (f - centre) @ weight``."""

    centre_f: np.ndarray
    weight_f: np.ndarray
    intercept: float


@dataclass(frozen=True)
class Path:
    """Ridge solutions at every penalty, for every target, without spelling out the weights.

    Attributes
    ----------
    centre_f
        Weighted mean of the features.
    axis_fr
        Principal axes of the weighted samples.
    inside_rt
        Each target's part along each axis, before it is shrunk.
    value_r
        Squared length along each axis, in units of a sample's mean squared length.
    mean_t
        Weighted mean of each target.
    """

    centre_f: np.ndarray
    axis_fr: np.ndarray
    inside_rt: np.ndarray
    value_r: np.ndarray
    mean_t: np.ndarray

    def predict(self, f_nf: np.ndarray) -> np.ndarray:
        """Predictions of new samples, shape ``(n, penalties, t)``."""
        along_nr = (f_nf - self.centre_f) @ self.axis_fr
        shrunk_prt = self.inside_rt / (self.value_r[:, None] + PENALTIES[:, None, None])
        return np.einsum("nr,prt->npt", along_nr, shrunk_prt, optimize=True) + self.mean_t

    def line(self, penalty: int, target: int = 0) -> Line:
        """The solution at one penalty (a position) for one target."""
        weight_f = self.axis_fr @ (self.inside_rt[:, target] / (self.value_r + PENALTIES[penalty]))
        return Line(self.centre_f, weight_f, float(self.mean_t[target]))


def ridge_path(f_nf: np.ndarray, y_nt: np.ndarray, weight_n: np.ndarray) -> Path:
    """Solve for every penalty through the smaller Gram matrix.

    Parameters
    ----------
    f_nf
        Features; standardise them before, all are penalised alike.
    y_nt
        Targets.
    weight_n
        Sample weights, any scale.
    """
    share_n = weight_n / weight_n.sum()
    centre_f, mean_t = share_n @ f_nf, share_n @ y_nt
    root_n = np.sqrt(share_n)[:, None]
    a_nf, b_nt = root_n * (f_nf - centre_f), root_n * (y_nt - mean_t)
    length = max(float(np.einsum("nf,nf->", a_nf, a_nf)), 1e-12)
    a_nf = a_nf / np.sqrt(length)
    # In the subspace of n samples the mean sample has squared length one, so the penalties mean the same for any n.
    value_r, axis_fr = spectrum(a_nf)
    n = len(f_nf)
    inside_rt = axis_fr.T @ (a_nf.T @ b_nt) * n / np.sqrt(length)
    return Path(centre_f, axis_fr, inside_rt, value_r * n, mean_t)


def ridge_map(f_nf: np.ndarray, penalty: float) -> np.ndarray:
    """What turns centred targets of the samples into weights at one penalty, shape ``(f, n)``: for targets by the many.

    Parameters
    ----------
    f_nf
        Features, centred.
    penalty
        Per sample, in units of a standardised feature's variance.
    """
    gram_ff = f_nf.T @ f_nf + penalty * len(f_nf) * np.eye(f_nf.shape[1])
    return np.linalg.solve(gram_ff, f_nf.T)


def spectrum(a_nk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared singular values ``(r,)`` and right singular vectors ``(k, r)``, through the smaller Gram matrix."""
    n, k = a_nk.shape
    with one_thread():
        if k <= n:
            return np.linalg.eigh(a_nk.T @ a_nk)
        value_r, left_nr = np.linalg.eigh(a_nk @ a_nk.T)
        kept = value_r > 1e-10 * value_r[-1]
        return value_r[kept], a_nk.T @ left_nr[:, kept] / np.sqrt(value_r[kept])
