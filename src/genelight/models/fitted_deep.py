"""A fitted deep autoencoder: PCA and what a bottleneck with activations on both sides adds to it, where it adds."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from .._core.checks import check_column
from ..errors import InputError, UnknownNameError
from ..nouns.model import CodeRange
from .bundle import Bundle
from .fitted_autoencoder import FittedAutoencoder, open_with
from .reference.known import Known
from .spec import Spec
from .steps import Steps
from .subspace.exact import Centred, squares
from .training.deep_net import DeepNet, DeepRecipe, deep_steps, line_steps

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = [
    "LAYERS",
    "Branches",
    "FittedDeep",
    "deep_is_better",
    "deep_ranges",
    "open_deep",
    "straight_line",
]

LAYERS = ("L1", "L2", "L3")
NODES = 64  # at a time


class TrainingSamplesWarning(UserWarning):
    """Samples of a table were in the training of the model that reads them."""


@dataclass(frozen=True)
class Branches:
    """How well a deep model's two ways give back each sample of a table: its domain of applicability.

    Made by :meth:`FittedDeep.applicability`.

    Attributes
    ----------
    deep_n
        Whether the deep branch is taken, shape ``(n,)``: it gives back the sample's (or its cohort's) own genes better.
    deep_error_n, line_error_n
        Mean squared error over genes of the deep branch and of the straight line, in prepared units.
    """

    deep_n: np.ndarray
    deep_error_n: np.ndarray
    line_error_n: np.ndarray

    @property
    def share(self) -> float:
        """Share of the samples for which the deep branch is taken."""
        return float(self.deep_n.mean()) if len(self.deep_n) else 0.0

    def __repr__(self) -> str:
        deep, line = (float(v.mean()) if len(v) else 0.0 for v in (self.deep_error_n, self.line_error_n))
        return (
            f"deep branch taken for {int(self.deep_n.sum())} of {len(self.deep_n)} samples; mean squared error over "
            f"genes {deep:.4f}, of the straight line {line:.4f}"
        )


class FittedDeep(FittedAutoencoder):
    """A deep autoencoder around PCA; layers ``"L1"`` and ``"L3"`` are activations, ``"L2"`` the bottleneck.

    Made by :meth:`genelight.models.Deep.fit` or :func:`genelight.load`. Samples are given back from L2. A sample that
    the straight line gives back better than the deep branch has the codes of the straight line: PCA's in L2, and none
    (0) in L1 and L3. Where groups left out did not speak for depth, the model is PCA, and L2 is its only layer.
    """

    net: DeepNet  # type: ignore[assignment]
    space: Centred
    known: Known | None = None

    @property
    def widths(self) -> dict[str, int]:
        """Width of each layer, from input to output; of a model that is PCA, of the bottleneck alone."""
        widths = super().widths
        return widths if self.deep else {self.bottleneck: widths[self.bottleneck]}

    @property
    def bottleneck(self) -> str:
        """The layer that samples are given back from: ``"L2"``."""
        return "L2"

    @property
    def deep(self) -> bool:
        """Whether groups left out spoke for the deep branch; if not, the model is PCA."""
        return bool(self.settings["deep"])

    @cached_property
    def recipe(self) -> DeepRecipe:
        """How it was trained and is read."""
        return self.spec.recipe

    def prepare(self, adata: AnnData) -> np.ndarray:
        """Prepared values of any table, shape ``(n, g)``; genes that it lacks as the others let expect.

        A model that ships warns of samples that it was trained on: figures of those are too good.
        """
        seen = self.seen_in_training(adata)
        if len(seen):
            studies = ", ".join(dict.fromkeys(seen))
            says = f"{len(seen)} of {adata.n_obs} samples, or their like, were in this model's training ({studies})"
            warnings.warn(f"{says}; what it says of them is no test", TrainingSamplesWarning, stacklevel=2)
        return super().prepare(adata)

    def seen_in_training(self, adata: AnnData) -> pd.Series:
        """The training study of each sample that the model was trained on, by sample name.

        Of a model that ships; one that you trained yourself keeps no marks of its samples, and nothing is found.
        """
        return self.known.find(adata, self.genes) if self.known else pd.Series(dtype=object, name="study")

    def encode(self, x_ng: np.ndarray, layer: str, *, cohort: Sequence[Any] | np.ndarray | None = None) -> np.ndarray:
        """Codes of `layer`, shape ``(n, k)``.

        Codes of the bottleneck are the encoder's, refined down each sample's own reconstruction error.

        Parameters
        ----------
        x_ng
            Prepared values, shape ``(n, g)``.
        layer
            ``"L1"``, ``"L2"`` or ``"L3"``.
        cohort
            Which cohort each sample is of, to take or leave the deep branch for a cohort as a whole; by default it is
            decided for each sample by itself.

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        InputError
            If `cohort` has not one name for each sample.
        """
        self._depth(layer)
        c_nk = self.space.coordinates(x_ng)
        code_nb, _, deep_n = self._gated(c_nk, cohort)
        if layer == "L2":
            return code_nb
        on_n1 = torch.from_numpy(deep_n)[:, None]
        with torch.inference_mode():
            if layer == "L1":
                return (self.net.first(torch.from_numpy(c_nk) / self.net.unit) * on_n1).numpy()
            return (self.net.last(torch.from_numpy(code_nb)) * on_n1).numpy()

    @torch.inference_mode()
    def decode(self, h_nk: np.ndarray, layer: str) -> np.ndarray:
        """Gene values, shape ``(n, g)``, from codes of `layer`, by the deep branch.

        From ``"L2"`` the reconstruction. L1 and L3 do not hold the straight line: from them, the straight line rests
        at the mean sample, and what comes out is the mean and what these nodes add.

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        """
        depth = self._depth(layer)
        h = torch.from_numpy(np.ascontiguousarray(h_nk, dtype=np.float32))
        code = self.net.narrow(h) if depth == 1 else h
        out = self.net.added(h) if depth == 3 else self.net.decode(code)
        return self.space.genes((out * self.net.unit).numpy())

    def reconstruct(self, x_ng: np.ndarray, *, cohort: Sequence[Any] | np.ndarray | None = None) -> np.ndarray:
        """Prepared values as the model gives them back, shape ``(n, g)``; `cohort` as in :meth:`encode`.

        Raises
        ------
        InputError
            If `cohort` has not one name for each sample.
        """
        return self.space.genes(self._gated(self.space.coordinates(x_ng), cohort)[1])

    def applicability(self, adata: AnnData, *, cohort: str | None = None) -> Branches:
        """Where the deep branch gives back samples of a table better than the straight line; no label is needed.

        Parameters
        ----------
        adata
            Samples x genes; the model prepares them itself.
        cohort
            Column of ``obs`` that names cohorts, to decide for each as a whole: there the deep branch has to be better
            both overall and about the cohort's mean. By default each sample is decided by itself.

        Raises
        ------
        UnknownNameError
            If there is no such column.
        """
        names = None if cohort is None else check_column(adata.obs, cohort, role="cohort").astype(str).to_numpy()
        return self.branches(self.prepare(adata), cohort=names)

    def branches(self, x_ng: np.ndarray, *, cohort: np.ndarray | None = None) -> Branches:
        """The same of prepared values, shape ``(n, g)``, and the names of their cohorts."""
        c_nk = self.space.coordinates(x_ng)
        line_nk = straight_line(self.net, c_nk)
        _, back_nk = self.net.branches(c_nk, self.recipe) if self.deep else (None, line_nk)
        outside_n = squares(x_ng - self.space.centre_g) - squares(c_nk)
        deep, line = ((squares(c_nk - each) + outside_n) / x_ng.shape[1] for each in (back_nk, line_nk))
        chosen_n = deep_is_better(c_nk - line_nk, c_nk - back_nk, cohort) if self.deep else np.zeros(len(c_nk), bool)
        return Branches(chosen_n, deep, line)

    @cached_property
    def steps(self) -> Steps:
        """Its layers as differentiable modules; codes of L2 are the encoder's, not refined. See :func:`deep_steps`."""
        return deep_steps(self.net, self.space) if self.deep else line_steps(self.net, self.space)

    def _depth(self, layer: str) -> int:
        # A fold's model may be PCA where that of all samples is not: its outer layers have codes of 0 then.
        if layer not in LAYERS:
            raise UnknownNameError("layer", layer, self.widths, where="this autoencoder")
        return LAYERS.index(layer) + 1

    @property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        return self.space.subspace.basis_gk, self.space.subspace.variance_k

    def _gated(
        self, c_nk: np.ndarray, cohort: Sequence[Any] | np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Codes of the bottleneck, what is given back, and where the deep branch is taken."""
        names = None if cohort is None else np.asarray(cohort).astype(str)
        if names is not None and names.shape != (len(c_nk),):
            msg = f"cohort has shape {names.shape}, but there are {len(c_nk)} samples; give each sample one name"
            raise InputError(msg)
        line_nk = straight_line(self.net, c_nk)
        code_nb = self.net.straight(torch.from_numpy(c_nk) / self.net.unit).numpy()
        if not self.deep:
            return code_nb, line_nk, np.zeros(len(c_nk), dtype=bool)
        deep_nb, back_nk = self.net.branches(c_nk, self.recipe)
        deep_n = deep_is_better(c_nk - line_nk, c_nk - back_nk, names)
        return np.where(deep_n[:, None], deep_nb, code_nb), np.where(deep_n[:, None], back_nk, line_nk), deep_n

    def _weights(self) -> dict[str, np.ndarray]:
        return super()._weights() | (self.known.to_weights() if self.known else {})


def deep_ranges(net: DeepNet, *, c_nk: np.ndarray, code_nb: np.ndarray, deep_n: np.ndarray) -> dict[str, CodeRange]:
    """Range of every node of each layer, some nodes at a time: L3 has thousands of numbers for every sample."""
    on_n1, x = torch.from_numpy(deep_n)[:, None], torch.from_numpy(c_nk) / net.unit
    with torch.inference_mode():
        first = _ranges(net.read, x.mul_(net.scale_in), on_n1)
        del x
        last = _ranges(net.widen, torch.from_numpy(code_nb), on_n1)
    return {"L1": first, "L2": CodeRange.of(code_nb), "L3": last}


def _ranges(layer: nn.Linear, x: torch.Tensor, on_n1: torch.Tensor) -> CodeRange:
    """Of SiLU nodes; 0 where the deep branch is not taken."""
    parts = zip(layer.weight.split(NODES), layer.bias.split(NODES), strict=True)
    return CodeRange.joined([CodeRange.of((functional.silu(functional.linear(x, *p)) * on_n1).numpy()) for p in parts])


def straight_line(net: DeepNet, c_nk: np.ndarray) -> np.ndarray:
    """PCA's coordinates of samples."""
    line_nk = np.zeros_like(c_nk)
    line_nk[:, : net.bottleneck] = c_nk[:, : net.bottleneck]
    return line_nk


def deep_is_better(line_nk: np.ndarray, deep_nk: np.ndarray, cohort_n: np.ndarray | None) -> np.ndarray:
    """Where the deep branch leaves less than the straight line, shape ``(n,)``.

    Parameters
    ----------
    line_nk, deep_nk
        What either leaves of each sample.
    cohort_n
        Whose samples are decided together: both overall and, of several, about their mean. None for each by itself.
    """
    gain_n = squares(line_nk) - squares(deep_nk)
    if cohort_n is None:
        return gain_n > 0
    better_n = np.zeros(len(gain_n), dtype=bool)
    for name in np.unique(cohort_n):
        rows = cohort_n == name
        gain, size = gain_n[rows].sum(), int(rows.sum())
        of_mean = squares(line_nk[rows].mean(0)[None]) - squares(deep_nk[rows].mean(0)[None])
        better_n[rows] = gain > 0 and (size == 1 or gain - size * float(of_mean[0]) > 0)
    return better_n


def open_deep(bundle: Bundle, spec: Spec) -> FittedDeep:
    """The model that a bundle holds."""
    weights = bundle.weights

    def network(_: int, widths: tuple[int, ...]) -> Any:
        return DeepNet(weights["variance"], widths, dropout=0.0, seed=0)  # type: ignore[arg-type]

    model = open_with(FittedDeep, bundle, spec=spec, network=network)
    model.known = Known.from_weights(weights, genes=len(bundle.preparation.genes))
    return model
