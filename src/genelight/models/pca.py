"""Principal components behind the same interface as every other model: the baseline to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..io import Store
from ..nouns import CodeRange
from ..pp import Preparation, PreparedStore, prepare
from .baselines import BASELINES
from .bundle import KINDS, Bundle
from .linear import Linear, check_width
from .streaming import reduce_store
from .subspace import LARGE_RANK, Subspace, find_subspace

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["PCA", "fit_pca"]

LAYER = "PC"


class PCA(Linear):
    """Principal component analysis of prepared expression; its one layer is ``"PC"``."""

    name: ClassVar[str] = "pca"
    layer: ClassVar[str] = LAYER

    @staticmethod
    def axes(subspace: Subspace, width: int, *, seed: int) -> np.ndarray:  # noqa: ARG004 - nothing is drawn
        """The first principal axes."""
        return subspace.basis_gk[:, :width]


def fit_pca(adata: AnnData | Store, *, width: int, preparation: Preparation | None = None) -> PCA:
    """Fit principal components to all samples of a table.

    Parameters
    ----------
    adata
        Samples x genes. A store is never in memory as a whole: see :mod:`genelight.models.streaming`.
    width
        Number of components.
    preparation
        How to prepare; by default ``prepare(adata)``.

    Raises
    ------
    InputError
        If `width` exceeds what samples and genes allow.

    Examples
    --------
    >>> import genelight as gl
    >>> gl.models.fit_pca(gl.demo.cohort(), width=8).widths
    {'PC': 8}
    """
    preparation = preparation or prepare(adata)
    rank = max(width, LARGE_RANK)
    if isinstance(adata, Store):
        table = PreparedStore(adata, preparation)
        reduced = reduce_store(table, rank=rank, learners=np.arange(adata.n_obs))
        check_width(width, reduced.subspace, shape=table.shape)
        basis_gk = np.ascontiguousarray(reduced.subspace.basis_gk[:, :width])
        return PCA(preparation, basis_gk, code_range=CodeRange.of(reduced.c_nk[:, :width]))
    x_ng = preparation.transform(adata)
    return PCA.of(preparation, x_ng, width=width, subspace=find_subspace(x_ng, rank=rank))


@BASELINES.register("pca", doi="10.1080/14786440109462720", control=True)
def _baseline(
    adata: AnnData,
    *,
    widths: tuple[int, ...],
    preparation: Preparation | None = None,
    seed: int = 0,  # noqa: ARG001 - nothing is drawn
) -> PCA:
    """Principal components, as many as the narrowest width."""
    return fit_pca(adata, width=min(widths), preparation=preparation)


@KINDS.register("pca")
def _open(bundle: Bundle) -> PCA:
    """Principal components."""
    return PCA.open(bundle)
