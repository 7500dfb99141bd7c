"""The network of the deep preset: principal components as a straight line, and activations that add to it.

How it is trained, and its inside as modules for methods that take gradients or read weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..._core.checks import check_positive
from ..._core.progress import progress
from ..._core.ranks import ranks
from ..steps import Steps
from ..subspace.exact import Centred
from .adam import Adam
from .checkpoint import Both, Checkpoint, State
from .device import on_device
from .loop import History, in_step
from .objective import Share

__all__ = ["DeepLoss", "DeepNet", "DeepRecipe", "deep_step", "deep_steps", "line_steps", "train_deep"]

AT_ONCE = 4096
LEAST_SD = 1e-3


@dataclass(frozen=True, kw_only=True)
class DeepRecipe:
    """How the network of a :class:`Deep` is trained and read.

    Attributes
    ----------
    rank
        Axes of the samples' subspace that are read and written; at least twice as many as the bottleneck has nodes.
    epochs, batch, rate, rise, decay
        AdamW with this weight decay; the rate rises to `rate` over the share `rise` of the steps, and falls again.
    dropout
        Share of the outer layers' nodes that each step leaves out.
    decoders
        Groups of equal size that L3 is parted into; each learns to give back samples by itself from the one code, and
        the mean of what they give back is read. On studies left out that is worth what as many trainings are.
    clip
        Longest gradient of a step; without it some trainings part from what they had learned.
    refine, refine_rate
        Steps, and length of the first, by which a sample's bottleneck codes go down its own reconstruction error.

    Raises
    ------
    InputError
        If a number is not above zero.
    """

    rank: int = 256
    epochs: int = 40
    batch: int = 128
    rate: float = 2e-3
    rise: float = 0.25
    decay: float = 1e-2
    dropout: float = 0.2
    decoders: int = 4
    clip: float = 1.0
    refine: int = 20
    refine_rate: float = 0.1

    def __post_init__(self) -> None:
        check_positive(**{name: value for name, value in vars(self).items() if name not in ("decay", "dropout")})


class _Dropout(nn.Dropout):
    """Dropout that gives a share of a batch what one process would give it of the whole."""

    share: Share | None = None

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        if self.share is None or not self.training:
            return super().forward(h)
        return h * super().forward(h.new_ones((self.share.of, h.shape[1])))[self.share.rows]


class DeepNet(nn.Module):
    """``x -> L1 -> L2 -> L3 -> x``, beside a straight line ``x -> L2 -> x`` that is PCA and stays it.

    L1 and L3 are SiLU nodes; what they add is zero before training. Codes of L2 are in standard deviations of the
    principal axes, or of axes to which :meth:`rotate` rotated them; `x` is coordinates over `unit`.

    Parameters
    ----------
    variance_k
        Variance of the samples along their principal axes, from the largest on.
    widths
        Nodes of L1, L2 and L3.
    dropout, decoders
        See :class:`DeepRecipe`.
    seed
        Of the weights.
    """

    sd: torch.Tensor
    scale_in: torch.Tensor
    scale_out: torch.Tensor
    turn: torch.Tensor

    def __init__(
        self, variance_k: np.ndarray, widths: tuple[int, int, int], *, dropout: float, seed: int, decoders: int = 1
    ) -> None:
        super().__init__()
        variance = torch.from_numpy(np.maximum(variance_k, 1e-12).astype(np.float32))
        sd = (variance / variance.mean()).sqrt()
        self.widths, self.latent, self.decoders = widths, None, min(decoders, widths[2])
        self.unit = float(variance.mean().sqrt())
        self.register_buffer("sd", sd, persistent=False)
        # Axes of little variance would be heard as loudly as the others if each were in its own standard deviations.
        self.register_buffer("scale_in", sd.clamp_min(LEAST_SD) ** -0.5, persistent=False)
        self.register_buffer("scale_out", sd**0.5, persistent=False)
        rank, (first, narrow, last) = len(sd), widths
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.read, self.narrow = nn.Linear(rank, first), nn.Linear(first, narrow)
            self.widen, self.write = nn.Linear(narrow, last), nn.Linear(last, rank)
        for layer in (self.narrow, self.write):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.register_buffer("turn", torch.eye(narrow))
        self.drop = _Dropout(dropout)

    @property
    def bottleneck(self) -> int:
        """Nodes of L2."""
        return self.widths[1]

    @property
    def rotation(self) -> torch.Tensor:
        """Of the principal axes to those that nodes of L2 stand for, ``turn`` in files of weights, shape ``(k, k)``."""
        return self.turn

    def straight(self, x: torch.Tensor) -> torch.Tensor:
        """PCA's code."""
        return x[:, : self.bottleneck] / self.sd[: self.bottleneck] @ self.rotation.T

    def line(self, code: torch.Tensor) -> torch.Tensor:
        """What PCA makes of a code."""
        rest = len(self.sd) - self.bottleneck
        return functional.pad(code @ self.rotation * self.sd[: self.bottleneck], (0, rest))

    @torch.no_grad()
    def rotate(self, rotation_kk: np.ndarray) -> None:
        """Rotate the axes that nodes of L2 stand for; what is given back stays as it is."""
        rotation = torch.from_numpy(rotation_kk)
        self.rotation.copy_(rotation @ self.rotation)
        self.narrow.weight.copy_(rotation @ self.narrow.weight)
        self.narrow.bias.copy_(rotation @ self.narrow.bias)
        self.widen.weight.copy_(self.widen.weight @ rotation.T)

    def first(self, x: torch.Tensor) -> torch.Tensor:
        """Codes of L1."""
        return functional.silu(self.read(x * self.scale_in))

    def code(self, x: torch.Tensor) -> torch.Tensor:
        """Codes of L2, the encoder's."""
        return self.straight(x) + self.narrow(self.drop(self.first(x)))

    def last(self, code: torch.Tensor) -> torch.Tensor:
        """Codes of L3."""
        return functional.silu(self.widen(code))

    def added(self, last: torch.Tensor) -> torch.Tensor:
        """What codes of L3 add to the straight line."""
        return self.write(last) * self.scale_out

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Output from codes of L2."""
        return self.added(self.drop(self.last(code))) + self.line(code)

    def each(self, code: torch.Tensor) -> list[torch.Tensor]:
        """Output of each decoder from codes of L2; their mean is :meth:`decode`'s."""
        line, last = self.line(code), self.drop(self.last(code))
        parts = zip(last.tensor_split(self.decoders, 1), self.write.weight.tensor_split(self.decoders, 1), strict=True)
        return [
            functional.linear(h, weight * self.decoders, self.write.bias) * self.scale_out + line for h, weight in parts
        ]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Reconstruction of `x` from the encoder's codes."""
        return self.decode(self.code(x))

    def refined(self, x: torch.Tensor, recipe: DeepRecipe) -> torch.Tensor:
        """Codes of L2 after steps of Adam down each sample's own error; no sample's code depends on another's."""
        with torch.enable_grad():
            # Along principal axes, whatever nodes were rotated to: Adam's steps depend on the axes.
            straight = (self.code(x).detach() @ self.rotation).requires_grad_()
            optimizer = Adam([straight])  # type: ignore[list-item]
            for i in range(recipe.refine):
                (straight.grad,) = torch.autograd.grad(
                    (self.decode(straight @ self.rotation.T) - x).square().sum(), straight
                )
                optimizer.step(recipe.refine_rate * (1 - i / recipe.refine))
        return (straight @ self.rotation.T).detach()

    def branches(self, c_nk: np.ndarray, recipe: DeepRecipe) -> tuple[np.ndarray, np.ndarray]:
        """Refined codes of samples given by their coordinates, and the coordinates that they decode to."""
        code_nb, back_nk = np.zeros((len(c_nk), self.bottleneck), dtype=np.float32), np.zeros_like(c_nk)
        group = ranks()
        with on_device(self) as where:
            for start in range(group.rank * AT_ONCE, len(c_nk), group.size * AT_ONCE):
                rows = slice(start, start + AT_ONCE)
                code = self.refined(torch.from_numpy(c_nk[rows]).to(where) / self.unit, recipe)
                code_nb[rows], back_nk[rows] = code.cpu().numpy(), (self.decode(code) * self.unit).cpu().numpy()
        return group.sum(code_nb), group.sum(back_nk)


