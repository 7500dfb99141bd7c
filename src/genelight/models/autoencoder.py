"""A trained autoencoder: gene space in, codes of any hidden layer out, and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import nn

from .._core.errors import UnknownNameError
from .._core.genes import Genes
from .._core.types import CodeRange
from ..pp import Preparation
from .bundle import KINDS, Bundle, pack_ranges, unpack_ranges
from .network import Stack
from .steps import Steps
from .subspace import Subspace

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Autoencoder", "open_with"]


class Autoencoder:
    """A trained autoencoder; layers are ``"L1"``, ``"L2"``, ... from input to output.

    Made by :func:`fit` or :func:`genelight.load`.
    """

    name: ClassVar[str] = "autoencoder"

    def __init__(
        self,
        preparation: Preparation,
        subspace: Subspace,
        net: Stack,
        *,
        ranges: Mapping[str, CodeRange],
        settings: Mapping[str, Any],
        history: list[dict[str, float]],
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.preparation = preparation
        self.subspace = subspace
        self.net = net.eval().requires_grad_(requires_grad=False)
        self.settings = dict(settings)
        self.history = history
        self.about = dict(about or {})
        self._ranges = dict(ranges)

    @property
    def genes(self) -> Genes:
        """Input genes, in order."""
        return self.preparation.genes

    @property
    def widths(self) -> dict[str, int]:
        """Width of each hidden layer, from input to output."""
        return {f"L{i}": width for i, width in enumerate(self.net.widths, start=1)}

    @cached_property
    def digest(self) -> str:
        """Identity of weights and preparation."""
        return self._bundle().digest

    def prepare(self, adata: AnnData) -> np.ndarray:
        """Prepared values of any table, shape ``(n, g)``."""
        return self.preparation.transform(adata)

    @torch.inference_mode()
    def encode(self, x_ng: np.ndarray, layer: str) -> np.ndarray:
        """Codes of `layer`, shape ``(n, k)``.

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        """
        c_nk = torch.from_numpy(self.subspace.coordinates(x_ng))
        return self.net.encode(c_nk, self._depth(layer)).numpy()

    @torch.inference_mode()
    def decode(self, h_nk: np.ndarray, layer: str) -> np.ndarray:
        """Gene values, shape ``(n, g)``, from codes of `layer`.

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        """
        h = torch.from_numpy(np.ascontiguousarray(h_nk, dtype=np.float32))
        for linear, bend in list(zip(self.net.hidden, self.net.bends, strict=True))[self._depth(layer) :]:
            h = bend(linear(h))
        if self.net.widths[-1] < self.subspace.basis_gk.shape[1]:
            return torch.addmm(self._exit_g, h, torch.from_numpy(self._exit_wg)).numpy()
        return self.subspace.genes(self.net.out(h).numpy())

    @cached_property
    def steps(self) -> Steps:
        """Its layers as differentiable modules between two linear maps, from and to genes."""
        pairs = zip(self.widths, self.net.hidden, self.net.bends, strict=True)
        hidden = {layer: nn.Sequential(linear, bend) for layer, linear, bend in pairs}
        return Steps(self.subspace.basis_gk, hidden, self._exit_wg)

    @cached_property
    def _exit_wg(self) -> np.ndarray:
        """From the last hidden layer straight to genes: fewer columns than by way of the subspace."""
        return self.net.out.weight.numpy().T @ self.subspace.basis_gk.T

    @cached_property
    def _exit_g(self) -> torch.Tensor:
        return torch.from_numpy(self.subspace.basis_gk @ self.net.out.bias.numpy())

    def code_range(self, layer: str) -> CodeRange:
        """Range of each node of `layer` over the training samples."""
        self._depth(layer)
        return self._ranges[layer]

    def save(self, folder: Path) -> None:
        """Write as a model folder, whole or not at all."""
        self._bundle().save(Path(folder))

    def _depth(self, layer: str) -> int:
        layers = list(self.widths)
        if layer not in layers:
            raise UnknownNameError("layer", layer, layers, where="this autoencoder")
        return layers.index(layer) + 1

    def _bundle(self) -> Bundle:
        weights = {f"net.{name}": value.numpy() for name, value in self.net.state_dict().items()}
        weights |= {"basis": self.subspace.basis_gk, "variance": self.subspace.variance_k, **pack_ranges(self._ranges)}
        return Bundle(
            self.name,
            weights=weights,
            settings=self.settings | {"lost_variance": self.subspace.lost},
            preparation=self.preparation,
            history=self.history,
            about=self.about,
        )


Kind = TypeVar("Kind", bound=Autoencoder)


def open_with(kind: type[Kind], bundle: Bundle) -> Kind:
    """The model of a kind that a bundle holds."""
    settings = bundle.settings
    subspace = Subspace(bundle.weights["basis"], bundle.weights["variance"], settings.pop("lost_variance"))
    net = Stack(subspace.basis_gk.shape[1], tuple(settings["widths"]), settings["activation"])
    state = {n.removeprefix("net."): torch.from_numpy(w) for n, w in bundle.weights.items() if n.startswith("net.")}
    net.load_state_dict(state)
    layers = [f"L{i}" for i in range(1, len(settings["widths"]) + 1)]
    return kind(
        bundle.preparation,
        subspace,
        net,
        ranges=unpack_ranges(bundle.weights, layers),
        settings=settings,
        history=bundle.history,
        about=bundle.about,
    )


@KINDS.register("autoencoder", doi="10.1038/s41467-020-14666-6")
def _open(bundle: Bundle) -> Autoencoder:
    """Deep autoencoder."""
    return open_with(Autoencoder, bundle)
