"""AnnData files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from .._core.errors import FormatError, first_three
from ._read import HDF5, READERS, Input, Options

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["H5ad", "damaged"]

# What other programs keep in HDF5, by a key that only they have at the top.
_OTHERS = {
    "matrix": "a 10x Genomics matrix or a loom file",
    "mod": "a MuData file; write one modality with mdata.mod[...].write_h5ad",
    "model_weights": "a Keras model",
    "resolutions": "a cooler file",
}


@READERS.register("h5ad", doi="10.21105/joss.04371")
class H5ad:
    """AnnData in one HDF5 file."""

    suffixes: ClassVar[tuple[str, ...]] = (".h5ad",)
    in_blocks: ClassVar[bool] = True  # AnnData reads rows of it without reading the whole

    options: ClassVar[frozenset[str]] = frozenset({"backed"})

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a file starts as HDF5 does and no other reader claims its keys."""
        return given.start.startswith(HDF5)

    @staticmethod
    def read(given: Input, options: Options) -> AnnData:
        """The table, as it is in the file.

        Raises
        ------
        FormatError
            If the file is truncated, damaged, or HDF5 of another kind.
        """
        import anndata

        path = given.path
        _check_keys(path)
        try:
            return anndata.read_h5ad(path, backed="r" if options.backed else None)
        except Exception as error:
            raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> FormatError:
    """An error that says what a library made of a file."""
    reason = "; ".join(str(error).splitlines()[:1] + list(getattr(error, "__notes__", ()))[:1])
    return FormatError(f"{path} is truncated or damaged: {reason or type(error).__name__}; fetch it again")


def _check_keys(path: Path) -> None:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            keys = list(file)
    except (OSError, RuntimeError) as error:
        msg = f"{path} is truncated or damaged: {error}; fetch it again"
        raise FormatError(msg) from error
    if {"obs", "var"} <= set(keys) and "mod" not in keys:
        return
    other = next((what for key, what in _OTHERS.items() if key in keys), "HDF5 of another kind")
    msg = f"{path} is {other} (keys: {first_three(keys, n=6) or 'none'}), not AnnData with X, obs and var"
    raise FormatError(msg)
