"""Tables with single values missing, where no model is at hand to expect them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["fill_gaps"]

# A gene that more samples lack is left out; with as few gaps as this its mean changes no comparison much.
MOST_MISSING = 0.2


def fill_gaps(adata: AnnData) -> tuple[AnnData, str]:
    """A table without gaps, and what was done about them in words, empty where there were none.

    A missing value is given its gene's mean over the samples that have it; a gene that more than a fifth of the
    samples lack is left out. With a model, ``model.prepare`` gives what its genes let expect instead.

    Parameters
    ----------
    adata
        Samples x genes; returned as it is where nothing is missing.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()[:10, :3].copy()
    >>> adata.X[2, 1] = float("nan")
    >>> from genelight.pp.fill_gaps import fill_gaps
    >>> fill_gaps(adata)[1]
    '1 missing values (3.33%) were given the mean of their gene'
    """
    x = adata.X
    if sp.issparse(x):
        if not np.isnan(x.data).any():
            return adata, ""
        x = x.toarray()
    gap_ng = np.isnan(x)
    if not gap_ng.any():
        return adata, ""
    kept_g = gap_ng.mean(0) <= MOST_MISSING
    kept = adata[:, kept_g].copy()
    gap_nk, x_nk = gap_ng[:, kept_g], np.asarray(x)[:, kept_g]
    kept.X = np.where(gap_nk, np.nanmean(x_nk, axis=0), x_nk).astype(x_nk.dtype)
    said = f"{int(gap_nk.sum()):,} missing values ({gap_ng.mean():.2%}) were given the mean of their gene"
    lost = int((~kept_g).sum())
    return kept, said + f"; {lost:,} genes that more than {MOST_MISSING:.0%} of the samples lack were left out" * bool(
        lost
    )
