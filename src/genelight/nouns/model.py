"""What every model offers, and what its nodes do over the training samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from .genes import Genes

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["CodeRange", "Model", "Restores", "Stored", "bottleneck"]


@dataclass(frozen=True)
class CodeRange:
    """What each node of one layer does over the training samples; every array has shape ``(k,)``.

    `low` and `high` are the 1st and the 99th percentile, which no single sample decides.
    """

    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, h_nk: np.ndarray) -> CodeRange:
        """Summary of codes of shape ``(n, k)``."""
        # A few nodes at a time, since quantiles take two more copies in double precision.
        parts = (np.asarray(h_nk[:, i : i + 8], dtype=np.float64) for i in range(0, h_nk.shape[1], 8))
        figures = [(h.min(0), h.max(0), h.mean(0), h.std(0), *np.quantile(h, (0.01, 0.99), axis=0)) for h in parts]
        return cls(*(np.concatenate(each) for each in zip(*figures, strict=True)))

    @classmethod
    def joined(cls, parts: Sequence[CodeRange]) -> CodeRange:
        """Summary of nodes side by side, given those of each part of them."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@runtime_checkable
class Stored(Protocol):
    """A table too large for memory, such as :class:`genelight.io.Store`."""

    def tables(self) -> Iterator[tuple[int, AnnData]]:
        """All samples in order: the position of the first of each block, and the block."""
        ...


class Restores(Protocol):
    """A preparation, as far as it takes prepared values back to the scale on which they were measured."""

    def restore(self, z_ng: np.ndarray) -> np.ndarray:
        """Values before they were shifted and scaled, float64, shape ``(n, g)``."""
        ...


@runtime_checkable
class Model(Protocol):
    """What every model offers: gene space in, codes of a named layer out, and back.

    Arrays in gene space are prepared values (see :func:`genelight.pp.prepare`), samples in rows,
    columns in the order of ``genes``.
    """

    @property
    def name(self) -> str:
        """Short name for tables: ``"autoencoder"``, ``"pca"``."""
        ...

    @property
    def genes(self) -> Genes:
        """Input genes, in order."""
        ...

    @property
    def widths(self) -> Mapping[str, int]:
        """Hidden layers from input to output: ``{"L1": 128, "L2": 64, "L3": 32}``."""
        ...

    @property
    def digest(self) -> str:
        """Identity of the weights and genes."""
        ...

    @property
    def preparation(self) -> Restores:
        """How samples are prepared; tests of single genes ask it for the measured scale."""
        ...

    def prepare(self, adata: AnnData) -> np.ndarray:
        """Prepared values of any table of samples, shape ``(n, g)``: aligned, scaled as in training."""
        ...

    def encode(self, x_ng: np.ndarray, layer: str) -> np.ndarray:
        """Codes of `layer`, shape ``(n, k)``."""
        ...

    def decode(self, h_nk: np.ndarray, layer: str) -> np.ndarray:
        """Gene values, shape ``(n, g)``, from codes of `layer`."""
        ...

    def code_range(self, layer: str) -> CodeRange:
        """Range of each node of `layer` over the training samples."""
        ...


def bottleneck(model: Model) -> str:
    """The layer that a model gives samples back from: the one that it says, else its last."""
    return getattr(model, "bottleneck", None) or list(model.widths)[-1]
