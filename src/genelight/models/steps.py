"""What a model shows of its inside to methods that take gradients or read weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from torch import nn

__all__ = ["Differentiable", "Steps"]


@dataclass(frozen=True)
class Steps:
    """A model as one differentiable module per hidden layer, between two linear maps.

    Attributes
    ----------
    entry_gc
        From genes to the coordinates that the first module reads, shape ``(g, c)``.
    hidden
        By layer, from input to output: the module from the codes before (coordinates, for the first) to its codes.
    exit_wg
        From codes of the last hidden layer (width w) to genes, shape ``(w, g)``, without the constant.

    Examples
    --------
    >>> import genelight as gl
    >>> steps = gl.fit(gl.demo.cohort(), widths=(8, 4), subject="subject", epochs=1).steps
    >>> [len(steps.decoder(layer)) for layer in steps.hidden], steps.exit_wg.shape
    ([1, 0], (4, 4147))
    """

    entry_gc: np.ndarray
    hidden: Mapping[str, nn.Module]
    exit_wg: np.ndarray

    def encoder(self, layer: str) -> nn.Sequential:
        """From coordinates to codes of `layer`."""
        return nn.Sequential(*list(self.hidden.values())[: self._depth(layer)])

    def decoder(self, layer: str) -> nn.Sequential:
        """From codes of `layer` to codes of the last hidden layer."""
        return nn.Sequential(*list(self.hidden.values())[self._depth(layer) :])

    def _depth(self, layer: str) -> int:
        return list(self.hidden).index(layer) + 1


@runtime_checkable
class Differentiable(Protocol):
    """A model that shows its steps; an addition to :class:`genelight.Model`, not a part of it."""

    @property
    def steps(self) -> Steps:
        """Its layers as modules."""
        ...
