"""What a node makes of its sum."""

from __future__ import annotations

import math

import torch
from torch import nn

from .._core.registry import Registry

__all__ = ["ACTIVATIONS", "Straight"]

ACTIVATIONS: Registry[type[nn.Module]] = Registry("activation")


@ACTIVATIONS.register("prelu", doi="10.1109/ICCV.2015.123")
class Bend(nn.PReLU):
    """Straight line with one learned slope per node below zero; starts straight, so a linear start stays exact."""

    def __init__(self, width: int) -> None:
        super().__init__(width, init=1.0)


@ACTIVATIONS.register("relu")
class Rectify(nn.ReLU):
    """Zero below zero."""

    def __init__(self, width: int) -> None:  # noqa: ARG002
        super().__init__()


@ACTIVATIONS.register("gelu", doi="10.48550/arXiv.1606.08415")
class Gate(nn.GELU):
    """The input times the probability that a standard normal number is below it."""

    def __init__(self, width: int) -> None:  # noqa: ARG002
        super().__init__()


@ACTIVATIONS.register("sigmoid")
class Squash(nn.Sigmoid):
    """Between 0 and 1."""

    def __init__(self, width: int) -> None:  # noqa: ARG002
        super().__init__()


@ACTIVATIONS.register("topk", doi="10.48550/arXiv.1312.5663")
class Strongest(nn.Module):
    """The largest eighth of a layer's nodes in each sample, none below zero; the others are silent."""

    SHARE = 1 / 8

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kept = math.ceil(self.SHARE * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Codes of the strongest nodes, zero elsewhere."""
        found = x.topk(self.kept, dim=-1)
        return torch.zeros_like(x).scatter(-1, found.indices, found.values.relu())


class Straight(nn.Identity):
    """The sum itself."""

    def __init__(self, width: int) -> None:  # noqa: ARG002
        super().__init__()
