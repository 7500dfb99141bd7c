"""Principal components behind the same interface as every other model: the baseline to beat."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.errors import InputError, UnknownNameError
from .._core.genes import Genes
from .._core.types import CodeRange
from ..pp import Preparation, prepare
from .bundle import KINDS, Bundle, pack_ranges, unpack_ranges
from .subspace import find_subspace

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["PCA", "fit_pca"]

LAYER = "PC"


class PCA:
    """Principal component analysis of prepared expression; its one layer is ``"PC"``.

    Parameters
    ----------
    preparation
        How input is prepared.
    basis_gk
        Principal axes, shape ``(g, k)``, orthonormal columns.
    code_range
        Range of each component over the training samples.
    about
        What is known of it.
    """

    name = "pca"

    def __init__(
        self,
        preparation: Preparation,
        basis_gk: np.ndarray,
        *,
        code_range: CodeRange,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.preparation = preparation
        self.basis_gk = basis_gk
        self.about = dict(about or {})
        self._range = code_range

    @property
    def genes(self) -> Genes:
        """Input genes, in order."""
        return self.preparation.genes

    @property
    def widths(self) -> dict[str, int]:
        """Number of components."""
        return {LAYER: self.basis_gk.shape[1]}

    @cached_property
    def digest(self) -> str:
        """Identity of axes and preparation."""
        return self._bundle().digest

    def prepare(self, adata: AnnData) -> np.ndarray:
        """Prepared values of any table, shape ``(n, g)``."""
        return self.preparation.transform(adata)

    def encode(self, x_ng: np.ndarray, layer: str = LAYER) -> np.ndarray:
        """Component scores, shape ``(n, k)``."""
        self._check(layer)
        return np.asarray(x_ng, dtype=np.float32) @ self.basis_gk

    def decode(self, h_nk: np.ndarray, layer: str = LAYER) -> np.ndarray:
        """Gene values from component scores, shape ``(n, g)``."""
        self._check(layer)
        return np.asarray(h_nk, dtype=np.float32) @ self.basis_gk.T

    def code_range(self, layer: str = LAYER) -> CodeRange:
        """Range of each component over the training samples."""
        self._check(layer)
        return self._range

    def save(self, folder: Path) -> None:
        """Write as a model folder."""
        self._bundle().save(Path(folder))

    def _bundle(self) -> Bundle:
        return Bundle(
            self.name,
            weights={"basis": self.basis_gk, **pack_ranges({LAYER: self._range})},
            settings={"width": self.basis_gk.shape[1]},
            preparation=self.preparation,
            history=[],
            about=self.about,
        )

    def _check(self, layer: str) -> None:
        if layer != LAYER:
            raise UnknownNameError("layer", layer, [LAYER], where="a PCA model")


def fit_pca(adata: AnnData, *, width: int, preparation: Preparation | None = None) -> PCA:
    """Fit principal components to all samples of a table.

    Parameters
    ----------
    adata
        Samples x genes.
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
    x_ng = preparation.transform(adata)
    subspace = find_subspace(x_ng)
    if not 0 < width <= subspace.basis_gk.shape[1]:
        n, g = x_ng.shape
        msg = f"width = {width}, but {n} samples x {g} genes allow 1 to {subspace.basis_gk.shape[1]}"
        raise InputError(msg)
    basis_gk = np.ascontiguousarray(subspace.basis_gk[:, :width])
    return PCA(preparation, basis_gk, code_range=CodeRange.of(x_ng @ basis_gk))


@KINDS.register("pca")
def _open(bundle: Bundle) -> PCA:
    """Principal components."""
    code_range = unpack_ranges(bundle.weights, [LAYER])[LAYER]
    return PCA(bundle.preparation, bundle.weights["basis"], code_range=code_range, about=bundle.about)
