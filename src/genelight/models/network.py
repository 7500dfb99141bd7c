"""The network itself: a stack of linear layers with one activation, and how it starts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from .._core.registry import Registry
from .rotation import independent
from .subspace import Subspace

__all__ = ["ACTIVATIONS", "STARTS", "Stack"]

ACTIVATIONS: Registry[type[nn.Module]] = Registry("activation")
STARTS: Registry = Registry("start")


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


class Stack(nn.Module):
    """Linear layers ``x -> L1 -> ... -> Lm -> x`` with an activation on every hidden one.

    Parameters
    ----------
    inputs
        Length of a sample, k of the subspace.
    widths
        Widths of the hidden layers, from input to output.
    activation
        Registered name.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], activation: str) -> None:
        super().__init__()
        sizes = (inputs, *widths)
        self.widths = widths
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.bends = nn.ModuleList(ACTIVATIONS[activation](w) for w in widths)
        self.out = nn.Linear(widths[-1], inputs)

    def encode(self, x: torch.Tensor, depth: int) -> torch.Tensor:
        """Codes of hidden layer `depth`, counted from 1."""
        for linear, bend in zip(self.hidden[:depth], self.bends[:depth], strict=True):
            x = bend(linear(x))
        return x

    def decode(self, h: torch.Tensor, depth: int) -> torch.Tensor:
        """Output from codes of hidden layer `depth`."""
        for linear, bend in zip(self.hidden[depth:], self.bends[depth:], strict=True):
            h = bend(linear(h))
        return self.out(h)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Reconstruction of `x`."""
        return self.decode(x, 0)


@STARTS.register("random", doi="10.1109/ICCV.2015.123")
def random_start(net: Stack, subspace: Subspace, seed: int) -> None:  # noqa: ARG001
    """He initialisation, seeded: the textbook start."""
    generator = torch.Generator().manual_seed(seed)
    for linear in [*net.hidden, net.out]:
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(linear.bias)


@STARTS.register("programmes", doi="10.1186/gb-2003-4-11-r76")
def programme_start(net: Stack, subspace: Subspace, seed: int) -> None:
    """Start at the PCA solution, each layer rotated so that its nodes' gene profiles are independent components.

    With a straight activation the whole stack then equals PCA of the narrowest width, whatever the rotations;
    rotating to independent components over genes (Lee and Batzoglou 2003) makes a node stand for few genes
    instead of a mixture. A node for which no axis is left starts with random weights in and none out. All of it
    is seeded.
    """
    generator = torch.Generator().manual_seed(seed)
    rank = subspace.basis_gk.shape[1]
    axes = [min(rank, *net.widths[: i + 1]) for i in range(len(net.widths))]
    rotations = {used: independent(subspace, used, seed=seed) for used in set(axes)}
    # Row j of `lift` is node j as a direction in the subspace; a spare node has none, so nothing listens to it.
    lift = np.eye(rank, dtype=np.float32)
    with torch.no_grad():
        for linear, width, used in zip(net.hidden, net.widths, axes, strict=True):
            before, lift = lift, np.zeros((width, lift.shape[1]), dtype=np.float32)
            lift[:used, :used] = rotations[used]
            weight = torch.from_numpy(lift @ before.T)
            weight[used:].normal_(std=len(before) ** -0.5, generator=generator)
            _set(linear, weight)
        _set(net.out, torch.from_numpy(lift.T))


def _set(linear: Any, weight: torch.Tensor) -> None:
    linear.weight.copy_(weight)
    linear.bias.zero_()
