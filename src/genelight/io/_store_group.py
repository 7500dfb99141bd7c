"""What lies on disk: an AnnData in zarr 3, whose ``X`` is dense float32 in shards of whole samples."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._core.provenance import check_seal, file_digest, read_json, sealed
from ..errors import FormatError, ResourceError
from ..nouns import Genes
from ._shards import Shards

if TYPE_CHECKING:
    import zarr

__all__ = [
    "FORMAT",
    "Group",
    "altered_shards",
    "altered_tables",
    "checksum",
    "create_group",
    "is_store",
    "open_group",
    "read_stamp",
    "shard_digest",
    "shard_rows",
    "write_tables",
]

FORMAT = 2
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
        return Genes(tuple(map(str, self.var.index)), self.about["namespace"])

    @cached_property
    def var(self) -> pd.DataFrame:
        """One row per gene: ``measured_in``, of how many inputs."""
        return self._table("var")

    @cached_property
    def obs(self) -> pd.DataFrame:
        """The sample table."""
        return self._table("obs")

    def read(self, sorted_n: np.ndarray) -> np.ndarray:
        """Values of samples by ascending position, shape ``(n, g)``, float32, yours to change.

        Raises
        ------
        FormatError
            If a value is not as it was packed.
        """
        try:
            x_ng = self._values(sorted_n)
            self._check(sorted_n, x_ng)
        except (OSError, ValueError, RuntimeError):
            if read_stamp(self.path) == self.about:
                raise
            # Samples were appended at this very moment; ours lie where they lay.
            x_ng = self._values(sorted_n)
            self._check(sorted_n, x_ng)
        return x_ng

    def _values(self, sorted_n: np.ndarray) -> np.ndarray:
        plain_ng = self._shards.read(sorted_n) if self._shards else None
        if plain_ng is not None:
            return plain_ng
        in_a_row = len(sorted_n) > 0 and sorted_n[-1] - sorted_n[0] == len(sorted_n) - 1
        return np.asarray(self.x[sorted_n[0] : sorted_n[-1] + 1] if in_a_row else self.x.oindex[sorted_n])

    def _check(self, sorted_n: np.ndarray, x_ng: np.ndarray) -> None:
        """Compare each chunk that is read from for the first time with its checksum; later reads cost nothing."""
        rows, samples = self.x.chunks[0], self.x.shape[0]
        chunk_n = sorted_n // rows
        for chunk in np.unique(chunk_n[~self._checked[chunk_n]]):
            first, last = chunk * rows, min((chunk + 1) * rows, samples)
            start = int(np.searchsorted(sorted_n, first))
            whole = (
                start + last - first <= len(sorted_n)
                and sorted_n[start] == first
                and sorted_n[start + last - first - 1] == last - 1
            )
            chunk_ng = x_ng[start : start + last - first] if whole else self._values(np.arange(first, last))
            if checksum(chunk_ng) != self.about["chunks"][chunk]:
                file = self.path / "X" / "c" / str(first // shard_rows(self.x.shape[1])) / "0"
                msg = f"{file} was altered: samples {first} to {last - 1} have another checksum; pack the store again"
                raise FormatError(msg)
            self._checked[chunk] = True

    @cached_property
    def _checked(self) -> np.ndarray:
        return np.zeros(len(self.about["chunks"]), dtype=bool)

    @cached_property
    def _shards(self) -> Shards | None:
        return Shards.of(self.x, self.path / "X")

    def _table(self, name: str) -> pd.DataFrame:
        """The samples or genes of this store, also where others were appended since it was opened."""
        import zarr
        from anndata.io import read_elem

        # A store is replaced as a whole; a table of one and a stamp of another are told by their digests.
        for last_try in (False, False, True):
            now = read_stamp(self.path)
            try:
                table = read_elem(zarr.open_group(self.path, mode="r")[name])
                wrong = altered_tables(self.path, now, name)
            except Exception as error:
                if last_try:
                    msg = f"{self.path} is damaged: its {name} cannot be read ({_first_line(error)}); pack it again"
                    raise FormatError(msg) from error
                continue
            if not wrong:
                break
        else:
            msg = f"{self.path / wrong[0]} was altered since the store was packed; pack it again"
            raise FormatError(msg)
        full = len(self.about["shards"]) - 1
        if now["genes"] != self.about["genes"] or now["shards"][:full] != self.about["shards"][:full]:
            msg = f"{self.path} was replaced by another store since it was opened; open it again"
            raise ResourceError(msg)
        return table.iloc[: self.x.shape[0]] if name == "obs" else table


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
    files = {str(file.relative_to(path)): file_digest(file) for file in _metadata(path)}
    stamp = sealed({**about, "files": files})
    root.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0", STAMP: stamp})


def _metadata(path: Path) -> list[Path]:
    """Every file of a store but its shards and the one with the stamp."""
    shards, stamped = path / "X" / "c", path / "zarr.json"
    return sorted(f for f in path.rglob("*") if f.is_file() and shards not in f.parents and f != stamped)


def read_stamp(path: Path) -> dict[str, Any]:
    """What a store says of itself, unaltered.

    Raises
    ------
    FormatError
        If it was altered, or cannot be read.
    """
    where = path / "zarr.json"
    content = read_json(where)
    try:
        return check_seal(content["attributes"][STAMP], where=where)
    except (KeyError, TypeError) as error:
        msg = f"{where} is damaged: it has no {error}; pack it again"
        raise FormatError(msg) from error


def altered_tables(path: Path, about: Mapping[str, Any], part: str = "") -> list[str]:
    """Files of a store beside its shards that are not as they were packed, of one part or of all."""
    noted = {file: known for file, known in about["files"].items() if file.startswith(part)}
    there = {str(file.relative_to(path)) for file in _metadata(path)}
    lost = [file for file in noted if file not in there]
    return lost or [file for file, known in noted.items() if file_digest(path / file) != known]


def checksum(x_ng: np.ndarray) -> int:
    """CRC-32 of values, by the processor's own instructions."""
    from isal import isal_zlib

    return int(isal_zlib.crc32(np.ascontiguousarray(x_ng).data.cast("B")))


