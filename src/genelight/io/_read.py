"""The verb ``read``: finds the reader that knows a file by its content, then by its suffix."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from .._core.errors import FormatError, InputError, first_three
from .._core.registry import Registry
from ._files import describe, existing, start_of

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["READERS", "Reader", "check_table", "find_reader", "read"]


class Reader(Protocol):
    """What a file in this room registers to be able to read one more format."""

    suffixes: ClassVar[tuple[str, ...]]

    @staticmethod
    def recognises(start: bytes) -> bool:
        """Whether a file that starts like this (unpacked) is of this format."""
        ...

    @staticmethod
    def read(path: Path) -> AnnData:
        """The table, as it is in the file."""
        ...


READERS: Registry[type[Reader]] = Registry("reader")


def read(path: str | Path, *, dense: bool = False) -> AnnData:
    """Read an expression table, samples in rows.

    The format is told from the content; the suffix decides only between readers that both know it.

    Parameters
    ----------
    path
        A file that one of ``READERS`` knows; today AnnData's ``.h5ad``.
    dense
        Whether to unpack a sparse matrix into a dense one of the same type; by default it stays sparse.

    Returns
    -------
    The table with its ``X`` as stored: no scaling, no filtering, no reordering.

    Raises
    ------
    ResourceError
        If there is no such file, or it may not be read.
    InputError
        If `path` is a folder, or sample names repeat.
    FormatError
        If no reader knows the content, the file is truncated or damaged, or its ``X`` is absent, empty
        or not of real numbers.

    Notes
    -----
    Cost: one pass over the file; memory for ``X`` once, twice for a moment under ``dense=True``.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "flu.h5ad"
    ...     gl.demo.cohort().write_h5ad(path)
    ...     gl.io.read(path).shape
    (252, 4147)
    """
    path = existing(Path(path))
    adata = find_reader(path).read(path)
    check_table(adata, path)
    if dense and hasattr(adata.X, "toarray"):
        adata.X = adata.X.toarray()
    return adata


def find_reader(path: Path) -> type[Reader]:
    """The reader that knows a file.

    Raises
    ------
    FormatError
        If none does; says what the file is.
    """
    try:
        start = start_of(path)
    except zlib.error:
        start = b""
    known = [entry.what for entry in READERS.show() if entry.what.recognises(start)]
    by_suffix = [reader for reader in known if path.name.lower().endswith(reader.suffixes)]
    if known:
        return (by_suffix or known)[0]
    formats = "; ".join(f"{', '.join(e.what.suffixes)} ({e.summary.rstrip('.')})" for e in READERS.show())
    msg = (
        f"{path} is {describe(path)}; genelight reads {formats}. Load a table with pandas, samples in rows, "
        "and write anndata.AnnData(table).write_h5ad('cohort.h5ad')"
    )
    raise FormatError(msg)


def check_table(adata: AnnData, path: Path) -> None:
    """Stop when a table has no values, not real ones, or sample names that repeat.

    Raises
    ------
    FormatError
        If ``X`` is absent, empty or not of real numbers.
    InputError
        If sample names repeat.
    """
    if adata.X is None:
        layers = first_three(adata.layers) or "none"
        msg = f"{path}: X is absent (layers: {layers}); set adata.X = adata.layers[...] and write the file again"
        raise FormatError(msg)
    if 0 in adata.shape:
        msg = f"{path} holds {adata.n_obs} samples and {adata.n_vars} genes; there is nothing to read"
        raise FormatError(msg)
    # Kinds of NumPy types: signed, unsigned, floating.
    if np.dtype(adata.X.dtype).kind not in "iuf":
        msg = f"{path}: X is of type {adata.X.dtype}, not of real numbers; write adata.X.astype('float32') instead"
        raise FormatError(msg)
    repeated = adata.obs_names[adata.obs_names.duplicated()].unique()
    if len(repeated):
        msg = (
            f"{path}: {len(repeated)} sample names occur more than once ({first_three(repeated)}); "
            "call adata.obs_names_make_unique(), or drop the copies, and write the file again"
        )
        raise InputError(msg)
