"""Loom files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from ..errors import FormatError, first_three
from ._declared import check_hdf5
from ._hdf5 import notes_of, opened_hdf5
from ._read import DECLARED, READERS, Input, Options

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Loom"]

_GENES = ("Gene", "var_names", "gene_names", "GeneName", "gene", "Symbol", "gene_symbol", "Accession", "gene_ids")
_SAMPLES = ("CellID", "obs_names", "cell_names", "cell_id", "barcode", "sample", "Sample", "SampleID")


@READERS.register("loom")
class Loom:
    """loom, genes in rows, in HDF5."""

    suffixes: ClassVar[tuple[str, ...]] = (".loom",)
    declared: ClassVar[bool] = True
    options: ClassVar[frozenset[str]] = DECLARED

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether an HDF5 file holds a matrix with attributes of rows and columns."""
        return {"matrix", "row_attrs", "col_attrs"} <= given.keys

    @staticmethod
    def read(given: Input, options: Options) -> AnnData:  # noqa: ARG004
        """Cells x genes, of the type in the file; one-dimensional attributes in ``obs`` and ``var``.

        Raises
        ------
        FormatError
            If the file is damaged, or nothing names genes or cells.
        """
        import anndata

        with opened_hdf5(given.path) as file:
            check_hdf5(given.path, file)
            matrix = file["matrix"]
            if len(matrix.shape) != 2:
                msg = f"{given.path}: key 'matrix' has {len(matrix.shape)} dimensions, not two"
                raise FormatError(msg)
            genes, cells = matrix.shape
            var = _named(file["row_attrs"], genes, usual=_GENES, path=given.path)
            obs = _named(file["col_attrs"], cells, usual=_SAMPLES, path=given.path)
            return anndata.AnnData(matrix[:].T, obs=obs, var=var)


def _named(group: Any, length: int, *, usual: tuple[str, ...], path: Path) -> pd.DataFrame:
    """Attributes of one side, named by the first of the usual ones."""
    notes = notes_of(group, length)
    name = next((n for n in usual if n in notes), None)
    if name is None:
        msg = (
            f"{path}: key {group.name!r} has none of {first_three(usual, n=9)} with {length} names "
            f"(it has {first_three(notes.columns, n=6) or 'none'}); add one with loompy or h5py"
        )
        raise FormatError(msg)
    named = notes.drop(columns=name)
    named.index = pd.Index(notes[name].astype(str).to_numpy(), dtype=object)
    return named
