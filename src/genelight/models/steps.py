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
        From what the decoders give, codes of the last hidden layer (width w) for a plain stack, to genes, shape
        ``(w, g)``, without the constant.
    ways
        By layer, the modules from coordinates to its codes and from its codes to what `exit_wg` reads, of a model
        whose layers are not one behind the other; None for those that `hidden` make.

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
    ways: tuple[Mapping[str, nn.Sequential], Mapping[str, nn.Sequential]] | None = None

    def encoder(self, layer: str) -> nn.Sequential:
        """From coordinates to codes of `layer`."""
        if self.ways:
            return self.ways[0][layer]
        return nn.Sequential(*list(self.hidden.values())[: self._depth(layer)])

    def decoder(self, layer: str) -> nn.Sequential:
        """From codes of `layer` to what `exit_wg` reads."""
        if self.ways:
            return self.ways[1][layer]
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
