"""What training lowers, and what it is watched by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..._core.ranks import ranks
from ...stats.subjects import numbered
from ..recipe import Recipe
from ..subspace.exact import GeneSpace, Space, Subspace, squares
from .device import of_net

if TYPE_CHECKING:
    from .network import Stack

__all__ = ["HeldOut", "Objective", "Share"]

DRAWS = 1000
AT_ONCE = 20
ROWS = 4096


@dataclass(frozen=True)
class Share:
    """The samples of a batch that one of several processes in step learns from.

    Attributes
    ----------
    rows
        Which of the batch; never none, for all have to take the step.
    of
        Samples in the batch.
    weight
        What the share's mean counts in the mean over processes; 0 where there are fewer samples than processes and
        this one has none of its own.
    """

    rows: slice
    of: int
    weight: float

    @classmethod
    def of_batch(cls, samples: int) -> Share | None:
        """What is for this process; None alone."""
        group = ranks()
        if group.size == 1:
            return None
        first, last = (samples * i // group.size for i in (group.rank, group.rank + 1))
        if first == last:
            return cls(slice(0, 1), samples, 0.0)
        return cls(slice(first, last), samples, (last - first) * group.size / samples)

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """The batch's mean of a figure, from the shares' means."""
        group = ranks()
        total = group.sum(np.array([float(value) * self.weight]))[0] / group.size
        return value.new_tensor(total)


class Objective(nn.Module):
    """Share of the variance not reconstructed, plus the penalties that a recipe weighs.

    `c_nk` are training samples in the network's coordinates, and `genes` how many stand behind these, if not one each:
    the weight of the divergence goes by it.
    """

    variance: torch.Tensor
    units: torch.Tensor

    def __init__(self, net: Stack, c_nk: torch.Tensor, recipe: Recipe, *, genes: int | None = None) -> None:
        super().__init__()
        self.net, self.recipe = net, recipe
        self.genes = genes or c_nk.shape[1]
        with torch.no_grad():
            self.register_buffer("variance", c_nk.var(0, correction=0).sum().clamp_min(1e-12))
            depths = range(1, len(net.hidden) + 1) if recipe.sparsity else ()
            units = [net.encode(c_nk, depth).std(0).mean().clamp_min(1e-12) for depth in depths]
            self.register_buffer("units", torch.stack(units) if units else torch.zeros(0))

    def forward(
        self,
        x: torch.Tensor,
        *,
        draw: torch.Generator | None = None,
        warmth: float = 1.0,
        share: Share | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss, and the squared error per sample in it; without `draw` nothing is random.

        With a `share`, `x` is a part of a batch, and what is drawn is what one process would draw for it.
        """
        net, recipe = self.net, self.recipe
        h, penalty, divergence = x, x.new_zeros(()), x.new_zeros(())
        if draw is not None and recipe.noise:
            h = h + recipe.noise * _drawn(torch.randn, h, draw=draw, share=share)
        for i, (linear, activation) in enumerate(zip(net.hidden, net.activations, strict=True)):
            before, h = h, activation(linear(h))
            if recipe.sparsity:
                penalty = penalty + h.abs().mean() / self.units[i]
            if net.latent == i + 1:
                log_variance = net.spread(before)
                divergence = 0.5 * (h**2 + log_variance.exp() - 1.0 - log_variance).sum(1).mean()
                h = (
                    h
                    if draw is None
                    else h + (0.5 * log_variance).exp() * _drawn(torch.randn, h, draw=draw, share=share)
                )
            elif draw is not None and recipe.dropout:
                h = h * (_drawn(torch.rand, h, draw=draw, share=share) >= recipe.dropout) / (1.0 - recipe.dropout)
        error = functional.mse_loss(net.write(h), x, reduction="sum") / len(x)
        loss = error / self.variance + recipe.sparsity * penalty / len(net.hidden)
        if recipe.divergence and net.latent:
            # In units of the squared error: twice the variance per gene that the decoder leaves at this moment.
            left = error.detach() if share is None else share.mean(error.detach())
            unit = 2.0 * left / (self.genes * self.variance)
            loss = loss + warmth * recipe.divergence * unit * divergence
        return loss, error

    @torch.no_grad()
    def record(self, epoch: int, c_nk: torch.Tensor, held_out: HeldOut | None) -> dict[str, float]:
        """One row of the history."""
        record = {"epoch": epoch, "train_loss": self.over(c_nk)}
        return ranks().agreed(record if held_out is None else record | held_out.figures(self.net))

    @torch.no_grad()
    def over(self, c_nk: torch.Tensor) -> float:
        """Loss over many samples, in parts of bounded memory; processes in step take some of the parts each."""
        mine = c_nk.split(ROWS)[ranks().rank :: ranks().size]
        total = sum(float(self(part)[0]) * len(part) for part in mine)
        return float(ranks().sum(np.array([float(total)]))[0]) / len(c_nk)


