"""The coordinates that a network reads and writes: the samples' own subspace, or the genes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .subspace import Subspace

__all__ = ["Centred", "GeneSpace", "Space", "pack_space", "unpack_space"]


class Space(Protocol):
    """Coordinates of samples, and genes of coordinates."""

    @property
    def lost(self) -> float:
        """Share of the training variance that coordinates leave out."""
        ...

    def coordinates(self, x_ng: np.ndarray) -> np.ndarray:
        """Coordinates of samples, shape ``(n, c)``."""
        ...

    def genes(self, c_nk: np.ndarray) -> np.ndarray:
        """Gene values of coordinates, shape ``(n, g)``."""
        ...


@dataclass(frozen=True)
class GeneSpace:
    """Every gene is a coordinate, less `low_g` and over `span_g`.

    Attributes
    ----------
    low_g, span_g
        Shape ``(g,)``, float32. Zeros and ones leave genes as they are; lowest value and range over the training
        samples bring those to between 0 and 1.
    """

    low_g: np.ndarray
    span_g: np.ndarray
    lost: float = 0.0

    @classmethod
    def plain(cls, genes: int) -> GeneSpace:
        """Genes as they are."""
        return cls(np.zeros(genes, dtype=np.float32), np.ones(genes, dtype=np.float32))

    @classmethod
    def unit(cls, x_ng: np.ndarray) -> GeneSpace:
        """Genes between 0 and 1 over the samples; a gene of one value is only shifted."""
        low_g = x_ng.min(0)
        span_g = x_ng.max(0) - low_g
        return cls(low_g, np.where(span_g > 0, span_g, np.float32(1.0)))

    def coordinates(self, x_ng: np.ndarray) -> np.ndarray:
        """Coordinates of samples, shape ``(n, g)``."""
        return (np.asarray(x_ng, dtype=np.float32) - self.low_g) / self.span_g

    def genes(self, c_nk: np.ndarray) -> np.ndarray:
        """Gene values of coordinates, shape ``(n, g)``."""
        return np.asarray(c_nk, dtype=np.float32) * self.span_g + self.low_g


@dataclass(frozen=True)
class Centred:
    """A subspace about a centre.

    Attributes
    ----------
    centre_g
        Mean of the training samples' prepared values, float32.
    subspace
        Their principal axes.
    """

    centre_g: np.ndarray
    subspace: Subspace

    def __post_init__(self) -> None:
        """Stop where the centre is not of the axes' genes.

        Raises
        ------
        ValueError
            If it is of another shape.
        """
        if self.centre_g.shape != (len(self.subspace.basis_gk),):
            msg = f"a centre of shape {self.centre_g.shape} for axes of {len(self.subspace.basis_gk)} genes"
            raise ValueError(msg)

    @property
    def lost(self) -> float:
        """Share of the training variance outside the axes."""
        return self.subspace.lost

    def coordinates(self, x_ng: np.ndarray) -> np.ndarray:
        """Coordinates of samples, shape ``(n, k)``."""
        return self.subspace.coordinates(np.asarray(x_ng, dtype=np.float32) - self.centre_g)

    def genes(self, c_nk: np.ndarray) -> np.ndarray:
        """Gene values of coordinates, shape ``(n, g)``."""
        return self.subspace.genes(c_nk) + self.centre_g


def pack_space(space: Space) -> dict[str, np.ndarray]:
    """A space as named arrays, for the weights file."""
    if isinstance(space, Centred):
        return {"centre": space.centre_g, **pack_space(space.subspace)}
    if isinstance(space, Subspace):
        return {"basis": space.basis_gk, "variance": space.variance_k}
    return {name: getattr(space, f"{name}_g") for name in ("low", "span")}


def unpack_space(weights: Mapping[str, np.ndarray], *, lost: float) -> Subspace | GeneSpace | Centred:
    """A space back from named arrays."""
    if "low" in weights:
        return GeneSpace(weights["low"], weights["span"], lost)
    subspace = Subspace(weights["basis"], weights["variance"], lost)
    return Centred(weights["centre"], subspace) if "centre" in weights else subspace
