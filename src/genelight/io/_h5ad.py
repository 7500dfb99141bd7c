"""AnnData files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from .._core.errors import FormatError, first_three
from ._read import READERS

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["H5ad"]

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

    @staticmethod
    def recognises(start: bytes) -> bool:
        """Whether a file starts as HDF5 does."""
        return start.startswith(b"\x89HDF\r\n\x1a\n")

    @staticmethod
    def read(path: Path) -> AnnData:
        """The table, as it is in the file.

        Raises
        ------
        FormatError
            If the file is truncated, damaged, or HDF5 of another kind.
        """
        import anndata

        _check_keys(path)
        try:
            with warnings.catch_warnings():
                # Repeated names are an error of ours, with counts, where they matter.
                warnings.filterwarnings("ignore", message=".*names are not unique", category=UserWarning)
                return anndata.read_h5ad(path)
        except Exception as error:
            reason = "; ".join(str(error).splitlines()[:1] + list(getattr(error, "__notes__", ()))[:1])
            msg = f"{path} is truncated or damaged: {reason}; fetch it again"
            raise FormatError(msg) from error


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
