"""AnnData in a zarr folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...errors import FormatError, first_three
from .._asked import Asked
from .._budget import check_room, check_zarr
from .._files import naming
from .._read import DECLARED, READERS, Input
from ..stores._bucket import Url
from ..stores._open import is_store, open_group

if TYPE_CHECKING:
    from anndata import AnnData


@READERS.register("zarr", doi="10.21105/joss.04371")
class Zarr:
    """AnnData in a zarr folder."""

    suffixes: ClassVar[tuple[str, ...]] = (".zarr",)
    declared: ClassVar[bool] = True
    options: ClassVar[frozenset[str]] = DECLARED | {"backed"}

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a folder holds what zarr writes at the top, or a URL is a store's."""
        if isinstance(given.path, Url):
            return is_store(given.path)
        return bool({"zarr.json", ".zgroup"}.intersection(given.names))

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:
        """The table, as it is in the folder; ``X`` stays there under ``backed``.

        Raises
        ------
        FormatError
            If it is damaged, or zarr of another kind.
        """
        import anndata
        import zarr

        if isinstance(given.path, Url):
            store = open_group(given.path)
            check_room(given.path, rows=0 if asked.backed else store.x.shape[0], columns=store.x.shape[1], itemsize=4)
            x = store.x if asked.backed else store.read(np.arange(store.x.shape[0]))
            return anndata.AnnData(x, obs=store.obs, var=store.var)
        with naming(given.path):
            group = zarr.open_group(given.path, mode="r")
            keys = sorted(group)
            if not {"obs", "var"} <= set(keys):
                told = first_three(keys, n=6) or "none"
                msg = f"{given.path} is zarr of another kind (keys: {told}), not AnnData with X, obs and var"
                raise FormatError(msg)
            check_zarr(given.path, but="X" if asked.backed else "")
            if not asked.backed:
                return anndata.read_zarr(given.path)
            x = group["X"] if isinstance(group["X"], zarr.Array) else anndata.io.sparse_dataset(group["X"])
            parts = {
                key: anndata.io.read_elem(group[key]) for key in ("obs", "var", "uns", "obsm", "varm") if key in keys
            }
            return anndata.AnnData(x, **parts)
