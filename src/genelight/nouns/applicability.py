"""The applicability domain of a model: two distances, with their values on held-out subjects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Applicability"]


@dataclass(frozen=True)
class Applicability:
    """How far samples of unseen subjects lie from what a model knows; arrays are sorted.

    Attributes
    ----------
    layer
        Whose codes the distance is measured in.
    centre_k, whiten_kk
        Mean of the codes, and what makes their covariance the unit matrix.
    error_s
        Mean squared error of reconstruction, one sample of each held-out subject.
    distance_s
        Mahalanobis distance of codes, likewise.
    """

    layer: str
    centre_k: np.ndarray
    whiten_kk: np.ndarray
    error_s: np.ndarray
    distance_s: np.ndarray

    def distance(self, h_nk: np.ndarray) -> np.ndarray:
        """Mahalanobis distance of codes, shape ``(n,)``."""
        return np.linalg.norm((h_nk - self.centre_k) @ self.whiten_kk, axis=1)

    def p(self, error_n: np.ndarray, distance_n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Conformal p of each distance: the share of held-out subjects at least as far off, itself counted in."""
        return _p(self.error_s, error_n), _p(self.distance_s, distance_n)

    def inside(self, error_n: np.ndarray, distance_n: np.ndarray) -> np.ndarray:
        """Whether neither distance is beyond 99 of 100 held-out subjects, or beyond them all where they are fewer."""
        return np.minimum(*self.p(error_n, distance_n)) > self.least

    @property
    def least(self) -> float:
        """The p at which a sample counts as outside."""
        return max(0.01, 1.0 / (1.0 + len(self.error_s)))

    def plain(self) -> dict[str, Any]:
        """As JSON types."""
        return {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in vars(self).items()}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Applicability:
        """From :meth:`plain`."""
        arrays = {name: np.asarray(v, dtype=np.float64) for name, v in plain.items() if name != "layer"}
        return cls(layer=str(plain["layer"]), **arrays)


def _p(known_s: np.ndarray, value_n: np.ndarray) -> np.ndarray:
    beyond_n = len(known_s) - np.searchsorted(known_s, value_n, side="left")
    return (1.0 + beyond_n) / (1.0 + len(known_s))
