"""The verb ``read``: finds the reader that knows a file or folder by its content, then by its suffix."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from scipy import sparse

from .._core.registry import Registry
from ..errors import FormatError, InputError, ResourceError, first_three
from ._asked import Asked
from ._budget import check_room
from ._files import DAMAGED, describe, existing, start_of
from .sides._declared import Found, look
from .sides._notes import mend_names
from .sides._odd_samples import said_of, without_empty
from .stores._bucket import Url, located

if TYPE_CHECKING:
    from anndata import AnnData

# What other programs keep in HDF5, by a key that only they have at the top.
_OTHERS = {
    "matrix": "like a 10x Genomics matrix or a loom file, of which parts are absent",
    "model_weights": "a Keras model",
    "resolutions": "a cooler file",
}
# Bytes that text of any one-byte encoding is made of.
_PRINTED = bytes([9, 10, 13, *range(32, 256)])
# Options of formats that say what is a sample and what a gene, for what else stands there.
DECLARED = frozenset({"orientation", "annotations"})
HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Input:
    """A file or folder, as readers look at it to know it.

    Attributes
    ----------
    path
        Where it is.
    start
        First bytes of a file, unpacked where it is gzip; empty for a folder.
    """

    path: Path
    start: bytes

    @classmethod
    def of(cls, path: Path) -> Input:
        """Look at a path.

        Raises
        ------
        ResourceError
            If there is nothing, or it may not be read.
        """
        path = located(path)
        if isinstance(path, Url) or path.is_dir():
            return cls(path, b"")
        path = existing(path)
        try:
            return cls(path, start_of(path))
        except DAMAGED:
            return cls(path, b"")

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder; what is on object storage counts as one."""
        return isinstance(self.path, Url) or self.path.is_dir()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What a folder holds; nothing for a file, and on object storage, which is not listed."""
        if isinstance(self.path, Url):
            return ()
        return tuple(sorted(p.name for p in self.path.iterdir())) if self.is_folder else ()

    @cached_property
    def keys(self) -> frozenset[str]:
        """Top keys of an HDF5 file; nothing for any other, or where they cannot be read."""
        import h5py

        if not self.start.startswith(HDF5):
            return frozenset()
        try:
            with h5py.File(self.path, "r") as file:
                return frozenset(file)
        except (OSError, RuntimeError):
            return frozenset()

    @cached_property
    def is_text(self) -> bool:
        """Whether a file starts as text does; UTF-16 and Latin-1 too, so that a reader can say what to do."""
        if self.is_folder:
            return False
        what = describe(self.path)
        if what.endswith("binary data"):
            utf_16 = self.start.startswith((b"\xff\xfe", b"\xfe\xff"))
            return bool(self.start) and (utf_16 or not self.start.translate(None, _PRINTED))
        return what.endswith("text")


class Reader(Protocol):
    """What a file in this room registers to be able to read one more format."""

    suffixes: ClassVar[tuple[str, ...]]
    options: ClassVar[frozenset[str]]

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether it is of this format."""
        ...

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:
        """The table, as it is in the file."""
        ...


READERS: Registry[type[Reader]] = Registry("reader")


