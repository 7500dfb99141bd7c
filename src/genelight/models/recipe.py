"""How a network is trained: the settings, and the learning rate that suits a table."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .._core.checks import check_positive
from ..errors import InputError, UnknownNameError

__all__ = ["FIND", "PRECISIONS", "Recipe"]

FIND = "find"
PRECISIONS = ("float32", "bfloat16", "auto")


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes
    ----------
    learning_rate
        Of Adam at the start; falls to zero along a cosine. ``"find"`` tries rising rates on a copy of the network
        and takes one (see :func:`.find_rate`).
    epochs
        Passes over the samples on that schedule.
    batch
        Samples per step.
    sparsity
        Weight of the mean absolute code, in units of each layer's typical code at the start, against the share of
        variance not reconstructed; 0 for none.
    dropout
        Share of each hidden layer's codes that is silenced at random in every step; the latent layer is spared.
    noise
        Standard deviation of normal noise added to every coordinate of the input and not to what is to be
        reconstructed; in gene space or the samples' subspace, in prepared units of each gene.
    divergence
        Weight of the divergence of a variational network's codes from a standard normal; 1 is the variational bound
        with the decoder's variance at its best value (Rybkin et al. 2021, doi 10.48550/arXiv.2006.13202).
    warm_up
        Share of the epochs over which that weight rises from 0.
    nonnegative
        Keep the weights from the last hidden layer to the output at or above zero.
    precision
        Of the products in training: ``"float32"``, ``"bfloat16"`` (sums and weights stay float32), or ``"auto"``, the
        faster of the two in a few steps at the start.
    stop
        End after so many epochs of the schedule; by default after all.

    Raises
    ------
    InputError
        If a number is out of its range.
    UnknownNameError
        If there is no such precision.
    """

    learning_rate: float | str
    epochs: int
    batch: int = 64
    sparsity: float = 0.0
    dropout: float = 0.0
    noise: float = 0.0
    divergence: float = 0.0
    warm_up: float = 0.0
    nonnegative: bool = False
    precision: str = "float32"
    stop: int | None = None

    def __post_init__(self) -> None:
        check_positive(epochs=self.epochs, batch=self.batch)
        if isinstance(self.learning_rate, str):
            if self.learning_rate != FIND:
                msg = f"learning_rate = {self.learning_rate!r}; give a number such as 1e-3, or {FIND!r}"
                raise InputError(msg)
        else:
            check_positive(learning_rate=self.learning_rate)
        for name in ("sparsity", "noise", "divergence"):
            if not 0 <= getattr(self, name) < math.inf:
                msg = f"{name} = {getattr(self, name)} must be zero or above"
                raise InputError(msg)
        for name in ("dropout", "warm_up"):
            if not 0 <= getattr(self, name) < 1:
                msg = f"{name} = {getattr(self, name)} must be from 0 to below 1"
                raise InputError(msg)
        if self.precision not in PRECISIONS:
            raise UnknownNameError("precision", self.precision, PRECISIONS)

    @property
    def last(self) -> int:
        """The epoch after which training ends."""
        return self.epochs if self.stop is None else self.stop

    def rate(self, done: float) -> float:
        """Learning rate when a share `done` of the schedule lies behind."""
        return float(self.learning_rate) * 0.5 * (1.0 + math.cos(math.pi * done))

    def warmth(self, done: float) -> float:
        """Share of the divergence's weight that is reached then."""
        return min(1.0, done / self.warm_up) if self.warm_up else 1.0
