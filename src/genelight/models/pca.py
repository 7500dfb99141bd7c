"""Principal components behind the same interface as every other model: the baseline to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..io import Store
from ..nouns.model import CodeRange
from ..pp import Preparation
from ..pp.stream import PreparedStore
from .baselines import BASELINES
from .bundle import KINDS
from .linear import FittedLinear, LinearSpec, check_width
from .streaming import reduce_store
from .subspace import LARGE_RANK, Subspace

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["PCA"]

LAYER = "PC"


@KINDS.register("pca", doi="10.1080/14786440109462720")
@dataclass(frozen=True)
class PCA(LinearSpec):
    """Principal components of prepared expression; the one layer is ``"PC"``.

    A store is never in memory as a whole: see :mod:`genelight.models.streaming`.

    Examples
    --------
    >>> import genelight as gl
    >>> gl.models.PCA(8).fit(gl.demo.cohort()).widths
    {'PC': 8}
    """

    kind: ClassVar[str] = "pca"
    layer: ClassVar[str] = LAYER

    def fit(
        self, adata: AnnData | Store, *, subject: str | None = None, preparation: Preparation | None = None
    ) -> FittedLinear:
        """The model of all samples of a table or a store; see :meth:`Spec.fit`.

        Raises
        ------
        InputError
            If `width` exceeds what samples and genes allow.
        """
        if not isinstance(adata, Store):
            return super().fit(adata, subject=subject, preparation=preparation)
        spec, preparation = self._prepared(adata, subject, preparation)
        table = PreparedStore(adata, preparation)
        reduced = reduce_store(table, rank=self._rank, learners=np.arange(adata.n_obs))
        check_width(self.width, reduced.subspace, shape=table.shape)
        basis_gk = np.ascontiguousarray(reduced.subspace.basis_gk[:, : self.width])
        code_range = CodeRange.of(reduced.c_nk[:, : self.width])
        return FittedLinear(preparation, basis_gk, spec=spec, code_range=code_range)

    def axes(self, subspace: Subspace) -> np.ndarray:
        """The first principal axes, shape ``(g, width)``."""
        return subspace.basis_gk[:, : self.width]

    @property
    def _rank(self) -> int:
        return max(self.width, LARGE_RANK)


@BASELINES.register("pca", doi="10.1080/14786440109462720", control=True)
def _baseline(widths: tuple[int, ...], *, seed: int = 0) -> PCA:
    """Principal components, as many as the narrowest width."""
    return PCA(min(widths), seed=seed)
