"""Members of an ensemble of autoencoders: the same choices, other starts, other draws of the subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import torch

from .._core.workers import each
from ..stats.subjects import count_subjects
from .autoencoder import FittedAutoencoder, code_ranges
from .network import Mirror, Stack
from .presets import Preset, choose_widths
from .recipe import Recipe
from .shrink import Weighing
from .spec import Draw, Spec
from .starts import STARTS, whiten
from .subspace import Subspace
from .together import Member, train_together

__all__ = ["trained_members"]


def trained_members(
    model: FittedAutoencoder, draws: Sequence[Draw], specs: Sequence[Spec], *, widths: tuple[int, ...], preset: Preset
) -> Sequence[FittedAutoencoder]:
    """Networks by what a model chose, each from its own start and on its own draw; trained side by side where small.

    Parameters
    ----------
    model
        Whose preparation, space and choices they share.
    draws, specs
        Samples and spec of each.
    widths
        Layers of all of them.
    preset
        With its changes.

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
