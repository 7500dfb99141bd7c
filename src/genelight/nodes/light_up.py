"""What each node of a layer stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
from anndata import AnnData

from ..errors import InputError, UnknownNameError
from ..nouns import Model, NodeGenes
from ..nouns.model import CodeRange
from ._registry import ATTRIBUTIONS
from .layers import check_layer, node_names

__all__ = ["LEVELS", "RESTS", "light_up", "states"]

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
    rest: str = "minimum",
    level: str = "max",
    method: str = "light_up",
    adata: AnnData | None = None,
    key_added: str | None = None,
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
    rest
        Where the other nodes wait: ``"minimum"`` or ``"mean"`` over the training samples, or ``"zero"``.
    level
        How far the node is switched on, over the training samples: ``"max"``, ``"min"``, their 99th and 1st
        percentile (``"q99"``, ``"q1"``), or so many standard deviations from its mean (``"+2sd"``, ``"-1.5sd"``).
    method
        Attribution method, a name in ``ATTRIBUTIONS``.
    adata
        Also write the values to ``adata.varm``, one column per node, NaN for genes that the model does not have.
    key_added
        Slot of ``adata.varm``; ``lightup_<layer>`` unless given.

    Returns
    -------
    Signed values of every gene for every node, in prepared units. A node whose level is its rest (a dead
    node) has zeros only.

    Raises
    ------
    UnknownNameError
        If there is no such layer, rest, level or method.
    InputError
        If `key_added` is given without `adata`, or the method needs a library that is not installed or an inside
        that the model does not show.

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
    found = ATTRIBUTIONS[method](model, layer, rest_k=rest_k, level_k=level_k)
    about = {"rest": rest, "level": level, "model": model.digest, **found.about}
    nodes = NodeGenes(found.values_kg, node_names(model, layer), model.genes, layer, model.name, method, about)
    _write(nodes, adata, key_added)
    return nodes


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


def _write(nodes: NodeGenes, adata: AnnData | None, key_added: str | None) -> None:
    if adata is None:
        if key_added is not None:
            msg = f"key_added={key_added!r} needs a table to write to; pass adata=adata as well"
            raise InputError(msg)
        return
    index = nodes.genes.align(adata.var_names).index
    values_gk = np.full((adata.n_vars, len(nodes.nodes)), np.nan, dtype=np.float32)
    values_gk[index[index >= 0]] = nodes.values_kg[:, index >= 0].T
    adata.varm[key_added or f"lightup_{nodes.layer}"] = values_gk
