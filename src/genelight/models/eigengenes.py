"""Clusters of genes that go together, each told by its first principal axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from .._core.threads import one_thread
from .bundle import KINDS
from .linear import LinearSpec
from .spec import BASELINES
from .subspace.exact import Subspace

__all__ = ["LAYER", "Eigengenes"]

LAYER = "EG"
MOST_AXES = 100


@KINDS.register("eigengenes", doi="10.1186/1752-0509-1-54", control=True)
@dataclass(frozen=True)
class Eigengenes(LinearSpec):
    """The eigengenes of k-means clusters of genes, as many as the width; the one layer is ``"EG"``.

    Notes
    -----
    Genes are compared by their correlation over the samples' first 100 principal axes. Eigengenes are those of
    Langfelder and Horvath 2007, doi 10.1186/1752-0509-1-54; k-means clusters of genes were among the better module
    methods of Saelens et al. 2018, doi 10.1038/s41467-018-03424-4.

    Examples
    --------
    >>> import genelight as gl
    >>> gl.models.Eigengenes(8).fit(gl.demo.cohort()).widths
    {'EG': 8}
    """

    kind: ClassVar[str] = "eigengenes"
    layer: ClassVar[str] = LAYER

    def axes(self, subspace: Subspace) -> np.ndarray:
        """The first principal axis of each cluster's genes, zero for all other genes; most of its genes up."""
        profile_gk = subspace.basis_gk * np.sqrt(subspace.variance_k).astype(np.float32)
        cluster_g = _clusters(profile_gk[:, :MOST_AXES], self.width, seed=self.seed)
        basis_gk = np.zeros((len(profile_gk), self.width), dtype=np.float32)
        with one_thread():
            for k in range(self.width):
                members = np.flatnonzero(cluster_g == k)
                axis = np.linalg.svd(profile_gk[members], full_matrices=False)[0][:, 0]
                basis_gk[members, k] = axis if axis.sum() >= 0 else -axis
        return basis_gk


def _clusters(profile_gk: np.ndarray, width: int, *, seed: int) -> np.ndarray:
    """Cluster of each gene by correlation; one that came out empty takes the gene that fits its own worst."""
    length_g = np.linalg.norm(profile_gk, axis=1, keepdims=True)
    unit_gk = profile_gk / np.maximum(length_g, 1e-12)
    found = MiniBatchKMeans(width, n_init=3, batch_size=4096, random_state=seed).fit(unit_gk)
    cluster_g = np.asarray(found.labels_).copy()
    fit_g = (unit_gk * found.cluster_centers_[cluster_g]).sum(1)
    for empty in np.flatnonzero(np.bincount(cluster_g, minlength=width) == 0):
        lonely = np.bincount(cluster_g, minlength=width)[cluster_g] == 1
        worst = int(np.argmin(np.where(lonely, np.inf, fit_g)))
        cluster_g[worst], fit_g[worst] = empty, np.inf
    return cluster_g


@BASELINES.register("eigengenes", doi="10.1186/1752-0509-1-54", control=True)
def _baseline(widths: tuple[int, ...], *, seed: int = 0) -> Eigengenes:
    """Eigengenes of k-means clusters, as many as the narrowest width."""
    return Eigengenes(min(widths), seed=seed)
