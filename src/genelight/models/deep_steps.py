"""The inside of a deep autoencoder, for methods that take gradients or read weights."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .deep_net import DeepNet
from .spaces import Centred
from .steps import Steps

__all__ = ["deep_steps", "line_steps"]


class _Beside(nn.Module):
    """SiLU on the first columns; those beside them stay."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([functional.silu(x[..., : self.columns]), x[..., self.columns :]], -1)


def line_steps(net: DeepNet, space: Centred) -> Steps:
    """The straight line alone: L2 and nothing else."""
    k, sd_k = net.bottleneck, net.sd[: net.bottleneck]
    basis_gk = space.subspace.basis_gk[:, :k]
    entry_gc, unit_k = basis_gk / np.float32(net.unit), (sd_k * net.unit).numpy()
    weight = net.turn / sd_k
    hidden = {"L2": _linear(weight, -weight @ torch.from_numpy(space.centre_g @ entry_gc))}
    return Steps(entry_gc, hidden, np.ascontiguousarray(net.turn.numpy() @ (basis_gk * unit_k).T))


def deep_steps(net: DeepNet, space: Centred) -> Steps:
    """Layers as modules between the axes of the subspace; they take off the centre themselves.

    The ways from one layer to the next, and out of L1 and L3, have the straight line at rest; those that go through L2
    carry it beside the nodes, so that products of their weights and their gradients hold it as well.
    """
    k, rank, sd_k = net.bottleneck, len(net.sd), net.sd[: net.bottleneck]
    code, none = torch.eye(k), torch.zeros(k)
    straight, line = torch.zeros(k, rank), torch.zeros(rank, k)
    straight[:, :k], line[:k] = net.turn / sd_k, sd_k[:, None] * net.turn.T
    basis_gk = space.subspace.basis_gk
    entry_gc, exit_wg = basis_gk / np.float32(net.unit), np.ascontiguousarray(basis_gk.T * np.float32(net.unit))
    centre_c = torch.from_numpy(space.centre_g @ entry_gc)
    read = _linear(net.read.weight * net.scale_in, net.read.bias)
    both = _linear(torch.cat([read.weight, straight]), torch.cat([read.bias, none]))
    for reader in (read, both):
        reader.bias.sub_(reader.weight @ centre_c)
    narrow, widen = _linear(net.narrow.weight, net.narrow.bias), _linear(net.widen.weight, net.widen.bias)
    write = _linear(net.write.weight * net.scale_out[:, None], net.write.bias * net.scale_out)
    encode = nn.Sequential(
        both,
        _Beside(net.widths[0]),
        _linear(torch.cat([narrow.weight, code], 1), narrow.bias),
    )
    decode = nn.Sequential(
        _linear(torch.cat([widen.weight, code]), torch.cat([widen.bias, none])),
        _Beside(net.widths[2]),
        _linear(torch.cat([write.weight, line], 1), write.bias),
    )
    first, last = nn.Sequential(read, nn.SiLU()), nn.Sequential(widen, nn.SiLU())
    ways_in = {"L1": first, "L2": encode, "L3": nn.Sequential(*encode, *last)}
    ways_out = {"L1": nn.Sequential(narrow, *decode), "L2": decode, "L3": nn.Sequential(write)}
    hidden = {"L1": first, "L2": narrow, "L3": last}
    return Steps(entry_gc, hidden, exit_wg, (ways_in, ways_out))


def _linear(weight: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight, layer.bias = (nn.Parameter(part.detach().clone(), requires_grad=False) for part in (weight, bias))
    return layer
