"""The genes that drive each patient's score."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData

from .._core.checks import check_positive
from ..errors import InputError
from ..nodes.gradients import path_gradients, steps_of
from ..nouns import Model, Severity
from ..nouns.severity import GENES

__all__ = ["drivers"]

POINTS = 32


def drivers(adata: AnnData, model: Model, *, severity: Severity, n_top: int = 10) -> pd.DataFrame:
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
    n_top
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
    >>> model = gl.models.PCA(8).fit(adata)
    >>> plan = gl.patients.Protocol(folds=3, draws=0)
    >>> hours = gl.patients.severity(adata, model, measure="hours", subject="subject", protocol=plan)
    >>> gl.patients.drivers(adata[:2], model, severity=hours, n_top=3).shape
    (6, 5)
    """
    check_positive(n_top=n_top)
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
            steps = steps_of(model, method="drivers")
            start_ng = np.zeros_like(x_ng)
            found_ng = path_gradients(steps, start_ng, x_ng, layer=name, weight_k=weight_f, points=POINTS)
            change_n += (model.encode(x_ng, name) - model.encode(np.zeros_like(x_ng[:1]), name)) @ weight_f
        part_ng += found_ng
    n_top = min(n_top, x_ng.shape[1])
    order_nt = np.argsort(-np.abs(part_ng), axis=1)[:, :n_top]
    return pd.DataFrame(
        {
            "sample": np.repeat(np.asarray(adata.obs_names, dtype=object), n_top),
            "rank": np.tile(np.arange(1, n_top + 1), len(x_ng)),
            "gene": np.asarray(model.genes.ids, dtype=object)[order_nt.ravel()],
            "part": np.take_along_axis(part_ng, order_nt, 1).ravel(),
            "gap": np.repeat(change_n - part_ng.sum(1), n_top),
        }
    )
