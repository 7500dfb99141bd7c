"""Training on a store larger than memory: the samples are brought into a subspace in two passes, and trained there.

Up to 4,000 samples the subspace is exact, and training in it is training on the genes. Beyond, it holds the leading
axes of the samples that training learns from, and the variance that it leaves out is stated: for the choices, axes of
the learners alone, so that held-out samples stay unseen; for the last training, by two more passes, those of everyone.
See :mod:`genelight.models.subspace.sketch` for the method.

Deep networks read leading axes alone, of a table in memory as of a store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..._core.ranks import ranks
from ...io import Store
from ...pp.preparation import Preparation
from ...pp.stream import PreparedStore
from ..reference.missing import leading_axes, training_values
from .exact import EXACT_UP_TO, Subspace, eigen, find_subspace, gram, sorted_axes, squares
from .sketch import InMemory, Table, sketch

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["LEAST_RANK", "Reduced", "deep_axes", "in_memory", "prepared_table", "reduce_store"]

LEAST_RANK = 256
DEEP_EXACT = 1000  # samples; beyond, the leading axes of a deep network are found by power steps
AT_ONCE = 16  # coordinates of all samples in two places


@dataclass(frozen=True)
class Reduced:
    """Samples by their coordinates in a subspace.

    Attributes
    ----------
    subspace
        Where the coordinates lie; ``lost`` is the share of all samples' variance outside it.
    c_nk
        Coordinates of all samples, float32, shape ``(n, k)``.
    outside_n
        Squared length of each sample outside the subspace.
    """

    subspace: Subspace
    c_nk: np.ndarray
    outside_n: np.ndarray

    @classmethod
    def sketched(cls, table: Table, learn_n: np.ndarray, *, rank: int, seed: int) -> Reduced:
        """By the leading axes of the samples that `learn_n` marks, found in two passes."""
        found = sketch(table, rank=rank, learn_n=learn_n, seed=seed)
        axes = sorted_axes(found.basis_gk, found.squares_k, total=found.total, samples=int(learn_n.sum()))
        found.c_nk[:] *= np.sign(np.einsum("gk,gk->k", axes.basis_gk, found.basis_gk))
        return cls(axes, found.c_nk, found.outside_n)

    def about(self, inner: np.ndarray) -> Reduced:
        """The same about some samples' mean, rotated to their principal axes there; the basis is of no use then."""
        c_nk = self.c_nk - self.c_nk[inner].mean(0)
        values, vectors = eigen(gram(c_nk[inner]))
        subspace = replace(self.subspace, variance_k=np.maximum(values, 0.0) / len(inner))
        return Reduced(subspace, c_nk @ vectors.astype(np.float32), self.outside_n)

    def inside(self, index_n: np.ndarray | slice) -> float:
        """Share of some samples' squared length that lies within the subspace."""
        c_nk = self.c_nk[index_n]
        within = float(np.einsum("nk,nk->", c_nk, c_nk, dtype=np.float64))
        return within / (within + float(self.outside_n[index_n].sum()))

    def sorted(self, order_n: np.ndarray) -> Reduced:
        """The same samples in another order; their coordinates move where they are."""
        for first in range(0, self.c_nk.shape[1], AT_ONCE):
            few = slice(first, first + AT_ONCE)
            self.c_nk[:, few] = self.c_nk[order_n, few]
        return replace(self, outside_n=self.outside_n[order_n])


def reduce_store(table: PreparedStore, *, rank: int, learners: np.ndarray, seed: int = 0) -> Reduced:
    """Bring the samples of a store into a subspace.

    Parameters
    ----------
    table
        A prepared store.
    rank
        Number of axes beyond 4,000 samples; all up to that.
    learners
        Positions of the samples that axes beyond that size are found from.
    seed
        For the pilot of the sketch.

    Notes
    -----
    Cost: up to 4,000 samples one pass, the samples in memory, and their Gram matrix; beyond two passes and
    O(n g rank), in the memory of a few matrices of genes x rank, and samples x rank for the coordinates.

    Examples
    --------
    >>> import genelight as gl, numpy as np, tempfile, pathlib
    >>> from genelight.models.subspace.streaming import reduce_store
    >>> from genelight.pp.stream import PreparedStore
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "flu.h5ad"
    ...     gl.demo.cohort().write_h5ad(file)
    ...     store = gl.io.pack([file], pathlib.Path(folder) / "flu.zarr")
    ...     table = PreparedStore(store, gl.prepare(store))
    ...     reduce_store(table, rank=256, learners=np.arange(200)).c_nk.shape
    (252, 251)
    """
    samples, _ = table.shape
    if samples <= EXACT_UP_TO:
        x_ng = in_memory(table)
        subspace = find_subspace(x_ng)
        group, parts = ranks(), ranks().parts(len(x_ng))
        c_nk = group.gathered(subspace.coordinates(x_ng[parts[group.rank]]), parts)
        return Reduced(subspace, c_nk, np.zeros(len(x_ng)))
    learn_n = np.zeros(samples, dtype=bool)
    learn_n[learners] = True
    reduced = Reduced.sketched(table, learn_n, rank=rank, seed=seed)
    # Of all samples: what training on them has to do without.
    return replace(reduced, subspace=replace(reduced.subspace, lost=1.0 - reduced.inside(slice(None))))


def in_memory(table: PreparedStore) -> np.ndarray:
    """All prepared values of a store, shape ``(n, g)``, float32; processes in step read a part each."""
    group, parts = ranks(), ranks().parts(table.shape[0], table.unit)
    mine = parts[group.rank]
    x_ng = np.empty((mine.stop - mine.start, table.shape[1]), dtype=np.float32)
    for start, block_ng in table.blocks(within=mine):
        x_ng[start - mine.start : start - mine.start + len(block_ng)] = block_ng
    return group.gathered(x_ng, parts)


def deep_axes(table: Table, learn_n: np.ndarray, *, rank: int, seed: int) -> Reduced:
    """Samples by the leading axes of those that `learn_n` marks."""
    if not isinstance(table, InMemory):
        return Reduced.sketched(table, learn_n, rank=rank, seed=seed)
    learned_ng = table.x_ng if learn_n.all() else table.x_ng[learn_n]
    if min(learned_ng.shape) <= DEEP_EXACT:
        subspace = find_subspace(learned_ng, rank=rank)
    else:
        basis_gk, variance_k = leading_axes(learned_ng, rank, seed=seed)
        total, size = float(squares(learned_ng).sum()), len(learned_ng)
        subspace = sorted_axes(basis_gk, variance_k * size, total=total, samples=size)
    c_nk = subspace.coordinates(table.x_ng)
    return Reduced(subspace, c_nk, np.maximum(squares(table.x_ng) - squares(c_nk), 0.0))


def prepared_table(adata: AnnData | Store, preparation: Preparation) -> tuple[Table, np.ndarray]:
    """Prepared samples about their mean, in memory where they are few, and that mean."""
    if isinstance(adata, Store):
        table = PreparedStore(adata, preparation)
        if adata.n_obs > EXACT_UP_TO:
            return table, np.zeros(len(preparation.genes), dtype=np.float32)
        x_ng = in_memory(table)
    else:
        x_ng = training_values(preparation, adata)
    centre_g = x_ng.mean(0, dtype=np.float64).astype(np.float32)
    x_ng -= centre_g
    return InMemory(x_ng), centre_g