def _drawn(
    kind: Callable[..., torch.Tensor], like: torch.Tensor, *, draw: torch.Generator, share: Share | None
) -> torch.Tensor:
    """Random numbers in the shape of `like`; for a share, its rows of those for the whole batch."""
    if share is None:
        return kind(like.shape, generator=draw, device=like.device)
    return kind((share.of, *like.shape[1:]), generator=draw, device=like.device)[share.rows]


@dataclass(frozen=True)
class HeldOut:
    """Samples of subjects that training never sees, and how well PCA reconstructs them.

    Attributes
    ----------
    c_nk
        In the network's coordinates.
    unit
        Prepared units in one unit of a coordinate: one number, or one per coordinate.
    outside_n
        Squared size of each outside the coordinates, in prepared units.
    size_n
        Squared distance of each from the training mean.
    pca_n
        Squared error of each by PCA of the narrowest width.
    subject_n
        Whose they are.
    """

    c_nk: torch.Tensor
    unit: torch.Tensor
    outside_n: np.ndarray
    size_n: np.ndarray
    pca_n: np.ndarray
    subject_n: np.ndarray

    @classmethod
    def of(cls, x_ng: np.ndarray, space: Space, *, pca: Subspace, subject_n: np.ndarray) -> HeldOut:
        """From prepared values whose zero is the training mean, and the principal axes to compare with."""
        c_nk = space.coordinates(x_ng)
        size_n = squares(x_ng)
        unit = torch.from_numpy(space.span_g) if isinstance(space, GeneSpace) else torch.ones(1)
        outside_n = np.zeros_like(size_n) if isinstance(space, GeneSpace) else size_n - squares(c_nk)
        pca_n = size_n - squares(pca.coordinates(x_ng))
        return cls(torch.from_numpy(c_nk), unit, outside_n, size_n, pca_n, subject_n)

    @property
    def total(self) -> float:
        """Squared distance from the training mean, summed."""
        return float(self.size_n.sum())

    @property
    def pca_r2(self) -> float:
        """Share that PCA of the narrowest width reconstructs."""
        return 1.0 - float(self.pca_n.sum()) / self.total

    def figures(self, net: Stack) -> dict[str, float]:
        """R² of the network as it is, PCA's, and 95% intervals of the first and of the difference, over subjects."""
        error_n = self.errors(net)
        error_s, pca_s, size_s = (
            np.bincount(self._subject, weights=part) for part in (error_n, self.pca_n, self.size_n)
        )
        sums_s3 = np.stack([error_s, pca_s - error_s, size_s], axis=1)
        # Numbers as wide as the sums for a few bootstraps at a time.
        parts = np.split(self._draws, DRAWS // AT_ONCE)
        error_b, gain_b, total_b = np.vstack([draws.astype(float) @ sums_s3 for draws in parts]).T
        low, high = np.quantile(1.0 - error_b / total_b, (0.025, 0.975))
        gain_low, gain_high = np.quantile(gain_b / total_b, (0.025, 0.975))
        return {
            "held_out_r2": 1.0 - float(error_n.sum()) / self.total,
            "held_out_r2_pca": self.pca_r2,
            "held_out_low": float(low),
            "held_out_high": float(high),
            "gain_low": float(gain_low),
            "gain_high": float(gain_high),
        }

    def doubt(self, net: Stack) -> float:
        """Standard error, over subjects, of the difference between the network's R² and PCA's."""
        gain_n = (self.pca_n - self.errors(net)) / self.total
        gain_s = np.bincount(self._subject, weights=gain_n)
        return float(gain_s.std(ddof=1) * np.sqrt(len(gain_s))) if len(gain_s) > 1 else 0.0

    @cached_property
    def _subject(self) -> np.ndarray:
        """Position of each sample's subject."""
        return numbered(self.subject_n)[1]

    @cached_property
    def _draws(self) -> np.ndarray:
        """How often each subject is in each bootstrap, in as few bytes as that takes."""
        subjects = int(self._subject.max()) + 1
        draw, share_s = np.random.default_rng(0).multinomial, np.full(subjects, 1 / subjects)
        return np.stack([draw(subjects, share_s).astype(np.uint8) for _ in range(DRAWS)])

    @torch.no_grad()
    def errors(self, net: Stack) -> np.ndarray:
        """Squared error of each sample, summed over genes."""
        error_n = np.zeros(len(self.c_nk))
        for start in range(ranks().rank * ROWS, len(error_n), ranks().size * ROWS):
            c = self.c_nk[start : start + ROWS].to(of_net(net))
            error_n[start : start + ROWS] = (((net(c) - c) * self.unit.to(c.device)).double() ** 2).sum(1).cpu().numpy()
        return ranks().sum(error_n) + self.outside_n
