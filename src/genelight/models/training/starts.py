"""Where the weights of a network begin."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import nn

from ..._core.registry import Registry
from ...errors import InputError
from ..subspace.exact import Space, Subspace
from ..subspace.rotation import independent
from .network import Mirror, Stack

__all__ = ["STARTS", "Start", "whiten"]


class Start(Protocol):
    """One way to set the weights of a network before it is trained."""

    def __call__(self, net: Stack, space: Space, c_nk: torch.Tensor, *, seed: int) -> None:
        """Set them, in place, for samples with coordinates `c_nk`."""
        ...


STARTS: Registry[Start] = Registry("start")


@STARTS.register("random", doi="10.1109/ICCV.2015.123")
def random_start(net: Stack, space: Space, c_nk: torch.Tensor, *, seed: int) -> None:  # noqa: ARG001
    """He initialisation, seeded: the textbook start."""
    generator = torch.Generator().manual_seed(seed)
    for linear in _own(net):
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(linear.bias)


@STARTS.register("glorot")
def glorot_start(net: Stack, space: Space, c_nk: torch.Tensor, *, seed: int) -> None:  # noqa: ARG001
    """Uniform initialisation of Glorot and Bengio (2010), seeded: what Keras does unless told otherwise."""
    generator = torch.Generator().manual_seed(seed)
    for linear in _own(net):
        nn.init.xavier_uniform_(linear.weight, generator=generator)
        nn.init.zeros_(linear.bias)


@STARTS.register("unit variance", doi="10.48550/arXiv.1511.06422")
@torch.no_grad()
def unit_variance_start(net: Stack, space: Space, c_nk: torch.Tensor, *, seed: int) -> None:  # noqa: ARG001
    """Orthonormal weights, scaled so that every node hears the samples with mean 0 and variance 1; seeded.

    Layer by layer, on up to 512 samples (Mishkin and Matas 2015). The output begins at the samples' mean. A stack of
    sigmoid layers begun by Glorot's rule hears almost the same of every sample in its second layer, and hardly learns.
    """
    generator = torch.Generator().manual_seed(seed)
    h = c_nk[torch.randperm(len(c_nk), generator=generator)[:512]]
    mean = h.mean(0)
    linear: nn.Linear
    for linear, activation in zip(net.hidden, net.activations, strict=True):  # type: ignore[assignment]
        if not isinstance(linear, Mirror):
            nn.init.orthogonal_(linear.weight, generator=generator)
            nn.init.zeros_(linear.bias)
            linear.weight.div_(linear(h).std(0).clamp_min(1e-6)[:, None])
            linear.bias.copy_(-linear(h).mean(0))
        h = activation(linear(h))
    if not isinstance(net.out, Mirror):
        nn.init.xavier_uniform_(net.out.weight, generator=generator)
    level = torch.logit(mean.clamp(0.02, 0.98)) if net.squash else mean
    net.out.bias.copy_(level - net.out.weight @ h.mean(0))


@STARTS.register("programmes", doi="10.1186/gb-2003-4-11-r76")
def programme_start(net: Stack, space: Space, c_nk: torch.Tensor, *, seed: int) -> None:  # noqa: ARG001
    """Start at the PCA solution, each layer rotated so that its nodes' gene profiles are independent components.

    With a straight activation the whole stack then equals PCA of the narrowest width, whatever the rotations;
    rotating to independent components over genes (Lee and Batzoglou 2003) makes a node stand for few genes
    instead of a mixture. A node for which no axis is left starts with random weights in and none out. All of it
    is seeded. It needs the samples' own subspace.

    Raises
    ------
    InputError
        If the network is to be trained in gene space.
    """
    if not isinstance(space, Subspace):
        msg = "start = 'programmes' begins at principal axes; train in the samples' subspace, or use start = 'random'"
        raise InputError(msg)
    generator = torch.Generator().manual_seed(seed)
    rank = space.basis_gk.shape[1]
    axes = [min(rank, *net.widths[: i + 1]) for i in range(len(net.widths))]
    rotations = {used: independent(space, used, seed=seed) for used in set(axes)}
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


@torch.no_grad()
def whiten(net: Stack, c_nk: torch.Tensor, *, log_variance: float = -3.0) -> None:
    """Bring the latent layer's codes to mean 0 and variance 1, and undo it behind; the spread starts small and even.

    A variational code is held to a standard normal: from a start whose codes have the variance of principal
    components it would first have to shrink, and lose what it knows.
    """
    if net.latent is None:
        return
    linear: nn.Linear = net.hidden[net.latent - 1]  # type: ignore[assignment]
    behind = [*net.hidden, net.out][net.latent]
    h_nk = net.encode(c_nk, net.latent)
    mean_k, sd_k = h_nk.mean(0), h_nk.std(0).clamp_min(1e-6)
    behind.bias.add_(behind.weight @ mean_k)
    behind.weight.mul_(sd_k)
    linear.bias.sub_(mean_k).div_(sd_k)
    linear.weight.div_(sd_k[:, None])
    nn.init.zeros_(net.spread.weight)
    nn.init.constant_(net.spread.bias, log_variance)


def _own(net: Stack) -> list[nn.Linear]:
    """Layers with weights of their own; a mirror's bias starts at zero as it is."""
    return [linear for linear in (*net.hidden, net.out) if not isinstance(linear, Mirror)]


def _set(linear: nn.Module, weight: torch.Tensor) -> None:
    # A mirror shows its partner's weights, which at this start are the transpose already.
    if not isinstance(linear, Mirror):
        linear.weight.copy_(weight)  # type: ignore[operator]
    linear.bias.zero_()  # type: ignore[operator]
