"""How the nodes of one hidden layer feed those of the next."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from anndata import AnnData
from scipy import stats
from torch import nn

from .._core.errors import InputError
from .._core.types import Model
from ._captum import steps_of
from ._layers import check_layer, node_names

__all__ = ["layer_map"]

POINTS = 64


def layer_map(model: Model, adata: AnnData) -> pd.DataFrame:
    """Effective connections between nodes of consecutive hidden layers, through the trained weights.

    The connection from source to target is the target's slope with respect to the source (weight times the slope of
    the activation, averaged over samples), in standard deviations of the target per standard deviation of the source.
    It is held against the null that a target's input comes from no node in particular: its incoming connections,
    each times its source's standard deviation, point in a random direction, so that one source's part of their
    squared length follows a beta distribution with parameters 1/2 and (sources - 1) / 2.

    Parameters
    ----------
    model
        A trained model with two hidden layers or more.
    adata
        Samples x genes on the scale the model was trained on, over which slopes and standard deviations are taken.

    Returns
    -------
    One row per pair of nodes of consecutive layers, in order of layers, targets, sources. Columns: ``source``,
    ``target``, ``source_layer``, ``target_layer``; ``weight``, above zero where the source raises the target;
    ``share``, the source's part of the target's input (sums to one over sources); ``p``, the chance of that share or
    more in a random direction; ``q``, Benjamini-Hochberg over all rows. Nodes that do not vary are not connected.

    Raises
    ------
    InputError
        If the model has fewer than two hidden layers, or does not show its weights.

    Notes
    -----
    Shuffling weights among a target's sources is no null for single connections: it leaves their values as they
    are, p is a connection's rank among them, and q is one for all. The random direction keeps the length only, much
    as the disparity filter of Serrano et al. 2009 (doi 10.1073/pnas.0808904106) does for positive weights. Cost:
    slopes at no more than 64 samples, evenly taken from the table.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.fit(adata, widths=(8, 4), subject="subject", epochs=1)
    >>> table = gl.tl.layer_map(model, adata)
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
    parts = []
    for source, target in pairwise(layers):
        slope_ts = _slopes(steps.hidden[target], codes[source])
        table = _connections(slope_ts, codes[source].std(0), codes[target].std(0))
        names_t, names_s = (np.asarray(node_names(model, layer), dtype=object) for layer in (target, source))
        table.insert(0, "source", np.tile(names_s, len(names_t)))
        table.insert(1, "target", np.repeat(names_t, len(names_s)))
        table.insert(2, "source_layer", source)
        table.insert(3, "target_layer", target)
        parts.append(table)
    joined = pd.concat(parts, ignore_index=True)
    return joined.assign(q=stats.false_discovery_control(joined["p"]))


def _slopes(step: nn.Module, h_ns: np.ndarray) -> np.ndarray:
    """Slope of each target with respect to each source, shape ``(t, s)``, averaged over samples."""
    rows = np.unique(np.linspace(0, len(h_ns) - 1, POINTS).astype(int))
    h_bs = torch.from_numpy(np.ascontiguousarray(h_ns[rows], dtype=np.float32))

    def moved(shift_s: torch.Tensor) -> torch.Tensor:
        # The mean over samples that all move by one shift has the mean of their slopes.
        return step(h_bs + shift_s).mean(0)

    return torch.func.jacrev(moved)(torch.zeros(h_bs.shape[1])).numpy()


def _connections(slope_ts: np.ndarray, sd_s: np.ndarray, sd_t: np.ndarray) -> pd.DataFrame:
    """Weight, share and p of each connection, targets in the outer order."""
    input_ts = slope_ts.astype(np.float64) * sd_s
    sd_t1 = sd_t[:, None].astype(np.float64)
    weight_ts = np.divide(input_ts, sd_t1, out=np.zeros_like(input_ts), where=sd_t1 > 0)
    total_t1 = (input_ts**2).sum(1, keepdims=True)
    share_ts = np.divide(input_ts**2, total_t1, out=np.zeros_like(input_ts), where=total_t1 > 0)
    sources = int((sd_s > 0).sum())
    p_ts = stats.beta.sf(share_ts, 0.5, (sources - 1) / 2) if sources > 1 else np.ones_like(share_ts)
    return pd.DataFrame({"weight": weight_ts.ravel(), "share": share_ts.ravel(), "p": p_ts.ravel()})
