"""The training loop, whole: shuffled batches, Adam, a cosine schedule, and a stop when learning goes wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import nn

from ..._core.progress import progress
from ..._core.ranks import ranks
from ...errors import InputError
from ..recipe import FIND, Recipe
from .adam import Adam
from .checkpoint import Both, Checkpoint, Draws, State
from .device import generator_on, of_net, on_device
from .objective import HeldOut, Objective, Share

if TYPE_CHECKING:
    from .network import Stack

__all__ = [
    "Enough",
    "History",
    "Stepper",
    "diverged",
    "find_rate",
    "in_step",
    "is_small",
    "resources_for",
    "settle",
    "train",
]

SMALL = 500_000
RATES = (1e-5, 1.0)
TRIES = 100

History = list[dict[str, float]]
"""One record per epoch."""
Enough = Callable[[History], bool]
"""Whether a training may end, given its history."""


def train(
    net: Stack,
    c_nk: torch.Tensor,
    recipe: Recipe,
    *,
    held_out: HeldOut | None = None,
    genes: int | None = None,
    checkpoint: Checkpoint | None = None,
    enough: Enough | None = None,
    seed: int = 0,
) -> History:
    """Train `net` in place to give back its input: squared error over variance, plus what the recipe penalises.

    Parameters
    ----------
    net
        Network to train.
    c_nk
        Training samples in its coordinates.
    recipe
        Learning rate, epochs, batch, penalties, where to stop.
    held_out
        Samples to measure after each epoch, never to learn from.
    genes
        Number of genes behind the coordinates, if not one each.
    checkpoint
        Where the training is kept as it goes, and taken up again after it was interrupted.
    enough
        Asked after each epoch, given the history; True ends the training.
    seed
        For the order of samples, and all else that is drawn.

    Returns
    -------
    One record per epoch, the first before any step: ``epoch``, ``train_loss``, and with held-out samples
    ``held_out_r2`` and ``held_out_r2_pca``.

    Raises
    ------
    InputError
        If the loss is no longer a number, or grows tenfold and beyond the variance itself; says to lower the learning
        rate. The network is then as it was after the last good epoch.
    """
    with resources_for(net), on_device(net) as where:
        recipe = settle(net, c_nk, recipe, genes=genes, seed=seed)
        return Stepper(net, c_nk.to(where), recipe, genes=genes, seed=seed).run(held_out, checkpoint, enough=enough)


def settle(net: Stack, c_nk: torch.Tensor, recipe: Recipe, *, genes: int | None = None, seed: int = 0) -> Recipe:
    """The recipe with a number for a rate to be found, and one precision for a choice of two."""
    with on_device(net) as where:
        if recipe.learning_rate == FIND:
            recipe = replace(recipe, learning_rate=find_rate(net, c_nk.to(where), recipe, genes=genes, seed=seed))
        if recipe.precision == "auto":
            recipe = replace(recipe, precision=_faster(net, c_nk.to(where), recipe, genes=genes))
    return recipe


class Stepper:
    """A training under way: all that a later step depends on."""

    def __init__(self, net: Stack, c_nk: torch.Tensor, recipe: Recipe, *, genes: int | None, seed: int) -> None:
        self.net, self.c_nk, self.recipe = net, c_nk, recipe
        self.objective = Objective(net, c_nk, recipe, genes=genes)
        self.loss = in_step(self.objective)
        self.generator = torch.Generator().manual_seed(seed)
        # On the processor one generator for the order of samples and for what a step draws.
        self.draw = generator_on(c_nk.device, self.generator)
        self.optimizer = Adam(net.parameters())

    def run(
        self,
        held_out: HeldOut | None,
        checkpoint: Checkpoint | None,
        *,
        enough: Enough | None = None,
    ) -> History:
        """Every epoch, from the last one that `checkpoint` holds on; returns the history.

        Raises
        ------
        InputError
            If learning goes wrong.
        """
        history: History = []
        drawn: Draws = self.generator if self.draw is self.generator else Both(self.generator, self.draw)
        state = State(self.net, self.optimizer, drawn, history)
        if checkpoint:
            checkpoint.restore(state)
        if not history:
            history.append(self.objective.record(0, self.c_nk, held_out))
        with progress("training", self.recipe.last) as step:
            for epoch in range(len(history), self.recipe.last + 1):
                if enough and enough(history):
                    break
                good = {name: tensor.clone() for name, tensor in self.net.state_dict().items()}
                self.epoch(epoch)
                history.append(self.objective.record(epoch, self.c_nk, held_out))
                if diverged(history):
                    self.net.load_state_dict(good)
                    raise InputError(_advice(history, self.recipe))
                if checkpoint:
                    checkpoint.save(state, last=epoch == self.recipe.last)
                step(_words(history[-1]))
        return history

    def epoch(self, epoch: int) -> None:
        """Every sample once, in a new order."""
        batches = torch.randperm(len(self.c_nk), generator=self.generator).split(self.recipe.batch)
        for i, rows in enumerate(batches):
            done = (epoch - 1 + i / len(batches)) / self.recipe.epochs
            self.step(self.c_nk[rows], rate=self.recipe.rate(done), warmth=self.recipe.warmth(done))

    def step(self, x: torch.Tensor, *, rate: float, warmth: float = 1.0) -> torch.Tensor:
        """One step of the optimizer; returns the loss before it. Of a batch, a process in step takes its share."""
        share = Share.of_batch(len(x))
        with self.precision():
            loss, _ = self.loss(x if share is None else x[share.rows], draw=self.draw, warmth=warmth, share=share)
        (loss if share is None else loss * share.weight).backward()
        self.optimizer.step(rate)
        if self.recipe.nonnegative:
            with torch.no_grad():
                self.net.out.weight.clamp_(min=0.0)
        return loss.detach()

    def precision(self) -> torch.autocast | nullcontext[None]:
        """The context in which products are taken."""
        if self.recipe.precision == "bfloat16":
            return torch.autocast(self.c_nk.device.type, dtype=torch.bfloat16)
        return nullcontext()


def in_step(loss: nn.Module) -> nn.Module:
    """A module whose gradients are those of the mean over processes in step; alone, the module itself."""
    if ranks().size == 1:
        return loss
    from .joined import averaged

    return averaged(loss, of_net(loss))


def find_rate(net: Stack, c_nk: torch.Tensor, recipe: Recipe, *, genes: int | None = None, seed: int = 0) -> float:
    """A learning rate that suits a network and its samples, by the range test of Smith 2017.

    A copy of the network takes steps at rates that rise from 1e-5 to 1; the answer is a tenth of the last rate at
    which the loss, smoothed over steps, is within 2% of its lowest.

    Parameters
    ----------
    net, c_nk, recipe, genes, seed
        As for :func:`train`; the network is left as it is.

    Notes
    -----
    Source: doi 10.1109/WACV.2017.58. Cost: at most 100 steps.
    """
    loop = Stepper(deepcopy(net), c_nk, replace(recipe, learning_rate=RATES[0]), genes=genes, seed=seed)
    growth = (RATES[1] / RATES[0]) ** (1 / (TRIES - 1))
    smooth = lowest = loop.objective.over(c_nk[: recipe.batch])
    found = RATES[0]
    for i in range(TRIES):
        rate = RATES[0] * growth**i
        rows = torch.randint(len(c_nk), (min(recipe.batch, len(c_nk)),), generator=loop.generator)
        smooth = 0.8 * smooth + 0.2 * float(loop.step(c_nk[rows], rate=rate))
        if not smooth < 4 * lowest + 1e-12:
            break
        lowest = min(lowest, smooth)
        if smooth <= 1.02 * lowest:
            found = rate
    return found / 10


def _faster(net: Stack, c_nk: torch.Tensor, recipe: Recipe, *, genes: int | None) -> str:
    """The precision whose steps take less time, measured on a copy; float32 unless bfloat16 saves a tenth."""
    seconds = {}
    for precision in ("float32", "bfloat16"):
        trial = replace(recipe, precision=precision)
        loop = Stepper(deepcopy(net), c_nk, trial, genes=genes, seed=0)
        times = []
        for _ in range(4):
            started = time.perf_counter()
            loop.step(c_nk[: recipe.batch], rate=RATES[0]).item()  # a GPU is waited for
            times.append(time.perf_counter() - started)
        seconds[precision] = min(times)
    return "bfloat16" if seconds["bfloat16"] < 0.9 * seconds["float32"] else "float32"


def is_small(net: Stack) -> bool:
    """Whether its products cost less than asking for them."""
    return sum(p.numel() for p in net.parameters()) < SMALL


@contextmanager
def resources_for(net: Stack) -> Iterator[None]:
    """One thread for a small network: its products are over before a second has started, and waiting costs more."""
    before = torch.get_num_threads()
    if is_small(net):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def diverged(history: History) -> bool:
    """Whether the last loss is no number, or far beyond the first."""
    first, last = history[0]["train_loss"], history[-1]["train_loss"]
    # In units of the variance: a start that is exact but for rounding may well lose a ten-thousandth.
    return not (math.isfinite(last) and last <= 10 * max(first, 0.1))


def _advice(history: History, recipe: Recipe) -> str:
    first, last = history[0]["train_loss"], history[-1]["train_loss"]
    rate = float(recipe.learning_rate)
    return (
        f"training diverged: the loss went from {first:.4g} to {last:.4g} in {len(history) - 1} epochs; use a "
        f"learning_rate below {rate:g}, for example {rate / 10:g}, or learning_rate='{FIND}'; the network "
        f"is kept as it was after epoch {len(history) - 2}"
    )


def _words(record: dict[str, float]) -> str:
    text = f"loss {record['train_loss']:.4f}"
    if "held_out_r2" in record:
        text += f", held-out R² {record['held_out_r2']:.4f} (PCA {record['held_out_r2_pca']:.4f})"
    return text
