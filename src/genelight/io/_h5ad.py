"""AnnData files."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..errors import FormatError, first_three
from ._declared import check_hdf5
from ._hdf5 import naming, opened_hdf5
from ._read import DECLARED, HDF5, READERS, Input, Options

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["H5ad"]


@READERS.register("h5ad", doi="10.21105/joss.04371")
class H5ad:
    """AnnData in one HDF5 file."""

    suffixes: ClassVar[tuple[str, ...]] = (".h5ad",)
    in_blocks: ClassVar[bool] = True  # AnnData reads rows of it without reading the whole
    declared: ClassVar[bool] = True
    options: ClassVar[frozenset[str]] = DECLARED | {"backed"}

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether an HDF5 file holds samples and genes, or its keys cannot be read."""
        if not given.start.startswith(HDF5):
            return False
        return not given.keys or ({"obs", "var"} <= given.keys and "mod" not in given.keys)

    @staticmethod
    def read(given: Input, options: Options) -> AnnData:
        """The table, as it is in the file.

        Raises
        ------
        FormatError
            If the file is truncated, damaged, or HDF5 of another kind.
        """
        import anndata

        with opened_hdf5(given.path) as file:
            if not {"obs", "var"} <= set(file):
                msg = f"{given.path} is HDF5 without X, obs and var (keys: {first_three(file, n=6) or 'none'})"
                raise FormatError(msg)
            check_hdf5(given.path, file, but="X" if options.backed else "")
        with naming(given.path):
            return anndata.read_h5ad(given.path, backed="r" if options.backed else None)
