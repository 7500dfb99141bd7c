"""Layers beside one another: whose nodes feed whose, and whether a layer says what another has said already."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import torch
from anndata import AnnData
from scipy import stats
from torch import nn

from ..errors import InputError
from ..nouns import Model
from .gradients import steps_of
from .layers import check_layer, node_names
from .reproduce import assign

__all__ = ["layer_likeness", "layer_map"]

COPY = 0.95
VARIES = 1e-6
POINTS = 64
POOL, DRAWS = 2_000_000, (10, 100)


def layer_map(adata: AnnData, model: Model, *, seed: int = 0) -> pd.DataFrame:
    """Effective connections between nodes of hidden layers, through the trained weights, against a permuted null.

    The connection from source to target is the target's slope with respect to the source (weights times slopes of
    the activations on the way, averaged over samples), in standard deviations of the target per standard deviation of
    the source. Next layers come first, then those further on: how layer 1 feeds layer 3 through layer 2.

    Parameters
    ----------
    adata
        Samples x genes on the scale the model was trained on, over which slopes and standard deviations are taken.
    model
        A trained model with two hidden layers or more.
    seed
        Of the permutations.

    Returns
    -------
    One row per pair of nodes of two layers, in order of layers, targets, sources. Columns: ``source``, ``target``,
    ``source_layer``, ``target_layer``; ``weight``, above zero where the source raises the target; ``share``, the
    source's part of the target's input (sums to one over sources); ``p``, how often a permuted connection has that
    share or more; ``q``, Benjamini-Hochberg over the rows of the two layers; ``q_direction``, the same against
    another null, see the notes. Nodes that do not vary are not connected.

    Raises
    ------
    InputError
        If the model has fewer than two hidden layers, or does not show its weights.

    Notes
    -----
    The null of `q` is that a source might as well feed any other target: each source's connections are shuffled among
    the targets, and shares are computed anew; all of a layer's permuted shares are one null. It keeps every source's
    strengths, heavy tails included. Over 40 drawn matrices each (32 x 64, nothing planted) of normal, Laplace and
    Student weights, alike in scale or not, at most three had a connection with q <= 0.05. Its blind spot: one strong
    connection among many alike stands out wherever it is shuffled to, so it is not called; what is called is a source
    that fills a target's input more than its strength elsewhere explains. (Shuffled among the sources of one target,
    every share stays as it is, p is a rank, and no q fell below 0.5.)

    The null of `q_direction` is that a target's input points in a random direction of the space of its sources, so
    that a share follows a beta distribution with parameters 1/2 and (sources - 1) / 2, much as the disparity filter of
    Serrano et al. 2009 (doi 10.1073/pnas.0808904106) has it for positive weights. It sees the lone strong connection,
    and is right for normal weights alike in scale; it called all of the drawn matrices of Laplace or Student weights
    and of unlike sources significant, with 13 to 47 connections each.

    Cost: slopes at no more than 64 samples, evenly taken from the table, and 10 to 100 shuffles of each matrix, fewer
    of a large one.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.fit(adata, widths=(8, 4), subject="subject", epochs=1)
    >>> table = gl.nodes.layer_map(adata, model)
    >>> len(table), round(float(table.groupby("target")["share"].sum().mean()), 3)
    (32, 1.0)
    """
    layers = list(model.widths)
    if len(layers) < 2:
        msg = (
            f"model {model.name} has {len(layers)} hidden layer(s), so no layer feeds another; fit one with two or "
            "more, such as widths=(128, 64)"
        )
        raise InputError(msg)
    steps = steps_of(model, method="layer_map")
    x_ng = model.prepare(adata)
    codes = {layer: model.encode(x_ng, check_layer(model, layer)) for layer in layers}
    rng = np.random.default_rng(seed)
    parts = []
    for first, last in sorted(combinations(range(len(layers)), 2), key=lambda pair: pair[1] - pair[0]):
        source, target = layers[first], layers[last]
        way = nn.Sequential(*(steps.hidden[layer] for layer in layers[first + 1 : last + 1]))
        table = _connections(_slopes(way, codes[source]), codes[source].std(0), codes[target].std(0), rng=rng)
        names_t, names_s = (np.asarray(node_names(model, layer), dtype=object) for layer in (target, source))
        table.insert(0, "source", np.tile(names_s, len(names_t)))
        table.insert(1, "target", np.repeat(names_t, len(names_s)))
        table.insert(2, "source_layer", source)
        table.insert(3, "target_layer", target)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def layer_likeness(adata: AnnData, model: Model) -> pd.DataFrame:
    """How alike the codes of every two layers are, node by node at best.

    Each node of the narrower layer is matched to a node of its own in the wider one, so that the sum of absolute
    correlations is the largest (Hungarian method). Nodes that do not vary are left out.

    Parameters
    ----------
    adata
        Samples x genes on the scale the model was trained on, over which codes are correlated.
    model
        A trained model with two hidden layers or more.

    Returns
    -------
    One row per two layers: ``layer``, ``other``; ``matched``, how many nodes have a partner; ``median_r``, the median
    absolute correlation of partners; ``copy``, whether it is 0.95 or more, so that either layer tells what the other
    does.

    Raises
    ------
    InputError
        If the model has fewer than two hidden layers, or there are fewer than three samples.

    Notes
    -----
    Cost: the product of two layers' codes, and a matching that grows with the cube of the narrower layer.

    References
    ----------
    Li et al. 2015, doi 10.48550/arXiv.1511.07543, for matching units by correlation.

    Examples
    --------
    >>> import genelight as gl
    >>> cohort = gl.demo.cohort()
    >>> model = gl.fit(cohort, widths=(8, 4), subject="subject", epochs=1)
    >>> gl.nodes.layer_likeness(cohort, model)[["layer", "other", "matched"]].values.tolist()
    [['L1', 'L2', 4]]
    """
    if len(model.widths) < 2 or adata.n_obs < 3:
        msg = f"{len(model.widths)} hidden layers over {adata.n_obs} samples: likeness needs two, and three samples"
        raise InputError(msg)
    x_ng = model.prepare(adata)
    units = {layer: _unit(model.encode(x_ng, layer)) for layer in model.widths}
    rows = []
    for layer, other in combinations(model.widths, 2):
        r = np.abs(units[layer].T @ units[other])
        ours, theirs = assign(r)
        median = float(np.median(r[ours, theirs])) if len(ours) else np.nan
        rows.append((layer, other, len(ours), median, bool(median >= COPY)))
    return pd.DataFrame(rows, columns=["layer", "other", "matched", "median_r", "copy"])


def _slopes(step: nn.Module, h_ns: np.ndarray) -> np.ndarray:
    """Slope of each target with respect to each source, shape ``(t, s)``, averaged over samples."""
    rows = np.unique(np.linspace(0, len(h_ns) - 1, POINTS).astype(int))
    h_bs = torch.from_numpy(np.ascontiguousarray(h_ns[rows], dtype=np.float32))

    def moved(shift_s: torch.Tensor) -> torch.Tensor:
        # The mean over samples that all move by one shift has the mean of their slopes.
        return step(h_bs + shift_s).mean(0)

    # That of `torch.func` loads the compiler first, which takes longer.
    return torch.autograd.functional.jacobian(moved, torch.zeros(h_bs.shape[1])).numpy()


def _connections(slope_ts: np.ndarray, sd_s: np.ndarray, sd_t: np.ndarray, *, rng: np.random.Generator) -> pd.DataFrame:
    """Weight, share, p and both q of each connection, targets in the outer order."""
    sd_t1 = sd_t[:, None].astype(np.float64)
    input_ts = slope_ts.astype(np.float64) * sd_s
    weight_ts = np.divide(input_ts, sd_t1, out=np.zeros_like(input_ts), where=sd_t1 > 0)
    share_ts = _shares(weight_ts)
    p_ts = np.where(share_ts > 0, _permuted(weight_ts, share_ts, rng), 1.0)
    sources = int((sd_s > 0).sum())
    direction_ts = stats.beta.sf(share_ts, 0.5, (sources - 1) / 2) if sources > 1 else np.ones_like(share_ts)
    columns = {"weight": weight_ts, "share": share_ts, "p": p_ts}
    table = pd.DataFrame({name: values_ts.ravel() for name, values_ts in columns.items()})
    q, q_direction = (stats.false_discovery_control(p.ravel()) for p in (p_ts, direction_ts))
    return table.assign(q=q, q_direction=q_direction)


def _shares(weight_ts: np.ndarray) -> np.ndarray:
    """Each source's part of each target's squared input."""
    total_t1 = (weight_ts**2).sum(1, keepdims=True)
    return np.divide(weight_ts**2, total_t1, out=np.zeros_like(weight_ts), where=total_t1 > 0)


def _permuted(weight_ts: np.ndarray, share_ts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How often a permuted connection has each share or more, the connection itself counted once."""
    live_ts = weight_ts[np.any(weight_ts, axis=1)]
    draws = int(np.clip(POOL // max(1, live_ts.size), *DRAWS))
    beyond_ts = np.zeros(share_ts.shape, dtype=np.int64)
    for _ in range(draws):
        null = np.sort(_shares(rng.permuted(live_ts, axis=0)), axis=None)
        beyond_ts += len(null) - np.searchsorted(null, share_ts * (1 - 1e-9))
    return (1 + beyond_ts) / (1 + draws * live_ts.size)


def _unit(h_nk: np.ndarray) -> np.ndarray:
    """Centred codes of length one, of nodes that vary."""
    h_nk = h_nk - h_nk.mean(0, dtype=np.float64)
    length_k = np.linalg.norm(h_nk, axis=0)
    varies = length_k > VARIES * max(float(length_k.max(initial=0.0)), 1e-30)
    return h_nk[:, varies] / length_k[varies]
