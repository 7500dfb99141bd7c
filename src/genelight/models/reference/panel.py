"""A model of many genes as those see it who measured some of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._core.provenance import digest
from ...nouns import Genes
from ...nouns.model import CodeRange, bottleneck
from ...pp.preparation import Preparation
from ...pp.prepare import among
from ..reconstruct import reconstruct

if TYPE_CHECKING:
    from anndata import AnnData

    from ..spec import Spec

__all__ = ["Panel"]


class Panel:
    """A fitted model read and written through some of its genes: the others come from the model, and are not shown.

    What is tested over genes is so tested over those that were measured. Codes and layers are the model's own.

    Parameters
    ----------
    whole
        A model that completes missing genes: an autoencoder, PCA or ICA.
    genes
        Those that are measured, all of them the model's.
    scale
        Of the tables that it reads.

    Raises
    ------
    InputError
        If the model lacks some of the genes, or adjusts for covariates.
    """

    def __init__(self, whole: Any, genes: Genes, *, scale: str | None = None) -> None:
        self.whole = whole
        self.index_g = genes.align(whole.genes).index
        own: Preparation = among(whole.preparation, genes)
        self.preparation = own if scale is None else own.on(scale)

    @property
    def name(self) -> str:
        """Kind of model."""
        return str(self.whole.name)

    @property
    def genes(self) -> Genes:
        """Measured genes, in order."""
        return self.preparation.genes

    @property
    def widths(self) -> Mapping[str, int]:
        """The layer that samples are given back from, of a model that says which; else all layers."""
        widths: Mapping[str, int] = self.whole.widths
        named = getattr(self.whole, "bottleneck", None)
        return widths if named is None else {named: widths[named]}

    @property
    def bottleneck(self) -> str:
        """The layer that samples are given back from."""
        return bottleneck(self.whole)

    @cached_property
    def digest(self) -> str:
        """Identity of weights and genes."""
        return digest(self.whole.digest, self.genes.digest)

    @property
    def about(self) -> dict[str, Any]:
        """What is known of the model."""
        return dict(self.whole.about)

    @property
    def spec(self) -> Spec:
        """What it was fitted from."""
        return self.whole.spec

    def prepare(self, adata: AnnData) -> np.ndarray:
        """Prepared values of any table, shape ``(n, g)``; single values that it lacks as the others let expect."""
        x_ng = self.preparation.transform(adata)
        gap_ng = self.preparation.gaps(adata)
        return np.ascontiguousarray(self._filled(x_ng, gap_ng)[:, self.index_g]) if gap_ng.any() else x_ng

    def encode(self, x_ng: np.ndarray, layer: str) -> np.ndarray:
        """Codes of `layer`, shape ``(n, k)``."""
        return np.asarray(self.whole.encode(self._filled(x_ng), layer))

    def decode(self, h_nk: np.ndarray, layer: str) -> np.ndarray:
        """Values of the measured genes, shape ``(n, g)``, from codes of `layer`."""
        return np.ascontiguousarray(self.whole.decode(h_nk, layer)[:, self.index_g])

    def reconstruct(self, x_ng: np.ndarray) -> np.ndarray:
        """Prepared values as the model gives them back, shape ``(n, g)``."""
        return np.ascontiguousarray(reconstruct(self.whole, self._filled(x_ng))[:, self.index_g])

    @property
    def branches(self) -> Any:
        """Of prepared values, how well a model's two ways give them back; None where it has but one."""
        own = getattr(self.whole, "branches", None)
        return None if own is None else lambda x_ng: own(self._filled(x_ng))

    def code_range(self, layer: str) -> CodeRange:
        """Range of each node of `layer` over the training samples."""
        return self.whole.code_range(layer)

    def _filled(self, x_ng: np.ndarray, gap_ng: np.ndarray | None = None) -> np.ndarray:
        """Values of all of the model's genes, where `gap_ng` says which of the measured ones are missing."""
        full_ng = np.empty((len(x_ng), len(self.whole.genes)), dtype=np.float32)
        missing_ng = np.ones(full_ng.shape, dtype=bool)
        full_ng[:, self.index_g] = x_ng
        missing_ng[:, self.index_g] = False if gap_ng is None else gap_ng
        return np.asarray(self.whole.complete(full_ng, missing_ng))
