"""One modality of a MuData file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import FormatError, InputError, UnknownNameError, first_three
from ._declared import check_hdf5
from ._hdf5 import opened_hdf5
from ._read import READERS, Input, Options

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["MuData"]


@READERS.register("mudata", doi="10.1186/s13059-021-02577-8")
class MuData:
    """A modality of MuData in HDF5."""

    suffixes: ClassVar[tuple[str, ...]] = (".h5mu",)
    options: ClassVar[frozenset[str]] = frozenset({"modality"})

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether an HDF5 file holds modalities."""
        return "mod" in given.keys

    @staticmethod
    def read(given: Input, options: Options) -> AnnData:
        """The modality asked for, or the only one; columns of the common ``obs`` join its own.

        Raises
        ------
        InputError
            If there are several and none was named.
        UnknownNameError
            If there is none of that name.
        FormatError
            If the file is damaged.
        """
        import anndata

        with opened_hdf5(given.path) as file:
            name = _choose(list(file["mod"]), options.modality, given)
            check_hdf5(given.path, file["mod"][name])
            adata = anndata.io.read_elem(file["mod"][name])
            if not isinstance(adata, anndata.AnnData):
                msg = f"{given.path}: modality {name!r} is no AnnData"
                raise FormatError(msg)
            _join_common(adata, anndata.io.read_elem(file["obs"]) if "obs" in file else None)
            return adata


def _choose(names: list[str], asked: str | None, given: Input) -> str:
    if asked is not None:
        if asked not in names:
            raise UnknownNameError("modality", asked, names, where=str(given.path))
        return asked
    if len(names) != 1:
        msg = f"{given.path} holds {len(names)} modalities ({first_three(names, n=6)}); say modality='...' (--modality)"
        raise InputError(msg)
    return names[0]


def _join_common(adata: AnnData, common: Any) -> None:
    """Columns that belong to samples rather than to one modality are written once, under no prefix."""
    if common is None or not adata.obs_names.isin(common.index).all() or common.index.has_duplicates:
        return
    for column in common.columns:
        if ":" not in column and column not in adata.obs:
            adata.obs[column] = common.loc[adata.obs_names, column]
