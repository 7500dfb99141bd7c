"""A linear head on codes, for one disease or several: ridge discriminant, its cross-validation, its pattern."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._core.threads import one_thread
from ..nouns import Contrast
from .folds import folds_of
from .intervals import weighted_auc
from .ridge import spectrum
from .subjects import count_subjects, kinds, weights_under

__all__ = [
    "PENALTIES",
    "Adjustment",
    "Head",
    "Validation",
    "cross_validate",
    "fit_head",
    "groups_of",
    "head_weights",
]

# Relative to the mean variance of a standardised code, which is one; the strongest first, so that it wins ties.
PENALTIES = np.logspace(4, -4, 17)
FOLDS = 5


@dataclass(frozen=True)
class Adjustment:
    """Slopes of codes on covariates, fitted together with the groups; shapes ``(c, k)`` and ``(c,)``."""

    slope_ck: np.ndarray
    centre_c: np.ndarray

    @classmethod
    def fit(
        cls, h_nk: np.ndarray, group_nd: np.ndarray, *, covariate_nc: np.ndarray | None, weight_n: np.ndarray
    ) -> Adjustment:
        """Weighted least squares of the codes on groups and covariates at once.

        Fitted alone, covariates that differ between the groups would take some of the disease with them.
        """
        if covariate_nc is None:
            return cls(np.zeros((0, h_nk.shape[1])), np.zeros(0))
        share_n = weight_n / weight_n.sum()
        centre_c = share_n @ covariate_nc
        root_n1 = np.sqrt(share_n)[:, None]
        design = np.column_stack((np.ones(len(group_nd)), group_nd, covariate_nc - centre_c)) * root_n1
        slope = np.linalg.lstsq(design, h_nk * root_n1, rcond=None)[0]
        return cls(slope[1 + group_nd.shape[1] :], centre_c)

    def apply(self, h_nk: np.ndarray, covariate_nc: np.ndarray | None) -> np.ndarray:
        """Codes as they would be at the mean covariates."""
        return h_nk if covariate_nc is None else h_nk - (covariate_nc - self.centre_c) @ self.slope_ck


@dataclass(frozen=True)
class Head:
    """A fitted head and what it says of one disease; arrays have shape ``(k,)``.

    Attributes
    ----------
    control_k
        Mean code of the controls.
    sd_k
        Standard deviation of each code (1 where it does not vary).
    weight_k
        Weights of the disease's own output on standardised codes.
    shift_k
        Cases' mean less controls', standardised.
    carried_k
        The part of the shift that the head's outputs carry.
    """

    control_k: np.ndarray
    sd_k: np.ndarray
    weight_k: np.ndarray
    shift_k: np.ndarray
    carried_k: np.ndarray

    @property
    def gap(self) -> float:
        """How far apart the head's output is for the mean case and the mean control."""
        return float(self.weight_k @ self.shift_k)

    def activation_k(self) -> np.ndarray:
        """Change of codes that goes with the step from control to case, in code units.

        Haufe's transformation of the weights, for all outputs at once: the covariance of the codes with the outputs,
        over the outputs' own covariance, times their step. Without a penalty it is the difference of the class means.
        """
        return self.sd_k * self.carried_k

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


