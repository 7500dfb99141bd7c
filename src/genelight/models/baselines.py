"""What an autoencoder is compared with: models that find structure without depth, or depth without learning."""

from __future__ import annotations

from typing import Protocol

from .._core.registry import Registry
from .spec import Spec

__all__ = ["BASELINES", "Baseline"]


class Baseline(Protocol):
    """One kind of model for comparison."""

    def __call__(self, widths: tuple[int, ...], *, seed: int = 0) -> Spec:
        """Its spec beside an autoencoder of `widths`; one layer has the narrowest of them."""
        ...


BASELINES: Registry[Baseline] = Registry("baseline")
