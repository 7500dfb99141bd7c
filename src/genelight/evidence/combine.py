"""One p value of several: over diseases, cohorts or seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

from .._core.errors import InputError
from .._core.registry import Registry

__all__ = ["COMBINATIONS", "combine"]

COMBINATIONS: Registry[Callable[[np.ndarray], float]] = Registry("way to combine p values")


def combine(p: np.ndarray, *, method: str = "cauchy") -> float:
    """Combine p values into one.

    Parameters
    ----------
    p
        Shape ``(m,)``.
    method
        ``"fisher"`` (as in the paper) and ``"stouffer"`` take the tests as independent; ``"cauchy"`` allows for
        any dependence in its tail. Tests of one gene list against several diseases share genes, so they depend.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    InputError
        If there are none, or one is missing, 0, below 0 or above 1.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.evidence import combine
    >>> [round(combine(np.array([0.01, 0.2, 0.7]), method=m), 4) for m in ("fisher", "stouffer", "cauchy")]
    [0.0408, 0.0635, 0.0293]
    """
    p = np.asarray(p, dtype=np.float64)
    bad = ~((p > 0) & (p <= 1))
    if not len(p) or bad.any():
        msg = f"{int(bad.sum())} of {len(p)} p values are missing, 0, below 0 or above 1; pass some above 0 and up to 1"
        raise InputError(msg)
    return COMBINATIONS[method](p)


@COMBINATIONS.register("fisher", doi="10.1007/978-1-4612-4380-9_6")
def _fisher(p: np.ndarray) -> float:
    """Fisher's sum of logarithms, for independent tests."""
    return float(stats.combine_pvalues(p, method="fisher").pvalue)


@COMBINATIONS.register("stouffer", doi="10.1111/j.1420-9101.2005.00917.x")
def _stouffer(p: np.ndarray) -> float:
    """Stouffer's sum of normal scores, for independent tests."""
    # Of a p value of one the score is infinite.
    return float(stats.combine_pvalues(np.minimum(p, 1 - 1e-16), method="stouffer").pvalue)


@COMBINATIONS.register("cauchy", doi="10.1080/01621459.2018.1554485")
def _cauchy(p: np.ndarray) -> float:
    """Mean of Cauchy scores, whose tail does not mind dependence."""
    # Far out the tangent is one over its angle, to better than a double holds.
    score = np.where(p < 1e-15, 1 / (np.pi * p), np.tan((0.5 - np.minimum(p, 1 - 1e-15)) * np.pi))
    return float(stats.cauchy.sf(score.mean()))
