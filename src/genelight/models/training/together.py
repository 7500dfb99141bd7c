"""Members of an ensemble of autoencoders: the same choices, other starts, other draws; trained at once where small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch.func import functional_call, stack_module_state, vmap

from ..._core.progress import progress
from ..._core.workers import done, each
from ...errors import InputError
from ...stats.subjects import count_subjects
from ..fitted_autoencoder import FittedAutoencoder, code_ranges
from ..presets import Preset, choose_widths
from ..recipe import Recipe
from ..spec import Draw, Spec
from ..subspace.exact import Subspace
from .adam import Adam
from .loop import diverged, is_small, resources_for, train
from .network import Mirror, Stack
from .objective import Objective
from .shrink import Weighing
from .starts import STARTS, whiten

__all__ = ["Member", "train_together", "trained_members"]


@dataclass(frozen=True)
class Member:
    """A network at its start, the samples it learns from, and the seed of their order."""

    net: Stack
    c_nk: torch.Tensor
    seed: int


def trained_members(
    model: FittedAutoencoder, draws: Sequence[Draw], specs: Sequence[Spec], *, widths: tuple[int, ...], preset: Preset
) -> Sequence[FittedAutoencoder]:
    """Networks by what a model chose, each from its own start and on its own draw; trained side by side where small.

    They share the model's preparation, space and choices; `preset` is its own, with its changes.

    Raises
    ------
    InputError
        If a width exceeds what samples and genes allow.
    """
    settings = model.settings
    recipe = Recipe(**{field.name: settings[field.name] for field in fields(Recipe)})
    widths = choose_widths(widths, samples=len(draws[0].c_nk), genes=len(model.genes))
    shared = (draws, model, widths, preset)
    begun = each(_begun, range(len(draws)), shared=shared, says="starting members")
    train_together([member for member, _ in begun], recipe, genes=len(model.genes))
    home = draws[0].whole if isinstance(model.space, Subspace) else model.space
    members = []
    for (member, rotated), draw, spec in zip(begun, draws, specs, strict=True):
        if rotated:
            _rotate_back(member.net, *rotated)
        drawn = {"seed": draw.seed, "subjects_drawn": count_subjects(draw.subject_n[draw.rows])}
        ranges = code_ranges(home, member.net, draw.x_ng)
        settled = settings | {"widths": list(widths), "latent": member.net.latent} | drawn
        members.append(
            type(model)(model.preparation, home, member.net, spec=spec, ranges=ranges, settings=settled, history=[])
        )
    return members


def _begun(  # noqa: PLR0917
    i: int, draws: Sequence[Draw], model: FittedAutoencoder, widths: tuple[int, ...], preset: Preset
) -> tuple[Member, tuple[np.ndarray, np.ndarray] | None]:
    """A network of the model's kind at another start, its samples, and how they were rotated and centred."""
    draw, settings, space, rotated = draws[i], model.settings, model.space, None
    if isinstance(space, Subspace):
        weighing = Weighing.of(settings)
        centre_k, rotation_kk, space, c_nk = draw.rotated(weighing)
        rotated = rotation_kk, centre_k
    else:
        c_nk = space.coordinates(draw.x_ng[draw.rows])
    net = preset.network(c_nk.shape[1], widths)
    samples = torch.from_numpy(c_nk)
    STARTS[preset.start](net, space, samples, seed=draw.seed)
    whiten(net, samples)
    return Member(net, samples, draw.seed), rotated


@torch.no_grad()
def _rotate_back(net: Stack, rotation_kk: np.ndarray, centre_k: np.ndarray) -> None:
    """Let a network trained on ``(c - centre) @ rotation`` read and write ``c``, so that members share one subspace."""
    rotation, centre = torch.from_numpy(rotation_kk), torch.from_numpy(centre_k)
    readers: list[torch.nn.Linear] = [net.hidden[0], *([net.spread] if net.latent == 1 else [])]  # type: ignore[list-item]
    for reader in readers:
        reader.weight.copy_(reader.weight @ rotation.T)
        reader.bias.sub_(reader.weight @ centre)
    # A mirror shows the first layer's weights, rotated already.
    if not isinstance(net.out, Mirror):
        net.out.weight.copy_(rotation @ net.out.weight)
    net.out.bias.copy_(rotation @ net.out.bias + centre)


