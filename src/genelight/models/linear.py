"""A linear model with orthonormal axes in gene space: what PCA and ICA have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from torch import nn

from ..errors import InputError, UnknownNameError
from ..nouns import CodeRange, Genes
from ..pp import Preparation
from .bundle import Bundle, pack_ranges, unpack_ranges
from .missing import prepared
from .steps import Steps
from .subspace import Subspace

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Linear", "check_width"]


class Linear(ABC):
    """One layer of codes, each the projection on an axis; a kind of it says which axes.

    Parameters
    ----------
    preparation
        How input is prepared.
    basis_gk
        Axes, shape ``(g, k)``, orthonormal columns.
    code_range
        Range of each code over the training samples.
    about
        What is known of it.
    """

    name: ClassVar[str]
    layer: ClassVar[str]

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

    @staticmethod
    @abstractmethod
    def axes(subspace: Subspace, width: int, *, seed: int) -> np.ndarray:
        """Axes of this kind of model for samples with the given principal axes, shape ``(g, width)``."""

    @classmethod
    def of(cls, preparation: Preparation, x_ng: np.ndarray, *, width: int, subspace: Subspace, seed: int = 0) -> Self:
        """The model with `width` axes of `subspace`; `x_ng` are the samples over which codes range.

        Raises
        ------
        InputError
            If `width` exceeds what samples and genes allow.
        """
        check_width(width, subspace, shape=x_ng.shape)
        basis_gk = np.ascontiguousarray(cls.axes(subspace, width, seed=seed), dtype=np.float32)
        return cls(preparation, basis_gk, code_range=CodeRange.of(x_ng @ basis_gk))

    @classmethod
    def open(cls, bundle: Bundle) -> Self:
        """The model that a bundle holds."""
        code_range = unpack_ranges(bundle.weights, [cls.layer])[cls.layer]
        return cls(bundle.preparation, bundle.weights["basis"], code_range=code_range, about=bundle.about)

    @property
    def genes(self) -> Genes:
        """Input genes, in order."""
        return self.preparation.genes

    @property
    def widths(self) -> dict[str, int]:
        """Number of components."""
        return {self.layer: self.basis_gk.shape[1]}

    @cached_property
    def digest(self) -> str:
        """Identity of axes and preparation."""
        return self._bundle().digest

    def prepare(self, adata: AnnData) -> np.ndarray:
        """Prepared values of any table, shape ``(n, g)``; genes that it lacks as the others let expect."""
        axes = (self.basis_gk, self._range.sd**2)
        return prepared(self.preparation, adata, axes=axes, model=self, layer=self.layer)

    def encode(self, x_ng: np.ndarray, layer: str | None = None) -> np.ndarray:
        """Component scores, shape ``(n, k)``."""
        self._check(layer)
        return np.asarray(x_ng, dtype=np.float32) @ self.basis_gk

    def decode(self, h_nk: np.ndarray, layer: str | None = None) -> np.ndarray:
        """Gene values from component scores, shape ``(n, g)``."""
        self._check(layer)
        return np.asarray(h_nk, dtype=np.float32) @ self.basis_gk.T

    @cached_property
    def steps(self) -> Steps:
        """Its one layer between the map from genes and the map back."""
        return Steps(self.basis_gk, {self.layer: nn.Identity()}, np.ascontiguousarray(self.basis_gk.T))

    def code_range(self, layer: str | None = None) -> CodeRange:
        """Range of each component over the training samples."""
        self._check(layer)
        return self._range

    def save(self, folder: Path) -> None:
        """Write as a model folder."""
        self._bundle().save(Path(folder))

    def _bundle(self) -> Bundle:
        return Bundle(
            self.name,
            weights={"basis": self.basis_gk, **pack_ranges({self.layer: self._range})},
            settings={"width": self.basis_gk.shape[1]},
            preparation=self.preparation,
            history=[],
            about=self.about,
        )

    def _check(self, layer: str | None) -> None:
        if layer not in (None, self.layer):
            raise UnknownNameError("layer", layer, [self.layer], where=f"a model of kind {self.name}")


def check_width(width: int, subspace: Subspace, *, shape: tuple[int, ...]) -> None:
    """Stop when a subspace of samples x genes of a shape has not so many axes.

    Raises
    ------
    InputError
        If it has not, or `width` is not above zero.
    """
    most = subspace.basis_gk.shape[1]
    if not 0 < width <= most:
        msg = f"width = {width}, but {shape[0]} samples x {shape[1]} genes allow 1 to {most}"
        raise InputError(msg)
