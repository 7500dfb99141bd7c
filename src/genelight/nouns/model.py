"""What every model offers, what its nodes do over the training samples, and how far it can be trusted beyond them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from .._core.printed import Card, Printed, spread
from .genes import Genes

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Applicability", "CodeRange", "Model", "Restores", "Stored", "bottleneck"]


@dataclass(frozen=True, repr=False)
class CodeRange(Printed):
    """What each node of one layer does over the training samples; every array has shape ``(k,)``.

    `low` and `high` are the 1st and the 99th percentile, which no single sample decides.
    """

    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def _card(self) -> Card:
        return f"range of {len(self.mean):,} nodes over the training samples", [
            ("mean", spread(self.mean)),
            ("sd", spread(self.sd)),
            ("1st to 99th", f"percentile: {self.low.min():.3g} to {self.high.max():.3g}" if len(self.low) else ""),
        ]

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


@dataclass(frozen=True, repr=False)
class Applicability(Printed):
    """How far samples of unseen subjects lie from what a model knows; arrays are sorted.

    Attributes
    ----------
    layer
        Whose codes the distance is measured in.
    centre_k, whiten_kk
        Mean of the codes, and what makes their covariance the unit matrix.
    error_s
        Mean squared error of reconstruction, one sample of each held-out subject.
    distance_s
        Mahalanobis distance of codes, likewise.
    """

    layer: str
    centre_k: np.ndarray
    whiten_kk: np.ndarray
    error_s: np.ndarray
    distance_s: np.ndarray

    def _card(self) -> Card:
        return f"applicability domain of a model, in codes of {self.layer}", [
            ("axes", f"{len(self.centre_k):,}"),
            ("subjects", f"{len(self.error_s):,} held out"),
            ("error", spread(self.error_s)),
            ("distance", spread(self.distance_s)),
            ("outside", f"p of {self.least:.3g} or less"),
        ]

    def distance(self, h_nk: np.ndarray) -> np.ndarray:
        """Mahalanobis distance of codes, shape ``(n,)``."""
        return np.linalg.norm((h_nk - self.centre_k) @ self.whiten_kk, axis=1)

    def p(self, error_n: np.ndarray, distance_n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Conformal p of each distance: the share of held-out subjects at least as far off, itself counted in."""
        return _p(self.error_s, error_n), _p(self.distance_s, distance_n)

    def inside(self, error_n: np.ndarray, distance_n: np.ndarray) -> np.ndarray:
        """Whether neither distance is beyond 99 of 100 held-out subjects, or beyond them all where they are fewer."""
        return np.minimum(*self.p(error_n, distance_n)) > self.least

    @property
    def least(self) -> float:
        """The p at which a sample counts as outside."""
        return max(0.01, 1.0 / (1.0 + len(self.error_s)))

    def plain(self) -> dict[str, Any]:
        """As JSON types."""
        return {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in vars(self).items()}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Applicability:
        """From :meth:`plain`."""
        arrays = {name: np.asarray(v, dtype=np.float64) for name, v in plain.items() if name != "layer"}
        return cls(layer=str(plain["layer"]), **arrays)


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

    Examples
    --------
    >>> import genelight as gl
    >>> model = gl.models.PCA(4).fit(gl.demo.cohort())
    >>> isinstance(model, gl.Model), dict(model.widths)
    (True, {'PC': 4})
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


def _p(known_s: np.ndarray, value_n: np.ndarray) -> np.ndarray:
    beyond_n = len(known_s) - np.searchsorted(known_s, value_n, side="left")
    return (1.0 + beyond_n) / (1.0 + len(known_s))