def train_together(members: Sequence[Member], recipe: Recipe, *, genes: int) -> None:
    """Train networks of one shape in place, each on its own samples.

    A step of a small network is over before the next operation has been asked for; with the members' weights in one
    array, a step of all costs little more than one's. In an epoch every member takes the same number of steps, that of
    the mean number of samples: one with fewer sees some twice, one with more leaves some for the next epoch. Where all
    have equally many samples, each ends as by :func:`~genelight.models.training.loop.train` (to rounding). Large
    networks, and those that draw noise in a step, are trained one after another.

    `genes` are those behind the coordinates; the recipe's rate is a number.

    Raises
    ------
    InputError
        If training diverges; says which member.
    """
    draws = recipe.noise or recipe.dropout or members[0].net.latent
    if draws or recipe.precision != "float32" or not is_small(members[0].net):
        for i, state in done(_trained, members, shared=(recipe, genes), says="training members"):
            members[i].net.load_state_dict(state)
        return
    with progress("training members", recipe.last * len(members)) as step, resources_for(members[0].net):
        batch = _Batch(members, recipe, genes=genes)
        for epoch in range(1, recipe.last + 1):
            batch.epoch(epoch)
            step("", len(members))
        batch.finish()


def _trained(member: Member, recipe: Recipe, genes: int) -> dict[str, torch.Tensor]:
    """The weights of a member, trained by itself."""
    train(member.net, member.c_nk, recipe, genes=genes, seed=member.seed)
    return member.net.state_dict()


class _Batch:
    """Networks as one: every parameter has the member as its first axis."""

    def __init__(self, members: Sequence[Member], recipe: Recipe, *, genes: int) -> None:
        self.members, self.recipe = members, recipe
        self.objectives = [Objective(member.net, member.c_nk, recipe, genes=genes) for member in members]
        self.before = self._losses()
        self.parameters, self.buffers = stack_module_state(self.objectives)
        self.optimizer = Adam(self.parameters.values())
        self.generators = [torch.Generator().manual_seed(member.seed) for member in members]
        self.samples = round(float(np.mean([len(member.c_nk) for member in members])))

    def epoch(self, epoch: int) -> None:
        """As many samples of each member as there are on average, in a new order."""
        order_mn = torch.stack([self._order(i) for i in range(len(self.members))])
        batches = order_mn.split(self.recipe.batch, dim=1)
        for i, rows_mb in enumerate(batches):
            done = (epoch - 1 + i / len(batches)) / self.recipe.epochs
            x = torch.stack([member.c_nk[rows] for member, rows in zip(self.members, rows_mb, strict=True)])
            vmap(self._loss)(self.parameters, self.buffers, x).sum().backward()
            self.optimizer.step(self.recipe.rate(done))
            if self.recipe.nonnegative:
                with torch.no_grad():
                    self.parameters["net.out.weight"].clamp_(min=0.0)

    @torch.no_grad()
    def finish(self) -> None:
        """Give every member its weights back."""
        for i, objective in enumerate(self.objectives):
            for name, parameter in objective.named_parameters():
                parameter.copy_(self.parameters[name][i])
        for i, (before, after) in enumerate(zip(self.before, self._losses(), strict=True)):
            if diverged([{"train_loss": before}, {"train_loss": after}]):
                msg = (
                    f"training of member {i} diverged: its loss went from {before:.4g} to {after:.4g}; fit the model "
                    f"with a learning_rate below {self.recipe.learning_rate:g}, and the ensemble from that model"
                )
                raise InputError(msg)

    def _order(self, i: int) -> torch.Tensor:
        n = len(self.members[i].c_nk)
        return torch.randperm(n, generator=self.generators[i])[torch.arange(self.samples) % n]

    def _loss(
        self, parameters: dict[str, torch.Tensor], buffers: dict[str, torch.Tensor], x: torch.Tensor
    ) -> torch.Tensor:
        loss, _ = functional_call(self.objectives[0], (parameters, buffers), (x,))
        return loss

    def _losses(self) -> list[float]:
        return [objective.over(m.c_nk) for objective, m in zip(self.objectives, self.members, strict=True)]
