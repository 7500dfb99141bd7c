"""What an autoencoder is compared with: models that find structure without depth, or depth without learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .._core.registry import Registry
from ..nouns import Model
from ..pp import Preparation

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["BASELINES", "Baseline"]


class Baseline(Protocol):
    """One way to fit a model for comparison to a table."""

    def __call__(
        self, adata: AnnData, *, widths: tuple[int, ...], preparation: Preparation | None = None, seed: int = 0
    ) -> Model:
        """A model for samples that an autoencoder of `widths` is trained on; one layer has the narrowest of them."""
        ...


BASELINES: Registry[Baseline] = Registry("baseline")
