"""Where attribution methods are registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .._core.registry import Registry
from ..nouns import Model


@dataclass(frozen=True)
class Attributed:
    """What an attribution method found.

    Attributes
    ----------
    values_kg
        Signed values of each node's genes.
    about
        Figures of the method's own, plain enough for JSON.
    """

    values_kg: np.ndarray
    about: Mapping[str, Any] = field(default_factory=dict)


class Attribution(Protocol):
    """One way to say what each node of a layer stands for."""

    def __call__(self, model: Model, layer: str, *, rest_k: np.ndarray, level_k: np.ndarray) -> Attributed:
        """Genes of every node, given each node's two states; a node whose states are one has zeros only."""
        ...


ATTRIBUTIONS: Registry[Attribution] = Registry("attribution method")
LATENT_ONLY: set[str] = set()
"""Attributions that ask for the latent layer of a variational model."""


def attributions_of(model: Model, layer: str) -> list[str]:
    """Names of the attributions that a layer of a model can be asked for."""
    latent = getattr(model, "latent", None) == layer
    return [name for name in ATTRIBUTIONS if latent or name not in LATENT_ONLY]
