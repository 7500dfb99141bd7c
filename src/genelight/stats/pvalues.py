"""P values: of draws, and of many tests at once."""

from __future__ import annotations

import numpy as np

__all__ = ["adjust", "empirical_p"]


def empirical_p(observed_k: np.ndarray, null_rk: np.ndarray, *, sign: int) -> np.ndarray:
    """One-sided p values from draws: ``(1 + draws at least as extreme) / (1 + draws)``.

    The observed set counts as one of the draws, so that p is never zero and valid at any number of draws
    (Phipson and Smyth 2010, doi 10.2202/1544-6115.1585).

    Parameters
    ----------
    observed_k
        Statistics, shape ``(k,)``.
    null_rk
        The same of matched draws, shape ``(r, k)``.
    sign
        1 if a large statistic is evidence, -1 if a small one is.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.stats.pvalues import empirical_p
    >>> empirical_p(np.array([3.0]), np.array([[1.0], [2.0], [3.0]]), sign=1)
    array([0.5])
    """
    # Sums in another order differ in their last bits, and a draw that is the observed one has to reach it.
    return (1 + (sign * null_rk >= sign * observed_k - 1e-12).sum(0)) / (1 + len(null_rk))


def adjust(p: np.ndarray, *, count: np.ndarray | None = None) -> np.ndarray:
    """Benjamini-Hochberg adjusted p values.

    Parameters
    ----------
    p
        Shape ``(m,)``.
    count
        How often each p value occurs in the family; once if not given. With few distinct values this
        adjusts millions of tests at the cost of sorting the distinct ones.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.stats.pvalues import adjust
    >>> adjust(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.04, 0.04])
    """
    p = np.asarray(p, dtype=np.float64)
    count = np.ones(len(p)) if count is None else np.asarray(count, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    rank = np.cumsum(count[order])
    scaled = p[order] * rank[-1:] / rank
    q = np.empty_like(p)
    q[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return q
