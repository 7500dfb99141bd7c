"""Reading a CSV.gz of 1,000 samples x 27,000 genes, against pandas.

Values as arrays have them, log2 with three decimals, packed by gzip at its usual level. Ours is ``io.read``, from the
path to samples x genes: separator, header and orientation are found out, every cell is checked. The peer is
``pandas.read_csv(path, index_col=0)`` with its default parser. Both give float64 and the same numbers, which is
checked first. The ratio is that with samples in rows; genes in rows stands in the rows, with its own ratio. Peak
memory is that of a process that does nothing else, imports included.

Ours unpacks in one thread, by ISA-L, and parses in another. With zlib in its place unpacking was the floor, and
genes in rows were between 1.3 and 2.1 times as fast as pandas, by how busy the second core was; now parsing is, and
one core does for both. The row "gzip alone" is what Python's own module, which pandas reads through, takes to unpack.
PyArrow's reader of CSV is shown beside them where it can do the work: it gives a table of columns, not a matrix, and
its time without the matrix is shown.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._harness import Result
from benchmarks._measure import Figure, child, paired
from genelight.io import read

_OURS = "import sys; from genelight.io import read; read(sys.argv[1])"
_PANDAS = "import sys, pandas; pandas.read_csv(sys.argv[1], index_col=0)"


def run(*, quick: bool) -> Result:
    samples, genes = (100, 3_000) if quick else (1_000, 27_000)
    rows: list[dict[str, object]] = []
    ratios: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for way in ("samples in rows", "genes in rows"):
            path = _write(Path(folder, f"{way[:5]}.csv.gz"), samples, genes=genes, transposed=way == "genes in rows")
            _check(path, transposed=way == "genes in rows")
            pairs = paired(lambda path=path: read(path), lambda path=path: _pandas(path), runs=3, warm=False)
            peaks = [child([sys.executable, "-c", code, str(path)]).peak_bytes / 1e9 for code in (_OURS, _PANDAS)]
            for row, peak in zip(pairs.rows(f"io.read, {way}", f"pandas, {way}"), peaks, strict=True):
                rows.append({**row, "peak GB": peak})
            rows[-2]["ratio"] = pairs.ratio.value
            rows.append({"what": f"gzip alone, {way}", "seconds": _seconds(lambda path=path: _unpack(path))})
            rows.append({"what": f"pyarrow to a table, {way}", "seconds": _seconds(lambda path=path: _arrow(path))})
            ratios.append(pairs.ratio)
            path.unlink()
    data = f"simulated log2 values with three decimals, {samples} samples x {genes} genes"
    return Result("ratio", ratios[0], data, rows, peer="pandas", peer_version=pd.__version__)


def _write(path: Path, samples: int, *, genes: int, transposed: bool) -> Path:
    rng = np.random.default_rng(0)
    x_ng = np.round(np.clip(rng.normal(6, 3, genes) + rng.normal(0, 0.7, (samples, genes)), 3.322, None), 3)
    rows, columns = [f"GSM{i}" for i in range(samples)], [f"GENE{i}" for i in range(genes)]
    if transposed:
        x_ng, rows, columns = x_ng.T, columns, rows
    with gzip.open(path, "wt", compresslevel=6) as handle:
        handle.write(",".join(["id", *columns]) + "\n")
        for name, values in zip(rows, x_ng, strict=True):
            handle.write(",".join([name, *map(repr, values.tolist())]) + "\n")
    return path


def _check(path: Path, *, transposed: bool) -> None:
    ours, theirs = read(path), _pandas(path)
    np.testing.assert_allclose(ours.X, theirs.to_numpy().T if transposed else theirs.to_numpy(), rtol=1e-14)
    assert list(ours.var_names) == list(theirs.index if transposed else theirs.columns)


def _pandas(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, index_col=0)


def _unpack(path: Path) -> None:
    with gzip.open(path) as handle:
        while handle.read(8 << 20):
            pass


def _arrow(path: Path) -> None:
    import pyarrow as pa
    from pyarrow import csv

    # A block holds whole lines, and a line of 27,000 cells is longer than the usual block allows for speed.
    with pa.input_stream(path, compression="gzip") as stream:
        csv.read_csv(stream, csv.ReadOptions(block_size=32 << 20))


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
