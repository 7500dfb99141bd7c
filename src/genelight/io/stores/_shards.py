"""Samples straight to and from the files of a store, without zarr's copies of them.

A shard holds its chunks of samples one after another, then an index of them (Zarr specification, version 3, sharding
codec). It is written as zarr writes it, byte for byte, without the two copies of a shard that this takes there. Bare
values are read in a third of the processor time. Where they are compressed, where the index says otherwise, as for
chunks left out since all of their values are missing, or a file is damaged, nothing is read here, and the caller turns
to zarr.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import zarr

VALUE = np.dtype("<f4")
ENTRY = np.dtype("<u8")
CHECKSUM = 4
NOWHERE = 2**64 - 1  # place and size of a chunk that is left out
CASTAGNOLI = 0x82F63B78


@dataclass(frozen=True)
class Shards:
    """Where samples lie.

    Attributes
    ----------
    folder
        That of the array.
    rows, chunk_rows
        Samples to a shard and to a chunk.
    genes
        Values to a sample.
    encode
        What compresses a chunk, None for bare values.
    """

    folder: Path
    rows: int
    chunk_rows: int
    genes: int
    encode: Callable[[np.ndarray], bytes] | None = None

    @classmethod
    def of(cls, x: zarr.Array, folder: Path) -> Shards | None:
        """Those of an array, if they hold bare values or such as Blosc compresses."""
        if x.shards is None or x.filters or x.chunks[1] != x.shape[1]:
            return None
        if not x.compressors:
            return cls(folder, x.shards[0], x.chunks[0], x.shape[1])
        from numcodecs import Blosc
        from zarr.codecs import BloscCodec

        codec = x.compressors[0]
        if len(x.compressors) > 1 or not isinstance(codec, BloscCodec):
            return None
        shuffle = ("noshuffle", "shuffle", "bitshuffle").index(codec.shuffle.value)
        blosc = Blosc(codec.cname.value, codec.clevel, shuffle, codec.blocksize)
        return cls(folder, x.shards[0], x.chunks[0], x.shape[1], blosc.encode)

    def read(self, sorted_n: np.ndarray) -> np.ndarray | None:
        """Values of samples by ascending position, float32, shape ``(n, g)``; None if any is not where it should be."""
        x_ng = np.empty((len(sorted_n), self.genes), VALUE)
        try:
            whole = all(self._fill(x_ng[i:j], int(sorted_n[i])) for i, j in self._runs(sorted_n))
        except (OSError, ValueError):  # no such file, or one too short for an index
            return None
        return x_ng if whole else None

    def places(self, sorted_n: np.ndarray) -> list[tuple[str, int, int]]:
        """File, first byte and last of each run of samples, as they lie where no chunk is left out."""
        size = self.genes * VALUE.itemsize
        found = []
        for first, last in self._runs(sorted_n):
            shard, row = divmod(int(sorted_n[first]), self.rows)
            found.append((f"c/{shard}/0", row * size, (row + last - first) * size))
        return found

    def write(self, shard: int, shard_ng: np.ndarray) -> None:
        """Write a shard whole, the last with fewer samples; one whose values are all missing has no file."""
        file = self.folder / "c" / str(shard) / "0"
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".partial")
        index = np.full((self.rows // self.chunk_rows, 2), NOWHERE, ENTRY)
        try:
            with draft.open("wb") as out:
                for chunk, start in enumerate(range(0, len(shard_ng), self.chunk_rows)):
                    part_ng = shard_ng[start : start + self.chunk_rows]
                    if np.isnan(part_ng[0, 0]) and np.isnan(part_ng).all():
                        continue
                    chunk_ng = np.ascontiguousarray(part_ng, VALUE)
                    if lacking := self.chunk_rows - len(part_ng):
                        chunk_ng = np.pad(chunk_ng, ((0, lacking), (0, 0)), constant_values=np.nan)
                    written = out.write(self.encode(chunk_ng) if self.encode else chunk_ng.data)
                    index[chunk] = out.tell() - written, written
                out.write(index.data)
                out.write(_crc32c(index.tobytes()).to_bytes(CHECKSUM, "little"))
            if (index != NOWHERE).any():
                draft.replace(file)
            else:
                file.unlink(missing_ok=True)
        finally:
            draft.unlink(missing_ok=True)

    def _runs(self, sorted_n: np.ndarray) -> list[tuple[int, int]]:
        """Where neighbours in one shard begin and end among the samples asked for."""
        new_run_n = (np.diff(sorted_n) != 1) | (sorted_n[1:] % self.rows == 0)
        bounds = [0, *(np.flatnonzero(new_run_n) + 1), len(sorted_n)]
        return [(int(i), int(j)) for i, j in pairwise(bounds) if i < j]

    def _fill(self, x_ng: np.ndarray, first: int) -> bool:
        """Read neighbours of one shard, the first of them at `first`; whether they are all there."""
        shard, row = divmod(first, self.rows)
        with (self.folder / "c" / str(shard) / "0").open("rb", buffering=0) as file:
            if not self._in_place(file, row // self.chunk_rows, (row + len(x_ng) - 1) // self.chunk_rows):
                return False
            file.seek(row * self.genes * VALUE.itemsize)
            return file.readinto(x_ng.data) == x_ng.nbytes

    def _in_place(self, file: FileIO, first: int, last: int) -> bool:
        """Whether chunks lie one after another from the file's beginning, as its index has it."""
        chunks, size = self.rows // self.chunk_rows, self.chunk_rows * self.genes * VALUE.itemsize
        file.seek(-(2 * chunks * ENTRY.itemsize + CHECKSUM), os.SEEK_END)
        index = np.frombuffer(file.read(2 * chunks * ENTRY.itemsize), ENTRY).reshape(chunks, 2)
        offset_c, bytes_c = index[first : last + 1].T
        return bool((offset_c == size * np.arange(first, last + 1)).all() and (bytes_c == size).all())


def _crc32c(content: bytes) -> int:
    """CRC-32C of a few bytes, as the index of a shard ends in."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (CASTAGNOLI if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
