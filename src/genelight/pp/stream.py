"""A preparation applied to a store, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .._core.checks import check_finite
from ..io import Store
from .preparation import Preparation
from .scale import check_scale, to_log2

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["PreparedStore"]

ROWS = 8  # at a time, which stay in the cache from one step to the next


@dataclass(frozen=True)
class PreparedStore:
    """A store as a model sees it: standardised values, a block at a time.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> from genelight.pp.stream import PreparedStore
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "flu.h5ad"
    ...     gl.demo.cohort().write_h5ad(file)
    ...     store = gl.io.pack([file], pathlib.Path(folder) / "flu.zarr")
    ...     prepared = PreparedStore(store, gl.prepare(store))
    ...     [x_ng.shape for _, x_ng in prepared.blocks(200)]
    [(200, 4147), (52, 4147)]
    """

    store: Store
    preparation: Preparation

    @property
    def shape(self) -> tuple[int, int]:
        """Samples, and genes of the preparation."""
        return self.store.n_obs, len(self.preparation.genes)

    @property
    def unit(self) -> int:
        """Samples that lie together on disk."""
        return self.store.chunk_rows

    def blocks(self, rows: int | None = None, *, within: slice | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """All samples in order, or those `within`: position of the first of each block, and prepared values, float32.

        Raises
        ------
        InputError
            If values are missing, or on another scale than the preparation's.
        GeneMismatchError
            If fewer than 80% of the genes are there.
        """
        for start, x_ng in self.store.blocks(rows, within=within):
            yield start, self._prepare(np.arange(start, start + len(x_ng)), x_ng)

    def take(self, index_n: np.ndarray) -> np.ndarray:
        """Prepared values of any samples, shape ``(len(index_n), g)``, float32.

        Raises
        ------
        InputError
            If values are missing, or on another scale than the preparation's.
        """
        return self._prepare(index_n, self.store.take(index_n))

    def _prepare(self, index_n: np.ndarray, x_ng: np.ndarray) -> np.ndarray:
        if self._short_way is None:
            return self.preparation.transform(_table(self.store, x_ng))
        z_ng, finite = self._short_way(x_ng)
        if not finite:
            names = list(self.store.obs.index[index_n])
            check_finite(z_ng, samples=names, genes=self.preparation.genes.ids, where=str(self.store.path))
        return z_ng

    @cached_property
    def _short_way(self) -> Callable[[np.ndarray], tuple[np.ndarray, bool]] | None:
        """Prepared values and whether all are finite, in single precision, where that gives the same numbers."""
        preparation = self.preparation
        alignment = preparation.genes.align(self.store.genes)
        if alignment.missing or not preparation.plain:
            return None
        all_in_order = not alignment.extra and bool((np.diff(alignment.index) == 1).all())
        mean_g = preparation.mean_g.astype(np.float32)
        inverse_g = (1.0 / preparation.sd_g).astype(np.float32)

        def short(x_ng: np.ndarray) -> tuple[np.ndarray, bool]:
            z_ng = x_ng if all_in_order else np.empty((len(x_ng), len(mean_g)), np.float32)
            squares = 0.0
            for start in range(0, len(x_ng), ROWS):
                few_ng, to_ng = x_ng[start : start + ROWS], z_ng[start : start + ROWS]
                check_scale(few_ng, preparation.scale)
                logged_ng = to_log2(few_ng, preparation.scale)
                np.subtract(logged_ng if all_in_order else logged_ng[:, alignment.index], mean_g, out=to_ng)
                to_ng *= inverse_g
                squares += float(np.vdot(to_ng, to_ng))
            # Squares are finite when the values are, and cost a seventh of a sum in double precision.
            return z_ng, bool(np.isfinite(squares))

        first = self.store.rows(0, 8)
        want = preparation.transform(_table(self.store, first))
        got, finite = short(first)
        return short if finite and np.allclose(got, want, rtol=1e-4, atol=1e-4) else None


def _table(store: Store, x_ng: np.ndarray) -> AnnData:
    import anndata
    import pandas as pd

    names = pd.DataFrame(index=[f"sample {i}" for i in range(len(x_ng))])
    return anndata.AnnData(x_ng, obs=names, var=pd.DataFrame(index=list(store.genes.ids)))
