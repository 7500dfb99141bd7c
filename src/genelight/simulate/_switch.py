"""The nonlinear response that cohorts and compendia share."""

from __future__ import annotations

import numpy as np

__all__ = ["switch"]


def switch(z: np.ndarray, threshold: np.ndarray | float) -> np.ndarray:
    """What a switch adds to a straight line, for inputs that are standard normal.

    The switch ``tanh(2 (z - threshold))`` less its regression on `z`, divided by its standard deviation, so that
    the result has mean 0, variance 1 and no correlation with `z`.

    Parameters
    ----------
    z
        Inputs; the last axis has the length of `threshold` if that is an array.
    threshold
        Where the switch is half on.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(128)
    weights /= weights.sum()
    level = np.tanh(2 * (nodes[:, None] - np.atleast_1d(threshold)))
    mean, slope = weights @ level, (weights * nodes) @ level
    sd = np.sqrt(weights @ (level - mean - slope * nodes[:, None]) ** 2)
    mean, slope, sd = (part.astype(z.dtype) for part in (mean, slope, sd))
    return (np.tanh(2 * (z - threshold)) - mean - slope * z) / sd
