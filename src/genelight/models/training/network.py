"""The network itself: a stack of linear layers, and what a node makes of its sum."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import nn

from ..._core.registry import Registry

__all__ = ["ACTIVATIONS", "Mirror", "Stack", "Straight"]

ACTIVATIONS: Registry[type[nn.Module]] = Registry("activation")


class _OfAnyWidth(nn.Module):
    """An activation that is the same for every node."""

    def __init__(self, width: int) -> None:  # noqa: ARG002
        super().__init__()


@ACTIVATIONS.register("prelu", doi="10.1109/ICCV.2015.123")
class Slope(nn.PReLU):
    """Straight line with one learned slope per node below zero; starts straight, so a linear start stays exact."""

    def __init__(self, width: int) -> None:
        super().__init__(width, init=1.0)


@ACTIVATIONS.register("relu")
class Rectify(_OfAnyWidth, nn.ReLU):
    """Zero below zero."""


@ACTIVATIONS.register("gelu", doi="10.48550/arXiv.1606.08415")
class Gate(_OfAnyWidth, nn.GELU):
    """The input times the probability that a standard normal number is below it."""


@ACTIVATIONS.register("sigmoid")
class Squash(_OfAnyWidth, nn.Sigmoid):
    """Between 0 and 1."""


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


class Straight(_OfAnyWidth, nn.Identity):
    """The sum itself."""


class Mirror(nn.Linear):
    """A linear layer whose weights are another's, transposed; its bias is its own."""

    def __init__(self, of: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = of.out_features, of.in_features
        self.bias = nn.Parameter(torch.zeros(of.in_features))
        # In a tuple: as an attribute it would be a part of this module, and saved twice.
        self._of = (of,)

    @property
    def weight(self) -> torch.Tensor:  # type: ignore[override]
        """The other layer's weights, transposed."""
        return self._of[0].weight.T


class Stack(nn.Module):
    """Linear layers ``x -> L1 -> ... -> Lm -> x`` with an activation on every hidden one.

    Parameters
    ----------
    inputs
        Length of a sample: k of the subspace, or the number of genes.
    widths
        Widths of the hidden layers, from input to output.
    activation
        Registered name.
    tied
        Whether the later half of the layers has the weights of the first half, transposed; `widths` must then read
        the same both ways.
    latent
        Depth of the layer, counted from 1, whose codes are means of a normal distribution instead of numbers. Its
        activation is a straight line, and `spread` gives the logarithm of the variances.
    squash
        Whether the output is between 0 and 1, by a sigmoid.
    """

    def __init__(
        self,
        inputs: int,
        widths: tuple[int, ...],
        activation: str,
        *,
        tied: bool = False,
        latent: int | None = None,
        squash: bool = False,
    ) -> None:
        super().__init__()
        sizes = (inputs, *widths)
        self.widths, self.latent, self.squash = widths, latent, squash
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.activations = nn.ModuleList(ACTIVATIONS[activation](w) for w in widths)
        self.out: nn.Linear = nn.Linear(widths[-1], inputs)
        if tied:
            self._tie()
        if latent:
            self.activations[latent - 1] = Straight(widths[latent - 1])
            self.spread = nn.Linear(sizes[latent - 1], widths[latent - 1])

    def _tie(self) -> None:
        whole = [*self.hidden, self.out]
        for i in range(len(whole) // 2):
            mirror = Mirror(whole[i])
            place = len(whole) - 1 - i
            if place == len(self.hidden):
                self.out = mirror
            else:
                self.hidden[place] = mirror

    def encode(self, x: torch.Tensor, depth: int) -> torch.Tensor:
        """Codes of hidden layer `depth`, counted from 1."""
        for linear, activation in zip(self.hidden[:depth], self.activations[:depth], strict=True):
            x = activation(linear(x))
        return x

    def decode(self, h: torch.Tensor, depth: int) -> torch.Tensor:
        """Output from codes of hidden layer `depth`."""
        return self.write(self.forward_from(h, depth))

    def forward_from(self, h: torch.Tensor, depth: int) -> torch.Tensor:
        """Codes of the last hidden layer from those of hidden layer `depth`."""
        for linear, activation in zip(self.hidden[depth:], self.activations[depth:], strict=True):
            h = activation(linear(h))
        return h

    def write(self, h: torch.Tensor) -> torch.Tensor:
        """Output from codes of the last hidden layer."""
        x = self.out(h)
        return torch.sigmoid(x) if self.squash else x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Reconstruction of `x`."""
        return self.decode(x, 0)
