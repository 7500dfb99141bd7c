"""Samples that hold nothing, or one value throughout."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ..errors import InputError, first_three
from ._asked import written

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["without_empty"]

AT_ONCE = 256  # genes
FEW_GENES = 20


def _hold_something(x_ng: np.ndarray) -> np.ndarray:
    """Which samples have a value that is there, not zero and not the same in all genes; a few genes tell of most."""
    some_n = np.zeros(len(x_ng), dtype=bool)
    low_n, high_n = np.full(len(x_ng), np.inf), np.full(len(x_ng), -np.inf)
    for first in range(0, x_ng.shape[1], AT_ONCE):
        rest = np.flatnonzero(~some_n)
        if not len(rest):
            break
        part = x_ng[:, first : first + AT_ONCE][rest]
        low_n[rest] = np.fmin(low_n[rest], np.fmin.reduce(part, axis=1))
        high_n[rest] = np.fmax(high_n[rest], np.fmax.reduce(part, axis=1))
        some_n[rest] = low_n[rest] < high_n[rest]
    if x_ng.shape[1] < FEW_GENES:  # which may be the same by chance
        some_n |= np.isfinite(high_n) & (high_n != 0)
    return some_n


def without_empty(adata: AnnData, path: Path, *, drop: bool) -> tuple[AnnData, list[str]]:
    """The table without samples whose values are all zero or missing, if asked for.

    Raises
    ------
    InputError
        If there are any, and nobody asked.
    """
    x = adata.X
    some_n = np.asarray(np.nan_to_num(abs(x)).sum(1)).ravel() > 0 if sparse.issparse(x) else _hold_something(x)
    empty = sparse.issparse(x) or not np.nan_to_num(x[~some_n]).any()
    # A table without any difference is told as such where it is to be learned from.
    if some_n.all() or not (some_n.any() or empty):
        return adata, []
    names = adata.obs_names[~some_n]
    if not drop or not some_n.any():
        file = shlex.quote(str(path))
        what = "nothing but zeros or missing values" if empty else "one value throughout"
        msg = (
            f"{path}: {len(names)} of {adata.n_obs} samples hold {what} ({first_three(names)}); they spoil every "
            f"standard deviation. Set them aside: genelight read {file} --drop-empty --out "
            f"{written(path)} (drop_empty=True in Python)"
        )
        raise InputError(msg)
    said = f"{len(names)} samples that hold nothing, or one value throughout, set aside ({first_three(names)})"
    return adata[some_n].copy(), [said]
