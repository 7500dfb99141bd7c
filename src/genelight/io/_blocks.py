"""Several tables of one study as the blocks of one table: samples in rows, features of all of them in columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.sparse as sp

from ..errors import InputError, first_three

if TYPE_CHECKING:
    from anndata import AnnData

BLOCK, FEATURE, BETWEEN = "block", "feature", ":"


def join_blocks(blocks: Mapping[str, AnnData]) -> AnnData:
    """Join tables of several kinds of feature, measured in some samples in common, to one table.

    Samples are joined by name. A sample that a block lacks has no values there (NaN): a model that is fitted to the
    table lets blocks be missing, weighs them evenly, and lights up nodes into each.

    Parameters
    ----------
    blocks
        Tables by name, samples x features, such as ``{"rna": genes, "protein": proteins}``. Names are without colons.

    Returns
    -------
    AnnData of all samples, in the order in which they come. Columns are called ``"rna:TP53"``; ``var`` has the
    ``block`` and ``feature`` of each. A column of ``obs`` is joined from the blocks that have it; one on which they
    disagree stands once for each, as ``"rna:batch"``. ``uns["blocks"]`` has the sizes, and names such columns. Values
    are as in the tables, not yet on any common scale.

    Raises
    ------
    InputError
        If there are none, a name has a colon, samples or features repeat, or a block shares no sample with the others.

    Notes
    -----
    Memory: the joined table is dense, 8 bytes a value, of all samples by all features.

    Examples
    --------
    >>> import genelight as gl
    >>> proteins = gl.simulate.features("protein", 30, n_features=100)
    >>> cpgs = gl.simulate.features("cpg", 30, n_features=200)[10:]
    >>> joined = gl.io.join_blocks({"protein": proteins, "cpg": cpgs})
    >>> joined.shape, list(joined.var_names[:2])
    ((30, 300), ['protein:P00001', 'protein:P00002'])
    """
    _check(blocks)
    names = list(dict.fromkeys(name for adata in blocks.values() for name in adata.obs_names))
    place = {name: i for i, name in enumerate(names)}
    parts, var = [], []
    for block, adata in blocks.items():
        rows = np.array([place[name] for name in adata.obs_names], dtype=np.int64)
        part = np.full((len(names), adata.n_vars), np.nan)
        part[rows] = adata.X.toarray() if sp.issparse(adata.X) else adata.X
        parts.append(part)
        index = pd.Index([f"{block}{BETWEEN}{feature}" for feature in adata.var_names])
        var.append(pd.DataFrame({BLOCK: block, FEATURE: list(map(str, adata.var_names))}, index=index))
    whole_n = np.all([~np.isnan(part).all(1) for part in parts], axis=0)
    account = {block: f"{adata.n_obs} samples x {adata.n_vars} features" for block, adata in blocks.items()}
    account["all"] = f"{len(names)} samples, {int(whole_n.sum())} of them in every block"
    obs, apart = _told(pd.Index(names), {block: adata.obs for block, adata in blocks.items()})
    if apart:
        account["told apart"] = f"blocks disagree on {first_three(apart, n=6)}; each stands by block, as BLOCK:COLUMN"
    from anndata import AnnData

    return AnnData(np.concatenate(parts, axis=1), obs=obs, var=pd.concat(var), uns={"blocks": account})


def blocks_of(adata: AnnData) -> dict[str, np.ndarray]:
    """Columns of each block of a joined table, as positions; empty of any other table."""
    var = getattr(adata, "var", None)
    if var is None or not {BLOCK, FEATURE} <= set(var.columns):
        return {}
    block_g, feature_g = var[BLOCK].astype(str), var[FEATURE].astype(str)
    if not (block_g + BETWEEN + feature_g == adata.var_names.astype(str)).all():
        return {}
    return {block: np.flatnonzero(block_g == block) for block in dict.fromkeys(block_g)}


def _told(names: pd.Index, told: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, list[str]]:
    """What is known of samples, and the columns on which blocks disagree: those stand once for each block."""
    obs, apart = pd.DataFrame(index=names), []
    for column in dict.fromkeys(column for frame in told.values() for column in frame.columns):
        given = {block: _plain(frame[column]).reindex(names) for block, frame in told.items() if column in frame}
        first, *others = given.values()
        for other in others:
            if (first.notna() & other.notna() & (first != other)).any():
                apart.append(str(column))
                obs = obs.assign(**{f"{block}{BETWEEN}{column}": each for block, each in given.items()})
                break
            first = first.where(first.notna(), other)
        else:
            obs[column] = first
    return obs, apart


def _plain(told: pd.Series) -> pd.Series:
    return told.astype(object) if told.dtype.name == "category" else told


def _check(blocks: Mapping[str, AnnData]) -> None:
    if not blocks:
        msg = "no block to join; pass tables by name: {'rna': genes, 'protein': proteins}"
        raise InputError(msg)
    for block, adata in blocks.items():
        if BETWEEN in block or not block:
            msg = f"a block is called {block!r}; call it by a word without colons"
            raise InputError(msg)
        for what, names in (("samples", adata.obs_names), ("features", adata.var_names)):
            repeated = names[names.duplicated()]
            if len(repeated):
                msg = f"block {block!r}: {len(repeated)} {what} repeat ({first_three(repeated)}); keep one of each"
                raise InputError(msg)
    _check_shared({block: frozenset(adata.obs_names) for block, adata in blocks.items()})


def _check_shared(samples: Mapping[str, frozenset[str]]) -> None:
    """Stop where blocks fall into parts that no sample joins."""
    first, *rest = samples
    joined, reached = {first}, set(samples[first])
    while new := [block for block in rest if block not in joined and reached & samples[block]]:
        joined.update(new)
        reached.update(*(samples[block] for block in new))
    for block in rest:
        if block not in joined:
            msg = (
                f"block {block!r} shares no sample with {', '.join(map(repr, sorted(joined)))}: its "
                f"{len(samples[block])} samples are called {first_three(sorted(samples[block]))}, theirs "
                f"{first_three(sorted(reached))}. Blocks are joined by sample name: call a sample alike in each"
            )
            raise InputError(msg)
