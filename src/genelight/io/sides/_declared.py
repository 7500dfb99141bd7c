"""Tables of formats that say what a sample and what a gene is: what else stands among them, by the rules of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from ...errors import FormatError, UnknownNameError, first_three
from .._asked import Asked
from .._blocks import FEATURE, blocks_of
from ..text._signs import NO_ID as EMPTY
from ._axis import is_sum
from ._notes import free
from ._orientation import GENES_IN_ROWS, ORIENTATIONS, SAMPLES_IN_ROWS, Side
from ._sides import Sides, apart_of

if TYPE_CHECKING:
    from anndata import AnnData

# Values that are looked at, at least so many samples of all genes.
_VALUES, _FEWEST = 4_000_000, 200
_GENES = ("Gene Expression", "gene")


@dataclass(frozen=True)
class Found:
    """What is to be done with a table.

    Attributes
    ----------
    transposed
        Whether genes stand in its rows.
    of_samples, of_genes
        Names among the genes, by position, that describe samples; and among the samples that describe genes.
    without
        Genes that are none: sums of reads, or without an id.
    """

    transposed: bool = False
    of_samples: Mapping[int, str] = field(default_factory=dict)
    of_genes: Mapping[int, str] = field(default_factory=dict)
    without: Sequence[int] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.transposed or self.of_samples or self.of_genes or len(self.without))

    def applied(self, adata: AnnData, path: Path, *, asked: Asked) -> AnnData:
        """The table with genes alone as columns and samples alone as rows, with what was done in ``uns["read"]``."""
        if self.transposed:
            transposed = adata.T.copy()
            right = replace(asked, orientation=None)
            found = look(transposed, path, asked=asked, transposed=True)
            adata = found.applied(transposed, path, asked=right)
            adata.uns["read"]["orientation"] = GENES_IN_ROWS
            return adata
        told = apart_of(self.of_samples.values(), self.of_genes.values())
        if len(self.without):
            names = first_three(map(str, adata.var_names[list(self.without)]))
            told.append(f"{len(self.without)} that are no genes, or have no id, set aside ({names})")
        obs, var = adata.obs.copy(), adata.var.copy()
        for i, name in self.of_samples.items():
            obs[free(name, obs)] = _values(adata.X[:, [i]])
        for i, name in self.of_genes.items():
            var[free(name, var)] = _values(adata.X[[i]])
        keep_n = np.setdiff1d(np.arange(adata.n_obs), list(self.of_genes))
        keep_g = np.setdiff1d(np.arange(adata.n_vars), [*self.of_samples, *self.without])
        if told:
            adata.obs, adata.var = obs, var
            adata = adata[keep_n, keep_g].copy()
        known = adata.uns.get("read", {})
        notes = "; ".join(filter(None, [known.get("notes", ""), *told]))
        said = ",".join([*self.of_samples.values(), *self.of_genes.values()]) or "none"
        way = {"orientation": asked.orientation} if asked.orientation else {}
        adata.uns["read"] = {**known, "notes": notes, "annotations": said, **way}
        return adata


def look(adata: AnnData, path: Path, *, asked: Asked, transposed: bool = False) -> Found:
    """What stands among the samples and genes of a table, whose values may lie on disk, and is neither.

    Raises
    ------
    FormatError
        If genes stand in its rows, and nobody said so.
    InputError
        If a name may be a gene's or describe samples.
    UnknownNameError
        If an annotation that was named is not there.
    """
    told = adata.uns.get("read", {})
    known = isinstance(told, Mapping) and not {"orientation", "annotations"}.isdisjoint(told)
    if known and asked.annotations is None and asked.orientation is None:
        return Found()  # what this package wrote was looked at as it was read
    blocks = blocks_of(adata)
    if not blocks and not transposed and _is_transposed(adata, path, asked):
        return Found(transposed=True)
    asked.check({*_names(adata.obs_names), *_features(adata), *_names(adata.obs), *_names(adata.var)}, path)
    x_mg, rows = _some(adata)
    of_samples: dict[int, str] = {}
    without: list[int] = []
    genes = _features(adata)
    for places in blocks.values() or [np.arange(adata.n_vars)]:
        judged = places[_are_genes(adata.var.iloc[places])]
        names = [genes[i] for i in judged]
        sides = _sides(adata, path, x_mg[:, judged], rows=rows, places=judged, asked=asked)
        of_samples |= {int(judged[i]): names[i] for i in sides.no_genes()}
        out = [int(i) for i, name in zip(judged, names, strict=True) if is_sum(name) or name in EMPTY]
        without += out if len(out) <= 0.5 * len(judged) else []
    of_genes: dict[int, str] = {}
    if len(rows) == adata.n_obs and not blocks:
        sides = _sides(adata, path, x_mg, rows=rows, places=np.arange(adata.n_vars), asked=asked)
        of_genes = {i: sides.samples[i] for i in sides.no_samples()}
    return Found(of_samples=of_samples, of_genes=of_genes, without=sorted(set(without).difference(of_samples)))


def _sides(
    adata: AnnData, path: Path, x_ng: np.ndarray, *, rows: np.ndarray, places: np.ndarray, asked: Asked
) -> Sides:
    genes = _features(adata)
    texts = {
        str(name): [str(cell) for cell in column.iloc[places]]
        for name, column in adata.var.items()
        if not pd.api.types.is_numeric_dtype(column)
    }
    return Sides(
        path,
        x_ng,
        [str(name) for name in adata.obs_names[rows]],
        [genes[i] for i in places],
        {},
        texts,
        in_columns=False,
        asked=asked,
    )


def _are_genes(var: pd.DataFrame) -> np.ndarray:
    """Which features may be genes by what the file says of each: antibodies and guides of 10x are none."""
    if "feature_types" not in var:
        return np.ones(len(var), bool)
    return var["feature_types"].astype(str).isin([*_GENES, "nan", ""]).to_numpy()


def _is_transposed(adata: AnnData, path: Path, asked: Asked) -> bool:
    """Whether the user says that genes stand in the rows; stop where names say so and the user does not."""
    if asked.orientation is not None:
        if asked.orientation not in ORIENTATIONS:
            raise UnknownNameError("orientation", asked.orientation, ORIENTATIONS)
        return asked.orientation == GENES_IN_ROWS
    (r, why), (c, _) = Side(_names(adata.obs_names)).geneness(), Side(_names(adata.var_names)).geneness()
    # Numbers may be anybody's; names of genes in the rows may be what was knocked out, where features stand in columns.
    sure = c < 0 or (c == 0 and "numbers" not in why and adata.n_obs > adata.n_vars)
    if r < 0.4 or not sure:
        return False
    msg = (
        f"{path}: genes seem to stand in its rows (obs_names: {why}) and samples in its columns (var_names: "
        f"{first_three(_names(adata.var_names))}), where a table of this format has samples in rows. To turn it, type: "
        f"genelight read {asked.typed(path, orientation=GENES_IN_ROWS)}; if it is right: "
        f"genelight read {asked.typed(path, orientation=SAMPLES_IN_ROWS)}"
    )
    raise FormatError(msg)


def _some(adata: AnnData) -> tuple[np.ndarray, np.ndarray]:
    """Values of evenly spaced samples, and which they are."""
    most = max(_FEWEST, _VALUES // max(1, adata.n_vars))
    rows = np.unique(np.linspace(0, adata.n_obs - 1, min(adata.n_obs, most)).astype(int))
    x = adata.X[:] if len(rows) == adata.n_obs else adata.X[rows]
    x_mg = np.asarray(x.toarray() if sparse.issparse(x) else x)
    return x_mg.astype(np.float64 if x_mg.dtype.itemsize > 4 else np.float32, copy=False), rows


def _values(x: Any) -> np.ndarray:
    return np.asarray(x.toarray() if sparse.issparse(x) else x, dtype=float).ravel()


def _features(adata: AnnData) -> list[str]:
    """Names of features; in a table of blocks without that of the block."""
    return _names(adata.var[FEATURE] if blocks_of(adata) else adata.var_names)


def _names(names: Any) -> list[str]:
    return [str(name) for name in names]
