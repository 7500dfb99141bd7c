"""An autoencoder that has learned nothing: what its layers show comes from the data's preparation and the shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from .._core.checks import check_positive
from ..io import Store
from ..pp.preparation import Preparation
from .bundle import KINDS, Bundle
from .fitted_autoencoder import LinearAtTheEnd, code_ranges, open_with
from .reference.missing import training_values
from .spec import BASELINES, Spec
from .subspace.exact import Subspace
from .training.network import Stack
from .training.starts import STARTS

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Random"]


@KINDS.register("random", doi="10.1109/ICCV.2015.123", control=True)
@dataclass(frozen=True)
class Random(Spec):
    """The network of an autoencoder with random weights; layers ``"L1"``, ``"L2"``, ... as there.

    A node's genes are then a random direction of gene space. Whatever such a model's layers show of biology is owed
    to the table's preparation and to the shape of the network, not to learning.

    Attributes
    ----------
    widths
        Hidden layers from input to output.
    activation
        Registered name.

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
    >>> gl.models.Random((8, 4)).fit(gl.demo.cohort()).widths
    {'L1': 8, 'L2': 4}
    """

    widths: tuple[int, ...] = (128, 64, 32)
    activation: str = "relu"

    kind: ClassVar[str] = "random"

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(int(width) for width in self.widths))
        check_positive(**{f"widths[{i}]": w for i, w in enumerate(self.widths)})

    def network(self, inputs: int, widths: tuple[int, ...]) -> Stack:
        """The network, its weights not yet set."""
        return Stack(inputs, widths, self.activation)

    def fit(
        self, adata: AnnData | Store, *, subject: str | None = None, preparation: Preparation | None = None
    ) -> LinearAtTheEnd:
        """Draw the weights; samples give the genes and the codes' ranges, and no weight."""
        spec, preparation = self._prepared(adata, subject, preparation)
        x_ng = training_values(preparation, adata)
        space = _any_subspace(len(preparation.genes), max(self.widths), seed=self.seed)
        net = self.network(space.basis_gk.shape[1], self.widths)
        STARTS["random"](net, space, torch.empty(0), seed=self.seed)
        settings = {"widths": list(self.widths), "activation": self.activation, "start": "random", "seed": self.seed}
        ranges = code_ranges(space, net, x_ng)
        return LinearAtTheEnd(preparation, space, net, spec=spec, ranges=ranges, settings=settings, history=[])

    @classmethod
    def open(cls, bundle: Bundle) -> LinearAtTheEnd:
        """The fitted model that a bundle holds."""
        spec = cls.from_dict(bundle.spec)
        return open_with(LinearAtTheEnd, bundle, spec=spec, network=spec.network)


def _any_subspace(genes: int, rank: int, *, seed: int) -> Subspace:
    """A subspace of gene space drawn evenly from all of its dimension."""
    rank = min(rank, genes)
    normal_gk = np.random.default_rng(seed).standard_normal((genes, rank))
    basis_gk, upper_kk = np.linalg.qr(normal_gk)
    # QR alone favours some signs; with these the draw is even (Mezzadri 2007, arXiv math-ph/0609050).
    basis_gk *= np.sign(np.diag(upper_kk))
    return Subspace(np.ascontiguousarray(basis_gk, dtype=np.float32), np.ones(rank), 0.0)


@BASELINES.register("random", doi="10.1109/ICCV.2015.123", control=True)
def _baseline(widths: tuple[int, ...], *, seed: int = 0) -> Random:
    """The same layers with random weights."""
    return Random(widths, seed=seed)
