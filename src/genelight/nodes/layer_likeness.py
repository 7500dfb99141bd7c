"""Whether a layer says what another has said already."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from ..errors import InputError
from ..nouns import Model

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["layer_likeness"]

COPY = 0.95
VARIES = 1e-6


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
        ours, theirs = linear_sum_assignment(-r)
        median = float(np.median(r[ours, theirs])) if len(ours) else np.nan
        rows.append((layer, other, len(ours), median, bool(median >= COPY)))
    return pd.DataFrame(rows, columns=["layer", "other", "matched", "median_r", "copy"])


def _unit(h_nk: np.ndarray) -> np.ndarray:
    """Centred codes of length one, of nodes that vary."""
    h_nk = h_nk - h_nk.mean(0, dtype=np.float64)
    length_k = np.linalg.norm(h_nk, axis=0)
    varies = length_k > VARIES * max(float(length_k.max(initial=0.0)), 1e-30)
    return h_nk[:, varies] / length_k[varies]
