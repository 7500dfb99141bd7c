"""Tables larger than memory: many files packed into one store on disk, and read back block by block.

A store is an AnnData in zarr 3 that any program of the field opens (``anndata.read_zarr``); its ``X`` is dense
float32 in shards of whole samples, so a pass over all samples or a random batch of them reads no more than it needs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._core.checks import check_positive
from ..._core.disk import clean, locked
from ..._core.printed import Card, Printed, leading
from ...errors import FormatError, InputError, ResourceError, first_three
from ...nouns import Genes
from ..id_kinds import check_namespace
from ._bucket import Url, located
from ._draft import goes_on, write_store
from ._group import Group, altered_shards, altered_tables, first_line, read_stamp
from ._open import is_store, open_group, something_at
from ._plan import JOINS, REPEATS, make_plan
from ._sources import kept, survey

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

__all__ = ["JOINS", "REPEATS", "Store", "altered_parts", "is_store", "pack"]

BLOCK_BYTES = 31 * 2**20  # below the 32 MiB from which the C library fetches fresh memory for every array
AT_ONCE = 64  # scattered samples
AHEAD = 4  # blocks on their way from object storage, where an answer takes its time


class Store(Printed):
    """A table on disk, samples x genes, read in blocks.

    Made by :func:`pack`, opened by :meth:`open`. Never changed once it is made.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "flu.h5ad"
    ...     gl.demo.cohort().write_h5ad(file)
    ...     store = gl.io.pack([file], pathlib.Path(folder) / "flu.zarr")
    ...     store.shape, [len(x_ng) for _, x_ng in store.blocks(100)]
    ((252, 4147), [100, 100, 52])
    """

    def __init__(self, group: Group) -> None:
        self._group = group

    def _card(self) -> Card:
        return f"store of {self.n_obs:,} samples x {self.n_vars:,} genes", [
            ("path", str(self.path)),
            ("genes", f"by {self.genes.namespace}: {leading(self.genes.ids)}"),
            ("missing", f"{self.missing:,} values"),
            ("digest", self.digest),
        ]

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._group.path

    @property
    def shape(self) -> tuple[int, int]:
        """Samples and genes."""
        return self.n_obs, self.n_vars

    @property
    def n_obs(self) -> int:
        """Number of samples."""
        return int(self._group.x.shape[0])

    @property
    def n_vars(self) -> int:
        """Number of genes."""
        return int(self._group.x.shape[1])

    @property
    def chunk_rows(self) -> int:
        """Samples that lie together on disk."""
        return int(self._group.x.chunks[0])

    @property
    def block_rows(self) -> int:
        """Samples to a block, unless another number is asked for: whole chunks, of 31 MiB at most where that is one."""
        return max(1, BLOCK_BYTES // (4 * self.n_vars * self.chunk_rows)) * self.chunk_rows

    @property
    def genes(self) -> Genes:
        """Genes, in the order of the columns."""
        return self._group.genes

    @property
    def obs(self) -> pd.DataFrame:
        """The sample table; ``packed_from`` says which input a sample comes from."""
        return self._group.obs

    @property
    def obs_names(self) -> pd.Index:
        """Sample names."""
        return self.obs.index

    @property
    def var_names(self) -> tuple[str, ...]:
        """Gene ids."""
        return self.genes.ids

    @property
    def account(self) -> Mapping[str, Any]:
        """What became of the inputs: samples, genes found, missing and not used, missing values, range."""
        return self._group.about

    @property
    def digest(self) -> str:
        """Identity of values, genes and sample names."""
        return str(self._group.about["digest"])

    @property
    def missing(self) -> int:
        """Number of values that are NaN."""
        return int(self._group.about["values_missing"])

    def blocks(self, rows: int | None = None, *, within: slice | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """All samples in order, a block at a time; the next block is read while one is worked on.

        Parameters
        ----------
        rows
            Samples per block; by default ``block_rows``.
        within
            Only the samples from its start up to its stop.

        Yields
        ------
        Position of the first sample, and values of shape ``(rows, g)``, float32, yours to change.

        Raises
        ------
        InputError
            If `rows` is not above zero.
        FormatError
            If the store is damaged there.
        """
        size = self.block_rows if rows is None else rows
        check_positive(rows=size)
        first, last = (0, self.n_obs) if within is None else (within.start, min(within.stop, self.n_obs))
        starts = range(first, last, size)
        with ThreadPoolExecutor(ahead := AHEAD if self._group.remote else 1) as reader:
            read = [reader.submit(self.rows, start, min(start + size, last)) for start in starts[:ahead]]
            for i, start in enumerate(starts):
                x_ng = read.pop(0).result()
                if i + ahead < len(starts):
                    read.append(reader.submit(self.rows, starts[i + ahead], min(starts[i + ahead] + size, last)))
                yield start, x_ng

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Values of samples `start` up to but not including `stop`, shape ``(stop - start, g)``, float32.

        Raises
        ------
        FormatError
            If the store is damaged there.
        """
        return self._read(np.arange(start, min(stop, self.n_obs)))

    def take(self, index_n: np.ndarray) -> np.ndarray:
        """Values of any samples by position, in the order asked for, shape ``(len(index_n), g)``, float32.

        Raises
        ------
        FormatError
            If the store is damaged there.
        """
        index_n = np.asarray(index_n)
        if (np.diff(index_n) == 1).all():
            return self._read(index_n)
        x_ng = np.empty((len(index_n), self.n_vars), np.float32)
        by_place = np.argsort(index_n, kind="stable")
        # A few at a time, straight to where they belong: each may bring its whole chunk into memory.
        for start in range(0, len(by_place), AT_ONCE):
            rows = by_place[start : start + AT_ONCE]
            order, place = np.unique(index_n[rows], return_inverse=True)
            x_ng[rows] = self._read(order)[place]
        return x_ng

    def tables(self, rows: int | None = None) -> Iterator[tuple[int, AnnData]]:
        """All samples in order, a block at a time, as AnnData; genes that a block entirely lacks are left out of it.

        Raises
        ------
        FormatError
            If the store is damaged there.
        """
        import anndata
        import pandas as pd

        var = pd.DataFrame(index=list(self.genes.ids))
        for start, stop in self._runs(rows):
            x_ng = self.rows(start, stop)
            block = anndata.AnnData(x_ng, obs=self.obs.iloc[start:stop], var=var)
            yield start, block if not self.missing else block[:, ~np.isnan(x_ng).all(0)].copy()

    def _runs(self, rows: int | None) -> Iterator[tuple[int, int]]:
        """First and last samples of blocks; where values are missing, no block spans two inputs."""
        size = self.block_rows if rows is None else rows
        check_positive(rows=size)
        inputs = [int(entry["samples"]) for entry in self.account["inputs"]] if self.missing else [self.n_obs]
        first = 0
        for samples in inputs:
            yield from ((s, min(s + size, first + samples)) for s in range(first, first + samples, size))
            first += samples

    def _read(self, sorted_n: np.ndarray) -> np.ndarray:
        try:
            return self._group.read(sorted_n)
        except ResourceError:
            raise
        except (OSError, ValueError, RuntimeError) as error:
            msg = f"{self.path} is damaged ({first_line(error)}); pack it again"
            raise FormatError(msg) from error

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open a store that :func:`pack` made.

        Parameters
        ----------
        path
            Its folder, or the URL of one on object storage: ``s3://bucket/store.zarr``, ``gs://``, ``https://``, or of
            any other kind that fsspec knows (extra ``cloud``). What is read is compared with the digests of the store.

        Raises
        ------
        ResourceError
            If there is none, packing it was not finished, or it cannot be reached.
        FormatError
            If it is damaged, from a newer genelight, or something else.

        Examples
        --------
        >>> import genelight as gl
        >>> gl.io.Store.open("nowhere.zarr")
        Traceback (most recent call last):
        genelight.errors.ResourceError: nowhere.zarr does not exist
        """
        return cls(open_group(located(path)))


def pack(
    files: Sequence[str | Path],
    out: str | Path,
    *,
    genes: str | Sequence[str] = "intersection",
    ids: str = "symbol",
    repeats: str = "stop",
    compress: bool = False,
    append: bool = False,
) -> Store:
    """Stream tables into one store with one gene list and one sample table.

    A killed run goes on where it was: call it again with the same arguments. Until it is finished, the store is
    made in a folder beside it that ends in ``.part``.

    Parameters
    ----------
    files
        Tables that :func:`genelight.read` understands, or stores. AnnData's h5ad and stores are read in blocks;
        other formats whole, one after another, each then kept as a copy until the store is finished.
    out
        Folder of the store, such as ``store.zarr``; or a URL, such as ``s3://bucket/store.zarr``: shards are put
        there as they are done, the tables last.
    genes
        ``"intersection"``: those that all inputs measure; ``"union"``: those that any measures, NaN where one does
        not; or the genes themselves.
    ids
        Kind of gene id.
    repeats
        What to do with a sample name that occurs twice: ``"stop"``; keep the ``"first"``; or ``"prefix"`` every
        sample with its file's name.
    compress
        Whether to compress with zstd. Takes half the disk or less for counts, about a fifth less for logged
        arrays; a pass over it takes longer (benchmark ``stream``).
    append
        Whether to add the samples of `files` to the store that stands at `out`, in its genes and laid out as it is.
        Those who read it go on undisturbed: it is replaced at once, and its samples keep their places.

    Returns
    -------
    Store

    Raises
    ------
    ResourceError
        If `out` exists already with other content, a file is not there, the disk is full, or object storage cannot
        be reached.
    FormatError
        If a file is damaged or not understood.
    InputError
        If inputs share fewer than half of the genes, are on different scales, sample names or genes repeat, or
        values are infinite.

    Notes
    -----
    Memory: a few shards of 64 MiB, the sample tables, and the largest input that cannot be read in blocks.

    On object storage nothing is replaced at once, and nothing locks: only one may append at a time. Whoever has the
    store open reads on; who opens it while tables are being put waits for a few seconds.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "flu.h5ad"
    ...     gl.demo.cohort().write_h5ad(file)
    ...     store = gl.io.pack([file], pathlib.Path(folder) / "flu.zarr")
    ...     store.account["inputs"][0]["genes_found"], store.missing
    (4147, 0)
    """
    check_namespace(ids)
    paths, out = [located(file) for file in files], located(out)
    # Beside the store, or here where that is on object storage.
    part = Path(out.name + ".part") if isinstance(out, Url) else out.with_name(out.name + ".part")
    if not isinstance(out, Url) and not out.exists() and (part / "replaced").exists():
        # Killed between the two renames of a system that cannot do both at once.
        (part / "replaced").rename(out)
    _check_paths(paths, out, append=append)
    if isinstance(out, Url) and goes_on(paths, part, out):
        return Store.open(out)
    base = [kept(out)] if append else []
    try:
        part.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot write {part}: {error.strerror}; choose another --out"
        raise ResourceError(msg) from error
    with locked(part, busy=f"another process is packing to {out}; wait for it, or choose another --out"):
        clean(part)
        if base:
            genes, ids, compress = (
                base[0].genes.ids,
                base[0].genes.namespace,
                bool(base[0].kept and base[0].kept.x.compressors),
            )
        sources = base + [survey(path, part / f"{i:04d}.h5ad", ids=ids) for i, path in enumerate(paths)]
        write_store(make_plan(sources, genes=genes, repeats=repeats, compress=compress), part, out)
        shutil.rmtree(part)
    return Store.open(out)


def _check_paths(paths: Sequence[Path], out: Path, *, append: bool) -> None:
    if not paths:
        msg = "there is nothing to pack; name at least one file"
        raise InputError(msg)
    names = [path.name for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = (
            f"{len(twice)} file names occur more than once ({first_three(twice)}); rename them, samples are told by it"
        )
        raise InputError(msg)
    if append and not is_store(out):
        msg = f"{out} is no store that samples could be appended to; make it without --append"
        raise ResourceError(msg)
    if append and out.name in names:
        msg = f"a file is called {out.name}, as the store is that it is appended to; rename it, samples are told by it"
        raise InputError(msg)
    if not append and something_at(out):
        more = "add samples to it with --append" if is_store(out) else "choose another --out"
        how = "" if isinstance(out, Url) else f" (rm -r {out})"
        msg = f"{out} exists already and was left as it is; {more}, or remove it{how} to make it anew"
        raise ResourceError(msg)


def altered_parts(path: Path) -> tuple[int, dict[str, str]]:
    """How many files of a store were compared with their digests, and what is wrong with those that do not fit."""
    try:
        about = read_stamp(path)
        wrong = dict.fromkeys(altered_tables(path, about), "altered or missing")
        checked = len(about["files"]) + len(about["shards"]) + 1
        # Where the layout itself was altered no value can be looked for.
        if not any(file.startswith("X") for file in wrong):
            wrong |= altered_shards(path, about["shards"])
    except (FormatError, KeyError) as error:
        return 1, {"zarr.json": str(error)}
    return checked, wrong
