"""An autoencoder with one hidden layer: what learning finds without depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .baselines import BASELINES
from .fit import fit

if TYPE_CHECKING:
    from anndata import AnnData

    from ..pp import Preparation
    from .autoencoder import Autoencoder

__all__ = ["fit_shallow"]


@BASELINES.register("shallow", doi="10.1126/science.1127647", control=True)
def fit_shallow(
    adata: AnnData, *, widths: tuple[int, ...], preparation: Preparation | None = None, seed: int = 0
) -> Autoencoder:
    """The default autoencoder with one hidden layer, as wide as the narrowest of `widths`.

    Parameters
    ----------
    adata
        Samples x genes.
    widths
        Hidden layers of the deep model that it is compared with.
    preparation
        How to prepare; by default ``prepare(adata)``.
    seed
        See :func:`genelight.models.fit`.

    Raises
    ------
    InputError
        If the width exceeds what samples and genes allow.

    Examples
    --------
    >>> import genelight as gl
    >>> gl.models.BASELINES["shallow"](gl.demo.cohort(), widths=(16, 8)).widths
    {'L1': 8}
    """
    return fit(adata, widths=(min(widths),), preparation=preparation, seed=seed)