def read(
    path: str | Path,
    *,
    orientation: str | None = None,
    modality: str | None = None,
    column: str | None = None,
    backed: bool = False,
    dense: bool = False,
    annotations: Sequence[str] | None = None,
    drop_empty: bool = False,
) -> AnnData:
    r"""Read an expression table, samples in rows.

    The format is told from the content; the suffix decides only between readers that both know it.

    Parameters
    ----------
    path
        A file or folder that one of ``READERS`` knows: AnnData (h5ad, zarr), a MuData modality, CSV and its
        relatives, Parquet, Feather, 10x (h5, folder), loom, a GEO series matrix, GCT, a folder of tables of
        one sample each; or the URL of a store (``s3://``, ``gs://``, ``https://``).
    orientation
        ``"genes-in-rows"`` or ``"samples-in-rows"``, where names and numbers do not tell; by default told from them.
        AnnData and its like have samples in rows; where names say that genes stand there, an error asks.
    modality
        Which modality of a MuData file (several with commas, or ``"all"``, come joined, see :func:`join_blocks`), or
        which sheet of a workbook.
    column
        Which column of the tables in a folder of samples, or of a table with a row for each gene and sample, or which
        of several measures of each sample, such as ``"TPM"``.
    backed
        Whether ``X`` of h5ad and zarr stays on disk; a table in which something else stands among the genes is read.
    dense
        Whether to unpack a sparse matrix into a dense one of the same type; by default it stays sparse.
    annotations
        Columns, or rows, that describe samples or genes. What else does is told by the names, which are no ids as the
        others are, and named in ``uns["read"]``; where that cannot be told, an error asks. ``"none"`` at the end, or an
        empty list, says that nothing else does. The same for every format: of AnnData, names of ``var`` and ``obs``.
    drop_empty
        Whether samples whose every value is zero or missing, or the same in all genes, are set aside and counted; by
        default they are an error.

    Returns
    -------
    The table with its ``X`` as stored: no scaling, no filtering, no reordering. What was found out on the way
    (orientation and why, comments passed over) is in ``uns["read"]`` of formats that do not fix it.

    Raises
    ------
    ResourceError
        If there is no such file, it may not be read, or it needs more memory than there is.
    InputError
        If sample names repeat, an option does not go with the format, or a name may be a gene's or describe samples.
    FormatError
        If no reader knows the content, the file is truncated or damaged, orientation cannot be told, or its
        ``X`` is absent, empty or not of real numbers; or it leads out of itself by links (``GENELIGHT_LINKS=1``
        follows them).

    Notes
    -----
    Cost: one pass over the file; memory for ``X`` once, twice for a moment under ``dense=True``. What a file declares
    is added up before it is read, and stops where that is more than the machine has free, or than
    ``GENELIGHT_MEMORY`` says (in GB).

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "counts.csv"
    ...     _ = path.write_text("gene,s1,s2\nTP53,7,0\nMX1,12,5\nISG15,3,1\n")
    ...     gl.io.read(path).to_df().loc["s2"].to_dict()
    {'TP53': 0.0, 'MX1': 5.0, 'ISG15': 1.0}
    """
    given = Input.of(Path(path))
    name, reader = _reader(given)
    told = None if annotations is None else tuple(annotations)
    asked = Asked(orientation, modality, column, backed or None, told)
    _check_options(asked, reader, name=name, path=given.path)
    try:
        with quiet_names():
            adata = reader.read(given, asked)
            # Indices beyond the matrix would write beyond the dense one, so the check comes first.
            check_table(adata, given.path)
            found = look(adata, given.path, asked=asked) if _is_declared(reader, given) else Found()
            if found and backed:
                adata.file.close()
                backed, adata = False, reader.read(given, replace(asked, backed=None))
            if found or (_is_declared(reader, given) and (orientation, told) != (None, None)):
                adata = found.applied(adata, given.path, asked=asked)
        said = mend_names(adata)
        if not backed:
            adata, more = without_empty(adata, given.path, drop=drop_empty)
            said += more
        known = dict(adata.uns.get("read", {}))
        copied = "" if backed else said_of(adata.X, list(map(str, adata.obs_names)))
        if said or copied or "copies" in known:
            notes = "; ".join(filter(None, [known.get("notes", ""), *said]))
            adata.uns["read"] = {**known, "notes": notes, "copies": copied}
        if dense and hasattr(adata.X, "toarray"):
            check_room(given.path, rows=adata.n_obs, columns=adata.n_vars, itemsize=adata.X.dtype.itemsize)
            adata.X = adata.X.toarray()
    except MemoryError as error:
        msg = f"{given.path} needs more memory than there is; pack it: genelight pack {given.path} --out store.zarr"
        raise ResourceError(msg) from error
    return adata


