"""An autoencoder that has learned nothing: what its layers show comes from the data's preparation and the shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .._core.checks import check_positive
from ..pp import Preparation, prepare
from .autoencoder import LinearAtTheEnd, code_ranges, open_with
from .baselines import BASELINES
from .bundle import KINDS, Bundle
from .network import Stack
from .starts import STARTS
from .subspace import Subspace

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Untrained", "fit_random"]


class Untrained(LinearAtTheEnd):
    """The network of an autoencoder with its random start for weights; layers ``"L1"``, ``"L2"``, ... as there."""

    name: ClassVar[str] = "random"


def fit_random(
    adata: AnnData,
    *,
    widths: tuple[int, ...] = (128, 64, 32),
    activation: str = "relu",
    preparation: Preparation | None = None,
    seed: int = 0,
) -> Untrained:
    """Draw the weights of an autoencoder and leave them as they are.

    A node's genes are then a random direction of gene space. Whatever such a model's layers show of biology is owed
    to the table's preparation and to the shape of the network, not to learning.

    Parameters
    ----------
    adata
        Samples x genes; they give the genes and the codes' ranges, and no weight.
    widths
        Hidden layers from input to output.
    activation
        Registered name.
    preparation
        How to prepare; by default ``prepare(adata)``.
    seed
        Of the weights.

    Raises
    ------
    InputError
        If a width is not above zero.

    Notes
    -----
    Weights between layers have He's variance (doi 10.1109/ICCV.2015.123); between genes and the network stands a
    random orthonormal map to as many coordinates as the widest layer has nodes. As a baseline for reconstruction it
    is meaningless: its R² is below zero.

    Examples
    --------
    >>> import genelight as gl
    >>> gl.models.fit_random(gl.demo.cohort(), widths=(8, 4)).widths
    {'L1': 8, 'L2': 4}
    """
    check_positive(**{f"widths[{i}]": w for i, w in enumerate(widths)})
    preparation = preparation or prepare(adata)
    x_ng = preparation.transform(adata)
    space = _any_subspace(len(preparation.genes), max(widths), seed=seed)
    net = Stack(space.basis_gk.shape[1], tuple(widths), activation)
    STARTS["random"](net, space, seed)
    settings = {"widths": list(widths), "activation": activation, "start": "random", "seed": seed}
    return Untrained(preparation, space, net, ranges=code_ranges(space, net, x_ng), settings=settings, history=[])


def _any_subspace(genes: int, rank: int, *, seed: int) -> Subspace:
    """A subspace of gene space drawn evenly from all of its dimension."""
    rank = min(rank, genes)
    normal_gk = np.random.default_rng(seed).standard_normal((genes, rank))
    basis_gk, upper_kk = np.linalg.qr(normal_gk)
    # QR alone favours some signs; with these the draw is even (Mezzadri 2007, arXiv math-ph/0609050).
    basis_gk *= np.sign(np.diag(upper_kk))
    return Subspace(np.ascontiguousarray(basis_gk, dtype=np.float32), np.ones(rank), 0.0)


@BASELINES.register("random", doi="10.1109/ICCV.2015.123", control=True)
def _baseline(
    adata: AnnData, *, widths: tuple[int, ...], preparation: Preparation | None = None, seed: int = 0
) -> Untrained:
    """The same layers with random weights."""
    return fit_random(adata, widths=widths, preparation=preparation, seed=seed)


@KINDS.register("random", doi="10.1109/ICCV.2015.123", control=True)
def _open(bundle: Bundle) -> Untrained:
    """Autoencoder with random weights."""
    return open_with(Untrained, bundle)
