"""Independent gene programmes of the principal axes: linear, for comparison with what depth adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..pp import Preparation, prepare
from .baselines import BASELINES
from .bundle import KINDS, Bundle
from .linear import Linear
from .rotation import independent
from .subspace import Subspace, find_subspace

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["ICA", "fit_ica"]

LAYER = "IC"
ITERATIONS, TOLERANCE = 500, 1e-4


class ICA(Linear):
    """Independent component analysis over genes; its one layer is ``"IC"``."""

    name: ClassVar[str] = "ica"
    layer: ClassVar[str] = LAYER

    @staticmethod
    def axes(subspace: Subspace, width: int, *, seed: int) -> np.ndarray:
        """The first principal axes, rotated until their gene profiles are as independent as can be."""
        rotation_kk = independent(subspace, width, seed=seed, iterations=ITERATIONS, tolerance=TOLERANCE)
        return subspace.basis_gk[:, :width] @ rotation_kk.T


def fit_ica(adata: AnnData, *, width: int, preparation: Preparation | None = None, seed: int = 0) -> ICA:
    """Fit independent components over genes to all samples of a table.

    The space is that of PCA of the same width, so reconstruction is PCA's; only which directions in it the
    nodes stand for differs: each profile has few strong genes instead of a mixture.

    Parameters
    ----------
    adata
        Samples x genes.
    width
        Number of components.
    preparation
        How to prepare; by default ``prepare(adata)``.
    seed
        For the start of the rotation.

    Raises
    ------
    InputError
        If `width` exceeds what samples and genes allow.

    References
    ----------
    FastICA (Hyvärinen 1999, doi 10.1109/72.761722), in scikit-learn's implementation, on gene profiles (Lee and
    Batzoglou 2003, doi 10.1186/gb-2003-4-11-r76).

    Examples
    --------
    >>> import genelight as gl
    >>> gl.models.fit_ica(gl.demo.cohort(), width=8).widths
    {'IC': 8}
    """
    preparation = preparation or prepare(adata)
    x_ng = preparation.transform(adata)
    return ICA.of(preparation, x_ng, width=width, subspace=find_subspace(x_ng), seed=seed)


@BASELINES.register("ica", doi="10.1186/gb-2003-4-11-r76", control=True)
def _baseline(adata: AnnData, *, widths: tuple[int, ...], preparation: Preparation | None = None, seed: int = 0) -> ICA:
    """Independent components over genes, as many as the narrowest width."""
    return fit_ica(adata, width=min(widths), preparation=preparation, seed=seed)


@KINDS.register("ica", doi="10.1186/gb-2003-4-11-r76", control=True)
def _open(bundle: Bundle) -> ICA:
    """Independent components over genes."""
    return ICA.open(bundle)
