"""Bring each sample's values to a stored distribution, so that another platform's samples can be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from .._core.registry import Registry

__all__ = ["NORMALISATIONS", "Normalisation"]

_POINTS = 9  # quantiles that stand for a gene's distribution

NORMALISATIONS: Registry[Callable[[np.ndarray], np.ndarray]] = Registry("normalisation")
"""By name, how the reference is learned: from values of shape ``(n, g)`` to ``(q,)``, lowest first."""


@NORMALISATIONS.register("quantile", doi="10.1093/bioinformatics/19.2.185")
def _quantile(y_ng: np.ndarray) -> np.ndarray:
    """Every sample gets the fitted samples' mean distribution; its genes keep their order."""
    return np.sort(y_ng, axis=1).mean(0)


@NORMALISATIONS.register("rank", doi="10.1007/s10519-009-9281-0")
def _rank(y_ng: np.ndarray) -> np.ndarray:
    """Every sample gets a standard normal distribution; its genes keep their order."""
    genes = y_ng.shape[1]
    return ndtri((np.arange(genes) + 0.5) / genes)


@dataclass(frozen=True)
class Normalisation:
    """A distribution that every sample is given, one at a time.

    Attributes
    ----------
    name
        A name in ``NORMALISATIONS``.
    reference_q
        The distribution's values, lowest first.
    """

    name: str
    reference_q: np.ndarray

    @classmethod
    def of(cls, y_ng: np.ndarray, name: str) -> Normalisation:
        """Learn the reference from samples on the log2 scale.

        Raises
        ------
        UnknownNameError
            If there is no such normalisation.
        """
        return cls(name, NORMALISATIONS[name](y_ng))

    def among(self, mean_g: np.ndarray, sd_g: np.ndarray) -> Normalisation:
        """The distribution that some of the genes have together, for samples of which only those were measured.

        Genes of a small panel are seldom a fair draw from all: spread over the whole distribution, each would lie off
        its own level.

        Parameters
        ----------
        mean_g, sd_g
            Of the fitted samples' normalised values of those genes, shape ``(g,)``; each is taken for normal.
        """
        at = ndtri((np.arange(_POINTS) + 0.5) / _POINTS)
        pooled = np.sort((mean_g[:, None] + sd_g[:, None] * at).ravel())
        places = (np.arange(len(mean_g)) + 0.5) / len(mean_g) * len(pooled)
        return Normalisation(self.name, pooled[places.astype(int)])

    def apply(self, y_ng: np.ndarray) -> np.ndarray:
        """The same samples with the reference's values; equal values stay equal.

        A sample that lacks some of the genes (NaN stays NaN) is spread over the whole reference all the same.
        """
        size = len(self.reference_q)
        at_q = (np.arange(size) + 0.5) / size
        if not y_ng.size:
            return np.interp(y_ng, at_q, self.reference_q)
        seen_n1 = (~np.isnan(y_ng)).sum(1, keepdims=True)
        at_ng = (pd.DataFrame(y_ng).rank(axis=1).to_numpy() - 0.5) / np.maximum(seen_n1, 1)
        return np.interp(at_ng, at_q, self.reference_q)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "reference": self.reference_q.tolist()}

    @classmethod
    def from_dict(cls, content: Any) -> Normalisation:
        """What :meth:`to_dict` gave."""
        NORMALISATIONS.entry(content["name"])
        return cls(content["name"], np.asarray(content["reference"], dtype=np.float64))
