"""The values of a table as a model learns from them, whatever scale they are on in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from .._core.checks import check_finite
from ..errors import InputError
from .map_ids import TOTAL
from .scale import SCALES, check_scale, to_log2

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["logged"]


def logged(adata: AnnData, scale: str, *, missing: bool = False, columns: np.ndarray | None = None) -> np.ndarray:
    """Values of a table as a model learns from them, log2 of expression, float64, shape ``(n, genes)``.

    With `missing` some may be NaN; `columns` are those to give, by default all.

    Raises
    ------
    InputError
        If there are none, values are missing or infinite, or they are on another scale.
    """
    x = adata.X
    if x is None:
        msg = "the table has no X; put the expression matrix there, for example adata.X = adata.layers['log2']"
        raise InputError(msg)
    if sp.issparse(x):
        x = x.toarray()
    # Sums depend on the order in memory in their last bit, and with it the digest.
    x_ng = np.asarray(x, dtype=np.float64, order="C")
    there_ng = np.nan_to_num(x_ng, nan=0.0, posinf=np.inf, neginf=-np.inf) if missing else x_ng
    check_finite(there_ng, samples=list(adata.obs_names), genes=list(adata.var_names), where="the expression matrix")
    whole = not missing or bool(np.isfinite(x_ng.sum()))
    # What is missing takes no part in a sample's total, and is missing still.
    there_ng = x_ng if whole else there_ng
    check_scale(there_ng, scale)
    total_n, among = adata.obs.get(TOTAL), columns is not None and SCALES[scale].among
    # Counts per million need every gene of the sample, so the scale comes before the choice of genes.
    y_ng = to_log2(there_ng[:, columns] if among else there_ng, scale, total_n=total_n)
    x_ng = x_ng[:, columns] if among else x_ng
    y_ng = y_ng if whole else np.where(np.isnan(x_ng), np.nan, y_ng)
    return y_ng if among or columns is None else y_ng[:, columns]
