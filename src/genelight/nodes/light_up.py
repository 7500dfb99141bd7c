"""What each node of a layer stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from ..errors import InputError, UnknownNameError
from ..nouns import Model, NodeGenes
from ..nouns.model import CodeRange
from ..pp.preparation import Preparation
from ._registry import ATTRIBUTIONS
from .layers import check_layer, node_names
from .methods._light_up import together

__all__ = ["LEVELS", "RESTS", "light_up", "states"]

UNITS = ("prepared", "natural")
State = Callable[[CodeRange], np.ndarray]

RESTS: Mapping[str, State] = {
    "minimum": lambda r: r.minimum,
    "mean": lambda r: r.mean,
    "zero": lambda r: np.zeros_like(r.mean),
}
"""States in which the other nodes wait."""

LEVELS: Mapping[str, State] = {
    "max": lambda r: r.maximum,
    "min": lambda r: r.minimum,
    "q99": lambda r: r.high,
    "q1": lambda r: r.low,
    "+1sd": lambda r: r.mean + r.sd,
    "+2sd": lambda r: r.mean + 2 * r.sd,
    "-1sd": lambda r: r.mean - r.sd,
    "-2sd": lambda r: r.mean - 2 * r.sd,
}
"""Levels to which a node is switched; any other number of standard deviations, ``"+3sd"``, is one as well."""


def light_up(
    model: Model,
    layer: str,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    rest: str = "minimum",
    level: str = "max",
    method: str = "light_up",
    units: str = "prepared",
) -> NodeGenes:
    """Switch on each node of a hidden layer in turn and read which genes answer.

    With the default method one node stands at its level, all others rest, the layer is decoded to genes, and
    the decoded resting state is taken off, so that what is left belongs to the node.

    Parameters
    ----------
    model
        A trained model.
    layer
        Hidden layer: ``"L1"``.
    pairs
        Pairs of its nodes, ``[("L1.3", "L1.17")]``, in place of each node: two are switched on at once, and what each
        does alone is taken off. Zero where the two only add up, as everywhere in a linear model and in every last
        hidden layer with a linear output. By the default method alone.
    rest
        Where the other nodes wait: ``"minimum"`` or ``"mean"`` over the training samples, or ``"zero"``.
    level
        How far the node is switched on, over the training samples: ``"max"``, ``"min"``, their 99th and 1st
        percentile (``"q99"``, ``"q1"``), or so many standard deviations from its mean (``"+2sd"``, ``"-1.5sd"``).
    method
        Attribution method, a name in ``ATTRIBUTIONS``.
    units
        ``"prepared"``, standard deviations where values were z-scored; or ``"natural"``, what they were before: log2 of
        expression, M values of CpGs, centred log ratios of taxa.

    Returns
    -------
    Signed values of every gene for every node, or for every pair, named ``"L1.3 x L1.17"``. A node whose level is its
    rest (a dead node) has zeros only. :func:`annotate` writes them into a table.

    Raises
    ------
    UnknownNameError
        If there is no such layer, node, rest, level, method or unit.
    InputError
        If the method needs a library that is not installed or an inside that the model does not show, there are no
        pairs, one is not two nodes of `layer`, or pairs are asked of another method.

    Notes
    -----
    ``about`` of the result has the settings and the method's own figures. The default method takes one pass through
    the decoder for the whole layer, k rows; memory besides the result is bounded.

    References
    ----------
    Dwivedi et al. 2020, doi 10.1038/s41467-020-14666-6.

    Examples
    --------
    >>> import genelight as gl
    >>> model = gl.models.PCA(4).fit(gl.demo.cohort())
    >>> nodes = gl.nodes.light_up(model, list(model.widths)[-1])
    >>> nodes.values_kg.shape[0]
    4
    """
    check_layer(model, layer)
    rest_k, level_k = states(model, layer, rest=rest, level=level)
    about: dict[str, Any] = {"rest": rest, "level": level, "model": model.digest}
    if pairs is None:
        found = ATTRIBUTIONS[method](model, layer, rest_k=rest_k, level_k=level_k)
        names, values_kg, about = node_names(model, layer), found.values_kg, {**about, **found.about}
    else:
        if method != "light_up":
            msg = f"pairs of nodes are lit by the method 'light_up', not by {method!r}; leave method= out"
            raise InputError(msg)
        values_kg = together(model, layer, pairs, rest_k=rest_k, level_k=level_k)
        names = tuple(" x ".join(pair) for pair in pairs)
    if units not in UNITS:
        raise UnknownNameError("unit", units, UNITS)
    if units == "natural":
        preparation = cast("Preparation", model.preparation)
        values_kg, about["unit"] = values_kg * preparation.step_g.astype(np.float32), preparation.unit
    return NodeGenes(values_kg, names, model.genes, layer, model.name, method, about)


def states(model: Model, layer: str, *, rest: str, level: str) -> tuple[np.ndarray, np.ndarray]:
    """Every node's two states, at rest and at its level, each of shape ``(k,)``.

    Raises
    ------
    UnknownNameError
        If there is no such rest or level.
    """
    if rest not in RESTS:
        raise UnknownNameError("rest", rest, RESTS)
    span = model.code_range(layer)
    if deviations := re.fullmatch(r"([+-]\d+(?:\.\d+)?)sd", level):
        return RESTS[rest](span), span.mean + float(deviations[1]) * span.sd
    if level not in LEVELS:
        raise UnknownNameError("level", level, LEVELS)
    return RESTS[rest](span), LEVELS[level](span)
