"""What one member of an ensemble learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .shrink import Weighing, rotate
from .subspace import Subspace

__all__ = ["Draw"]


@dataclass(frozen=True)
class Draw:
    """Samples in the whole table's subspace, and which of them were drawn.

    Attributes
    ----------
    x_ng, c_nk
        Prepared values of all samples, and their coordinates in `whole`.
    subject_n
        Whose they are.
    rows
        Positions of the drawn samples; one may be drawn several times.
    seed
        Of the start and the order of samples.
    """

    x_ng: np.ndarray
    whole: Subspace
    c_nk: np.ndarray
    subject_n: np.ndarray
    rows: np.ndarray
    seed: int

    def rotated(self, weighing: Weighing) -> tuple[np.ndarray, np.ndarray, Subspace, np.ndarray]:
        """Centre ``(k,)``, rotation ``(k, k)``, subspace on the drawn samples' axes, and their coordinates there."""
        drawn_nk = self.c_nk[self.rows]
        centre_k = drawn_nk.mean(0)
        drawn_nk = weighing.apply(drawn_nk - centre_k, self.subject_n[self.rows])
        k = len(centre_k)
        own = rotate(Subspace(np.eye(k, dtype=np.float32), self.whole.variance_k, self.whole.lost), drawn_nk)
        rotation_kk = own.basis_gk
        subspace = Subspace(self.whole.basis_gk @ rotation_kk, own.variance_k, self.whole.lost)
        return centre_k, rotation_kk, subspace, drawn_nk @ rotation_kk
