"""Cells added up: one sample of each donor, or of each donor and cell type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from .._core.checks import check_column, check_filled, check_positive
from ..errors import InputError, UnknownNameError, first_three
from .scale import check_scale

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["pseudobulk"]

KEY = "pseudobulk"


def pseudobulk(
    adata: AnnData, *, subject: str, by: str | None = None, least_cells: int = 10, layer: str | None = None
) -> AnnData:
    """Add up the counts of each donor's cells, so that a sample is a person again.

    Cells of one donor are no subjects: a test that counts each as one finds differences between donors wherever
    there are many cells. Sums over a donor are samples of counts as any other, ``scale="counts"``.

    Parameters
    ----------
    adata
        Cells x genes, counts of molecules; sparse or not.
    subject
        Column of ``obs`` that says whose each cell is.
    by
        Another column, such as the cell type: a sample for each of its values in each donor.
    least_cells
        Sums over fewer cells are left out, and counted.
    layer
        Where the counts are, if not in ``X``.

    Returns
    -------
    AnnData, a row for each donor (and `by`), in the order of names. ``obs`` has `subject`, `by`, ``cells``, and those
    columns that are the same for all of a row's cells; ``uns["pseudobulk"]`` the account.

    Raises
    ------
    UnknownNameError
        If there is no such column or layer.
    InputError
        If values are no counts, a column has missing values, or no sum is over enough cells.

    Notes
    -----
    Squair et al. 2021, doi 10.1038/s41467-021-25960-2; Crowell et al. 2020, doi 10.1038/s41467-020-19894-4. Cost: one
    sparse product.

    Examples
    --------
    >>> import genelight as gl
    >>> cells = gl.simulate.features("cell", 12, visits=50, n_features=200)
    >>> bulk = gl.pp.pseudobulk(cells, subject="subject")
    >>> bulk.shape, int(bulk.obs["cells"].sum()), sorted(bulk.obs["condition"].unique())
    ((12, 200), 600, ['case', 'control'])
    """
    check_positive(least_cells=least_cells)
    x = _counts(adata, layer)
    columns = [subject] if by is None else [subject, by]
    check_filled(*((adata.obs, column, column) for column in columns))
    named = pd.DataFrame({column: check_column(adata.obs, column, role=column).astype(str) for column in columns})
    group_n = named.groupby(columns, sort=True).ngroup().to_numpy()
    first_s = np.unique(group_n, return_index=True)[1]
    cells_s = np.bincount(group_n)
    keep_s = cells_s >= least_cells
    if not keep_s.any():
        msg = (
            f"no sum is over {least_cells} cells: {len(cells_s)} of {' and '.join(columns)} have {cells_s.min()} to "
            f"{cells_s.max()}; lower least_cells (--least-cells), or add up over fewer groups"
        )
        raise InputError(msg)
    member_sn = sp.csr_matrix((np.ones(len(group_n)), (group_n, np.arange(len(group_n)))))
    sums = member_sn @ x
    x_sg = np.asarray(sums.toarray() if sp.issparse(sums) else sums, dtype=np.float64)[keep_s]
    same = [c for c in adata.obs.columns if adata.obs[c].astype(str).groupby(group_n).nunique().max() == 1]
    obs = adata.obs.iloc[first_s[keep_s]][same].assign(cells=cells_s[keep_s])
    obs.index = pd.Index(["_".join(row) for row in named.iloc[first_s[keep_s]].to_numpy()])
    if obs.index.has_duplicates:
        obs.index = pd.Index([f"{name}_{i}" for i, name in enumerate(obs.index)])
    from anndata import AnnData

    left = named.iloc[first_s[~keep_s]].agg(" ".join, axis=1)
    account = {
        "cells": adata.n_obs,
        "samples": int(keep_s.sum()),
        "too few cells": int((~keep_s).sum()),
        "left out": first_three(left),
        "columns kept": ", ".join(map(str, obs.columns)),
    }
    return AnnData(x_sg, obs=obs, var=adata.var.copy(), uns={KEY: account})


def _counts(adata: AnnData, layer: str | None) -> Any:
    if layer is not None and layer not in adata.layers:
        raise UnknownNameError("layer of the table", layer, adata.layers)
    x = adata.X if layer is None else adata.layers[layer]
    values = np.asarray(x.data if sp.issparse(x) else x, dtype=np.float64)
    check_scale(values.reshape(1, -1), "molecules")
    return x