def fit_head(
    h_nk: np.ndarray, contrast: Contrast, weight_n: np.ndarray, *, penalty: float, other_nd: np.ndarray | None = None
) -> Head:
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
    other_nd
        Which samples have other diseases that share the head, one column (and output) each.
    """
    group_nd = groups_of(contrast, other_nd)
    h_nk = Adjustment.fit(h_nk, group_nd, covariate_nc=contrast.covariate_nc, weight_n=weight_n).apply(
        h_nk, contrast.covariate_nc
    )
    task = _Task.of(h_nk, group_nd, weight_n)
    a_nk, target_nd = task.a_nk, task.target_nd
    n, k = a_nk.shape
    with one_thread():
        if k <= n:
            weight_kd = np.linalg.solve(a_nk.T @ a_nk + penalty * np.eye(k), a_nk.T @ target_nd)
        else:
            weight_kd = a_nk.T @ np.linalg.solve(a_nk @ a_nk.T + penalty * np.eye(n), target_nd)
    control_k, case_k = ((weight_n * mask_n) @ h_nk for mask_n in (contrast.control_n, contrast.case_n))
    shift_k = np.where(task.constant_k, 0.0, case_k - control_k) / task.sd_k
    pattern_kd = a_nk.T @ (a_nk @ weight_kd)
    carried_k = pattern_kd @ _solved(weight_kd.T @ pattern_kd, weight_kd.T @ shift_k)
    return Head(control_k, task.sd_k, weight_kd[:, 0], shift_k, carried_k)


def cross_validate(
    h_nk: np.ndarray, contrast: Contrast, *, seed: int, other_nd: np.ndarray | None = None
) -> Validation:
    """Penalty with the smallest squared error on held-out subjects over all outputs, and the disease's own AUC there.

    Every penalty is answered by one decomposition per fold. The contrast has subjects as positions.
    """
    group_nd = groups_of(contrast, other_nd)
    fold_n = _folds(contrast, group_nd, seed=seed)
    score_npd = np.empty((len(h_nk), len(PENALTIES), group_nd.shape[1]))
    for fold in range(int(fold_n.max()) + 1):
        train, test = fold_n != fold, fold_n == fold
        part = contrast.take(train)
        weight_n = head_weights(part, group_nd[train])
        adjustment = Adjustment.fit(h_nk[train], group_nd[train], covariate_nc=part.covariate_nc, weight_n=weight_n)
        task = _Task.of(adjustment.apply(h_nk[train], part.covariate_nc), group_nd[train], weight_n)
        unseen_nk = (adjustment.apply(h_nk[test], contrast.take(test).covariate_nc) - task.mean_k) / task.sd_k
        value_r, vector_kr = spectrum(task.a_nk)
        inside_rd = vector_kr.T @ (task.a_nk.T @ task.target_nd)
        shrunk_prd = inside_rd / (value_r[:, None] + PENALTIES[:, None, None])
        score_npd[test] = np.einsum("nr,prd->npd", unseen_nk @ vector_kr, shrunk_prd, optimize=True) + task.middle_d
    weight_n = head_weights(contrast, group_nd)
    error_npd = (group_nd[:, None] - score_npd) ** 2
    loss_p = np.einsum("n,npd->p", weight_n / weight_n.sum(), error_npd) / group_nd.shape[1]
    best = int(np.argmin(loss_p))
    auc = weighted_auc(score_npd[:, best, 0], contrast, contrast.weight_n())
    return Validation(float(PENALTIES[best]), float(loss_p[best]), auc)


def groups_of(contrast: Contrast, other_nd: np.ndarray | None) -> np.ndarray:
    """Targets, 1 with a disease and -1 without, shape ``(n, d)``: the contrast's own in front, then the others."""
    own_n1 = contrast.case_n[:, None]
    return np.where(own_n1 if other_nd is None else np.column_stack((own_n1, other_nd)), 1.0, -1.0)


def head_weights(contrast: Contrast, group_nd: np.ndarray, count_s: np.ndarray | None = None) -> np.ndarray:
    """Sample weights when subjects count `count_s` times: cases, controls and every other disease's patients as one."""
    weight_n = contrast.weight_n() if count_s is None else weights_under(contrast, count_s)
    for other_n in (group_nd[:, 1:] > 0).T:
        own_n = Contrast(other_n, ~other_n, contrast.subject_n, "").weight_n() * other_n
        own_n = own_n if count_s is None else own_n * count_s[contrast.subject_n]
        weight_n = weight_n + own_n / max(own_n.sum(), 1e-12)
    return weight_n


def _folds(contrast: Contrast, group_nd: np.ndarray, *, seed: int) -> np.ndarray:
    """Fold of each sample, shape ``(n,)``: the same whichever of the diseases is asked about."""
    ill_nd = group_nd > 0
    smallest = min(count_subjects(contrast.subject_n[mask_n]) for mask_n in (contrast.control_n, *ill_nd.T))
    kind_s = kinds(replace(contrast, case_n=np.asarray(ill_nd.any(axis=1))))
    return folds_of(kind_s, folds=max(2, min(FOLDS, smallest)), seed=seed)[contrast.subject_n]


@dataclass(frozen=True)
class _Task:
    """Standardised codes and centred targets, rows scaled by the root of their weight; what they were scaled by."""

    a_nk: np.ndarray
    target_nd: np.ndarray
    mean_k: np.ndarray
    sd_k: np.ndarray
    constant_k: np.ndarray
    middle_d: np.ndarray

    @classmethod
    def of(cls, h_nk: np.ndarray, group_nd: np.ndarray, weight_n: np.ndarray) -> _Task:
        """Weighted mean and spread; centring the targets stands for an intercept."""
        share_n = weight_n / weight_n.sum()
        # Rounded, because equal groups of one disease have their middle at zero, where ties must stay ties.
        mean_k, middle_d = share_n @ h_nk, np.round(share_n @ group_nd, 12)
        centred_nk = h_nk - mean_k
        variance_k = share_n @ centred_nk**2
        constant_k = variance_k <= 1e-12 * np.maximum(mean_k**2, 1e-12)
        sd_k = np.where(constant_k, 1.0, np.sqrt(variance_k))
        centred_nk[:, constant_k] = 0.0
        root_n1 = np.sqrt(share_n)[:, None]
        a_nk, target_nd = centred_nk / sd_k * root_n1, (group_nd - middle_d) * root_n1
        return cls(a_nk, target_nd, mean_k, sd_k, constant_k, middle_d)


def _solved(covariance_dd: np.ndarray, step_d: np.ndarray) -> np.ndarray:
    """The step over the outputs' covariance; nothing along outputs that do not vary."""
    if len(step_d) == 1:
        return np.array([_ratio(step_d[0], covariance_dd[0, 0])])
    return np.linalg.pinv(covariance_dd, rcond=1e-10, hermitian=True) @ step_d


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else 0.0
