"""Ways to build and train an autoencoder, by name, and widths that suit a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from .._core.checks import check_positive
from .._core.registry import Registry
from ..errors import InputError, UnknownNameError
from .recipe import Recipe
from .training.network import ACTIVATIONS, Stack

__all__ = ["PRESETS", "SHAPES", "SPACES", "Preset", "as_preset", "choose_widths", "narrowest", "nearest_preset"]

SPACES = ("samples", "genes", "unit")


SHAPES = {"funnel": (128, (1, 2, 4)), "hourglass": (128, (1, 4, 1)), "single": (128, (1,)), "column": (512, (1, 1, 1))}
"""Of the hidden layers where no widths are asked for: the most nodes of the first, and which part of it each has."""


@dataclass(frozen=True)
class Preset:
    """A way to build and train an autoencoder.

    Attributes
    ----------
    activation, start
        Registered names.
    recipe
        How it is trained.
    weigh
        Whether samples weigh as serves unseen subjects (see :mod:`genelight.models.training.shrink`).
    leading
        Read only the leading principal axes, so many for each node of the narrowest layer (and at least as many as
        the widest has nodes); None for all. In simulated cohorts with nonlinear programmes the axes beyond are learned
        by heart, and cost most of what nonlinear nodes gain.
    sparsities
        Weights of the sparsity penalty to try, see
        :func:`~genelight.models.training.choosing.choose_recipe`; none for a training without.
    space
        What the network reads and writes: ``"samples"`` (coordinates in the samples' own subspace), ``"genes"``
        (prepared values) or ``"unit"`` (prepared values between 0 and 1 over the training samples, with a sigmoid
        output).
    shape
        Widths where none are asked for, a name in ``SHAPES``.
    tied
        Whether the later half of the layers has the weights of the first, transposed.
    variational
        Whether the narrowest layer's codes are distributions, held to a standard normal.

    Raises
    ------
    UnknownNameError
        If there is no such activation, space or shape.
    InputError
        If parts do not go together.
    """

    activation: str
    start: str
    recipe: Recipe
    weigh: bool = False
    leading: int | None = None
    sparsities: tuple[float, ...] = ()
    space: str = "samples"
    shape: str = "funnel"
    tied: bool = False
    variational: bool = False

    def __post_init__(self) -> None:
        for what, name, known in (
            ("activation", self.activation, ACTIVATIONS),
            ("space", self.space, SPACES),
            ("shape", self.shape, SHAPES),
        ):
            if name not in known:
                raise UnknownNameError(what, name, known)
        if self.recipe.nonnegative and self.space == "samples":
            msg = (
                "a decoder that is not negative on genes needs genes: space = 'samples' reads principal coordinates; "
                "use space = 'genes' with start = 'random'"
            )
            raise InputError(msg)

    def changed(
        self,
        *,
        activation: str | None = None,
        tied: bool | None = None,
        learning_rate: float | str | None = None,
        dropout: float | None = None,
        noise: float | None = None,
        sparsity: float | None = None,
        nonnegative: bool | None = None,
    ) -> Preset:
        """The same with some of its settings changed.

        Parameters
        ----------
        activation
            A name in ``ACTIVATIONS``.
        tied
            Whether the later half of the layers has the weights of the first, transposed.
        learning_rate
            A number, or ``"find"`` (see :class:`Recipe`).
        dropout, noise
            See :class:`Recipe`.
        sparsity
            Weight of the sparsity penalty, in place of a choice on held-out subjects.
        nonnegative
            Keep the weights from the last hidden layer to genes at or above zero.

        Raises
        ------
        UnknownNameError
            If there is no such activation.
        InputError
            If settings are out of range or do not go together.

        Examples
        --------
        >>> import genelight as gl
        >>> gl.models.PRESETS["plain"].changed(activation="gelu", noise=0.5).activation
        'gelu'
        """
        recipe = {"learning_rate": learning_rate, "dropout": dropout, "noise": noise, "nonnegative": nonnegative}
        changes = {"activation": activation, "tied": tied}
        found = replace(self, **{key: value for key, value in changes.items() if value is not None})  # type: ignore[arg-type]
        if sparsity is not None:
            found = replace(found, sparsities=(sparsity,))
        given = {key: value for key, value in recipe.items() if value is not None}
        if nonnegative and found.space == "samples":
            found = replace(found, space="genes", start="random", weigh=False)
        return replace(found, recipe=replace(found.recipe, **given))  # type: ignore[arg-type]

    def network(self, inputs: int, widths: tuple[int, ...]) -> Stack:
        """A network of this kind, its weights not yet set.

        Raises
        ------
        InputError
            If tied weights are asked for and `widths` do not read the same both ways.
        """
        if self.tied and widths != widths[::-1]:
            msg = (
                f"tied weights need widths that read the same both ways, not {list(widths)}; use for example "
                f"widths = {[*widths, *widths[-2::-1]]}"
            )
            raise InputError(msg)
        latent = narrowest(widths) if self.variational else None
        return Stack(inputs, widths, self.activation, tied=self.tied, latent=latent, squash=self.space == "unit")


PRESETS: Registry[Preset] = Registry("preset")
PRESETS.register(
    "default",
    doi="10.1186/gb-2003-4-11-r76",
    summary="Starts at the PCA solution for unseen subjects, nodes as independent programmes; learns sparse codes.",
)(Preset("prelu", "programmes", Recipe(3e-3, epochs=60), weigh=True, leading=8, sparsities=(0.03, 0.01)))
PRESETS.register(
    "plain",
    doi="10.1126/science.1127647",
    control=True,
    summary="The textbook autoencoder: He start, ReLU, squared error.",
)(Preset("relu", "random", Recipe(1e-3, epochs=300)))
PRESETS.register(
    "paper",
    doi="10.1038/s41467-020-14666-6",
    summary="512-512-512 sigmoid nodes and a sigmoid output on genes between 0 and 1, trained in gene space by Adam.",
)(Preset("sigmoid", "unit variance", Recipe(3e-4, epochs=40), space="unit", shape="column"))
PRESETS.register(
    "vae",
    doi="10.48550/arXiv.1312.6114",
    summary="Variational: the narrowest layer is held to a standard normal, from the PCA solution on.",
)(
    Preset(
        "prelu",
        "programmes",
        Recipe(1e-3, epochs=100, divergence=1.0, warm_up=0.3),
        shape="hourglass",
        variational=True,
    )
)
PRESETS.register(
    "sparse",
    doi="10.48550/arXiv.1312.5663",
    summary="One layer of which every sample uses its strongest eighth of nodes.",
)(Preset("topk", "random", Recipe(1e-3, epochs=300), shape="single"))


def nearest_preset(preset: Preset) -> tuple[str, dict[str, object]]:
    """The registered preset that one of one's own differs least from, and the settings that are other ones."""

    def flat(found: Preset) -> dict[str, object]:
        parts = {field.name: getattr(found, field.name) for field in fields(found)}
        return {name: value for name, value in parts.items() if name != "recipe"} | asdict(found.recipe)

    own = flat(preset)
    apart = {name: {k: v for k, v in own.items() if v != flat(PRESETS[name])[k]} for name in PRESETS}
    nearest = min(apart, key=lambda name: len(apart[name]))
    return nearest, apart[nearest]


def as_preset(content: str | Mapping[str, Any]) -> str | Preset:
    """A preset back from its name or its plain values."""
    if isinstance(content, str):
        return content
    recipe, sparsities = Recipe(**content["recipe"]), tuple(content["sparsities"])
    return Preset(**{**content, "recipe": recipe, "sparsities": sparsities})


def choose_widths(
    widths: tuple[int, ...] | None, *, samples: int, genes: int, shape: str = "funnel"
) -> tuple[int, ...]:
    """The widths asked for, checked, or some that suit the data.

    Parameters
    ----------
    widths
        Hidden layers from input to output. None for those of `shape`; the funnel has three, each half of the last,
        the first the largest power of two that is at most 128 and what samples and genes allow: a last layer of 16
        instead of 32 nodes loses small programmes (study ``programmes``). No layer of a shape has one node.
    samples, genes
        Size of the smallest table to train on.
    shape
        A name in ``SHAPES``.

    Raises
    ------
    InputError
        If a width is not above zero or exceeds what samples and genes allow, or a stack narrows to one node.
    """
    most = min(samples - 1, genes)
    largest, parts = SHAPES[shape]
    first = min(largest, 2 ** int(np.log2(max(1, most))))
    # A layer of one node would make a model of rank one.
    fitting = tuple(first // part for part in parts if first // part > 1) or (1,)
    widths = fitting if widths is None else tuple(int(w) for w in widths)
    check_positive(**{f"widths[{i}]": w for i, w in enumerate(widths)})
    if not widths or max(widths) > most:
        msg = (
            f"widths = {list(widths)}, but {samples} training samples (with subjects held out) and {genes} genes "
            f"allow 1 to {most} nodes a layer; use for example widths = {list(fitting)}"
        )
        raise InputError(msg)
    if len(widths) > 1 and min(widths) == 1:
        # Every node of every layer would be the same pattern.
        msg = (
            f"widths = {list(widths)} make a model of rank one, whose nodes all stand for the same genes; {samples} "
            "training samples (with subjects held out) support little more: read them through a model of many other "
            "samples (genelight disease-module TABLE --model human --method reference) or by the genes alone "
            "(--method de)"
        )
        if most >= 2:
            msg += f", or give widths of two and more, for example widths = {[2 ** int(np.log2(most)), 2]}"
        raise InputError(msg)
    return widths


def narrowest(widths: tuple[int, ...]) -> int:
    """Depth of the narrowest layer, the middle one of several."""
    found = [depth for depth, width in enumerate(widths, start=1) if width == min(widths)]
    return found[len(found) // 2]
