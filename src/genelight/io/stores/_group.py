"""What lies on disk: an AnnData in zarr 3, whose ``X`` is dense float32 in shards of whole samples."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..._core.provenance import check_seal, parse_json, sealed
from ...errors import FormatError, ResourceError
from ...nouns import Genes
from ._bucket import Bucket, Url, reached
from ._shards import Shards

if TYPE_CHECKING:
    import zarr

FORMAT = 2
STAMP = "genelight"
SHARD_BYTES = 64 * 2**20
CHUNKS_PER_SHARD = 8
TRIES, PAUSE = 8, 0.5


@dataclass(frozen=True)
class Group:
    """An open store.

    On object storage nothing is replaced as a whole: whoever appends puts new shards, then the tables, the stamp last.
    The samples of a store that was opened before lie where they lay.
    """

    path: Path
    about: Mapping[str, Any]
    x: zarr.Array

    @property
    def remote(self) -> bool:
        """Whether it is on object storage."""
        return isinstance(self.path, Url)

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
            return self._read(sorted_n)
        except (OSError, ValueError, RuntimeError):
            if not self.remote and read_stamp(self.path) == self.about:
                raise
            # Samples were appended at this very moment, or a request failed; ours lie where they lay.
            return self._read(sorted_n)

    def _read(self, sorted_n: np.ndarray) -> np.ndarray:
        asked_n = self._with_neighbours(sorted_n) if self.remote else sorted_n
        x_ng = self._straight(self._shards, asked_n) if self.remote and self._shards else None
        if x_ng is None:
            x_ng = self._values(asked_n)
            self._check(asked_n, x_ng)
        return x_ng if len(asked_n) == len(sorted_n) else x_ng[np.searchsorted(asked_n, sorted_n)]

    def _with_neighbours(self, sorted_n: np.ndarray) -> np.ndarray:
        """All samples of the chunks asked for: they come along anyway, and only a whole chunk can be compared."""
        rows = self.x.chunks[0]
        whole_n = (np.unique(sorted_n // rows)[:, None] * rows + np.arange(rows)).ravel()
        return whole_n[whole_n < self.x.shape[0]]

    def _straight(self, shards: Shards, sorted_n: np.ndarray) -> np.ndarray | None:
        """From object storage with one request for neighbours, in place of one for each chunk and for their index.

        None where a chunk is left out, or was altered, which its checksum tells; such a shard is not asked so again.
        """
        asked = set((sorted_n // shards.rows).tolist())
        if asked & self._uneven:
            return None
        content = self._objects.ranges(shards.places(sorted_n))
        x_ng = np.empty((len(sorted_n), self.x.shape[1]), np.float32)
        if content and sum(map(len, content)) == x_ng.nbytes:
            x_ng.view(np.uint8).reshape(-1)[:] = np.frombuffer(b"".join(content), np.uint8)
            try:
                self._check(sorted_n, x_ng)
            except FormatError:
                pass
            else:
                return x_ng
        self._uneven.update(asked)
        return None

    @cached_property
    def _objects(self) -> Bucket:
        return Bucket(Url(self.path / "X"))

    @cached_property
    def _uneven(self) -> set[int]:
        """Shards in which a chunk lies elsewhere than where it would if none were left out."""
        return set()

    def _values(self, sorted_n: np.ndarray) -> np.ndarray:
        plain_ng = self._shards.read(sorted_n) if self._shards and not self.remote else None
        if plain_ng is not None:
            return plain_ng
        in_a_row = len(sorted_n) > 0 and sorted_n[-1] - sorted_n[0] == len(sorted_n) - 1
        with reached(self.path):
            return np.asarray(self.x[sorted_n[0] : sorted_n[-1] + 1] if in_a_row else self.x.oindex[sorted_n])

    def _check(self, sorted_n: np.ndarray, x_ng: np.ndarray) -> None:
        """Compare each chunk that is read from for the first time with its checksum; later reads cost nothing.

        On object storage, where another object may be put at any time, chunks are compared every time.
        """
        rows, samples = self.x.chunks[0], self.x.shape[0]
        chunk_n = sorted_n // rows
        for chunk in np.unique(chunk_n if self.remote else chunk_n[~self._checked[chunk_n]]):
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
                what = "was altered or removed" if self.remote else "was altered"
                msg = f"{file} {what}: samples {first} to {last - 1} have another checksum; pack the store again"
                raise FormatError(msg)
            self._checked[chunk] = True

    @cached_property
    def _checked(self) -> np.ndarray:
        return np.zeros(len(self.about["chunks"]), dtype=bool)

    @cached_property
    def _shards(self) -> Shards | None:
        return None if self.x.compressors else Shards.of(self.x, self.path / "X")

    def _table(self, name: str) -> pd.DataFrame:
        """The samples or genes of this store, also where others were appended since it was opened."""
        # A table of one store and the stamp of another are told by their digests.
        for _ in range(TRIES):
            now = read_stamp(self.path)
            noted = {file: known for file, known in now["files"].items() if file.startswith(f"{name}/")}
            found = contents(self.path, noted)
            wrong = _altered(noted, found)
            if not wrong:
                break
            pause(self.path)
        else:
            msg = f"{self.path / wrong[0]} was altered since the store was packed; {mend(self.path)}"
            raise FormatError(msg)
        try:
            table = _table_in(found, name)
        except Exception as error:
            msg = f"{self.path} is damaged: its {name} cannot be read ({first_line(error)}); pack it again"
            raise FormatError(msg) from error
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
    files = {file: _content_digest(content) for file, content in contents(path, metadata(path)).items()}
    stamp = sealed({**about, "files": files})
    root.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0", STAMP: stamp})


def metadata(path: Path) -> list[str]:
    """Every file of a store on a disk but its shards and the one with the stamp."""
    shards, stamped = path / "X" / "c", path / "zarr.json"
    files = sorted(f for f in path.rglob("*") if f.is_file() and shards not in f.parents and f != stamped)
    return [str(file.relative_to(path)) for file in files]


def contents(path: Path, files: Iterable[str]) -> dict[str, bytes]:
    """Content of files of a store; those that are not there are left out.

    Raises
    ------
    FormatError
        If a name leads out of the store.
    """
    files = list(files)
    out = [file for file in files if file.startswith("/") or ".." in file.split("/")]
    if out:
        msg = f"{path} is damaged: its stamp names {out[0]!r}, which leads out of it; pack it again"
        raise FormatError(msg)
    if isinstance(path, Url):
        return Bucket(path).read(files)
    found = {}
    for file in files:
        with suppress(FileNotFoundError):
            found[file] = (path / file).read_bytes()
    return found


def pause(path: Path) -> None:
    """Wait where the tables of a store are not replaced at once, while one appends."""
    if isinstance(path, Url):
        time.sleep(PAUSE)


def mend(path: Path) -> str:
    """What to do about tables that do not fit their stamp."""
    broken_off = "if appending to it was broken off, type that again, else " if isinstance(path, Url) else ""
    return f"{broken_off}pack it again"


def _table_in(files: Mapping[str, bytes], name: str) -> pd.DataFrame:
    import zarr
    from anndata.io import read_elem
    from zarr.core.buffer import default_buffer_prototype

    buffer = default_buffer_prototype().buffer
    held = zarr.storage.MemoryStore({file: buffer.from_bytes(content) for file, content in files.items()})
    return read_elem(zarr.open_group(held, path=name, mode="r"))


def read_stamp(path: Path) -> dict[str, Any]:
    """What a store says of itself, unaltered.

    Raises
    ------
    FormatError
        If it was altered, or cannot be read.
    """
    where = path / "zarr.json"
    found = contents(path, ["zarr.json"])
    if not found:
        msg = f"{where} is missing"
        raise FormatError(msg)
    content = parse_json(found["zarr.json"], where=str(where))
    try:
        return check_seal(content["attributes"][STAMP], where=where)
    except (KeyError, TypeError) as error:
        msg = f"{where} is damaged: it has no {error}; pack it again"
        raise FormatError(msg) from error


def altered_tables(path: Path, about: Mapping[str, Any], part: str = "") -> list[str]:
    """Files of a store beside its shards that are not as they were packed, of one part or of all."""
    noted = {file: known for file, known in about["files"].items() if file.startswith(part)}
    return _altered(noted, contents(path, noted))


def _altered(noted: Mapping[str, str], found: Mapping[str, bytes]) -> list[str]:
    lost = [file for file in noted if file not in found]
    return lost or [file for file, known in noted.items() if _content_digest(found[file]) != known]


def _content_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def checksum(x_ng: np.ndarray) -> int:
    """CRC-32 of values, by the processor's own instructions."""
    from isal import isal_zlib

    return int(isal_zlib.crc32(np.ascontiguousarray(x_ng).data.cast("B")))


def altered_shards(path: Path, noted: Sequence[str]) -> dict[str, str]:
    """Shards whose values are not those that were packed, with what is wrong."""
    import zarr

    x = zarr.open_array(str(path / "X"), mode="r")
    rows, wrong = shard_rows(x.shape[1]), {}
    for shard, known in enumerate(noted):
        file = f"X/c/{shard}/0"
        try:
            if not isinstance(path, Url) and not (path / file).is_file():
                wrong[file] = "missing"
            elif shard_digest(np.asarray(x[shard * rows : (shard + 1) * rows])) != known:
                # What is not there reads as missing values.
                wrong[file] = "altered or missing" if isinstance(path, Url) else "altered"
        except (OSError, ValueError, RuntimeError) as error:
            wrong[file] = f"damaged: {first_line(error)}"
    return wrong


def shard_digest(x_ng: np.ndarray) -> str:
    """Identity of the values of a shard."""
    return hashlib.sha256(np.ascontiguousarray(x_ng).data).hexdigest()[:16]


def first_line(error: Exception) -> str:
    """The first line of what a library said."""
    return str(error).partition("\n")[0]