@contextmanager
def quiet_names() -> Iterator[None]:
    """Silence about repeated names, which are an error of ours, with counts, where they matter."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*names are not unique", category=UserWarning)
        yield


def _is_declared(reader: type[Reader], given: Input) -> bool:
    """Whether what is a sample and what a gene is said by the format; stores were looked at as they were packed."""
    from .stores._open import is_store

    return getattr(reader, "declared", False) and not is_store(given.path)


def find_reader(path: Path) -> type[Reader]:
    """The reader that knows a file or folder.

    Raises
    ------
    ResourceError
        If there is nothing.
    FormatError
        If none does; says what it is and what is read.
    InputError
        If it is a folder that none knows.
    """
    return _reader(Input.of(path))[1]


def _reader(given: Input) -> tuple[str, type[Reader]]:
    known = [(entry.name, entry.what) for entry in READERS.show() if entry.what.recognises(given)]
    by_suffix = [found for found in known if given.path.name.lower().endswith(found[1].suffixes)]
    if known:
        return (by_suffix or known)[0]
    formats = "; ".join(f"{', '.join(e.what.suffixes)} ({e.summary.rstrip('.')})" for e in READERS.show())
    if not given.is_folder and not given.start and describe(given.path).startswith("a damaged"):
        msg = f"{given.path} is truncated or damaged: its gzip cannot be unpacked; fetch it again"
        raise FormatError(msg)
    if isinstance(given.path, Url):
        msg = (
            f"{given.path} is no store of genelight, and nothing else is read from object storage; copy it to a disk, "
            f"then: genelight pack FILE --out {given.path.parent}/store.zarr"
        )
        raise InputError(msg)
    if given.is_folder:
        inside = [name for name in given.names if (given.path / name).is_file()]
        hint = f"pass one of its files, such as {given.path / inside[0]}" if inside else "it holds no file"
        msg = f"{given.path} is a folder that genelight does not know (it reads {formats}); {hint}"
        raise InputError(msg)
    msg = (
        f"{given.path} is {_told(given)}; genelight reads {formats}. Load a table with pandas, samples in "
        "rows, and write anndata.AnnData(table).write_h5ad('cohort.h5ad')"
    )
    raise FormatError(msg)


def _told(given: Input) -> str:
    if not given.keys:
        return describe(given.path)
    other = next((what for key, what in _OTHERS.items() if key in given.keys), "HDF5 of another kind")
    return f"{other} (keys: {first_three(sorted(given.keys), n=6)}), not AnnData with X, obs and var"


def _check_options(asked: Asked, reader: type[Reader], *, name: str, path: Path) -> None:
    for option, value in vars(asked).items():
        if value is not None and option not in reader.options:
            takers = [e.name for e in READERS.show() if option in e.what.options]
            msg = f"{option}={value!r} does not go with {path}, read as {name}; it is for {', '.join(takers)}"
            raise InputError(msg)


def check_table(adata: AnnData, path: Path) -> None:
    """Stop when a table has no values, not real ones, or sample names that repeat.

    Raises
    ------
    FormatError
        If ``X`` is absent, empty or not of real numbers.
    InputError
        If sample names repeat.
    """
    if adata.X is None:
        layers = first_three(adata.layers) or "none"
        msg = f"{path}: X is absent (layers: {layers}); set adata.X = adata.layers[...] and write the file again"
        raise FormatError(msg)
    if 0 in adata.shape:
        msg = f"{path} holds {adata.n_obs} samples and {adata.n_vars} genes; there is nothing to read"
        raise FormatError(msg)
    # Kinds of NumPy types: signed, unsigned, floating.
    if np.dtype(adata.X.dtype).kind not in "iuf":
        msg = f"{path}: X is of type {adata.X.dtype}, not of real numbers; write adata.X.astype('float32') instead"
        raise FormatError(msg)
    if isinstance(adata.X, sparse.csr_matrix | sparse.csc_matrix | sparse.csr_array | sparse.csc_array):
        try:
            adata.X.check_format(full_check=True)
        except ValueError as error:
            msg = f"{path}: the sparse X is damaged: {error}; fetch it again"
            raise FormatError(msg) from error
    check_once(adata.obs_names, path)


def check_once(samples: Sequence[object], path: Path) -> None:
    """Stop where samples have one name.

    Raises
    ------
    InputError
        If there are any; names them.
    """
    repeated = [name for name, times in Counter(samples).items() if times > 1]
    if repeated:
        msg = (
            f"{path}: {len(repeated)} sample names occur more than once ({first_three(repeated)}); "
            "rename or drop the copies in the file"
        )
        raise InputError(msg)
