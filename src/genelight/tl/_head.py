"""A linear head on codes: ridge discriminant, its cross-validation, its activation pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.contrast import Contrast
from .._core.threads import one_thread
from ._adjust import Adjustment
from ._auc import weighted_auc
from ._subjects import folds_of, group_sizes, kinds

__all__ = ["PENALTIES", "Head", "Validation", "cross_validate", "fit_head"]

# Relative to the mean variance of a standardised code, which is one; the strongest first, so that it wins ties.
PENALTIES = np.logspace(4, -4, 17)
FOLDS = 5


@dataclass(frozen=True)
class Head:
    """A fitted head and what it says of the codes; arrays have shape ``(k,)``.

    Attributes
    ----------
    control_k
        Mean code of the controls.
    sd_k
        Standard deviation of each code (1 where it does not vary).
    weight_k
        Weights on standardised codes.
    shift_k
        Cases' mean less controls', standardised.
    pattern_k
        Covariance of each standardised code with the head's output.
    """

    control_k: np.ndarray
    sd_k: np.ndarray
    weight_k: np.ndarray
    shift_k: np.ndarray
    pattern_k: np.ndarray

    @property
    def gap(self) -> float:
        """How far apart the head's output is for the mean case and the mean control."""
        return float(self.weight_k @ self.shift_k)

    def activation_k(self) -> np.ndarray:
        """Change of codes that goes with the step from control to case, in code units.

        Haufe's transformation of the weights: the covariance of the codes with the head's output over the
        output's variance, times the step. Without a penalty it is the difference of the class means.
        """
        return self.sd_k * self.pattern_k * _ratio(self.gap, float(self.weight_k @ self.pattern_k))

    def push_k(self) -> np.ndarray:
        """Change along the weights themselves that makes the head take the step from control to case."""
        return self.sd_k * self.weight_k * _ratio(self.gap, float(self.weight_k @ self.weight_k))

    def share_k(self) -> np.ndarray:
        """Each node's part of the gap; sums to one."""
        return self.weight_k * self.shift_k * _ratio(1.0, self.gap)


@dataclass(frozen=True)
class Validation:
    """Figures of a head on held-out subjects at its best penalty."""

    penalty: float
    loss: float
    auc: float


def fit_head(h_nk: np.ndarray, contrast: Contrast, weight_n: np.ndarray, *, penalty: float) -> Head:
    """Ridge regression of +-1 on standardised codes, adjusted for covariates: a regularised linear discriminant.

    Parameters
    ----------
    h_nk
        Codes.
    contrast
        Cases and controls among them.
    weight_n
        Sample weights; each group sums to one.
    penalty
        Added to the diagonal of the codes' correlation matrix.
    """
    h_nk = Adjustment.fit(h_nk, contrast, weight_n).apply(h_nk, contrast.covariate_nc)
    a_nk, target_n, mean_k, sd_k = _design(h_nk, contrast, weight_n)
    n, k = a_nk.shape
    with one_thread():
        if k <= n:
            weight_k = np.linalg.solve(a_nk.T @ a_nk + penalty * np.eye(k), a_nk.T @ target_n)
        else:
            weight_k = a_nk.T @ np.linalg.solve(a_nk @ a_nk.T + penalty * np.eye(n), target_n)
    # Rows of a are scaled by the root of half the weight, so this is half the difference of group means.
    shift_k = 2 * (a_nk.T @ target_n)
    return Head(mean_k - sd_k * shift_k / 2, sd_k, weight_k, shift_k, a_nk.T @ (a_nk @ weight_k))


def cross_validate(h_nk: np.ndarray, contrast: Contrast, *, seed: int) -> Validation:
    """Penalty with the smallest squared error on held-out subjects, and its AUC there.

    Every penalty is answered by one decomposition per fold. The contrast has subjects as positions.
    """
    kind_s = kinds(contrast)
    folds = max(2, min(FOLDS, *group_sizes(kind_s)))
    fold_n = folds_of(kind_s, folds=folds, seed=seed)[contrast.subject_n]
    score_np = np.empty((len(h_nk), len(PENALTIES)))
    for fold in range(folds):
        train, test = fold_n != fold, fold_n == fold
        part = contrast.take(train)
        adjustment = Adjustment.fit(h_nk[train], part, part.weight_n())
        learnt_nk = adjustment.apply(h_nk[train], part.covariate_nc)
        unseen_nk = adjustment.apply(h_nk[test], contrast.take(test).covariate_nc)
        a_nk, target_n, mean_k, sd_k = _design(learnt_nk, part, part.weight_n())
        value_r, vector_kr = _spectrum(a_nk)
        projected_r = vector_kr.T @ (a_nk.T @ target_n)
        weight_kp = vector_kr @ (projected_r[:, None] / (value_r[:, None] + PENALTIES))
        score_np[test] = ((unseen_nk - mean_k) / sd_k) @ weight_kp
    weight_n = contrast.weight_n()
    sign_n = np.where(contrast.case_n, 1.0, -1.0)
    loss_p = weight_n @ (sign_n[:, None] - score_np) ** 2 / 2
    best = int(np.argmin(loss_p))
    return Validation(float(PENALTIES[best]), float(loss_p[best]), weighted_auc(score_np[:, best], contrast, weight_n))


def _design(
    h_nk: np.ndarray, contrast: Contrast, weight_n: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Standardised codes and +-1 targets with rows scaled by the root of their weight, and mean and sd of the codes.

    The groups have half of the weight each, so the target's mean is zero and no intercept is left to fit.
    """
    half_n = weight_n / 2
    mean_k = half_n @ h_nk
    centred_nk = h_nk - mean_k
    variance_k = half_n @ centred_nk**2
    constant_k = variance_k <= 1e-12 * np.maximum(mean_k**2, 1e-12)
    sd_k = np.where(constant_k, 1.0, np.sqrt(variance_k))
    centred_nk[:, constant_k] = 0.0
    root_n = np.sqrt(half_n)
    target_n = root_n * np.where(contrast.case_n, 1.0, -1.0)
    return centred_nk / sd_k * root_n[:, None], target_n, mean_k, sd_k


def _spectrum(a_nk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared singular values ``(r,)`` and right singular vectors ``(k, r)``, through the smaller Gram matrix."""
    n, k = a_nk.shape
    with one_thread():
        if k <= n:
            return np.linalg.eigh(a_nk.T @ a_nk)
        value_r, left_nr = np.linalg.eigh(a_nk @ a_nk.T)
    kept = value_r > 1e-10 * value_r[-1]
    return value_r[kept], a_nk.T @ left_nr[:, kept] / np.sqrt(value_r[kept])


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else 0.0
