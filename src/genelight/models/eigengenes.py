"""Clusters of genes that go together, each told by its first principal axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from .._core.threads import one_thread
from ..pp import Preparation, prepare
from .baselines import BASELINES
from .bundle import KINDS, Bundle
from .linear import Linear
from .subspace import Subspace, find_subspace

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["LAYER", "Eigengenes", "fit_eigengenes"]

LAYER = "EG"
MOST_AXES = 100


class Eigengenes(Linear):
    """The eigengenes of k-means clusters of genes; its one layer is ``"EG"``."""

    name: ClassVar[str] = "eigengenes"
    layer: ClassVar[str] = LAYER

    @staticmethod
    def axes(subspace: Subspace, width: int, *, seed: int) -> np.ndarray:
        """The first principal axis of each cluster's genes, zero for all other genes; most of its genes up."""
        profile_gk = subspace.basis_gk * np.sqrt(subspace.variance_k).astype(np.float32)
        cluster_g = _clusters(profile_gk[:, :MOST_AXES], width, seed=seed)
        basis_gk = np.zeros((len(profile_gk), width), dtype=np.float32)
        with one_thread():
            for k in range(width):
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


def fit_eigengenes(adata: AnnData, *, width: int, preparation: Preparation | None = None, seed: int = 0) -> Eigengenes:
    """Cluster genes by k-means and take each cluster's first principal axis.

    Parameters
    ----------
    adata
        Samples x genes.
    width
        Number of clusters.
    preparation
        How to prepare; by default ``prepare(adata)``.
    seed
        For the start of the clusters.

    Raises
    ------
    InputError
        If `width` exceeds what samples and genes allow.

    Notes
    -----
    Genes are compared by their correlation over the samples' first 100 principal axes. Eigengenes are those of
    Langfelder and Horvath 2007, doi 10.1186/1752-0509-1-54; k-means clusters of genes were among the better module
    methods of Saelens et al. 2018, doi 10.1038/s41467-018-03424-4.

    Examples
    --------
    >>> import genelight as gl
    >>> gl.models.fit_eigengenes(gl.demo.cohort(), width=8).widths
    {'EG': 8}
    """
    preparation = preparation or prepare(adata)
    x_ng = preparation.transform(adata)
    return Eigengenes.of(preparation, x_ng, width=width, subspace=find_subspace(x_ng), seed=seed)


@BASELINES.register("eigengenes", doi="10.1186/1752-0509-1-54", control=True)
def _baseline(
    adata: AnnData, *, widths: tuple[int, ...], preparation: Preparation | None = None, seed: int = 0
) -> Eigengenes:
    """Eigengenes of k-means clusters, as many as the narrowest width."""
    return fit_eigengenes(adata, width=min(widths), preparation=preparation, seed=seed)


@KINDS.register("eigengenes", doi="10.1186/1752-0509-1-54", control=True)
def _open(bundle: Bundle) -> Eigengenes:
    """Eigengenes of k-means clusters."""
    return Eigengenes.open(bundle)
