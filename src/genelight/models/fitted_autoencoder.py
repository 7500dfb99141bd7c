"""A trained autoencoder: gene space in, codes of any hidden layer out, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from ..errors import UnknownNameError
from ..nouns.model import CodeRange
from ..pp.preparation import Preparation
from ._card import verdict
from ._fitted import Fitted
from .bundle import Bundle, pack_ranges, unpack_ranges
from .spec import Spec
from .steps import Steps
from .subspace.exact import GeneSpace, Space, Subspace, pack_space, unpack_space
from .training.network import Stack

__all__ = ["FittedAutoencoder", "LinearAtTheEnd", "code_ranges", "kind_for", "open_with"]


class FittedAutoencoder(Fitted):
    """A trained autoencoder; layers are ``"L1"``, ``"L2"``, ... from input to output.

    Made by :meth:`genelight.models.Autoencoder.fit` or :func:`genelight.load`.
    """

    def __init__(
        self,
        preparation: Preparation,
        space: Space,
        net: Stack,
        *,
        spec: Spec,
        ranges: Mapping[str, CodeRange],
        settings: Mapping[str, Any],
        history: list[dict[str, float]],
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.preparation = preparation
        self.space = space
        self.net = net.eval().requires_grad_(requires_grad=False)
        self.spec = spec
        self.settings = dict(settings)
        self.history = history
        self.about = dict(about or {})
        self._ranges = dict(ranges)

    @property
    def widths(self) -> dict[str, int]:
        """Width of each hidden layer, from input to output."""
        return {f"L{i}": width for i, width in enumerate(self.net.widths, start=1)}

    @property
    def latent(self) -> str | None:
        """The layer whose codes are held to a standard normal, if the model is variational."""
        return f"L{self.net.latent}" if self.net.latent else None

    @property
    def verdict(self) -> str | None:
        """In words, whether it reconstructs held-out subjects better than PCA; None where that was not measured."""
        held_out = self.about.get("held_out")
        return verdict(held_out, self.settings) if held_out else None

    def complete(self, x_ng: np.ndarray, gap_ng: np.ndarray) -> np.ndarray:
        """Prepared values, in place, with those of `gap_ng` as the others let expect."""
        return self._filled(x_ng, gap_ng)

    @torch.inference_mode()
    def encode(self, x_ng: np.ndarray, layer: str) -> np.ndarray:
        """Codes of `layer`, shape ``(n, k)``; of a variational layer, their means.

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        """
        c_nk = torch.from_numpy(self.space.coordinates(x_ng))
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
        return self._write(self.net.forward_from(h, self._depth(layer)))

    def code_range(self, layer: str) -> CodeRange:
        """Range of each node of `layer` over the training samples."""
        self._depth(layer)
        return self._ranges[layer]

    @property
    def _axes(self) -> tuple[np.ndarray, np.ndarray] | None:
        return (self.space.basis_gk, self.space.variance_k) if isinstance(self.space, Subspace) else None

    def _write(self, h: torch.Tensor) -> np.ndarray:
        """Genes from codes of the last hidden layer."""
        return self.space.genes(self.net.write(h).numpy())

    def _depth(self, layer: str) -> int:
        layers = list(self.widths)
        if layer not in layers:
            raise UnknownNameError("layer", layer, layers, where="this autoencoder")
        return layers.index(layer) + 1

    def _weights(self) -> dict[str, np.ndarray]:
        weights = {f"net.{name}": value.numpy() for name, value in self.net.state_dict().items()}
        return weights | pack_space(self.space) | pack_ranges(self._ranges)

    def _kept(self) -> dict[str, Any]:
        return self.settings | {"lost_variance": self.space.lost}


class LinearAtTheEnd(FittedAutoencoder):
    """An autoencoder whose genes are linear in its last hidden layer, so that methods can look inside."""

    space: Subspace | GeneSpace

    @property
    def subspace(self) -> Subspace:
        """The samples' own subspace that it was trained in.

        Raises
        ------
        AttributeError
            If it was trained in gene space.
        """
        if not isinstance(self.space, Subspace):
            msg = "this autoencoder was trained in gene space and has no subspace"
            raise AttributeError(msg)
        return self.space

    @cached_property
    def steps(self) -> Steps:
        """Its layers as differentiable modules between two linear maps, from and to genes."""
        pairs = zip(self.widths, self.net.hidden, self.net.activations, strict=True)
        hidden = {layer: nn.Sequential(linear, activation) for layer, linear, activation in pairs}
        if isinstance(self.space, Subspace):
            return Steps(self.space.basis_gk, hidden, self._exit_wg)
        first: nn.Linear = self.net.hidden[0]  # type: ignore[assignment]
        entry_gw = first.weight.numpy().T / self.space.span_g[:, None]
        constant_w = first.bias.numpy() - self.space.low_g @ entry_gw
        hidden["L1"] = nn.Sequential(_Shift(torch.from_numpy(constant_w)), self.net.activations[0])
        return Steps(np.ascontiguousarray(entry_gw), hidden, self._exit_wg)

    def _write(self, h: torch.Tensor) -> np.ndarray:
        """By the short way where the last hidden layer is narrower than the subspace."""
        if isinstance(self.space, Subspace) and self.net.widths[-1] < self.space.basis_gk.shape[1]:
            return torch.addmm(self._exit_g, h, torch.from_numpy(self._exit_wg)).numpy()
        return super()._write(h)

    @cached_property
    def _exit_wg(self) -> np.ndarray:
        """From the last hidden layer straight to genes: fewer columns than by way of the subspace."""
        weight_wc = self.net.out.weight.numpy().T
        if isinstance(self.space, Subspace):
            return weight_wc @ self.space.basis_gk.T
        return np.ascontiguousarray(weight_wc * self.space.span_g)

    @cached_property
    def _exit_g(self) -> torch.Tensor:
        return torch.from_numpy(self.subspace.basis_gk @ self.net.out.bias.numpy())


class _Shift(nn.Module):
    """Adds a constant."""

    def __init__(self, constant_w: torch.Tensor) -> None:
        super().__init__()
        self.constant_w = constant_w

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.constant_w


@torch.inference_mode()
def code_ranges(space: Space, net: Stack, x_ng: np.ndarray) -> dict[str, CodeRange]:
    """Range of every node of each hidden layer over samples, by layer."""
    depths = range(1, len(net.hidden) + 1)
    codes = [np.empty((len(x_ng), net.widths[depth - 1]), dtype=np.float32) for depth in depths]
    for i in range(0, len(x_ng), 4096):
        c_nk = torch.from_numpy(space.coordinates(x_ng[i : i + 4096]))
        for depth, h_nk in zip(depths, codes, strict=True):
            h_nk[i : i + 4096] = net.encode(c_nk, depth).numpy()
    return {f"L{depth}": CodeRange.of(h_nk) for depth, h_nk in zip(depths, codes, strict=True)}


Kind = TypeVar("Kind", bound=FittedAutoencoder)


def open_with(
    kind: type[Kind], bundle: Bundle, *, spec: Spec, network: Callable[[int, tuple[int, ...]], Stack]
) -> Kind:
    """The model of a kind that a bundle holds, its network built by `network`."""
    settings = dict(bundle.settings)
    space = unpack_space(bundle.weights, lost=settings.pop("lost_variance"))
    inputs = len(space.low_g) if isinstance(space, GeneSpace) else bundle.weights["basis"].shape[1]
    net = network(inputs, tuple(settings["widths"]))
    state = {n.removeprefix("net."): torch.from_numpy(w) for n, w in bundle.weights.items() if n.startswith("net.")}
    net.load_state_dict(state)
    layers = [f"L{i}" for i in range(1, len(settings["widths"]) + 1)]
    return kind(
        bundle.preparation,
        space,
        net,
        spec=spec,
        ranges=unpack_ranges(bundle.weights, layers),
        settings=settings,
        history=bundle.history,
        about=bundle.about,
    )


def kind_for(space: str) -> type[FittedAutoencoder]:
    """The class for a model trained in a space of that name."""
    return FittedAutoencoder if space == "unit" else LinearAtTheEnd
