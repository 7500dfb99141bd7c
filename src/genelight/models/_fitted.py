"""What every fitted model has, whatever its network, and every one of a single layer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.printed import Card, Printed
from ..errors import UnknownNameError
from ..nouns import Genes
from ..nouns.model import CodeRange
from ..pp.preparation import Preparation
from ._card import SHOWN
from .bundle import Bundle, pack_ranges
from .reference.missing import filled
from .spec import Spec

if TYPE_CHECKING:
    from anndata import AnnData


class Fitted(Printed):
    """A fitted model: what it was fitted from, how input is prepared, its identity, its folder, how it prints.

    Attributes
    ----------
    preparation
        How input is prepared.
    spec
        What it was fitted from.
    about
        What is known of it.
    """

    preparation: Preparation
    spec: Any
    about: dict[str, Any]

    @property
    def name(self) -> str:
        """Kind of model: ``"autoencoder"``, ``"pca"``."""
        return str(self.spec.kind)

    @property
    def genes(self) -> Genes:
        """Input genes, in order."""
        return self.preparation.genes

    @cached_property
    def digest(self) -> str:
        """Identity of weights and preparation."""
        return self._bundle().digest

    def save(self, folder: Path) -> None:
        """Write as a model folder, whole or not at all."""
        self._bundle().save(Path(folder))

    def prepare(self, adata: AnnData) -> np.ndarray:
        """Prepared values of any table, shape ``(n, g)``; genes that it lacks as the others let expect.

        Raises
        ------
        GeneMismatchError
            If genes with 80% of the variance are not there.
        InputError
            If the table does not fit the preparation.
        """
        x_ng = self.preparation.transform(adata)
        return self._filled(x_ng, self.preparation.gaps(adata)) if len(x_ng) else x_ng

    def _filled(self, x_ng: np.ndarray, gap_ng: np.ndarray) -> np.ndarray:
        return filled(self, x_ng, gap_ng, axes=self._axes)

    @property
    def _axes(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Linear axes and the training samples' variance along them, of a model that has them."""
        return None

    @abstractmethod
    def _weights(self) -> dict[str, np.ndarray]:
        """Its arrays, by the names they have in the file."""

    @abstractmethod
    def _kept(self) -> dict[str, Any]:
        """Its settings as the file has them."""

    def _bundle(self) -> Bundle:
        """Everything that a model folder holds."""
        return Bundle(
            self.name,
            weights=self._weights(),
            settings=self._kept(),
            spec=self.spec.to_dict(),
            preparation=self.preparation,
            history=getattr(self, "history", []),
            about=self.about,
        )

    def _card(self) -> Card:
        model: Any = self
        preparation, held_out = self.preparation, self.about.get("held_out") or {}
        layers = ", ".join(f"{layer} ({width})" for layer, width in model.widths.items())
        settings = {key: value for key, value in getattr(model, "settings", {}).items() if key in SHOWN}
        settings |= {"seed": model.spec.seed}
        asked, layer = preparation.settings, next(iter(model.widths))
        how = ", ".join(filter(None, (asked.normalise, asked.standardise)))
        samples = f"{account:,}" if isinstance(account := preparation.account.get("samples"), int) else "?"
        return f"{model.name} of {len(preparation.genes):,} genes", [
            ("layers", layers),
            ("trained on", f"{samples} samples, without labels"),
            ("prepared", f"{preparation.genes.namespace} ids, scale {preparation.settings.scale}, {how}"),
            ("settings", ", ".join(f"{key} {value}" for key, value in settings.items() if value is not None)),
            ("held-out R²", _r2(held_out)),
            ("verdict", (getattr(model, "verdict", None) or "") if "gain_interval" in held_out else ""),
            ("digest", model.digest),
            ("next", f"gl.light_up(model, {layer!r}), gl.encode(adata, model, layer={layer!r})"),
        ]


def _r2(held_out: Mapping[str, Any]) -> str:
    """Beside PCA of the same width, with its interval."""
    if "r2" not in held_out:
        return "not measured"
    low, high = held_out["r2_interval"]
    beside = f"; PCA of {held_out['pca_width']} {held_out['pca_r2']:.4f}" if "pca_r2" in held_out else ""
    return f"{held_out['r2']:.4f} ({low:.4f} to {high:.4f}){beside}"


class OneLayer(Fitted):
    """A fitted model whose codes all lie in one layer, which its spec names."""

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

    def _weights(self) -> dict[str, np.ndarray]:
        return self._arrays() | pack_ranges({self.layer: self._range})

    @abstractmethod
    def _arrays(self) -> dict[str, np.ndarray]:
        """Its arrays but the range of its codes."""

    def _kept(self) -> dict[str, Any]:
        return {"width": self.widths[self.layer]}

    def _check(self, layer: str | None) -> None:
        if layer not in (None, self.layer):
            raise UnknownNameError("layer", layer, [self.layer], where=f"a model of kind {self.name}")
