"""How codes vary within groups, such as the studies of a compendium, where their differences are set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from .._core.checks import check_column
from ..errors import InputError
from ..nouns import Model
from ..nouns.model import bottleneck

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["keep_within", "learn_within"]

LEAST_GROUPS = 3
DIGITS = 5


class _Told(Model, Protocol):
    about: dict[str, object]


def learn_within(model: _Told, adata: AnnData, *, group: str) -> np.ndarray:
    """Covariance of a model's codes within groups, kept in ``model.about["within"]`` and saved with the model.

    Most of what tells samples of a compendium apart is which study they are from, and no disease differs so. A disease
    module through the model as a reference (``method="reference"``) takes its prior of effects from this covariance
    where it is there, else from how codes vary over all samples.

    Parameters
    ----------
    model
        A fitted model; its `about` is written to.
    adata
        The samples that it was trained on.
    group
        Column of ``obs`` that names the groups; each counts the same, those of one sample do not count.

    Returns
    -------
    The covariance, shape ``(k, k)``, of the codes of the layer that samples are given back from.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    InputError
        If fewer than three groups have two samples.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.models.PCA(4).fit(adata)
    >>> gl.models.learn_within(model, adata, group="hours").shape
    (4, 4)
    """
    layer = bottleneck(model)
    names_n = check_column(adata.obs, group, role="group").astype(str).to_numpy()
    return keep_within(model, model.encode(model.prepare(adata), layer), names_n, group=group)


def keep_within(model: _Told, h_nk: np.ndarray, names_n: np.ndarray, *, group: str) -> np.ndarray:
    """The same of codes, shape ``(n, k)``, and the name of each sample's group.

    Raises
    ------
    InputError
        If fewer than three groups have two samples.
    """
    names, index_n, size_s = np.unique(names_n, return_inverse=True, return_counts=True)
    large = np.flatnonzero(size_s >= 2)
    if len(large) < LEAST_GROUPS:
        msg = f"{group} has {len(large)} groups of two samples or more, at least {LEAST_GROUPS} are needed"
        raise InputError(msg)
    within_kk = np.atleast_2d(sum(np.cov(h_nk[index_n == s], rowvar=False) for s in large) / len(large))
    # Sums over samples differ in the last bits from machine to machine; what is kept does not.
    kept = [[float(f"{value:.{DIGITS}g}") for value in row[: i + 1]] for i, row in enumerate(within_kk)]
    model.about["within"] = {
        "layer": bottleneck(model),
        "group": group,
        "groups": len(large),
        "of": len(names),
        "lower": kept,
    }
    return within_kk
