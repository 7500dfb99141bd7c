"""The training loop, whole: shuffled batches, Adam, a cosine schedule, and a stop when learning goes wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .._core.errors import InputError
from .._core.progress import progress

if TYPE_CHECKING:
    from .network import Stack

__all__ = ["Recipe", "train"]

SMALL = 500_000


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes
    ----------
    learning_rate
        Of Adam at the start; falls to zero along a cosine.
    epochs
        Passes over the samples on that schedule.
    batch
        Samples per step.
    sparsity
        Weight of the mean absolute code, in units of each layer's typical code at the start, against the share of
        variance not reconstructed; 0 for none.
    stop
        End after so many epochs of the schedule; by default after all.
    """

    learning_rate: float
    epochs: int
    batch: int = 64
    sparsity: float = 0.0
    stop: int | None = None


def train(
    net: Stack, c_nk: torch.Tensor, recipe: Recipe, *, held_out_nk: torch.Tensor | None = None, seed: int = 0
) -> list[dict[str, float]]:
    """Train `net` in place to give back its input: squared error over variance, plus the sparsity penalty.

    Parameters
    ----------
    net
        Network to train.
    c_nk
        Training samples in the subspace.
    recipe
        Learning rate, epochs, batch, sparsity, where to stop.
    held_out_nk
        Samples to measure after each epoch, never to learn from.
    seed
        For the order of samples.

    Returns
    -------
    One record per epoch, the first before any step: ``epoch``, ``train_loss``, and with held-out samples
    ``held_out_error`` (squared error per sample, summed over coordinates).

    Raises
    ------
    InputError
        If the loss becomes infinite, or grows tenfold and beyond the variance itself; says to lower the learning rate.
    """
    with _threads_for(net):
        return _train(net, c_nk, recipe, held_out_nk=held_out_nk, seed=seed)


def _train(
    net: Stack, c_nk: torch.Tensor, recipe: Recipe, *, held_out_nk: torch.Tensor | None, seed: int
) -> list[dict[str, float]]:
    generator = torch.Generator().manual_seed(seed)
    objective = _Objective(net, c_nk, recipe.sparsity)
    optimizer = torch.optim.Adam(net.parameters(), lr=recipe.learning_rate, fused=True)
    steps = math.ceil(len(c_nk) / recipe.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs * steps)
    history = [objective.record(0, c_nk, held_out_nk)]
    epochs = recipe.epochs if recipe.stop is None else recipe.stop
    with progress("training", epochs) as step:
        for epoch in range(1, epochs + 1):
            for rows in torch.randperm(len(c_nk), generator=generator).split(recipe.batch):
                loss, _ = objective(c_nk[rows])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
            history.append(objective.record(epoch, c_nk, held_out_nk))
            _check(history, recipe)
            step(f"loss {history[-1]['train_loss']:.4f}")
    return history


@contextmanager
def _threads_for(net: Stack) -> Iterator[None]:
    """One thread for a small network: its products are over before a second has started, and waiting costs more."""
    before = torch.get_num_threads()
    if sum(p.numel() for p in net.parameters()) < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Objective:
    """Share of variance not reconstructed, plus the weighted mean absolute code."""

    def __init__(self, net: Stack, c_nk: torch.Tensor, sparsity: float) -> None:
        self.net, self.sparsity = net, sparsity
        self.variance = float((c_nk**2).sum(1).mean())
        with torch.no_grad():
            depths = range(1, len(net.hidden) + 1) if sparsity else ()
            self.units = [max(float(net.encode(c_nk, depth).std(0).mean()), 1e-12) for depth in depths]

    def __call__(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss, and the squared error per sample in it."""
        h, penalty = x, x.new_zeros(())
        for i, (linear, bend) in enumerate(zip(self.net.hidden, self.net.bends, strict=True)):
            h = bend(linear(h))
            if self.sparsity:
                penalty = penalty + h.abs().mean() / self.units[i]
        error = ((self.net.out(h) - x) ** 2).sum(1).mean()
        return error / self.variance + self.sparsity * penalty / len(self.net.hidden), error

    @torch.no_grad()
    def record(self, epoch: int, c_nk: torch.Tensor, held_out_nk: torch.Tensor | None) -> dict[str, float]:
        record = {"epoch": epoch, "train_loss": float(self(c_nk)[0])}
        if held_out_nk is not None:
            record["held_out_error"] = float(self(held_out_nk)[1])
        return record


def _check(history: list[dict[str, float]], recipe: Recipe) -> None:
    first, last = history[0]["train_loss"], history[-1]["train_loss"]
    # In units of the variance: a start that is exact but for rounding may well lose a ten-thousandth.
    if math.isfinite(last) and last <= 10 * max(first, 0.1):
        return
    msg = (
        f"training diverged: the loss went from {first:.4g} to {last:.4g} in {len(history) - 1} epochs; use a "
        f"learning_rate below {recipe.learning_rate:g}, for example {recipe.learning_rate / 10:g}"
    )
    raise InputError(msg)