class DeepLoss(nn.Module):
    """Mean over the decoders of the mean squared error of what each gives back."""

    def __init__(self, net: DeepNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor, *, share: Share | None = None) -> torch.Tensor:
        """Of samples by their coordinates; with a `share`, of that part of a batch."""
        self.net.drop.share = share
        return torch.stack([(out - x).square().mean() for out in self.net.each(self.net.code(x))]).mean()


@dataclass(frozen=True)
class _Dropped:
    """What dropout draws from: torch's own random numbers on a device."""

    where: torch.device

    def get_state(self) -> torch.Tensor:
        return torch.cuda.get_rng_state(self.where) if self.where.type == "cuda" else torch.get_rng_state()

    def set_state(self, state: torch.Tensor) -> None:
        if self.where.type == "cuda":
            torch.cuda.set_rng_state(state, self.where)
        else:
            torch.set_rng_state(state)


def train_deep(
    net: DeepNet,
    c_nk: np.ndarray,
    recipe: DeepRecipe,
    *,
    seed: int,
    says: str,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Train in place on coordinates of samples, and freeze; one record per epoch.

    AdamW, doi 10.48550/arXiv.1711.05101; one cycle of the rate, doi 10.48550/arXiv.1708.07120.
    """
    with on_device(net) as where:
        history = _train(net, c_nk, recipe, seed=seed, says=says, checkpoint=checkpoint, where=where)
    net.eval().requires_grad_(requires_grad=False)
    return history


def _train(
    net: DeepNet,
    c_nk: np.ndarray,
    recipe: DeepRecipe,
    *,
    seed: int,
    says: str,
    checkpoint: Checkpoint | None,
    where: torch.device,
) -> History:
    x = torch.from_numpy(np.ascontiguousarray(c_nk, dtype=np.float32)).to(where) / net.unit
    draw = torch.Generator().manual_seed(seed)
    optimizer, batches = Adam(net.parameters()), -(-len(x) // recipe.batch)
    size, history = float(x.square().mean()), History()
    loss = in_step(DeepLoss(net))
    net.train()
    cards = [where] if where.type == "cuda" else []
    with torch.random.fork_rng(devices=cards), progress(says, recipe.epochs) as tell:
        torch.manual_seed(seed + 1)
        state = State(net, optimizer, Both(draw, _Dropped(where)), history)
        if checkpoint:
            checkpoint.restore(state)
        cycle = islice(_cycle(recipe.epochs * batches, recipe), len(history) * batches, None)
        for epoch in range(len(history), recipe.epochs):
            total = torch.zeros((), dtype=torch.float64, device=where)
            for rows in torch.randperm(len(x), generator=draw).split(recipe.batch):
                rate, momentum = next(cycle)
                total += deep_step(loss, x[rows], optimizer, recipe=recipe, rate=rate, momentum=momentum) * len(rows)
            summed = float(ranks().sum(np.array([float(total)]))[0]) / ranks().size
            history.append({"epoch": epoch + 1, "train_loss": summed / len(x) / size})
            if checkpoint:
                checkpoint.save(state, last=epoch + 1 == recipe.epochs)
            tell()
    return history


def deep_step(
    loss: nn.Module, x: torch.Tensor, optimizer: Adam, *, recipe: DeepRecipe, rate: float, momentum: float
) -> torch.Tensor:
    """One step of the optimizer; returns the loss before it, whose mean over processes in step is the batch's."""
    share = Share.of_batch(len(x))
    found = loss(x) if share is None else loss(x[share.rows], share=share) * share.weight
    found.backward()
    nn.utils.clip_grad_norm_(loss.parameters(), recipe.clip)
    optimizer.step(rate, momentum=momentum, decay=recipe.decay)
    return found.detach().double()


def _cycle(steps: int, recipe: DeepRecipe) -> Iterator[tuple[float, float]]:
    """Rate and momentum of each step: the one goes up and down again by half cosines, the other down and up."""
    top = recipe.rise * (steps + 1) - 1
    for step in range(steps):
        rising = step <= top
        way = step / max(top, 1e-9) if rising else (step - top) / (steps - top)
        near = (1 + math.cos(math.pi * way)) / 2  # 1 at the start of the way, 0 at its end
        low = recipe.rate / 25 if rising else recipe.rate / 250_000
        rate = low * near + recipe.rate * (1 - near) if rising else recipe.rate * near + low * (1 - near)
        yield rate, 0.85 + 0.1 * (near if rising else 1 - near)


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
    weight = net.rotation / sd_k
    hidden = {"L2": _linear(weight, -weight @ torch.from_numpy(space.centre_g @ entry_gc))}
    return Steps(entry_gc, hidden, np.ascontiguousarray(net.rotation.numpy() @ (basis_gk * unit_k).T))


def deep_steps(net: DeepNet, space: Centred) -> Steps:
    """Layers as modules between the axes of the subspace; they take off the centre themselves.

    The ways from one layer to the next, and out of L1 and L3, have the straight line at rest; those that go through L2
    carry it beside the nodes, so that products of their weights and their gradients hold it as well.
    """
    k, rank, sd_k = net.bottleneck, len(net.sd), net.sd[: net.bottleneck]
    code, none = torch.eye(k), torch.zeros(k)
    straight, line = torch.zeros(k, rank), torch.zeros(rank, k)
    straight[:, :k], line[:k] = net.rotation / sd_k, sd_k[:, None] * net.rotation.T
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