def is_store(path: Path) -> bool:
    """Whether a path is a store that :func:`pack` finished."""
    try:
        return STAMP in json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
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
    if not path.exists():
        half = path.with_name(path.name + ".part").exists()
        msg = f"{path} does not exist{'; packing it was not finished, run the same pack again' if half else ''}"
        raise ResourceError(msg)
    if not is_store(path):
        msg = f"{path} is no store of genelight; make one with genelight pack FILES... --out store.zarr"
        raise FormatError(msg)
    about, x, fits = _opened(path)
    newest = int(about["format"])
    if newest > FORMAT:
        msg = f"{path} has store format {newest}, newer than {FORMAT}; upgrade with pip install -U genelight"
        raise FormatError(msg)
    if not fits:
        msg = f"{path / 'X' / 'zarr.json'} was altered: it speaks of {x.shape} values, or lies otherwise; pack it again"
        raise FormatError(msg)
    lost = [i for i in range(len(about["shards"])) if not (path / "X" / "c" / str(i) / "0").is_file()]
    if lost:
        msg = f"{path} has lost {len(lost)} of {len(about['shards'])} shards, the first X/c/{lost[0]}/0; pack it again"
        raise FormatError(msg)
    return Group(path, about, x)


def _opened(path: Path) -> tuple[dict[str, Any], zarr.Array, bool]:
    """Stamp and values of one store, and whether they fit each other, also where another takes its place meanwhile."""
    import zarr

    for tries_left in reversed(range(5)):
        try:
            about = read_stamp(path)
            x = zarr.open_array(path / "X", mode="r")
            chunks = -(-x.shape[0] // x.chunks[0])
            altered = altered_tables(path, about, "X")
            fits = len(about["chunks"]) == chunks and list(x.shape) == about["shape"] and not altered
            # Whoever appends replaces the whole at once: what is read before and after must be of one store.
            if not tries_left or read_stamp(path) == about:
                break
        except FormatError:
            if not tries_left:
                raise
        except Exception as error:
            if not tries_left:
                msg = f"{path} is damaged ({_first_line(error)}); pack it again"
                raise FormatError(msg) from error
    return about, x, fits


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def altered_shards(path: Path, noted: Sequence[str]) -> dict[str, str]:
    """Shards whose values are not those that were packed, with what is wrong."""
    import zarr

    x = zarr.open_array(path / "X", mode="r")
    rows, wrong = shard_rows(x.shape[1]), {}
    for shard, known in enumerate(noted):
        file = f"X/c/{shard}/0"
        try:
            if not (path / file).is_file():
                wrong[file] = "missing"
            elif shard_digest(np.asarray(x[shard * rows : (shard + 1) * rows])) != known:
                wrong[file] = "altered"
        except (OSError, ValueError, RuntimeError) as error:
            wrong[file] = f"damaged: {_first_line(error)}"
    return wrong


def shard_digest(x_ng: np.ndarray) -> str:
    """Identity of the values of a shard."""
    return hashlib.sha256(np.ascontiguousarray(x_ng).data).hexdigest()[:16]
