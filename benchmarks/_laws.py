"""Laws of measured costs, and how far off they were where they had not been fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

__all__ = ["Law", "Work", "off_by"]

LEAST = 3
LEVEL = 0.975


@dataclass(frozen=True)
class Law:
    """``cost = at_one * size ** exponent``.

    Attributes
    ----------
    at_one
        Cost at a size of one.
    exponent, low, high
        Least squares of the logarithms, and its interval at 95% (Student's t).
    """

    at_one: float
    exponent: float
    low: float
    high: float

    @classmethod
    def of(cls, size: Sequence[float], cost: Sequence[float]) -> Law:
        """The law of costs that were measured.

        Parameters
        ----------
        size, cost
            One of each per measurement.

        Raises
        ------
        ValueError
            If there are fewer than three, sizes are all the same, or something is not above zero.
        """
        if len(size) != len(cost) or len(size) < LEAST:
            msg = (
                f"{len(size)} sizes and {len(cost)} costs; a law with an interval needs as many of each, three or more"
            )
            raise ValueError(msg)
        if min(*size, *cost) <= 0 or len(set(size)) < 2:
            msg = f"sizes {list(size)} and costs {list(cost)} must be above zero, and the sizes differ"
            raise ValueError(msg)
        found = stats.linregress(np.log(size), np.log(cost))
        wide = float(stats.t.ppf(LEVEL, len(size) - 2)) * float(found.stderr)
        slope = float(found.slope)
        return cls(float(np.exp(found.intercept)), slope, slope - wide, slope + wide)

    def at(self, size: float) -> float:
        """Cost of a size."""
        return float(self.at_one * size**self.exponent)


@dataclass(frozen=True)
class Work:
    """``cost = sum of rate * amount`` over amounts of work, one of which may be a fixed one.

    Attributes
    ----------
    rates
        Cost of one of each; none is below zero.
    """

    rates: tuple[float, ...]

    @classmethod
    def of(cls, amounts: Sequence[Sequence[float]], cost: Sequence[float]) -> Work:
        """Least squares of the relative error.

        Parameters
        ----------
        amounts
            Of every measurement, how much there was of each.
        cost
            One per measurement.

        Raises
        ------
        ValueError
            If there are fewer measurements than rates, or a cost is not above zero.
        """
        known, took = np.asarray(amounts, dtype=np.float64), np.asarray(cost, dtype=np.float64)
        if known.ndim != 2 or len(known) < known.shape[1] or len(known) != len(took) or took.min() <= 0:
            msg = f"{len(took)} costs above zero are needed, as many as amounts, and no fewer than kinds of work"
            raise ValueError(msg)
        size = known.max(0)
        rates, _ = optimize.nnls(known / size / took[:, None], np.ones(len(took)))
        return cls(tuple(float(rate) for rate in rates / size))

    def at(self, amounts: Sequence[float]) -> float:
        """Cost of other amounts."""
        return float(np.dot(self.rates, amounts))


def off_by(predicted: float, measured: float) -> float:
    """The factor between the two, never below one."""
    return max(predicted / measured, measured / predicted)
