"""The coordinates that a network reads and writes: the samples' own subspace, or the genes themselves.

In the subspace a model with a linear output can be trained without loss, many times faster. For n samples x g genes of
rank k, ``x = c V'`` with coordinates ``c`` (n x k) and an orthonormal basis ``V`` (g x k). A network whose output is
linear in its last hidden layer and whose error is squared has, for training samples, the same loss and the same
gradient on ``c`` as on ``x``; for any other sample the part outside the subspace is orthogonal and adds a constant.
See Eckart and Young 1936, doi 10.1007/BF02288367.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from ..._core.ranks import ranks
from ..._core.threads import one_thread
from .sketch import InMemory, sketch

__all__ = [
    "EXACT_UP_TO",
    "Centred",
    "GeneSpace",
    "Space",
    "Subspace",
    "eigen",
    "find_subspace",
    "gram",
    "pack_space",
    "sorted_axes",
    "squares",
    "unpack_space",
]

EXACT_UP_TO = 4000
LARGE_RANK = 512
AT_ONCE = 1024


@dataclass(frozen=True)
class Subspace:
    """An orthonormal basis of gene space, its directions sorted by the variance they carry.

    Attributes
    ----------
    basis_gk
        Shape ``(g, k)``, float32, orthonormal columns: the principal axes.
    variance_k
        Variance of the training samples along each axis.
    lost
        Share of the training variance outside the basis; 0 where the basis is exact.
    """

    basis_gk: np.ndarray
    variance_k: np.ndarray
    lost: float

    def coordinates(self, x_ng: np.ndarray) -> np.ndarray:
        """Coordinates of samples, shape ``(n, k)``."""
        return np.asarray(x_ng, dtype=np.float32) @ self.basis_gk

    def genes(self, c_nk: np.ndarray) -> np.ndarray:
        """Gene values of coordinates, shape ``(n, g)``."""
        return np.asarray(c_nk, dtype=np.float32) @ self.basis_gk.T

    def holding(self, inner: Subspace) -> Subspace:
        """A subspace of this one's coordinates, as a subspace of gene space."""
        basis_gk = np.ascontiguousarray(self.basis_gk @ inner.basis_gk)
        return Subspace(basis_gk, inner.variance_k, 1.0 - (1.0 - self.lost) * (1.0 - inner.lost))


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


def unpack_space(weights: Mapping[str, np.ndarray], *, lost: float) -> Space:
    """A space back from named arrays."""
    if "low" in weights:
        return GeneSpace(weights["low"], weights["span"], lost)
    subspace = Subspace(weights["basis"], weights["variance"], lost)
    return Centred(weights["centre"], subspace) if "centre" in weights else subspace


Space = Subspace | GeneSpace | Centred
"""What a network reads and writes: coordinates of samples, and genes of coordinates."""


def find_subspace(x_ng: np.ndarray, *, rank: int | None = None, seed: int = 0) -> Subspace:
    """Find the subspace that centred samples span.

    Parameters
    ----------
    x_ng
        Centred values, shape ``(n, g)``.
    rank
        Keep only so many axes. By default all, exactly, up to min(n, g) = 4,000, and 512 beyond.
    seed
        For the sketch of a larger table, see :mod:`genelight.models.subspace.streaming`.

    Notes
    -----
    Cost of the exact way: one Gram matrix, O(n g min(n, g)), and its eigenvectors, O(min(n, g)³); beyond, three
    products of O(n g rank). Processes in step share the products.
    """
    if min(x_ng.shape) > EXACT_UP_TO:
        found = sketch(InMemory(x_ng), rank=rank or LARGE_RANK, seed=seed)
        return sorted_axes(found.basis_gk, found.squares_k, total=found.total, samples=len(x_ng))
    total = float(np.einsum("ng,ng->", x_ng, x_ng, dtype=np.float64))
    squares_k, basis_gk = _exact(x_ng, rank)
    return sorted_axes(basis_gk, squares_k, total=total, samples=len(x_ng))


def sorted_axes(basis_gk: np.ndarray, squares_k: np.ndarray, *, total: float, samples: int) -> Subspace:
    """The subspace of principal axes, given the sums of squares along them and of everything."""
    lost = max(0.0, 1.0 - float(squares_k.sum()) / total) if total else 0.0
    # An axis has no sign of its own: its strongest gene points up, as in scikit-learn's svd_flip.
    strongest = np.abs(basis_gk).argmax(0)
    basis = np.array(basis_gk, dtype=np.float32, order="C")
    basis *= np.sign(basis[strongest, np.arange(basis.shape[1])])
    return Subspace(basis, squares_k / samples, lost if lost > 1e-6 else 0.0)


def eigen(symmetric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues from the largest on, and their vectors as columns; of processes in step the first one's."""
    with one_thread() if len(symmetric) < 2000 else nullcontext():
        # A vector has no sign of its own, and another machine may choose another.
        values, vectors = ranks().first(lambda: scipy.linalg.eigh(symmetric, overwrite_a=True, check_finite=False))
    return values[::-1], vectors[:, ::-1]


def squares(x_ng: np.ndarray) -> np.ndarray:
    """Squared length of each row."""
    return np.einsum("ng,ng->n", x_ng, x_ng, dtype=np.float64)


def gram(x_nk: np.ndarray) -> np.ndarray:
    """Products of columns, summed over rows in double precision, a thousand rows at a time."""
    total_kk = np.zeros((x_nk.shape[1],) * 2)
    for part in _doubles(x_nk, axis=0):
        total_kk += part.T @ part
    return total_kk


def _exact(x_ng: np.ndarray, rank: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Sums of squares along axes, and these; in double precision only a thousand genes at a time."""
    (n, g), group = x_ng.shape, ranks()
    if n > g:
        return _real(group.sum(gram(x_ng[group.part(n)])), rank)
    genes = group.parts(g)
    mine_ng = x_ng[:, genes[group.rank]]
    squares_k, vectors = _real(group.sum(gram(mine_ng.T)), rank)
    vectors /= np.sqrt(squares_k)
    basis_gk = np.empty((mine_ng.shape[1], len(squares_k)), dtype=np.float32)
    for i, part in enumerate(_doubles(mine_ng, axis=1)):
        basis_gk[i * AT_ONCE : (i + 1) * AT_ONCE] = part.T @ vectors
    return squares_k, group.gathered(basis_gk, genes)


def _doubles(x_ng: np.ndarray, *, axis: int) -> Iterator[np.ndarray]:
    """The matrix in double precision, a thousand rows or columns at a time."""
    for start in range(0, x_ng.shape[axis], AT_ONCE):
        part = slice(start, start + AT_ONCE)
        yield (x_ng[part] if axis == 0 else x_ng[:, part]).astype(np.float64)


def _real(symmetric: np.ndarray, rank: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and vectors that are directions, not rounding noise: the values are squares of the samples'."""
    values, vectors = eigen(symmetric)
    real = values > values[0] * 1e-10
    return values[real][:rank], vectors[:, real][:, :rank]
