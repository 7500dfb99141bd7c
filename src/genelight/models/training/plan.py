"""From samples and a preset to a network at its start, and its trainings."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..._core.ranks import ranks
from ..presets import Preset
from ..recipe import Recipe
from ..subspace.exact import GeneSpace, Space, Subspace, find_subspace
from .checkpoint import Checkpoints
from .loop import Enough, History, train
from .network import Stack
from .objective import HeldOut
from .shrink import Weighing, choose_weighing, rotate
from .starts import STARTS, whiten

__all__ = ["Plan", "Samples", "Start"]


@dataclass(frozen=True)
class Samples:
    """What a network learns from: prepared values or their coordinates, whose they are, and of how many genes."""

    x_ng: np.ndarray
    subject_n: np.ndarray
    genes: int


@dataclass(frozen=True)
class Start:
    """A network before training, the space it reads, and the samples' coordinates there."""

    space: Space
    net: Stack
    c_nk: torch.Tensor
    genes: int


@dataclass(frozen=True)
class Plan:
    """What to build, and where its trainings are kept."""

    preset: Preset
    widths: tuple[int, ...]
    seed: int
    checkpoints: Checkpoints | None

    def subspace(self, samples: Samples) -> Subspace | None:
        """Where the samples are trained in; None in gene space."""
        return find_subspace(samples.x_ng, seed=self.seed) if self.preset.space == "samples" else None

    def weighing(self, samples: Samples, subspace: Subspace | None) -> Weighing:
        """How they weigh: evenly, unless the preset asks for what serves unseen subjects."""
        if subspace is None or not self.preset.weigh:
            return Weighing()
        c_nk = subspace.coordinates(samples.x_ng)
        return ranks().first(lambda: choose_weighing(c_nk, samples.subject_n, min(self.widths), seed=self.seed))

    def axes(self, samples: Samples, subspace: Subspace | None) -> Subspace:
        """As many principal axes as the narrowest layer has nodes."""
        width = min(self.widths)
        whole = find_subspace(samples.x_ng, rank=width, seed=self.seed) if subspace is None else subspace
        return Subspace(whole.basis_gk[:, :width], whole.variance_k[:width], whole.lost)

    def start(self, samples: Samples, *, subspace: Subspace | None, weighing: Weighing) -> Start:
        """The network at its start; in a subspace, with axes as the weighed samples have them."""
        if subspace is not None:
            c_nk = subspace.coordinates(samples.x_ng)
            space: Space = subspace
            if not weighing.is_even:
                c_nk = weighing.apply(c_nk, samples.subject_n)
                rotated = rotate(subspace, c_nk)
                c_nk, subspace = c_nk @ (subspace.basis_gk.T @ rotated.basis_gk), rotated
            space = self._leading(subspace)
            c_nk = np.ascontiguousarray(c_nk[:, : space.basis_gk.shape[1]])
        else:
            unit = self.preset.space == "unit"
            space = GeneSpace.unit(samples.x_ng) if unit else GeneSpace.plain(samples.genes)
            c_nk = space.coordinates(samples.x_ng)
        net = self.preset.network(c_nk.shape[1], self.widths)
        coordinates = torch.from_numpy(c_nk)

        def begun() -> dict[str, torch.Tensor]:
            STARTS[self.preset.start](net, space, coordinates, seed=self.seed)
            whiten(net, coordinates)
            return net.state_dict()

        net.load_state_dict(ranks().first(begun))
        return Start(space, net, coordinates, samples.genes)

    def train(
        self,
        name: str,
        start: Start,
        *,
        recipe: Recipe,
        held_out: HeldOut | None = None,
        enough: Enough | None = None,
    ) -> History:
        """Train `start` in place, under a name for its checkpoint."""
        checkpoint = self.checkpoints.of(name, recipe) if self.checkpoints else None
        return train(
            start.net,
            start.c_nk,
            recipe,
            held_out=held_out,
            genes=start.genes,
            checkpoint=checkpoint,
            enough=enough,
            seed=self.seed,
        )

    def trial(
        self, name: str, start: Start, *, recipe: Recipe, held_out: HeldOut, enough: Enough
    ) -> tuple[History, Stack]:
        """History of a training on a copy, and the copy at its end."""
        copy = replace(start, net=deepcopy(start.net))
        return self.train(name, copy, recipe=recipe, held_out=held_out, enough=enough), copy.net

    def _leading(self, subspace: Subspace) -> Subspace:
        """The axes that the network reads: the rest is noise to it, to be learned by heart."""
        if self.preset.leading is None:
            return subspace
        rank = max(*self.widths, self.preset.leading * min(self.widths))
        if rank >= subspace.basis_gk.shape[1]:
            return subspace
        kept = float(subspace.variance_k[:rank].sum() / subspace.variance_k.sum())
        basis_gk = np.ascontiguousarray(subspace.basis_gk[:, :rank])
        return Subspace(basis_gk, subspace.variance_k[:rank], 1.0 - kept * (1.0 - subspace.lost))
