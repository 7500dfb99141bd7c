"""Trends over depth, with the training as the unit: layers change places within a seed."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["LEAST_SEEDS", "Interval", "change", "contrast", "interval", "trend_p"]

LEAST_SEEDS = 3
MOST_EXACT = 20_000


@dataclass(frozen=True)
class Interval:
    """A mean over trainings with its 95% interval by Student's t; NaN where there is one training."""

    value: float
    low: float = math.nan
    high: float = math.nan
    runs: int = 1


def change(value_sd: np.ndarray) -> np.ndarray:
    """Change from the first layer to the last along the straight line through all, for each seed, shape ``(s,)``.

    Examples
    --------
    >>> import numpy as np
    >>> change(np.array([[0.2, 0.1, 0.0], [0.1, 0.3, 0.1]])).round(3)
    array([-0.2,  0. ])
    """
    depth_d = np.arange(value_sd.shape[1]) - (value_sd.shape[1] - 1) / 2
    return np.asarray(value_sd @ depth_d / (depth_d @ depth_d) * (len(depth_d) - 1))


def trend_p(value_sd: np.ndarray, *, sign: int, draws: int = 9999, seed: int = 0) -> float:
    """One-sided p of the mean change, layers exchanged within each seed; exact where there are few ways to do so.

    Nodes of one training share its accidents, so a training counts once, whatever the number of its nodes.

    Examples
    --------
    >>> import numpy as np
    >>> round(trend_p(np.array([[0.3, 0.2, 0.1]] * 3), sign=-1) * 6**3)
    1
    """
    seeds, depths = value_sd.shape
    orders = np.array(list(itertools.permutations(range(depths))))
    # Change of each seed under each order of its layers; the first order is the one observed.
    change_so = np.stack([change(value_sd[:, order]) for order in orders], axis=1) * sign
    observed = change_so[:, 0].sum()
    if len(orders) ** seeds <= MOST_EXACT:
        total = np.zeros(1)
        for row in change_so:
            total = np.add.outer(total, row).ravel()
        return float(np.mean(total >= observed - 1e-12))
    rng = np.random.default_rng(seed)
    picks = rng.integers(len(orders), size=(draws, seeds))
    total = change_so[np.arange(seeds), picks].sum(1)
    return float((1 + (total >= observed - 1e-12).sum()) / (1 + draws))


def interval(value_s: np.ndarray) -> Interval:
    """Mean and interval over trainings."""
    runs = len(value_s)
    mean = float(np.mean(value_s))
    if runs < 2:
        return Interval(mean, runs=runs)
    half = float(stats.t.ppf(0.975, runs - 1) * np.std(value_s, ddof=1) / math.sqrt(runs))
    return Interval(mean, mean - half, mean + half, runs)


def contrast(one_s: np.ndarray, other_s: np.ndarray) -> Interval:
    """Difference of two means over trainings, by Welch's t; one that was trained once is taken as fixed."""
    difference = float(np.mean(one_s) - np.mean(other_s))
    errors = [(np.var(v, ddof=1) / len(v), len(v) - 1) for v in (one_s, other_s) if len(v) > 1]
    variance = float(sum(e for e, _ in errors))
    if not errors:
        return Interval(difference)
    if variance == 0:
        return Interval(difference, difference, difference, len(one_s))
    df = variance**2 / sum(e**2 / d for e, d in errors)
    half = float(stats.t.ppf(0.975, df) * math.sqrt(variance))
    return Interval(difference, difference - half, difference + half, len(one_s))
