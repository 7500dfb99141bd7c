"""What the readers of HDF5 share: names of errors, and texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..errors import FormatError, GenelightError
from ._budget import check_room

if TYPE_CHECKING:
    import h5py

__all__ = ["compressed", "damaged", "naming", "notes_of", "opened_hdf5", "texts"]


def damaged(path: Path, error: Exception) -> FormatError:
    """An error that says what a library made of a file."""
    reason = "; ".join(str(error).splitlines()[:1] + list(getattr(error, "__notes__", ()))[:1])
    return FormatError(f"{path} is truncated or damaged: {reason or type(error).__name__}; fetch it again")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Any error of a library as one of ours that names the file; memory that is not there passes.

    Raises
    ------
    FormatError
        If anything else goes wrong inside.
    """
    try:
        yield
    except (GenelightError, MemoryError):
        raise
    except Exception as error:
        raise damaged(path, error) from error


@contextmanager
def opened_hdf5(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file; what goes wrong while it is read names it."""
    import h5py

    with naming(path), h5py.File(path, "r") as file:
        yield file


def texts(dataset: Any) -> list[str]:
    """A dataset of texts, whatever way they are stored."""
    return [t.decode() if isinstance(t, bytes) else str(t) for t in np.asarray(dataset[:]).ravel().tolist()]


def notes_of(group: Any, length: int) -> pd.DataFrame:
    """Every column of a group that has one value per row."""
    columns: dict[str, Any] = {}
    for name, dataset in group.items():
        if getattr(dataset, "shape", None) == (length,):
            columns[name] = texts(dataset) if dataset.dtype.kind in "OS" else dataset[:]
    return pd.DataFrame(columns)


def compressed(path: Path, group: Any, shape: tuple[int, int]) -> sparse.csr_matrix:
    """A matrix compressed by rows, its parts checked against one another.

    Raises
    ------
    FormatError
        If they do not fit.
    """
    check_room(path, rows=1, columns=group["data"].shape[0], itemsize=16)
    parts = tuple(group[key][:] for key in ("data", "indices", "indptr"))
    try:
        x = sparse.csr_matrix(parts, shape=shape)
        x.check_format(full_check=True)
    except ValueError as error:
        raise damaged(path, error) from error
    return x
