"""Independent gene programmes of the principal axes: linear, for comparison with what depth adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .bundle import KINDS
from .linear import LinearSpec
from .spec import BASELINES
from .subspace.exact import Subspace
from .subspace.rotation import independent

__all__ = ["ICA"]

LAYER = "IC"
ITERATIONS, TOLERANCE = 500, 1e-4


@KINDS.register("ica", doi="10.1186/gb-2003-4-11-r76", control=True)
@dataclass(frozen=True)
class ICA(LinearSpec):
    """Independent components over genes; the one layer is ``"IC"``.

    The space is that of PCA of the same width, so reconstruction is PCA's; only which directions in it the
    nodes stand for differs: each profile has few strong genes instead of a mixture.

    References
    ----------
    FastICA (Hyvärinen 1999, doi 10.1109/72.761722), in scikit-learn's implementation, on gene profiles (Lee and
    Batzoglou 2003, doi 10.1186/gb-2003-4-11-r76).

    Examples
    --------
    >>> import genelight as gl
    >>> gl.models.ICA(8).fit(gl.demo.cohort()).widths
    {'IC': 8}
    """

    kind: ClassVar[str] = "ica"
    layer: ClassVar[str] = LAYER

    def axes(self, subspace: Subspace) -> np.ndarray:
        """The first principal axes, rotated until their gene profiles are as independent as can be."""
        rotation_kk = independent(subspace, self.width, seed=self.seed, iterations=ITERATIONS, tolerance=TOLERANCE)
        return subspace.basis_gk[:, : self.width] @ rotation_kk.T


@BASELINES.register("ica", doi="10.1186/gb-2003-4-11-r76", control=True)
def _baseline(widths: tuple[int, ...], *, seed: int = 0) -> ICA:
    """Independent components over genes, as many as the narrowest width."""
    return ICA(min(widths), seed=seed)
