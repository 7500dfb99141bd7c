"""Which columns of genes hold values as none of the others does, so that their names may be another thing's."""

from __future__ import annotations

import numpy as np

from ..scales import LOG2_CEILING
from ._axis import unlike

_LEAST, _FEWEST, _FEW, _SHARE, _MANY = 10, 3, 5, 0.01, 1000


def beyond(x_ng: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Of the columns `sure` those whose values lie above what a logarithm can be, where those of nearly all do not."""
    if len(sure) < _LEAST or len(x_ng) < _FEWEST:
        return sure[:0]
    # No copy of the matrix: infinite values are looked at apart, and there are hardly any.
    high = np.fmax.reduce(x_ng, axis=0)[sure]
    endless = np.flatnonzero(np.isinf(high))
    part = x_ng[:, sure[endless]]
    high[endless] = np.max(part, axis=0, where=np.isfinite(part), initial=-np.inf)
    above, usual = sure[high > LOG2_CEILING], high[high <= LOG2_CEILING]
    # Values that were not logged have no ceiling: many lie near nothing, some far above.
    linear = len(usual) and usual.max() > LOG2_CEILING / 2 and np.quantile(usual, 0.99) > 6 * np.median(usual)
    if len(above) > max(len(sure) >= 2 * _LEAST, 0.02 * len(sure)) or linear:
        return sure[:0]
    x = x_ng[:, above]
    # More than one sample: a single value may be damaged.
    return above[(x > LOG2_CEILING).sum(0) > max(1, 0.1 * len(x))]


def whole(x_ng: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Of the columns `sure` those of whole numbers, where the others' fractions bring none by chance.

    Clinical measures have the names of genes: MET is 0 or 1 where metastases are meant.
    """
    if len(sure) < _LEAST or len(x_ng) < _FEWEST:
        return sure[:0]
    some = x_ng[:, sure[:: max(1, len(sure) // _LEAST)]]
    if (some == np.round(some)).all(0).mean() > 0.5:
        return sure[:0]
    maybe = sure
    for x_g in x_ng:
        x_m = x_g[maybe]
        maybe = maybe[(x_m == np.round(x_m)) | ~np.isfinite(x_m)]
    if not 0 < len(maybe) <= max(_FEW, _SHARE * len(sure)):
        return sure[:0]
    others = np.setdiff1d(sure, maybe)
    some = x_ng[:, others[:: max(1, len(others) // _MANY)]]
    some = some[np.isfinite(some) & (some != 0)]
    is_whole, high = some == np.round(some), np.quantile(some, 0.9) if len(some) else np.inf
    found = []
    for i in maybe:
        x = x_ng[np.isfinite(x_ng[:, i]), i]
        # Where values are rounded to so many digits, the largest are whole.
        if not len(x) or x.min() == x.max() or np.median(x) > high:
            continue
        # Of logged counts the lowest are whole, too: 0 and 1.
        alike = is_whole[np.abs(some) <= np.abs(x).max()]
        share = (alike.sum() + 0.5) / (len(alike) + 1) if len(alike) else 0.0
        if len(sure) * share ** int((x != 0).sum()) < _SHARE:
            found.append(int(i))
    return np.array(found, int)


def apart(x_nc: np.ndarray, others_nc: np.ndarray) -> np.ndarray:
    """Which columns that stand beside what describes samples hold values of another sort than the others do."""
    low, high = np.nanmin(others_nc, initial=np.inf), np.nanmax(others_nc, initial=-np.inf)
    # A gene may dip below zero; where nothing was logged, it may lie far above all others.
    x = np.where((x_nc > -1) & (low >= 0), np.maximum(x_nc, 0), x_nc)
    x = x if high <= LOG2_CEILING else np.minimum(x, high)
    both = np.hstack([x, others_nc])
    odd = unlike(both, range(x.shape[1]), range(x.shape[1], both.shape[1]))
    if high <= LOG2_CEILING:
        odd |= np.nanstd(x, axis=0) > 2 * np.nanmax(np.nanstd(others_nc, axis=0), initial=0)
    return np.asarray(odd | _on_two_levels(x_nc, others_nc))


def _on_two_levels(x_nc: np.ndarray, others_nc: np.ndarray) -> np.ndarray:
    """Which columns hold two values alone, one apart as 0 and 1 are, where hardly any of the others does."""

    def two(x: np.ndarray) -> np.ndarray:
        low, high = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
        there = np.isfinite(x)
        return np.asarray(((x == low) | (x == high) | ~there).all(0) & (high - low == 1) & (there.sum(0) > _FEW))

    return two(x_nc) if two(others_nc).mean() <= _SHARE else np.zeros(x_nc.shape[1], bool)
