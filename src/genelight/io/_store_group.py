"""What lies on disk: an AnnData in zarr 3, whose ``X`` is dense float32 in shards of whole samples."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import FormatError, ResourceError
from ..nouns import Genes
from ._shards import Shards

if TYPE_CHECKING:
    import zarr

__all__ = ["FORMAT", "Group", "create_group", "is_store", "open_group", "shard_rows", "write_tables"]

FORMAT = 1
STAMP = "genelight"
SHARD_BYTES = 64 * 2**20
CHUNKS_PER_SHARD = 8


@dataclass(frozen=True)
class Group:
    """An open store."""

    path: Path
    about: Mapping[str, Any]
    x: zarr.Array

    @cached_property
    def genes(self) -> Genes:
        """Genes, in the order of the columns."""
        return Genes(tuple(map(str, self._table("var").index)), self.about["namespace"])

    @cached_property
    def obs(self) -> pd.DataFrame:
        """The sample table."""
        return self._table("obs")

    def read(self, sorted_n: np.ndarray) -> np.ndarray:
        """Values of samples by ascending position, shape ``(n, g)``, float32, yours to change."""
        plain_ng = self._shards.read(sorted_n) if self._shards else None
        if plain_ng is not None:
            return plain_ng
        in_a_row = len(sorted_n) > 0 and sorted_n[-1] - sorted_n[0] == len(sorted_n) - 1
        return np.asarray(self.x[sorted_n[0] : sorted_n[-1] + 1] if in_a_row else self.x.oindex[sorted_n])

    @cached_property
    def _shards(self) -> Shards | None:
        return Shards.of(self.x, self.path / "X")

    def _table(self, name: str) -> pd.DataFrame:
        import zarr
        from anndata.io import read_elem

        try:
            return read_elem(zarr.open_group(self.path, mode="r")[name])
        except Exception as error:
            msg = f"{self.path} is damaged: its {name} cannot be read ({_first_line(error)}); pack it again"
            raise FormatError(msg) from error


def shard_rows(genes: int) -> int:
    """Samples per shard: the largest power of two of at most 64 MiB, and at least one to each chunk."""
    most = max(1, SHARD_BYTES // (4 * genes))
    return max(CHUNKS_PER_SHARD, 2 ** (most.bit_length() - 1))


def create_group(path: Path, shape: tuple[int, int], *, compress: bool) -> zarr.Array:
    """An empty store of `shape`, or the one that stands there already; its ``X``, to be written shard by shard."""
    import zarr
    from zarr.codecs import BloscCodec

    if (path / "X" / "zarr.json").exists():
        return zarr.open_array(path / "X", mode="r+")
    root = zarr.create_group(path, zarr_format=3, overwrite=True)
    rows, genes = shard_rows(shape[1]), shape[1]
    codec = BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle", typesize=4) if compress else None
    return root.create_array(
        "X",
        shape=shape,
        dtype="float32",
        chunks=(rows // CHUNKS_PER_SHARD, genes),
        shards=(rows, genes),
        compressors=codec,
        # A shard that is lost reads as missing values, never as zeros.
        fill_value=float("nan"),
        attributes={"encoding-type": "array", "encoding-version": "0.2.0"},
    )


def write_tables(path: Path, *, obs: pd.DataFrame, var: pd.DataFrame, about: Mapping[str, Any]) -> None:
    """Everything beside ``X``, the stamp last."""
    import zarr
    from anndata.io import write_elem

    root = zarr.open_group(path, mode="r+")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*autosharding", category=UserWarning)
        write_elem(root, "obs", obs)
        write_elem(root, "var", var)
        for name in ("layers", "obsm", "obsp", "uns", "varm", "varp"):
            write_elem(root, name, {})
    root.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0", STAMP: dict(about)})


def is_store(path: Path) -> bool:
    """Whether a path is a store that :func:`pack` finished."""
    import json

    try:
        return STAMP in json.loads((path / "zarr.json").read_text())["attributes"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def open_group(path: Path) -> Group:
    """Open what :func:`write_tables` finished.

    Raises
    ------
    ResourceError
        If there is nothing at `path`.
    FormatError
        If it is no store, comes from a newer genelight, or has lost shards.
    """
    import zarr

    if not path.exists():
        half = path.with_name(path.name + ".part").exists()
        msg = f"{path} does not exist{'; packing it was not finished, run the same pack again' if half else ''}"
        raise ResourceError(msg)
    if not is_store(path):
        msg = f"{path} is no store of genelight; make one with genelight pack FILES... --out store.zarr"
        raise FormatError(msg)
    try:
        root = zarr.open_group(path, mode="r")
        about: Any = root.attrs[STAMP]
        x = zarr.open_array(path / "X", mode="r")
        newest = int(about["format"])
    except Exception as error:
        msg = f"{path} is damaged ({_first_line(error)}); pack it again"
        raise FormatError(msg) from error
    if newest > FORMAT:
        msg = f"{path} has store format {newest}, newer than {FORMAT}; upgrade with pip install -U genelight"
        raise FormatError(msg)
    lost = [i for i in range(len(about["shards"])) if not (path / "X" / "c" / str(i) / "0").is_file()]
    if lost:
        msg = f"{path} has lost {len(lost)} of {len(about['shards'])} shards, the first X/c/{lost[0]}/0; pack it again"
        raise FormatError(msg)
    return Group(path, about, x)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
