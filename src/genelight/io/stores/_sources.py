"""The inputs of a store: each made readable in blocks, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from ..._core.tables import write_h5ad
from ...errors import FormatError, InputError
from ...nouns import Genes
from .._asked import NOTHING
from .._read import check_table, find_reader, quiet_names, read
from ..sides._declared import look
from ._group import Group, first_line, read_stamp
from ._open import is_store, open_group

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True)
class Source:
    """One input: where its values can be read in blocks, its genes and its samples.

    Attributes
    ----------
    name
        File name, for people.
    place
        What is read: the input itself, or its copy in a form that can be read in blocks.
    stamp
        Size and time of change of the input: a store half made from another state of it is not resumed.
    kept
        The store that others are appended to: its samples keep their names and where they came from.
    """

    name: str
    place: Path
    genes: Genes
    obs: pd.DataFrame
    stamp: tuple[int, int]
    kept: Group | None = None

    @contextmanager
    def _opened(self) -> Iterator[Callable[[int, int], Any]]:
        """What gives the values of samples from the first to before the last, dense or sparse."""
        if is_store(self.place):
            group = open_group(self.place)
            yield lambda first, last: group.read(np.arange(first, min(last, group.x.shape[0])))
            return
        adata = _backed(self.place)
        x = adata.X  # each time it is asked for, all pointers of a sparse matrix are read
        try:
            yield lambda first, last: x[first:last]
        finally:
            adata.file.close()

    def blocks(self, start: int, rows: int) -> Iterator[np.ndarray]:
        """Values from sample `start` on, at most `rows` samples at a time, float32, its own genes in columns.

        Raises
        ------
        FormatError
            If the file turns out to be damaged.
        InputError
            If a value is infinite, or too large for float32.
        """
        with self._opened() as values:
            for first in range(start, len(self.obs), rows):
                try:
                    block = values(first, first + rows)
                except Exception as error:
                    msg = f"{self.name} is damaged at sample {self.obs.index[first]!r}: {error}; fetch it again"
                    raise FormatError(msg) from error
                block_ng = np.asarray(block.toarray() if sp.issparse(block) else block)
                yield self._checked(block_ng, first)

    def _checked(self, block_ng: np.ndarray, first: int) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            x_ng = np.ascontiguousarray(block_ng, dtype=np.float32)
            # A sum is finite when every term is, and needs no matrix-sized mask.
            if np.isfinite(x_ng.sum(dtype=np.float64)) or not np.isinf(x_ng).any():
                return x_ng
        row, column = np.argwhere(np.isinf(x_ng))[0]
        msg = (
            f"{self.name} has {np.isinf(x_ng).sum()} values that are infinite or beyond 3e38, the first in sample "
            f"{self.obs.index[first + row]!r}, gene {self.genes.ids[column]!r}; leave them out or correct them"
        )
        raise InputError(msg)


def kept(path: Path) -> Source:
    """The store that others are appended to."""
    group = open_group(path)
    return Source(path.name, path, group.genes, group.obs, input_stamp(path), group)


def survey(path: Path, spool: Path, *, ids: str) -> Source:
    """What an input holds; formats that cannot be read in blocks are read whole, once, and copied to `spool`.

    Raises
    ------
    InputError
        If gene ids or sample names repeat; besides what ``io.read`` raises.
    """
    if is_store(path):
        group = open_group(path)
        return Source(path.name, path, group.genes, group.obs, input_stamp(path))
    stamp = input_stamp(path)
    place = path if _in_blocks(path) else spool
    if place is spool and not spool.exists():
        _copy(read(path), spool)
    adata = _backed(place)
    try:
        check_table(adata, path)
        genes = Genes(tuple(map(str, adata.var_names)), ids)
        return Source(path.name, place, genes, plain_columns(adata.obs), stamp)
    except InputError as error:
        msg = str(error) if str(path) in str(error) else f"{path}: {error}"
        raise InputError(msg) from error
    finally:
        adata.file.close()


def plain_columns(obs: pd.DataFrame) -> pd.DataFrame:
    """Columns that any AnnData file takes: numbers and truth values as they are, all else as categories of text."""
    columns = {}
    for name, column in obs.items():
        number = column.dtype.kind in "biuf" if isinstance(column.dtype, np.dtype) else False
        columns[str(name)] = column if number else pd.Categorical(column.astype("string").astype(object))
    return pd.DataFrame(columns, index=obs.index.astype(str))


def input_stamp(path: Path) -> tuple[int, int]:
    """What changes where an input does: size and time of change; of a store its samples and the digest of all."""
    if is_store(path):
        about = read_stamp(path)
        return int(about["shape"][0]), int(about["seal"], 16)
    if not path.is_file():
        return 0, 0
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _in_blocks(path: Path) -> bool:
    """Whether rows can be read without the whole: AnnData's own file, dense or by rows, that holds genes alone."""
    if not path.is_file() or not getattr(find_reader(path), "in_blocks", False):
        return False
    adata = _backed(path)
    try:
        if adata.X is None:
            return True
        check_table(adata, path)
        return getattr(adata.X, "format", "csr") == "csr" and not look(adata, path, asked=NOTHING)
    finally:
        adata.file.close()


def _backed(path: Path) -> AnnData:
    import anndata

    try:
        with quiet_names():
            return anndata.read_h5ad(path, backed="r")
    except Exception as error:
        msg = f"{path} is truncated or damaged: {first_line(error)}; fetch it again"
        raise FormatError(msg) from error


def _copy(adata: AnnData, path: Path) -> None:
    import anndata

    x = adata.X.tocsr() if sp.issparse(adata.X) else adata.X
    var = pd.DataFrame(index=adata.var_names.astype(str))
    write_h5ad(path, anndata.AnnData(x, obs=plain_columns(adata.obs), var=var))
