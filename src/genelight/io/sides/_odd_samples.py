"""Samples that say nothing of a person's own: copies of another, and those that hold nothing or one value."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ...errors import InputError, first_three
from .._asked import written

if TYPE_CHECKING:
    from anndata import AnnData

# Genes by which rows are told apart first; values that a row needs to be no other's by chance; samples at once, and
# those that are named.
_FIRST, _LEAST, _ROWS, _MOST = 64, 10, 1024, 20
AT_ONCE = 256  # genes
FEW_GENES = 20


def copies(x: Any) -> list[tuple[int, int]]:
    """Rows that repeat an earlier one, each with that one; rows of hardly any values, or of one value, are left out.

    Of a matrix of shape ``(n, g)``, dense, sparse or on disk. Cost: one pass, of a dense matrix over a few columns, and
    over all of the rows alone that agree so far.
    """
    some = np.unique(np.linspace(0, x.shape[1] - 1, min(_FIRST, x.shape[1])).astype(int))
    alike: dict[bytes, list[int]] = defaultdict(list)
    for first in range(0, x.shape[0], _ROWS):
        block = x[first : first + _ROWS]
        # Of a sparse row how many values it has and what they add up to, which no other has by chance.
        few = (
            np.column_stack([block.getnnz(axis=1), np.asarray(block.sum(axis=1))]).astype(np.float64)
            if sparse.issparse(block)
            else np.ascontiguousarray(block[:, some])
        )
        for row, values in enumerate(few, first):
            alike[values.tobytes()].append(row)
    found: list[tuple[int, int]] = []
    first_of: dict[bytes, int] = {}
    for row in sorted(row for group in alike.values() if len(group) > 1 for row in group):
        key = _digest(x[row : row + 1])
        if key and first_of.setdefault(key, row) != row:
            found.append((row, first_of[key]))
    return found


def _digest(row: Any) -> bytes:
    """Identity of the values of one row, empty where too few say anything."""
    row = row.tocsr() if sparse.issparse(row) else row
    values, where = (row.data, row.indices.tobytes()) if sparse.issparse(row) else (np.ravel(row), b"")
    there = values[np.isfinite(values) & (values != 0)]
    if len(there) < _LEAST or there.min() == there.max():
        return b""
    return blake2b(values.tobytes() + where, digest_size=16).digest()


def said_of(x: Any, samples: Sequence[str]) -> str:
    """What is to be said of copies, and how to leave them out; empty where there are none."""
    found = copies(x)
    if not found:
        return ""
    names = first_three(f"{samples[copy]} of {samples[first]}" for copy, first in found)
    query = shlex.quote(f"index in {[str(samples[copy]) for copy, _ in found]}")
    hold = "sample holds" if len(found) == 1 else "samples hold"
    return (
        f"{len(found)} {hold} exactly the values of another ({names}), "
        f"so that one person would count twice; to leave them out: --drop {query if len(found) <= _MOST else 'QUERY'}"
    )


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
