"""The head's own weights, lit back to genes."""

from __future__ import annotations

import numpy as np

from ...stats.discriminant import Head
from .._registry import DERIVATIONS
from ._direction import Direction

__all__ = ["Paper"]


@DERIVATIONS.register("paper", doi="10.1038/s41467-020-14666-6")
class Paper(Direction):
    """A head's raw weights lit back to genes, as in the paper.

    The mean control is moved along the weights themselves, far enough that the head's output goes from its
    control mean to its case mean. Weights also cancel noise that is no part of the disease, so this replicates
    worse in a second cohort than ``direction``; it is here to compare.
    """

    @staticmethod
    def change_k(head: Head) -> np.ndarray:
        """How the codes move, shape ``(k,)``."""
        return head.push_k()
