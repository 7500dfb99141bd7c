"""How codes vary within groups, such as the studies of a compendium, where their differences are set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..._core.checks import check_column
from ...errors import InputError
from ...nouns import Model
from ...nouns.model import bottleneck
from ..subspace.exact import Centred
from .panel import Panel

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["AXES", "keep_within", "learn_within", "wide_axes"]

LEAST_GROUPS, MOST_AXES = 3, 128
AXES = "axes"
DIGITS = 5


class _Told(Model, Protocol):
    about: dict[str, object]


def learn_within(adata: AnnData, model: _Told, *, group: str) -> np.ndarray:
    """Covariance of a model's codes within groups, kept in ``model.about["within"]`` and saved with the model.

    Most of what tells samples of a compendium apart is which study they are from, and no disease differs so. A disease
    module through the model as a reference (``method="reference"``) takes its prior of effects from this covariance
    where it is there, else from how codes vary over all samples.

    Parameters
    ----------
    adata
        The samples that the model was trained on.
    model
        A fitted model; its `about` is written to.
    group
        Column of ``obs`` that names the groups; each counts the same, those of one sample do not count.

    Returns
    -------
    The covariance, shape ``(k, k)``, of the codes of the layer that samples are given back from; of a
    :class:`genelight.models.Deep`, of the coordinates on its first 128 linear axes.

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
    >>> gl.models.learn_within(adata, model, group="hours").shape
    (4, 4)
    """
    names_n = check_column(adata.obs, group, role="group").astype(str).to_numpy()
    x_ng, axes_gk = model.prepare(adata), wide_axes(model)
    h_nk = model.encode(x_ng, bottleneck(model)) if axes_gk is None else x_ng @ axes_gk
    return keep_within(model, h_nk, names_n, group=group)


def wide_axes(model: Model) -> np.ndarray | None:
    """Linear axes of a model that has more of them than its bottleneck has nodes, shape ``(g, k)``; None of others.

    A curved way back to genes says little of tissues that it has not seen; a wide linear one carries over.
    """
    if isinstance(model, Panel):
        axes_gk = wide_axes(model.whole)
        return None if axes_gk is None else axes_gk[model.index_g]
    space = getattr(model, "space", None)
    if not isinstance(space, Centred):
        return None
    return space.subspace.basis_gk[:, :MOST_AXES]


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
        "layer": bottleneck(model) if wide_axes(model) is None else AXES,
        "group": group,
        "groups": len(large),
        "of": len(names),
        "lower": kept,
    }
    return within_kk
