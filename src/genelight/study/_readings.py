"""Trained models and their controls, read layer by layer for the scorecard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from .. import nodes
from .._core.workers import each
from ..errors import InputError, UnknownNameError
from ..evidence import Reading
from ..models.spec import BASELINES
from ..nouns import Model, NodeGenes

if TYPE_CHECKING:
    import numpy as np
    from anndata import AnnData

    from ..pp.preparation import Preparation

CONTROLS = ("pca", "ica", "eigengenes", "shallow", "random")


def readings(
    adata: AnnData,
    trained: Sequence[Model],
    *,
    controls: Sequence[str] = CONTROLS,
    preparation: Preparation | None = None,
    control_seeds: int = 1,
    lit: Sequence[NodeGenes] = (),
    seed: int = 0,
) -> list[Reading]:
    """Read the layers of a model, trained once or several times, and of controls of the same widths.

    Parameters
    ----------
    adata
        The table that the models were trained on.
    trained
        One model, or members of an ensemble.
    controls
        Names among ``"pca"``, ``"ica"``, ``"nmf"``, ``"eigengenes"``, ``"shallow"`` and ``"random"`` (see
        :data:`.BASELINES`). One with as many layers as the model is fitted once; one with a single layer once for
        every width.
    preparation
        How the models prepare; by default that of the first.
    control_seeds
        How often to fit each control, with as many seeds.
    lit
        Light-ups made before, of whichever models; a layer that is not among them is lit up.
    seed
        Of the first fit.

    Returns
    -------
    Readings for :func:`genelight.evidence.scorecard`.

    Raises
    ------
    InputError
        If there is no model, or widths exceed what samples and genes allow.
    UnknownNameError
        If there is no such control.

    Notes
    -----
    Cost: a fit of every control for every layer, then one light-up of each layer that is not given.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.fit(adata, widths=(16, 8), subject="subject", epochs=2)
    >>> [(r.key, r.width) for r in gl.study.readings(adata, [model], controls=["pca"])]
    [('autoencoder L1, seed 0', 16), ('autoencoder L2, seed 0', 8), ('pca L1, seed 0', 16), ('pca L2, seed 0', 8)]
    """
    if not trained:
        msg = "no model to read; pass one, or the members of an ensemble"
        raise InputError(msg)
    for name in controls:
        if name not in BASELINES:
            raise UnknownNameError("control", name, BASELINES)
    widths = tuple(trained[0].widths.values())
    preparation = preparation or getattr(trained[0], "preparation", None)
    known = {(each.about.get("model"), each.layer): each for each in lit}
    found = [r for i, m in enumerate(trained) for r in _layers(m, adata, known, name=m.name, seed=seed + i)]
    wanted = [(name, seed + i) for name in controls for i in range(control_seeds)]
    fitted = each(_fitted, wanted, shared=(adata, widths, preparation), says="fitting controls")
    for (name, own), of_one in zip(wanted, fitted, strict=True):
        for depths, model in of_one:
            found += _layers(model, adata, known, name=name, seed=own, depths=depths, control=True)
    return found


def _fitted(  # noqa: PLR0917
    control: tuple[str, int], adata: AnnData, widths: tuple[int, ...], preparation: Preparation | None
) -> list[tuple[list[int], Model]]:
    """A control with the depths that its layers stand beside: all at once, or one fit for each different width."""
    name, seed = control
    spec, found = BASELINES[name], []
    last = spec(widths, seed=seed).fit(adata, preparation=preparation)
    if len(last.widths) == len(widths) > 1:
        return [(list(range(1, len(widths) + 1)), last)]
    for width in dict.fromkeys(widths):
        # What was fitted first is as wide as the narrowest layer.
        narrow = spec((width,), seed=seed)
        fitted = last if width == min(widths) else narrow.fit(adata, preparation=preparation)
        found.append(([depth for depth, other in enumerate(widths, start=1) if other == width], fitted))
    return found


def _layers(
    model: Model,
    adata: AnnData,
    known: Mapping[tuple[object, str], NodeGenes],
    *,
    name: str,
    seed: int,
    depths: Sequence[int] = (),
    control: bool = False,
) -> Iterator[Reading]:
    """Each layer at its depth; a single layer, read once, at every depth asked for."""
    x_ng = model.prepare(adata)
    at = list(depths or range(1, len(model.widths) + 1))
    places = [at] if len(model.widths) == 1 else [[depth] for depth in at]
    for layer, of_layer in zip(model.widths, places, strict=True):
        lit = known.get((model.digest, layer)) or nodes.light_up(model, layer)
        h_nk = model.encode(x_ng, layer)
        for depth in of_layer:
            yield Reading(lit, h_nk, name, depth, control=control, seed=seed)


def expression(model: Model, adata: AnnData) -> np.ndarray | None:
    """Expression before standardising, columns as the model's genes: where genes' means and variances differ.

    None for a model that does not say how it prepares.
    """
    preparation: Preparation | None = getattr(model, "preparation", None)
    if preparation is None:
        return None
    return preparation.restore(preparation.transform(adata))
