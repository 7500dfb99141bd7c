"""What every fitted model has, whatever its network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ..nouns import Genes
from ..nouns.card import Printed, Row
from ..pp.preparation import Preparation
from ._card import SHOWN
from .bundle import Bundle

__all__ = ["Fitted"]


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

    @abstractmethod
    def _bundle(self) -> Bundle:
        """Everything that a model folder holds."""

    def _card(self) -> tuple[str, Sequence[Row]]:
        model: Any = self
        preparation, held_out = self.preparation, self.about.get("held_out") or {}
        layers = ", ".join(f"{layer} ({width})" for layer, width in model.widths.items())
        settings = {key: value for key, value in getattr(model, "settings", {}).items() if key in SHOWN}
        settings |= {"seed": model.spec.seed}
        asked, layer = preparation.settings, next(iter(model.widths))
        how = ", ".join(filter(None, (asked.normalise, asked.standardise)))
        return f"{model.name} of {len(preparation.genes):,} genes", [
            ("layers", layers),
            ("trained on", f"{preparation.account.get('samples', '?')} samples, without labels"),
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
