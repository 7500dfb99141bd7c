"""Train a model's kind on another table, preparation included: what cross-validation of anything built on it needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch

from anndata import AnnData

from ..errors import InputError
from ..nouns import Model
from ..pp import Preparation, prepare
from .autoencoder import Autoencoder
from .fit import fit
from .ica import ICA, fit_ica
from .pca import PCA, fit_pca
from .random import Untrained, fit_random

__all__ = ["again"]


@singledispatch
def again(model: Model, *, subject: str | None = None) -> Callable[[AnnData], Model]:  # noqa: ARG001 - kinds use it
    """How to train such a model on a table of samples: same kind, widths, preset and seed; nothing else is taken over.

    Parameters
    ----------
    model
        A trained model.
    subject
        Column of ``obs`` that says whose sample it is.

    Returns
    -------
    A function from a table to a model, which prepares the table itself.

    Raises
    ------
    InputError
        If the model is of a kind that cannot be trained again.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> train = gl.models.again(gl.models.fit_pca(adata, width=8))
    >>> train(adata[:100]).widths
    {'PC': 8}
    """
    msg = f"a model of kind {model.name} cannot be trained again; pass one that genelight fitted"
    raise InputError(msg)


@again.register
def _pca(model: PCA, *, subject: str | None = None) -> Callable[[AnnData], Model]:  # noqa: ARG001
    return lambda adata: fit_pca(adata, width=model.widths[model.layer], preparation=_prepared(adata, model))


@again.register
def _ica(model: ICA, *, subject: str | None = None) -> Callable[[AnnData], Model]:  # noqa: ARG001
    return lambda adata: fit_ica(adata, width=model.widths[model.layer], preparation=_prepared(adata, model))


@again.register
def _autoencoder(model: Autoencoder, *, subject: str | None = None) -> Callable[[AnnData], Model]:
    settings = model.settings

    def train(adata: AnnData) -> Model:
        return fit(
            adata,
            preset=settings["preset"],
            widths=tuple(settings["widths"]),
            subject=subject,
            preparation=_prepared(adata, model),
            epochs=settings["epochs"],
            seed=settings["seed"],
        )

    return train


@again.register
def _untrained(model: Untrained, *, subject: str | None = None) -> Callable[[AnnData], Model]:  # noqa: ARG001
    settings = model.settings
    widths, activation, seed = tuple(settings["widths"]), settings["activation"], settings["seed"]

    def train(adata: AnnData) -> Model:
        prepared = _prepared(adata, model)
        return fit_random(adata, widths=widths, activation=activation, preparation=prepared, seed=seed)

    return train


def _prepared(adata: AnnData, model: Autoencoder | PCA | ICA) -> Preparation:
    return prepare(adata, scale=model.preparation.scale, ids=model.genes.namespace)
