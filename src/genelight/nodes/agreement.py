"""Whether a node's reading depends on how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from .._core.checks import check_positive
from ..errors import InputError
from ..nouns import Model
from ._registry import ATTRIBUTIONS, attributions_of
from .layers import check_layer, node_names
from .light_up import light_up

__all__ = ["agreement"]

FALSE_RATE = 0.05
LEAST_OVERLAP = 0.5


def agreement(
    model: Model,
    layer: str,
    *,
    methods: Sequence[str] | None = None,
    n_top: int = 100,
    rest: str = "minimum",
    level: str = "max",
) -> pd.DataFrame:
    """Compare what several attribution methods say of every node of a layer.

    Agreement of a node is measured against what other nodes would give by chance: the null permutes the nodes of
    the second method, so that a node must resemble itself more than it resembles others. (Against permuted genes,
    which are not independent of one another, almost anything agrees.)

    Parameters
    ----------
    model
        A trained model.
    layer
        Hidden layer.
    methods
        Two or more names in ``ATTRIBUTIONS``; all that the layer can be asked for unless given.
    n_top
        How many of each method's strongest genes, by absolute value, are compared; at most half of all genes.
    rest, level
        As in :func:`genelight.nodes.light_up`.

    Returns
    -------
    One row per node and pair of methods. Columns: ``node``; ``method`` and ``other``; ``correlation``, Spearman's
    over all genes, with ``correlation_p``; ``overlap``, the shared part of the `n_top` strongest genes with equal
    sign, with ``overlap_p``; ``correlation_q`` and ``overlap_q``, Benjamini-Hochberg over all rows; ``depends``, true
    in all rows of a node when any of its pairs does no better than chance (q above 0.05 in either figure), or shares
    less than half of its strongest genes. A node that is dead to both methods has NaN, and does not depend; one that
    is dead to one of them does.

    Raises
    ------
    UnknownNameError
        If there is no such layer, method, rest or level.
    InputError
        If there are fewer than two methods, the layer has a single node, or captum is needed and absent.

    Notes
    -----
    p is one-sided, (1 + draws that reach the value) / (1 + draws), over the k (k - 1) pairs of different nodes, which
    are all the values a permutation can give. Cost: the methods', and for each pair of them two products of matrices
    of nodes x genes.

    Examples
    --------
    >>> import genelight as gl
    >>> model = gl.fit(gl.demo.cohort(), widths=(8, 4), subject="subject", epochs=1)
    >>> table = gl.nodes.agreement(model, "L1", methods=("light_up", "weights"))
    >>> len(table), bool(table["correlation"].min() > 0.9)
    (8, True)
    """
    check_layer(model, layer)
    check_positive(n_top=n_top)
    methods = tuple(dict.fromkeys(attributions_of(model, layer) if methods is None else methods))
    if len(methods) < 2 or model.widths[layer] < 2:
        msg = (
            f"{len(methods)} method(s) on the {model.widths[layer]} node(s) of {layer} leave nothing to compare; "
            "pass two methods, such as methods=('light_up', 'weights'), and a layer of two nodes or more"
        )
        raise InputError(msg)
    for method in methods:
        ATTRIBUTIONS.entry(method)
    n_top = min(n_top, len(model.genes) // 2)
    views = {m: _View(light_up(model, layer, rest=rest, level=level, method=m).values_kg, n_top) for m in methods}
    names = node_names(model, layer)
    table = pd.concat(
        [_compare(names, views, method=a, other=b) for a, b in combinations(methods, 2)], ignore_index=True
    )
    for figure in ("correlation", "overlap"):
        table[f"{figure}_q"] = stats.false_discovery_control(table[f"{figure}_p"])
    apart = (table[["correlation_q", "overlap_q"]] > FALSE_RATE).any(axis=1) | (table["overlap"] < LEAST_OVERLAP)
    table["depends"] = (apart & ~table["dead"]).groupby(table["node"]).transform("any")
    order = table["node"].map({name: i for i, name in enumerate(names)})
    return table.drop(columns="dead").loc[order.argsort(kind="stable")].reset_index(drop=True)


class _View:
    """One method's values as unit rank vectors and signed indicators of the strongest genes, both ``(k, g)``."""

    def __init__(self, values_kg: np.ndarray, n_top: int) -> None:
        rank_kg = stats.rankdata(values_kg, axis=1).astype(np.float32)
        rank_kg -= rank_kg.mean(axis=1, keepdims=True)
        norm_k1 = np.linalg.norm(rank_kg, axis=1, keepdims=True)
        rank_kg /= np.where(norm_k1 > 0, norm_k1, 1)
        top_kg = np.zeros_like(rank_kg)
        strongest_kn = np.argpartition(-np.abs(values_kg), n_top - 1, axis=1)[:, :n_top]
        sign_kn = np.sign(np.take_along_axis(values_kg, strongest_kn, 1))
        np.put_along_axis(top_kg, strongest_kn, sign_kn / np.float32(np.sqrt(n_top)), 1)
        self.rank_kg, self.top_kg, self.dead_k = rank_kg, top_kg, norm_k1[:, 0] == 0


def _compare(names: Sequence[str], views: dict[str, _View], *, method: str, other: str) -> pd.DataFrame:
    a, b = views[method], views[other]
    both_dead_k, one_dead_k = a.dead_k & b.dead_k, a.dead_k ^ b.dead_k
    columns: dict[str, object] = {"node": names, "method": method, "other": other}
    # The product of signs is +1 where a shared gene agrees and -1 where it does not: only the first kind counts.
    ups_kk = np.maximum(a.top_kg, 0) @ np.maximum(b.top_kg, 0).T
    downs_kk = np.minimum(a.top_kg, 0) @ np.minimum(b.top_kg, 0).T
    for figure, value_kk in (("correlation", a.rank_kg @ b.rank_kg.T), ("overlap", ups_kk + downs_kk)):
        value_k = np.diagonal(value_kk).astype(np.float64)
        columns[figure] = np.where(both_dead_k | one_dead_k, np.nan, value_k)
        columns[f"{figure}_p"] = np.where(both_dead_k | one_dead_k, 1.0, _p(value_kk, ~(a.dead_k | b.dead_k)))
    return pd.DataFrame(columns).assign(dead=both_dead_k)


def _p(value_kk: np.ndarray, alive_k: np.ndarray) -> np.ndarray:
    """Share of pairs of different live nodes that reach each node's own value, shape ``(k,)``."""
    other_kk = alive_k[:, None] & alive_k[None] & ~np.eye(len(alive_k), dtype=bool)
    null = np.sort(value_kk[other_kk])
    reached_k = len(null) - np.searchsorted(null, np.diagonal(value_kk) - 1e-6)
    return (1 + reached_k) / (1 + len(null))
