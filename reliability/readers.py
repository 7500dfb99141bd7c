"""Processes that read a store while one appends to it: every value as it was packed, no reader disturbed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from genelight.io import Store, pack

from ._bench import Row, forked

GENES, ROWS, READERS = 50, 300, 4


def _values(first: int, rows: int) -> np.ndarray:
    """A value that says which sample and gene it is of."""
    number_ng = np.arange(first, first + rows)[:, None] * GENES + np.arange(GENES)
    return (number_ng * 7919 % 100_003 / 5000).astype(np.float32)


def _table(folder: Path, part: int) -> Path:
    obs = pd.DataFrame({"number": np.arange(part * ROWS, (part + 1) * ROWS)})
    obs.index = [f"s{i}" for i in obs["number"]]
    path = folder / f"part{part}.h5ad"
    AnnData(_values(part * ROWS, ROWS), obs=obs, var=pd.DataFrame(index=[f"G{g}" for g in range(GENES)])).write_h5ad(
        path
    )
    return path


def _read(store: Path, seconds: float, seed: int) -> bool:
    rng, end = np.random.default_rng(seed), time.monotonic() + seconds
    kept = Store.open(store)
    while time.monotonic() < end:
        found = kept if rng.random() < 0.3 else Store.open(store)
        index = rng.integers(found.n_obs, size=20)
        if not np.array_equal(found.take(index), _values(0, found.n_obs)[index]):
            return False
        if list(found.obs["number"]) != list(range(found.n_obs)):
            return False
    return True


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:
    """Read with four processes while a fifth appends as often as it can."""
    store = folder / "s.zarr"
    pack([_table(folder, 0)], store)
    readers = [forked(lambda i=i: _read(store, seconds, seed + i)) for i in range(READERS)]
    end, part = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        part += 1
        pack([_table(folder, part)], store, append=True)
    wrong = sum(os.waitpid(reader, 0)[1] != 0 for reader in readers)
    return [Row(f"{READERS} readers while one appends", part, wrong, f"{part} appends, {wrong} readers disturbed")]
