"""Linear models with orthonormal axes in gene space: what PCA, ICA and eigengenes have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from torch import nn

from .._core.progress import progress
from ..errors import InputError
from ..io import Store
from ..nouns import Model
from ..nouns.model import CodeRange
from ..pp.preparation import Preparation
from ._fitted import OneLayer
from .bundle import Bundle, unpack_ranges
from .reference.missing import training_values
from .spec import Draw, Spec
from .steps import Steps
from .subspace.exact import Subspace, find_subspace
from .training.shrink import Weighing

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["FittedLinear", "LinearSpec", "check_width"]


@dataclass(frozen=True)
class LinearSpec(Spec):
    """One layer of codes, each the projection on an axis; a kind of it says which axes.

    Attributes
    ----------
    width
        Number of axes.
    """

    width: int

    layer: ClassVar[str]

    @abstractmethod
    def axes(self, subspace: Subspace) -> np.ndarray:
        """Axes for samples with the given principal axes, shape ``(g, width)``."""

    def fit(
        self, adata: AnnData | Store, *, subject: str | None = None, preparation: Preparation | None = None
    ) -> FittedLinear:
        """The model of all samples of a table; see :meth:`Spec.fit`.

        Raises
        ------
        InputError
            If `width` exceeds what samples and genes allow.
        """
        spec, preparation = self._prepared(adata, subject, preparation)
        x_ng = training_values(preparation, adata)
        return spec.of(preparation, x_ng, subspace=find_subspace(x_ng, rank=self._rank))

    def of(self, preparation: Preparation, x_ng: np.ndarray, *, subspace: Subspace) -> FittedLinear:
        """The model with axes in `subspace`; `x_ng` are the samples over which codes range.

        Raises
        ------
        InputError
            If `width` exceeds what samples and genes allow.
        """
        check_width(self.width, subspace.basis_gk.shape[1], shape=x_ng.shape)
        basis_gk = np.ascontiguousarray(self.axes(subspace), dtype=np.float32)
        return FittedLinear(preparation, basis_gk, spec=self, code_range=CodeRange.of(x_ng @ basis_gk))

    @classmethod
    def open(cls, bundle: Bundle) -> FittedLinear:
        """The fitted model that a bundle holds."""
        code_range = unpack_ranges(bundle.weights, [cls.layer])[cls.layer]
        spec, basis_gk = cls.from_dict(bundle.spec), bundle.weights["basis"]
        return FittedLinear(bundle.preparation, basis_gk, spec=spec, code_range=code_range, about=bundle.about)

    def members(self, model: Model, draws: Sequence[Draw], widths: tuple[int, ...]) -> Sequence[FittedLinear]:
        """Such models with the axes of drawn samples; see :meth:`.Ensemble.fit`.

        Raises
        ------
        InputError
            If more than one layer is asked for.
        """
        if len(widths) != 1:
            msg = (
                f"widths = {list(widths)}, but a model of kind {self.kind} has one layer; use for example widths=(16,)"
            )
            raise InputError(msg)
        preparation = cast("Preparation", model.preparation)
        members = []
        with progress("training members", len(draws)) as step:
            for draw in draws:
                _, _, subspace, _ = draw.rotated(Weighing())
                spec = replace(self, width=widths[0], seed=draw.seed)
                members.append(spec.of(preparation, draw.x_ng, subspace=subspace))
                step()
        return members

    @property
    def _rank(self) -> int | None:
        """Axes to look for; all by default."""
        return None


class FittedLinear(OneLayer):
    """A fitted linear model; made by the ``fit`` of its spec, or :func:`genelight.load`.

    Parameters
    ----------
    preparation
        How input is prepared.
    basis_gk
        Axes, shape ``(g, k)``, orthonormal columns.
    spec
        What it was fitted from.
    code_range
        Range of each code over the training samples.
    about
        What is known of it.
    """

    def __init__(
        self,
        preparation: Preparation,
        basis_gk: np.ndarray,
        *,
        spec: LinearSpec,
        code_range: CodeRange,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(preparation, spec=spec, code_range=code_range, about=about)
        self.basis_gk = basis_gk

    @property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        return self.basis_gk, self._range.sd**2

    def complete(self, x_ng: np.ndarray, gap_ng: np.ndarray) -> np.ndarray:
        """Prepared values, in place, with those of `gap_ng` as the others let expect."""
        return self._filled(x_ng, gap_ng)

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

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"basis": self.basis_gk}


def check_width(width: int, most: int, *, shape: tuple[int, ...]) -> None:
    """Stop when samples x genes of a shape do not allow a width.

    Raises
    ------
    InputError
        If it is above `most`, or not above zero.
    """
    if not 0 < width <= most:
        msg = f"width = {width}, but {shape[0]} samples x {shape[1]} genes allow 1 to {most}"
        raise InputError(msg)
