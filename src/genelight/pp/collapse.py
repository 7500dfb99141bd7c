"""Rules by which several columns of one gene become one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._core.registry import Registry

__all__ = ["COLLAPSES", "Collapse"]

Collapse = Callable[[Any, np.ndarray], np.ndarray]
"""From values of shape ``(n, s)`` and each column's gene, shape ``(s,)``, to each column's weight in its gene."""

COLLAPSES: Registry[Collapse] = Registry("rule for several columns of one gene")


@COLLAPSES.register("highest_mean", doi="10.1186/1471-2105-12-322")
def _highest_mean(x_ns: Any, gene_s: np.ndarray) -> np.ndarray:
    """The column with the highest mean over the samples."""
    return _best(_means(x_ns), gene_s)


@COLLAPSES.register("max_variance", doi="10.1186/1471-2105-12-322")
def _max_variance(x_ns: Any, gene_s: np.ndarray) -> np.ndarray:
    """The column that varies most over the samples."""
    mean_s = _means(x_ns)
    squares = x_ns.multiply(x_ns) if sp.issparse(x_ns) else np.square(x_ns, dtype=np.float64)
    return _best(_means(squares) - mean_s**2, gene_s)


@COLLAPSES.register("mean")
def _mean(x_ns: Any, gene_s: np.ndarray) -> np.ndarray:
    """The mean of the columns, sample by sample; looks at no other sample."""
    del x_ns
    return 1.0 / np.bincount(gene_s)[gene_s]


@COLLAPSES.register("sum")
def _sum(x_ns: Any, gene_s: np.ndarray) -> np.ndarray:
    """The sum of the columns, sample by sample, for counts; looks at no other sample."""
    del x_ns
    return np.ones(len(gene_s))


@COLLAPSES.register("first")
def _first(x_ns: Any, gene_s: np.ndarray) -> np.ndarray:
    """The column that comes first; looks at no sample."""
    del x_ns
    return _best(np.zeros(len(gene_s)), gene_s)


def _means(x_ns: Any) -> np.ndarray:
    """Means by column over the values that are there."""
    if sp.issparse(x_ns):
        return np.asarray(x_ns.mean(0), dtype=np.float64).ravel()
    x_ns = np.asarray(x_ns)
    there = np.isfinite(x_ns)
    total = np.where(there, x_ns, 0).sum(0, dtype=np.float64)
    return np.where(there.any(0), total / np.maximum(there.sum(0), 1), -np.inf)


def _best(score_s: np.ndarray, gene_s: np.ndarray) -> np.ndarray:
    """One for the column of each gene with the highest score, the first of equal ones; zero for the others."""
    order = np.lexsort((np.arange(len(gene_s)), -score_s, gene_s))
    first = np.ones(len(order), dtype=bool)
    first[1:] = gene_s[order][1:] != gene_s[order][:-1]
    weight_s = np.zeros(len(gene_s))
    weight_s[order[first]] = 1.0
    return weight_s
