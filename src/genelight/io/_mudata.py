"""One modality of a MuData file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import FormatError, InputError, UnknownNameError, first_three
from ._blocks import join_blocks
from ._declared import check_hdf5
from ._hdf5 import opened_hdf5
from ._read import DECLARED, READERS, Input, Options

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["MuData"]

ALL = "all"


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
    def read(given: Input, options: Options) -> AnnData:
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
            chosen = _choose(list(file["mod"]), options.modality, given)
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
