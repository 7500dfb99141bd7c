"""A network that gives back counts: what it learns is the chance of every count, negative binomial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..._core.checks import check_positive
from ..._core.progress import progress
from .adam import Adam

__all__ = ["CountNet", "CountRecipe", "Counted", "lost", "train_counts"]

MOST_STEEP = 3.0
AT_ONCE = 2048


@dataclass(frozen=True, kw_only=True)
class CountRecipe:
    """How a network of counts is trained.

    Attributes
    ----------
    epochs, batch, rate, decay
        Adam with this weight decay, at most so many passes, the rate falling linearly to a twentieth.
    dropout
        Share of the outer layers' nodes that each step leaves out.

    Raises
    ------
    InputError
        If a number is not above zero.
    """

    epochs: int = 30
    batch: int = 128
    rate: float = 2e-3
    decay: float = 1e-3
    dropout: float = 0.1

    def __post_init__(self) -> None:
        check_positive(epochs=self.epochs, batch=self.batch, rate=self.rate)


@dataclass(frozen=True)
class Counted:
    """Samples to learn counts from: prepared values, and the same genes' counts."""

    z_ng: np.ndarray
    count_ng: np.ndarray

    def of(self, rows: np.ndarray) -> Counted:
        """Some of the samples."""
        return Counted(self.z_ng[rows], self.count_ng[rows])


class CountNet(nn.Module):
    """``z -> L1 -> L2 -> L3 -> rates``, beside a straight line ``z -> L2 -> rates`` that begins as principal axes.

    Rates are the genes' shares of a cell's molecules: softmax over genes of what L2 and L3 say.

    Parameters
    ----------
    basis_gk, sd_k
        Principal axes of prepared values, as many as L2 has nodes, and standard deviations along them.
    share_g
        Each gene's share of all molecules.
    steep_g
        How the logarithm of a rate goes with one prepared unit.
    widths
        Nodes of L1, L2 and L3.
    seed
        Of the weights.
    """

    basis: torch.Tensor

    def __init__(
        self, basis_gk: np.ndarray, sd_k: np.ndarray, *, share_g: np.ndarray, steep_g: np.ndarray,
        widths: tuple[int, int, int], dropout: float = 0.0, seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        first, narrow, last = widths
        genes = len(basis_gk)
        sd = np.maximum(sd_k, 1e-6)
        self.widths = widths
        self.register_buffer("basis", torch.from_numpy((basis_gk / sd).astype(np.float32)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.read, self.narrow = nn.Linear(genes, first), nn.Linear(first, narrow)
            self.widen, self.write = nn.Linear(narrow, last), nn.Linear(last, genes)
        for layer in (self.narrow, self.write):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.line = nn.Parameter(torch.from_numpy((basis_gk * sd * steep_g[:, None]).T.astype(np.float32).copy()))
        self.level = nn.Parameter(torch.from_numpy(np.log(np.maximum(share_g, 1e-12)).astype(np.float32)))
        self.log_size = nn.Parameter(torch.zeros(genes))
        self.drop = nn.Dropout(dropout)

    def first(self, z: torch.Tensor) -> torch.Tensor:
        """Codes of L1."""
        return functional.silu(self.read(z))

    def code(self, z: torch.Tensor) -> torch.Tensor:
        """Codes of L2."""
        return z @ self.basis + self.narrow(self.drop(self.first(z)))

    def last(self, code: torch.Tensor) -> torch.Tensor:
        """Codes of L3."""
        return functional.silu(self.widen(code))

    def rates(self, code: torch.Tensor | None, last: torch.Tensor) -> torch.Tensor:
        """Log of each gene's share of the molecules; without codes of L2, the straight line rests."""
        line = 0.0 if code is None else code @ self.line
        return functional.log_softmax(self.level + line + self.write(self.drop(last)), dim=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Log rates of samples."""
        code = self.code(z)
        return self.rates(code, self.last(code))

    def loss(self, z: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
        """Negative log likelihood of counts, mean over genes, of each sample, less what depends on counts alone."""
        log_mean = self(z) + count.sum(1, keepdim=True).clamp_min(1.0).log()
        size = self.log_size.clamp(-5.0, 8.0).exp()
        log_both = torch.logaddexp(log_mean, size.log())
        likely = (
            torch.lgamma(count + size) - torch.lgamma(size) + size * (size.log() - log_both)
            + count * (log_mean - log_both)
        )  # fmt: skip
        return -likely.mean(1)


@torch.no_grad()
def lost(net: CountNet, samples: Counted) -> np.ndarray:
    """Loss of each sample."""
    z, count = torch.from_numpy(samples.z_ng), torch.from_numpy(samples.count_ng)
    return torch.cat([net.loss(*part) for part in zip(z.split(AT_ONCE), count.split(AT_ONCE), strict=True)]).numpy()


def train_counts(
    net: CountNet,
    samples: Counted,
    recipe: CountRecipe,
    *,
    unseen: Counted | None = None,
    epochs: int | None = None,
    seed: int = 0,
    says: str,
) -> list[dict[str, float]]:
    """Train in place; one record per epoch, the first before any, with the loss of `unseen` samples if there are.

    With those the network ends as it was after the epoch that served them best; else after so many `epochs` of the
    recipe's.
    """
    z, count = torch.from_numpy(samples.z_ng), torch.from_numpy(samples.count_ng)
    draw = torch.Generator().manual_seed(seed)
    optimizer = Adam(net.parameters())
    history = [_record(0, float("nan"), net=net, unseen=unseen)]
    best = {name: value.clone() for name, value in net.state_dict().items()}
    epochs = recipe.epochs if epochs is None else epochs
    with torch.random.fork_rng(devices=[]), progress(says, epochs) as tell:
        torch.manual_seed(seed + 1)
        for epoch in range(epochs):
            net.train()
            rate, total = recipe.rate * (1 - 0.95 * epoch / recipe.epochs), 0.0
            for rows in torch.randperm(len(z), generator=draw).split(recipe.batch):
                loss = net.loss(z[rows], count[rows]).mean()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimizer.step(rate, decay=recipe.decay)
                total += float(loss.detach()) * len(rows)
            net.eval()
            history.append(_record(epoch + 1, total / len(z), net=net, unseen=unseen))
            if unseen is not None and history[-1]["held_out_loss"] <= min(r["held_out_loss"] for r in history):
                best = {name: value.clone() for name, value in net.state_dict().items()}
            tell()
    if unseen is not None:
        net.load_state_dict(best)
    net.eval()
    return history


def _record(epoch: int, loss: float, *, net: CountNet, unseen: Counted | None) -> dict[str, float]:
    record = {"epoch": float(epoch), "train_loss": loss}
    return record if unseen is None else record | {"held_out_loss": float(lost(net.eval(), unseen).mean())}
