"""The genes that drive each patient's score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from anndata import AnnData

from .._core.checks import check_positive
from .._core.errors import InputError
from .._core.severity import GENES, Severity
from .._core.types import Model
from ._captum import steps_of

__all__ = ["drivers"]

POINTS = 32


def drivers(adata: AnnData, model: Model, *, severity: Severity, top: int = 10) -> pd.DataFrame:
    """Split each sample's score among the genes.

    A weight on a gene gives that gene its weight times how far it lies from the training mean. A weight on a node goes
    back to the genes by integrated gradients along the straight way from the training mean to the sample.

    Parameters
    ----------
    adata
        Samples x genes.
    model
        The model that `severity` was made with.
    severity
        Frozen score.
    top
        How many genes of each sample to give, by size.

    Returns
    -------
    Columns ``sample``, ``rank``, ``gene``, ``part`` (in units of the measure; above zero raises the score), ``gap``
    (what the parts of all genes leave of the sample's score over that of the training mean).

    Raises
    ------
    InputError
        If `severity` was made with another model, or the model does not show its layers.

    References
    ----------
    Sundararajan et al. 2017, doi 10.48550/arXiv.1703.01365.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.models.fit_pca(adata, width=8)
    >>> plan = gl.tl.Protocol(folds=3, permutations=0)
    >>> hours = gl.tl.severity(adata, model, measure="hours", subject="subject", protocol=plan)
    >>> gl.tl.drivers(adata[:2], model, severity=hours, top=3).shape
    (6, 5)
    """
    check_positive(top=top)
    if severity.about["model_digest"] != model.digest:
        msg = f"this severity was made with another {severity.about['model']}; pass the model it came from"
        raise InputError(msg)
    x_ng = model.prepare(adata)
    part_ng, change_n = np.zeros(x_ng.shape), np.zeros(len(x_ng))
    for name in severity.parts:
        weight_f = severity.head(name)["weight"].to_numpy()
        if name == GENES:
            found_ng = x_ng * weight_f
            change_n += found_ng.sum(1)
        else:
            found_ng = _through(model, x_ng, layer=name, weight_k=weight_f)
            change_n += (model.encode(x_ng, name) - model.encode(np.zeros_like(x_ng[:1]), name)) @ weight_f
        part_ng += found_ng
    top = min(top, x_ng.shape[1])
    order_nt = np.argsort(-np.abs(part_ng), axis=1)[:, :top]
    return pd.DataFrame(
        {
            "sample": np.repeat(np.asarray(adata.obs_names, dtype=object), top),
            "rank": np.tile(np.arange(1, top + 1), len(x_ng)),
            "gene": np.asarray(model.genes.ids, dtype=object)[order_nt.ravel()],
            "part": np.take_along_axis(part_ng, order_nt, 1).ravel(),
            "gap": np.repeat(change_n - part_ng.sum(1), top),
        }
    )


def _through(model: Model, x_ng: np.ndarray, *, layer: str, weight_k: np.ndarray) -> np.ndarray:
    """Integrated gradients of a weighting of a layer's nodes, from the training mean; shape ``(n, g)``."""
    steps = steps_of(model, method="drivers")
    net = steps.encoder(layer)
    weight = torch.from_numpy(weight_k.astype(np.float32))
    c_nc = torch.from_numpy(np.ascontiguousarray(x_ng @ steps.entry_gc, dtype=np.float32))
    slope_nc = torch.zeros_like(c_nc)
    for point in (np.arange(POINTS) + 0.5) / POINTS:
        here = (float(point) * c_nc).requires_grad_()
        (slope,) = torch.autograd.grad((net(here) @ weight).sum(), here)
        slope_nc += slope / POINTS
    return x_ng * (slope_nc.numpy() @ steps.entry_gc.T)
