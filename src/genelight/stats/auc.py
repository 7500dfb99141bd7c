"""Area under the ROC curve with weighted samples."""

from __future__ import annotations

import numpy as np

from ..nouns import Contrast

__all__ = ["weighted_auc"]


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
