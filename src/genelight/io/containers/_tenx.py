"""10x Genomics: one HDF5 file, or a folder of a Matrix Market file and two lists."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
from scipy import sparse

from ...errors import FormatError
from .._asked import Asked
from .._budget import check_bytes, check_hdf5, check_room
from .._files import naming, opened_hdf5, texts, unpacked
from .._read import DECLARED, READERS, Input
from ..text._lines import lines

if TYPE_CHECKING:
    from anndata import AnnData

_PARTS = {
    "matrix": re.compile(r"(.*[_.-])?matrix\.mtx(\.gz)?$"),
    "barcodes": re.compile(r"(.*[_.-])?barcodes\.tsv(\.gz)?$"),
    "features": re.compile(r"(.*[_.-])?(features|genes)\.tsv(\.gz)?$"),
}


@READERS.register("10x", doi="10.1038/ncomms14049")
class Tenx:
    """10x Genomics HDF5, of Cell Ranger 2 and later."""

    suffixes: ClassVar[tuple[str, ...]] = (".h5",)
    declared: ClassVar[bool] = True
    options: ClassVar[frozenset[str]] = DECLARED

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether an HDF5 file holds a compressed matrix between barcodes and features."""
        if "matrix" not in given.keys and (len(given.keys) != 1 or "mod" in given.keys):
            return False
        with opened_hdf5(given.path) as file:
            group = file[next(iter(given.keys)) if len(given.keys) == 1 else "matrix"]
            return hasattr(group, "keys") and {"barcodes", "indptr"} <= set(group)

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:  # noqa: ARG004
        """Barcodes x features, compressed by rows; symbols name the features, ids are in ``var["gene_ids"]``.

        Raises
        ------
        FormatError
            If the file is damaged.
        """
        with opened_hdf5(given.path) as file:
            check_hdf5(given.path, file)
            group = file["matrix"] if "matrix" in file else file[next(iter(file))]
            features, barcodes = (int(n) for n in group["shape"][:])
            check_room(given.path, rows=1, columns=group["data"].shape[0], itemsize=16)
            parts = tuple(group[key][:] for key in ("data", "indices", "indptr"))
            x = sparse.csr_matrix(parts, shape=(barcodes, features))
            x.check_format(full_check=True)
            return _adata(given.path, x, barcodes=texts(group["barcodes"]), features=_features(group))


def _features(group: Any) -> pd.DataFrame:
    if "features" not in group:
        return pd.DataFrame({"gene_ids": texts(group["genes"])}, index=texts(group["gene_names"]))
    part = group["features"]
    columns = {"gene_ids": "id", "feature_types": "feature_type", "genome": "genome"}
    return pd.DataFrame(
        {new: texts(part[old]) for new, old in columns.items() if old in part}, index=texts(part["name"])
    )


@READERS.register("mtx")
class TenxFolder:
    """a folder of matrix.mtx, barcodes.tsv and features.tsv."""

    suffixes: ClassVar[tuple[str, ...]] = ("/",)
    declared: ClassVar[bool] = True
    options: ClassVar[frozenset[str]] = DECLARED

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a folder holds a Matrix Market file, or the path is one."""
        return any(_PARTS["matrix"].match(name) for name in given.names) or given.start.startswith(b"%%MatrixMarket")

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:  # noqa: ARG004
        """Barcodes x features, compressed by rows.

        Raises
        ------
        FormatError
            If a part is absent or damaged, or the parts do not fit together.
        """
        import scipy.io

        folder = given.path if given.is_folder else given.path.parent
        matrix = _find(folder, "matrix") if given.is_folder else given.path
        features_path, barcodes_path = _find(folder, "features"), _find(folder, "barcodes")
        with naming(matrix), unpacked(matrix) as handle:
            size = next(
                (line for line in iter(lambda: handle.readline(1 << 16), b"") if not line.startswith(b"%")), b""
            )
            numbers = [number for number in size.split() if number.isdigit()]
            declared = [int(number) if len(number) < 16 else 10**16 for number in numbers]
            # What holds every value, zeros too, has no third number.
            entries = declared[2] if len(declared) > 2 else math.prod(declared)
            sides = " x ".join(f"{number:,}" for number in declared[:2])
            check_bytes(matrix, 32 * entries + 8 * sum(declared[:2]), f"{entries:,} entries in {sides}")
        with naming(matrix), unpacked(matrix) as handle:
            x = sparse.csr_matrix(scipy.io.mmread(handle).T)
        rows = [line.split("\t") for line in _lines(features_path)]
        columns = dict(enumerate(("gene_ids", "symbol", "feature_types")[: min(map(len, rows), default=0)]))
        features = pd.DataFrame([row[:3] for row in rows]).rename(columns=columns)
        if "symbol" in features:
            features = features.set_index("symbol")
        elif "gene_ids" in features:
            features.index = features["gene_ids"].to_numpy()
        return _adata(matrix, x, barcodes=[line.split("\t")[0] for line in _lines(barcodes_path)], features=features)


def _lines(path: Path) -> list[str]:
    with lines(path) as text:
        return [line for line in text if line.strip()]


def _find(folder: Path, part: str) -> Path:
    found = sorted(p for p in folder.iterdir() if _PARTS[part].match(p.name))
    if len(found) != 1:
        names = ", ".join(p.name for p in found) or "none"
        msg = f"{folder} needs one file of {part} beside its matrix.mtx, and has {len(found)} ({names})"
        raise FormatError(msg)
    return found[0]


def _adata(path: Path, x: sparse.csr_matrix, *, barcodes: list[str], features: pd.DataFrame) -> AnnData:
    import anndata

    if x.shape != (len(barcodes), len(features)):
        msg = (
            f"{path} holds {x.shape[0]} columns and {x.shape[1]} rows, but there are {len(barcodes)} barcodes and "
            f"{len(features)} features; these files do not belong together"
        )
        raise FormatError(msg)
    features.index = features.index.astype(str)
    features.index.name = None
    features = features[[c for c in features if isinstance(c, str)]]
    return anndata.AnnData(x, obs=pd.DataFrame(index=barcodes), var=features)
