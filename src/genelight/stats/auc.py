"""Area under the ROC curve: of many scores at once, and with weighted samples."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ..nouns import Contrast

__all__ = ["auc_of_each", "weighted_auc"]


def auc_of_each(score_bn: np.ndarray, case_bn: np.ndarray) -> np.ndarray:
    """Chance that a case scores above a control, for each row of scores and labels, shape ``(b,)``; ties count half.

    NaN where a row has no case or no control.

    Examples
    --------
    >>> import numpy as np
    >>> auc_of_each(np.array([[3.0, 1.0, 2.0, 0.0], [1.0, 1.0, 0.0, 1.0]]), np.array([[True, True, False, False]] * 2))
    array([0.75, 0.75])
    """
    cases_b = case_bn.sum(1)
    pairs_b = cases_b * (case_bn.shape[1] - cases_b)
    above_b = (case_bn * stats.rankdata(score_bn, axis=1)).sum(1) - cases_b * (cases_b + 1) / 2
    return np.divide(above_b, pairs_b, out=np.full(len(pairs_b), np.nan), where=pairs_b > 0)


def weighted_auc(score_n: np.ndarray, contrast: Contrast, weight_n: np.ndarray) -> float:
    """Chance that a case scores above a control, each drawn by weight; ties count half.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight import Contrast
    >>> case = np.array([True, True, False, False])
    >>> contrast = Contrast(case, ~case, np.arange(4), "")
    >>> weighted_auc(np.array([3.0, 1.0, 2.0, 0.0]), contrast, contrast.weight_n())
    0.75
    """
    values, position = np.unique(score_n, return_inverse=True)
    case = np.bincount(position, weight_n * contrast.case_n, minlength=len(values))
    control = np.bincount(position, weight_n * contrast.control_n, minlength=len(values))
    below = np.cumsum(control) - control / 2
    return float(case @ below / (case.sum() * control.sum()))
