"""The same model trained again and again, with other seeds and on other draws of the subjects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import singledispatch
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from .._core.checks import check_column
from .._core.disk import writing
from .._core.progress import progress
from .._core.provenance import check_seal, read_json, sealed, write_json
from ..errors import FormatError, InputError
from ..nouns import Model
from .autoencoder import Autoencoder, code_ranges
from .bundle import load
from .linear import Linear
from .network import Mirror, Stack
from .presets import choose_widths, narrowest
from .recipe import Recipe
from .shrink import Weighing, turn
from .starts import STARTS, whiten
from .subspace import Subspace, find_subspace
from .together import Member, train_together

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Ensemble", "fit_ensemble", "load_ensemble"]

FORMAT = 1


@dataclass(frozen=True)
class Ensemble:
    """Models of one kind that differ by seed and by the subjects drawn; made by :func:`fit_ensemble`.

    Parameters
    ----------
    members
        Two or more.

    Raises
    ------
    InputError
        If there are fewer than two, or their genes or layers differ.
    """

    members: tuple[Model, ...]

    def __post_init__(self) -> None:
        if len(self.members) < 2:
            msg = f"an ensemble of {len(self.members)} has nothing to compare; use seeds=2 or more, 10 for a figure"
            raise InputError(msg)
        first = self.members[0]
        for i, model in enumerate(self.members):
            if model.genes.digest != first.genes.digest or dict(model.widths) != dict(first.widths):
                msg = (
                    f"member {i} has {len(model.genes)} genes and layers {dict(model.widths)}, but member 0 has "
                    f"{len(first.genes)} genes and {dict(first.widths)}; train all on one table with one set of widths"
                )
                raise InputError(msg)

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.members)

    def save(self, folder: Path) -> None:
        """Write a folder of model folders, ``00``, ``01``, ..., named in ``ensemble.json``; whole or not at all.

        Raises
        ------
        ResourceError
            If the folder cannot be written.
        """
        members = {f"{i:02d}": model for i, model in enumerate(self.members)}
        with writing(Path(folder)) as draft:
            for name, model in members.items():
                model.save(draft / name)  # type: ignore[attr-defined]
            digests = {name: model.digest for name, model in members.items()}
            write_json(draft / "ensemble.json", sealed({"format": FORMAT, "members": digests}))


def load_ensemble(folder: Path) -> Ensemble:
    """Read what :meth:`Ensemble.save` wrote.

    Raises
    ------
    FormatError
        If a file is missing, damaged or altered, a member is another than was saved, or it is from a newer genelight.
    """
    folder = Path(folder)
    content = check_seal(read_json(folder / "ensemble.json"), where=folder / "ensemble.json")
    if content.get("format", 0) > FORMAT:
        msg = f"{folder} has format {content['format']}, newer than {FORMAT}; upgrade with pip install -U genelight"
        raise FormatError(msg)
    members = {name: load(folder / name) for name in content["members"]}
    for name, model in members.items():
        if model.digest != content["members"][name]:
            msg = f"{folder / name} is not the model that was saved with this ensemble; save the ensemble again"
            raise FormatError(msg)
    return Ensemble(tuple(members.values()))


@dataclass(frozen=True)
class _Draw:
    """Samples in the whole table's subspace, and what one member learns from."""

    x_ng: np.ndarray
    whole: Subspace
    c_nk: np.ndarray
    subject_n: np.ndarray
    rows: np.ndarray
    seed: int

    def turned(self, weighing: Weighing) -> tuple[np.ndarray, np.ndarray, Subspace, np.ndarray]:
        """Centre ``(k,)``, turn ``(k, k)``, subspace on the drawn samples' own axes, and their coordinates there."""
        drawn_nk = self.c_nk[self.rows]
        centre_k = drawn_nk.mean(0)
        drawn_nk = weighing.apply(drawn_nk - centre_k, self.subject_n[self.rows])
        k = len(centre_k)
        own = turn(Subspace(np.eye(k, dtype=np.float32), self.whole.variance_k, self.whole.lost), drawn_nk)
        turn_kk = own.basis_gk
        subspace = Subspace(self.whole.basis_gk @ turn_kk, own.variance_k, self.whole.lost)
        return centre_k, turn_kk, subspace, drawn_nk @ turn_kk


def fit_ensemble(
    adata: AnnData,
    model: Model,
    *,
    seeds: int = 10,
    widths: tuple[int, ...] | None = None,
    subject: str | None = None,
    resample: bool = True,
    seed: int = 0,
) -> Ensemble:
    """Train a fitted model's kind again with its own settings, from other seeds and on other draws of the subjects.

    What the model chose on held-out subjects (sparsity, epochs, shrinkage) is kept; the start, the order of samples
    and, with `resample`, the samples themselves are new for every member. Preparation and subspace are the model's,
    and small networks are trained side by side (see :mod:`genelight.models.together`).

    Parameters
    ----------
    adata
        The table that `model` was fitted to.
    model
        What :func:`fit`, :func:`fit_pca` or :func:`fit_ica` returned.
    seeds
        How many members.
    widths
        Layers of the members, if not the model's; one call for each of several widths, all on one model's preparation,
        subspace and choices.
    subject
        Column of ``obs`` that says whose sample it is.
    resample
        Train every member on a bootstrap of the subjects, each drawn subject with all its samples. Without it members
        differ by seed alone, and whatever the one table holds, its noise included, tends to come back in all of them
        (the study ``programmes`` has the figures).
    seed
        Of the draws, and of the first member; the next has the next.

    Raises
    ------
    InputError
        If `seeds` is below two, a width exceeds what samples and genes allow, or the model is of a kind that cannot be
        trained again, or not with as many layers.
    UnknownNameError
        If there is no column `subject`.

    Notes
    -----
    Cost: one decomposition of the table, then each member's own training; less than a single :func:`fit` for each,
    which also chooses its settings.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> pca = gl.models.fit_pca(adata, width=8)
    >>> len(gl.models.fit_ensemble(adata, pca, seeds=3, subject="subject"))
    3
    """
    if seeds < 2:
        msg = f"seeds = {seeds}: an ensemble of {seeds} has nothing to compare; use seeds=2 or more, 10 for a figure"
        raise InputError(msg)
    x_ng = model.prepare(adata)
    n = len(x_ng)
    subject_n = np.arange(n) if subject is None else _positions(adata, subject)
    space = model.space if isinstance(model, Autoencoder) else None
    whole = space if isinstance(space, Subspace) else find_subspace(x_ng)
    c_nk = whole.coordinates(x_ng)
    draws = []
    for i in range(seeds):
        rows = _bootstrap(subject_n, np.random.default_rng((seed, i))) if resample else np.arange(n)
        draws.append(_Draw(x_ng, whole, c_nk, subject_n, rows, seed + i))
    return Ensemble(tuple(_members(model, draws, widths or tuple(model.widths.values()))))


