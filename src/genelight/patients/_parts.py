"""What a score can read of a sample: codes of a layer, prepared genes, principal components, a signature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..models.reconstruct import reconstruct
from ..models.subspace.exact import find_subspace
from ..nodes.layers import node_names
from ..nouns import Genes, Model
from ..nouns.severity import GENES
from ..stats.ridge import Line

PCA_PART, SIGNATURE, WEIGHTED = "pca", "signature", "weighted"
PCA_WIDTH = 64


@dataclass(frozen=True)
class Part:
    """Features of all samples, in coordinates in which ridge regression is quick.

    Attributes
    ----------
    name
        Layer, ``"genes"``, ``"weighted"`` (genes by how much of each the model gives back), ``"pca"``, ``"signature"``.
    f_nf
        Standardised on the training samples.
    features
        Names, in the order of the rows of `to_f`.
    to_f
        Shape ``(features, f)``, or its diagonal: what makes of a weight on the columns of `f_nf` one on the features.
    centre_f
        Values of the features at which `f_nf` is zero.
    """

    name: str
    f_nf: np.ndarray
    features: tuple[str, ...]
    to_f: np.ndarray
    centre_f: np.ndarray

    @property
    def source(self) -> str:
        """What its features are of: ``"genes"``, or the layer."""
        return GENES if self.name in (PCA_PART, SIGNATURE, WEIGHTED) else self.name

    def on_features(self, line: Line) -> Line:
        """A line on the columns of `f_nf` as one on the features; same predictions."""
        weight = self.to_f @ line.weight_f if self.to_f.ndim == 2 else self.to_f * line.weight_f
        return Line(self.centre_f, weight, line.intercept - float(line.centre_f @ line.weight_f))


def parts_of(
    model: Model, x_ng: np.ndarray, train_n: np.ndarray, *, layers: Sequence[str], signature: Sequence[str]
) -> dict[str, Part]:
    """Every part of prepared samples; whatever is learned is learned from the samples in `train_n`, mask or positions.

    The model was trained without the others, or at least without their labels. The mean of the genes of `signature` is
    left out if none is measured.
    """
    parts = {layer: _codes(model, layer, x_ng, train_n=train_n) for layer in layers}
    centre_g = x_ng[train_n].mean(0)
    subspace = find_subspace(x_ng[train_n] - centre_g)
    c_nk = subspace.coordinates(x_ng - centre_g).astype(np.float64)
    ids = model.genes.ids
    for name, width in ((GENES, c_nk.shape[1]), (PCA_PART, PCA_WIDTH)):
        parts[name] = Part(name, c_nk[:, :width], ids, subspace.basis_gk[:, :width], centre_g)
    root_g = np.sqrt(_given_back(model, x_ng[train_n]))
    weighted = find_subspace((x_ng[train_n] - centre_g) * root_g)
    w_nk = weighted.coordinates((x_ng - centre_g) * root_g).astype(np.float64)
    parts[WEIGHTED] = Part(WEIGHTED, w_nk, ids, root_g[:, None] * weighted.basis_gk, centre_g)
    there = Genes(tuple(signature), model.genes.namespace).align(model.genes).index if signature else np.empty(0, int)
    there = there[there >= 0]
    if len(there):
        mean_g = np.zeros(len(ids))
        mean_g[there] = 1.0 / len(there)
        score_n = (x_ng - centre_g) @ mean_g
        sd = max(float(score_n[train_n].std()), 1e-6)
        parts[SIGNATURE] = Part(SIGNATURE, score_n[:, None] / sd, ids, mean_g[:, None] / sd, centre_g)
    return parts


def rows_of(parts: Mapping[str, Part], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Features of some samples, by part."""
    return {name: part.f_nf[rows] for name, part in parts.items()}


def features_of(model: Model, x_ng: np.ndarray, parts: Iterable[str]) -> dict[str, np.ndarray]:
    """What a frozen score reads of prepared samples: codes of layers, and the genes themselves."""
    return {part: x_ng if part == GENES else model.encode(x_ng, part) for part in parts}


def _codes(model: Model, layer: str, x_ng: np.ndarray, *, train_n: np.ndarray) -> Part:
    h_nk = model.encode(x_ng, layer).astype(np.float64)
    mean_k, sd_k = h_nk[train_n].mean(0), h_nk[train_n].std(0)
    sd_k = np.where(sd_k > 1e-6 * np.maximum(np.abs(mean_k), 1e-6), sd_k, np.inf)
    return Part(layer, (h_nk - mean_k) / sd_k, node_names(model, layer), 1.0 / sd_k, mean_k)


def _given_back(model: Model, x_ng: np.ndarray) -> np.ndarray:
    """Share of each gene's variance that the model gives back, shape ``(g,)``: shared with other genes."""
    error_ng = x_ng - reconstruct(model, x_ng)
    share_g = 1 - error_ng.var(0) / np.maximum(x_ng.var(0), 1e-12)
    return np.clip(share_g, 0.01, 1.0)
