"""Tables in HDF5: AnnData, loom, and modalities of MuData."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from ...errors import FormatError, InputError, UnknownNameError, first_three
from .._asked import Asked
from .._blocks import join_blocks
from .._budget import check_hdf5
from .._files import naming, opened_hdf5, texts
from .._read import DECLARED, HDF5, READERS, Input

if TYPE_CHECKING:
    from anndata import AnnData

_GENES = ("Gene", "var_names", "gene_names", "GeneName", "gene", "Symbol", "gene_symbol", "Accession", "gene_ids")
_SAMPLES = ("CellID", "obs_names", "cell_names", "cell_id", "barcode", "sample", "Sample", "SampleID")
ALL = "all"


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
    def read(given: Input, asked: Asked) -> AnnData:
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
            check_hdf5(given.path, file, but="X" if asked.backed else "")
        with naming(given.path):
            return anndata.read_h5ad(given.path, backed="r" if asked.backed else None)


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
    def read(given: Input, asked: Asked) -> AnnData:  # noqa: ARG004
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
    """Attributes of one side that have one value per row, named by the first of the usual ones."""
    columns: dict[str, Any] = {}
    for key, dataset in group.items():
        if getattr(dataset, "shape", None) == (length,):
            columns[key] = texts(dataset) if dataset.dtype.kind in "OS" else dataset[:]
    notes = pd.DataFrame(columns)
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


@READERS.register("mudata", doi="10.1186/s13059-021-02577-8")
class MuData:
    """A modality of MuData in HDF5."""

    suffixes: ClassVar[tuple[str, ...]] = (".h5mu",)
    declared: ClassVar[bool] = True
    options: ClassVar[frozenset[str]] = DECLARED | {"modality"}

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether an HDF5 file holds modalities."""
        return "mod" in given.keys

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:
        """The modality asked for, or the only one; of several with commas, or ``all``, one table of blocks.

        Columns of the common ``obs`` join those of each.

        Raises
        ------
        InputError
            If there are several and none was named, or those named share no sample.
        UnknownNameError
            If there is none of that name.
        FormatError
            If the file is damaged.
        """
        import anndata

        with opened_hdf5(given.path) as file:
            found: dict[str, anndata.AnnData] = {}
            chosen = _choose(list(file["mod"]), asked.modality, given)
            common = anndata.io.read_elem(file["obs"]) if "obs" in file else None
            for name in chosen:
                check_hdf5(given.path, file["mod"][name])
                found[name] = anndata.io.read_elem(file["mod"][name])
                if not isinstance(found[name], anndata.AnnData):
                    msg = f"{given.path}: modality {name!r} is no AnnData"
                    raise FormatError(msg)
                _join_common(found[name], common)
            return join_blocks(found) if len(found) > 1 else next(iter(found.values()))


def _choose(names: list[str], asked: str | None, given: Input) -> list[str]:
    if asked == ALL and names:
        return names
    wanted = [asked] if asked in names else [] if asked is None else [part.strip() for part in asked.split(",")]
    for name in wanted:
        if name not in names:
            raise UnknownNameError("modality", name, names, where=str(given.path))
    if wanted or len(names) == 1:
        return wanted or names
    msg = (
        f"{given.path} holds {len(names)} modalities ({first_three(names, n=6)}); say modality='...' (--modality), "
        f"several with commas, or '{ALL}' for one table of all of them"
    )
    raise InputError(msg)


def _join_common(adata: AnnData, common: Any) -> None:
    """Columns that belong to samples rather than to one modality are written once, under no prefix."""
    if common is None or not adata.obs_names.isin(common.index).all() or common.index.has_duplicates:
        return
    for column in common.columns:
        if ":" not in column and column not in adata.obs:
            adata.obs[column] = common.loc[adata.obs_names, column]
