"""The axes that deep networks of one table are trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..io import Store
from ..pp.preparation import Preparation
from ..pp.stream import PreparedStore
from ._sketch import InMemory, Table, sketch
from .deep import squares
from .missing import leading_axes, training_values
from .streaming import in_memory
from .subspace import EXACT_UP_TO, Subspace, eigen, find_subspace, gram, sorted_axes

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["DeepAxes", "prepared_table"]

EXACT = 1000  # samples; beyond, the leading axes are found by power steps


@dataclass(frozen=True)
class DeepAxes:
    """Leading axes of the learners among samples, and everyone's coordinates."""

    subspace: Subspace
    c_nk: np.ndarray
    outside_n: np.ndarray

    @classmethod
    def of(cls, table: Table, learn_n: np.ndarray, *, rank: int, seed: int) -> DeepAxes:
        """The leading axes of the samples that `learn_n` marks."""
        if isinstance(table, InMemory):
            learned_ng = table.x_ng if learn_n.all() else table.x_ng[learn_n]
            if min(learned_ng.shape) <= EXACT:
                subspace = find_subspace(learned_ng, rank=rank)
            else:
                basis_gk, variance_k = leading_axes(learned_ng, rank, seed=seed)
                total, size = float(squares(learned_ng).sum()), len(learned_ng)
                subspace = sorted_axes(basis_gk, variance_k * size, total=total, samples=size)
            c_nk = subspace.coordinates(table.x_ng)
            return cls(subspace, c_nk, np.maximum(squares(table.x_ng) - squares(c_nk), 0.0))
        found = sketch(table, rank=rank, learn_n=learn_n, seed=seed)
        axes = sorted_axes(found.basis_gk, found.squares_k, total=found.total, samples=int(learn_n.sum()))
        return cls(axes, found.c_nk * np.sign(np.einsum("gk,gk->k", axes.basis_gk, found.basis_gk)), found.outside_n)

    def about(self, inner: np.ndarray) -> DeepAxes:
        """The same about the learners' mean, rotated to their principal axes there; the basis is of no use then."""
        c_nk = self.c_nk - self.c_nk[inner].mean(0)
        values, vectors = eigen(gram(c_nk[inner]))
        subspace = Subspace(self.subspace.basis_gk, np.maximum(values, 0.0) / len(inner), self.subspace.lost)
        return DeepAxes(subspace, c_nk @ vectors.astype(np.float32), self.outside_n)


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
