"""Principal components behind the same interface as every other model: the baseline to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ..errors import InputError
from ..io import Store
from ..nouns import Model
from ..nouns.model import CodeRange
from ..pp.preparation import Preparation
from ..pp.stream import PreparedStore
from .bundle import KINDS
from .linear import FittedLinear, LinearSpec, check_width
from .reference.missing import training_values
from .spec import BASELINES
from .subspace.exact import LARGE_RANK, Subspace, find_subspace
from .subspace.streaming import reduce_store
from .training.shrink import Weighing, rotate

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["PCA"]

LAYER = "PC"


@KINDS.register("pca", doi="10.1080/14786440109462720")
@dataclass(frozen=True)
class PCA(LinearSpec):
    """Principal components of prepared expression; the one layer is ``"PC"``.

    A store is never in memory as a whole: see :mod:`genelight.models.subspace.streaming`.

    Attributes
    ----------
    shrinkage, sphering
        How samples are weighed before axes are sought, as the default autoencoder does where that serves subjects not
        seen: a factor on the variance of subjects' means, and the power of their distance to the centre by which
        samples are divided (:mod:`genelight.models.training.shrink`). As given, 1 and 0, this is PCA.

    Examples
    --------
    >>> import genelight as gl
    >>> gl.models.PCA(8).fit(gl.demo.cohort()).widths
    {'PC': 8}
    """

    shrinkage: float = 1.0
    sphering: float = 0.0

    kind: ClassVar[str] = "pca"
    layer: ClassVar[str] = LAYER

    @classmethod
    def weighed_as(cls, model: Model) -> Self:
        """PCA as wide as a model's narrowest layer, of samples weighed as its training weighed them."""
        weighing = Weighing.of(getattr(model, "settings", {}))
        spec: Any = getattr(model, "spec", None)
        width = min(model.widths.values())
        if spec is None:
            return cls(width, shrinkage=weighing.gamma, sphering=weighing.power)
        same = {name: getattr(spec, name) for name in ("preparation", "seed", "subject", "subject_pattern")}
        return cls(width, shrinkage=weighing.gamma, sphering=weighing.power, **same)

    def fit(
        self, adata: AnnData | Store, *, subject: str | None = None, preparation: Preparation | None = None
    ) -> FittedLinear:
        """The model of all samples of a table or a store; see :meth:`.Spec.fit`.

        Raises
        ------
        InputError
            If `width` exceeds what samples and genes allow, or samples of a store are to be weighed.
        """
        if not isinstance(adata, Store):
            if self._weighing.is_even:
                return super().fit(adata, subject=subject, preparation=preparation)
            spec, preparation = self._prepared(adata, subject, preparation)
            x_ng = training_values(preparation, adata)
            even = find_subspace(x_ng)
            weighed_nk = self._weighing.apply(even.coordinates(x_ng), spec.subjects(adata))
            return spec.of(preparation, x_ng, subspace=rotate(even, weighed_nk))
        if not self._weighing.is_even:
            msg = f"shrinkage = {self.shrinkage:g}, sphering = {self.sphering:g}, but a store's samples weigh evenly"
            raise InputError(msg)
        spec, preparation = self._prepared(adata, subject, preparation)
        table = PreparedStore(adata, preparation)
        reduced = reduce_store(table, rank=self._rank, learners=np.arange(adata.n_obs))
        check_width(self.width, reduced.subspace.basis_gk.shape[1], shape=table.shape)
        basis_gk = np.ascontiguousarray(reduced.subspace.basis_gk[:, : self.width])
        code_range = CodeRange.of(reduced.c_nk[:, : self.width])
        return FittedLinear(preparation, basis_gk, spec=spec, code_range=code_range)

    def axes(self, subspace: Subspace) -> np.ndarray:
        """The first principal axes, shape ``(g, width)``."""
        return subspace.basis_gk[:, : self.width]

    @property
    def _weighing(self) -> Weighing:
        return Weighing(self.shrinkage, self.sphering)

    @property
    def _rank(self) -> int:
        return max(self.width, LARGE_RANK)


@BASELINES.register("pca", doi="10.1080/14786440109462720", control=True)
def _baseline(widths: tuple[int, ...], *, seed: int = 0) -> PCA:
    """Principal components, as many as the narrowest width."""
    return PCA(min(widths), seed=seed)
