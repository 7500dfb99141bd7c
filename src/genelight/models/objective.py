"""What training lowers, and what it is watched by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from .recipe import Recipe
from .spaces import GeneSpace, Space

if TYPE_CHECKING:
    from .network import Stack

__all__ = ["HeldOut", "Objective"]


class Objective:
    """Share of the variance not reconstructed, plus the penalties that a recipe weighs.

    Parameters
    ----------
    net
        Network to train.
    c_nk
        Training samples, in its coordinates.
    recipe
        Weights of sparsity and divergence, and what is drawn in a step: noise, dropout.
    genes
        Number of genes behind the coordinates, if not one each; for the weight of the divergence.
    """

    def __init__(self, net: Stack, c_nk: torch.Tensor, recipe: Recipe, *, genes: int | None = None) -> None:
        self.net, self.recipe = net, recipe
        self.genes = genes or c_nk.shape[1]
        self.variance = max(float(c_nk.var(0, correction=0).sum()), 1e-12)
        with torch.no_grad():
            depths = range(1, len(net.hidden) + 1) if recipe.sparsity else ()
            self.units = [max(float(net.encode(c_nk, depth).std(0).mean()), 1e-12) for depth in depths]

    def __call__(
        self, x: torch.Tensor, *, draw: torch.Generator | None = None, warmth: float = 1.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss, and the squared error per sample in it; without `draw` nothing is random."""
        net, recipe = self.net, self.recipe
        h, penalty, divergence = x, x.new_zeros(()), x.new_zeros(())
        if draw is not None and recipe.noise:
            h = h + recipe.noise * _normal(h, draw)
        for i, (linear, bend) in enumerate(zip(net.hidden, net.bends, strict=True)):
            before, h = h, bend(linear(h))
            if recipe.sparsity:
                penalty = penalty + h.abs().mean() / self.units[i]
            if net.latent == i + 1:
                log_variance = net.spread(before)
                divergence = 0.5 * (h**2 + log_variance.exp() - 1.0 - log_variance).sum(1).mean()
                h = h if draw is None else h + (0.5 * log_variance).exp() * _normal(h, draw)
            elif draw is not None and recipe.dropout:
                h = h * (torch.rand(h.shape, generator=draw) >= recipe.dropout) / (1.0 - recipe.dropout)
        error = ((net.write(h) - x) ** 2).sum(1).mean()
        loss = error / self.variance + recipe.sparsity * penalty / len(net.hidden)
        if recipe.divergence and net.latent:
            # In units of the squared error: twice the variance per gene that the decoder leaves at this moment.
            unit = 2.0 * error.detach() / (self.genes * self.variance)
            loss = loss + warmth * recipe.divergence * unit * divergence
        return loss, error

    @torch.no_grad()
    def record(self, epoch: int, c_nk: torch.Tensor, held_out: HeldOut | None) -> dict[str, float]:
        """One row of the history."""
        record = {"epoch": epoch, "train_loss": self.over(c_nk)}
        return record if held_out is None else record | held_out.figures(self.net)

    @torch.no_grad()
    def over(self, c_nk: torch.Tensor, *, at_once: int = 4096) -> float:
        """Loss over many samples, in parts of bounded memory."""
        parts = c_nk.split(at_once)
        return sum(float(self(part)[0]) * len(part) for part in parts) / len(c_nk)


def _normal(like: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    return torch.randn(like.shape, generator=draw)


@dataclass(frozen=True)
class HeldOut:
    """Samples of subjects that training never sees, and how well they are reconstructed.

    Attributes
    ----------
    c_nk
        In the network's coordinates.
    unit
        Prepared units in one unit of a coordinate: one number, or one per coordinate.
    outside
        Their squared size outside the coordinates, in prepared units.
    total
        Their squared distance from the training mean.
    pca_r2
        Share of it that PCA of the narrowest width reconstructs.
    """

    c_nk: torch.Tensor
    unit: torch.Tensor
    outside: float
    total: float
    pca_r2: float

    @classmethod
    def of(cls, x_ng: np.ndarray, space: Space, *, pca_r2: float) -> HeldOut:
        """From prepared values whose zero is the training mean."""
        total = float(np.einsum("ng,ng->", x_ng, x_ng, dtype=np.float64))
        c_nk = space.coordinates(x_ng)
        if isinstance(space, GeneSpace):
            return cls(torch.from_numpy(c_nk), torch.from_numpy(space.span_g), 0.0, total, pca_r2)
        inside = float(np.einsum("nk,nk->", c_nk, c_nk, dtype=np.float64))
        return cls(torch.from_numpy(c_nk), torch.ones(1), total - inside, total, pca_r2)

    @torch.no_grad()
    def figures(self, net: Stack) -> dict[str, float]:
        """R² of the network as it is, and PCA's."""
        parts = self.c_nk.split(4096)
        inside = sum(float((((net(c) - c) * self.unit).double() ** 2).sum()) for c in parts)
        return {"held_out_r2": 1.0 - (inside + self.outside) / self.total, "held_out_r2_pca": self.pca_r2}