def _positions(adata: AnnData, subject: str) -> np.ndarray:
    return np.unique(check_column(adata.obs, subject, role="subject").astype(str), return_inverse=True)[1]


def _bootstrap(subject_n: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Samples of as many subjects as there are, drawn with replacement."""
    subjects = np.unique(subject_n)
    return np.concatenate([np.flatnonzero(subject_n == s) for s in rng.choice(subjects, len(subjects))])


@singledispatch
def _members(model: Model, draws: list[_Draw], widths: tuple[int, ...]) -> Sequence[Model]:  # noqa: ARG001 - the kinds use it
    msg = f"a model of kind {model.name} cannot be trained again; pass one that genelight fitted"
    raise InputError(msg)


@_members.register
def _linear(model: Linear, draws: list[_Draw], widths: tuple[int, ...]) -> Sequence[Linear]:
    if len(widths) != 1:
        msg = f"widths = {list(widths)}, but a model of kind {model.name} has one layer; use for example widths=(16,)"
        raise InputError(msg)
    kind, preparation = type(model), model.preparation
    members = []
    with progress("training members", len(draws)) as step:
        for draw in draws:
            _, _, subspace, _ = draw.turned(Weighing())
            members.append(kind.of(preparation, draw.x_ng, width=widths[0], subspace=subspace, seed=draw.seed))
            step()
    return members


@_members.register
def _autoencoders(model: Autoencoder, draws: list[_Draw], widths: tuple[int, ...]) -> Sequence[Autoencoder]:
    settings = model.settings
    recipe = Recipe(**{field.name: settings[field.name] for field in fields(Recipe) if field.name in settings})
    widths = choose_widths(widths, samples=len(draws[0].c_nk), genes=len(model.genes))
    begun = []
    with progress("starting members", len(draws)) as step:
        for draw in draws:
            begun.append(_begun(model, draw, widths))
            step()
    train_together([member for member, _ in begun], recipe, genes=len(model.genes))
    home = draws[0].whole if isinstance(model.space, Subspace) else model.space
    members = []
    for (member, turned), draw in zip(begun, draws, strict=True):
        if turned:
            _turn_back(member.net, *turned)
        drawn = {"seed": draw.seed, "subjects_drawn": len(np.unique(draw.subject_n[draw.rows]))}
        ranges = code_ranges(home, member.net, draw.x_ng)
        settled = settings | {"widths": list(widths), "latent": member.net.latent} | drawn
        members.append(type(model)(model.preparation, home, member.net, ranges=ranges, settings=settled, history=[]))
    return members


def _begun(
    model: Autoencoder, draw: _Draw, widths: tuple[int, ...]
) -> tuple[Member, tuple[np.ndarray, np.ndarray] | None]:
    """A network of the model's kind at another start, its samples, and how they were turned and centred."""
    settings, space, turned = model.settings, model.space, None
    if isinstance(space, Subspace):
        weighing = Weighing(settings["between_subject_shrinkage"], settings.get("tempering", 0.0))
        centre_k, turn_kk, space, c_nk = draw.turned(weighing)
        turned = turn_kk, centre_k
    else:
        c_nk = space.coordinates(draw.x_ng[draw.rows])
    latent = narrowest(widths) if model.net.latent else None
    tied, squash = settings.get("tied", False), model.net.squash
    net = Stack(c_nk.shape[1], widths, settings["activation"], tied=tied, latent=latent, squash=squash)
    STARTS[settings["start"]](net, space, draw.seed)
    samples = torch.from_numpy(c_nk)
    whiten(net, samples)
    return Member(net, samples, draw.seed), turned


@torch.no_grad()
def _turn_back(net: Stack, turn_kk: np.ndarray, centre_k: np.ndarray) -> None:
    """Let a network trained on ``(c - centre) @ turn`` read and write ``c``, so that members share one subspace."""
    turn, centre = torch.from_numpy(turn_kk), torch.from_numpy(centre_k)
    readers: list[torch.nn.Linear] = [net.hidden[0], *([net.spread] if net.latent == 1 else [])]  # type: ignore[list-item]
    for reader in readers:
        reader.weight.copy_(reader.weight @ turn.T)
        reader.bias.sub_(reader.weight @ centre)
    # A mirror shows the first layer's weights, turned already.
    if not isinstance(net.out, Mirror):
        net.out.weight.copy_(turn @ net.out.weight)
    net.out.bias.copy_(turn @ net.out.bias + centre)
