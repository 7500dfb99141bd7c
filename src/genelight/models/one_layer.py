"""What fitted models of one layer share, whatever its codes are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import UnknownNameError
from ..nouns.model import CodeRange
from ..pp.preparation import Preparation
from ._fitted import Fitted
from .bundle import Bundle, pack_ranges
from .spec import Spec

__all__ = ["OneLayer"]


class OneLayer(Fitted):
    """A fitted model whose codes all lie in one layer.

    Parameters
    ----------
    preparation
        How input is prepared.
    spec
        What it was fitted from; says the layer's name.
    code_range
        Range of each code over the training samples.
    about
        What is known of it.
    """

    def __init__(
        self,
        preparation: Preparation,
        *,
        spec: Spec,
        code_range: CodeRange,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.preparation = preparation
        self.spec: Any = spec
        self.about = dict(about or {})
        self._range = code_range

    @property
    def layer(self) -> str:
        """Its one layer, such as ``"PC"``."""
        return str(self.spec.layer)

    @property
    def widths(self) -> dict[str, int]:
        """Number of codes."""
        return {self.layer: len(self._range.mean)}

    def code_range(self, layer: str | None = None) -> CodeRange:
        """Range of each code over the training samples."""
        self._check(layer)
        return self._range

    @abstractmethod
    def _weights(self) -> dict[str, np.ndarray]:
        """Its arrays, by the names they have in the file."""

    def _bundle(self) -> Bundle:
        return Bundle(
            self.name,
            weights={**self._weights(), **pack_ranges({self.layer: self._range})},
            settings={"width": self.widths[self.layer]},
            spec=self.spec.to_dict(),
            preparation=self.preparation,
            history=[],
            about=self.about,
        )

    def _check(self, layer: str | None) -> None:
        if layer not in (None, self.layer):
            raise UnknownNameError("layer", layer, [self.layer], where=f"a model of kind {self.name}")
