"""Samples and genes in one order, whatever that of the file."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData


def by_name(adata: AnnData) -> AnnData:
    """The same table, samples and genes sorted by name.

    Sums of floating-point numbers depend on their order in the last digit, training carries that into every digit, and
    batches and people left out are drawn by position where nothing names them: a study sorts first, so that its
    findings depend on what was measured alone.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()[::-1, ::-1].copy()
    >>> by_name(adata).obs_names[0], by_name(adata).var_names[0]
    ('GSM757899', 'A2M')
    """
    if not (adata.obs_names.is_unique and adata.var_names.is_unique):
        return adata  # is refused where names are checked
    samples, genes = _order(adata.obs_names), _order(adata.var_names)
    if all(np.array_equal(order, np.arange(len(order))) for order in (samples, genes)):
        return adata
    return adata[samples, genes].copy()


def _order(names: pd.Index) -> np.ndarray:
    """Positions in order of name."""
    return np.argsort(names.astype(str).to_numpy(dtype=object), kind="stable")
