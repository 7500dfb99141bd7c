"""The verb ``fit``: an autoencoder by the name of its preset, and the spec that it is fitted from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ..io import Store
from ..io._blocks import blocks_of
from ..pp import PreparationSettings
from ..pp.features import GENES, told_by_ids
from ..pp.preparation import Preparation
from .autoencoder import Autoencoder
from .counts import WIDTHS, Counts, FittedCounts
from .deep import Deep
from .fitted_autoencoder import FittedAutoencoder
from .presets import Preset
from .spec import DEFAULT
from .training.count_net import CountRecipe
from .training.deep_net import DeepRecipe

if TYPE_CHECKING:
    from anndata import AnnData

OWN: dict[str, Callable[..., Deep | Counts]] = {
    Deep.kind: lambda widths, **recipe: Deep(widths, recipe=DeepRecipe(**recipe)),
    Counts.kind: lambda widths, **recipe: Counts(widths=widths or WIDTHS, recipe=CountRecipe(**recipe)),
}
"""Presets that are kinds of model of their own, and take no changes."""

__all__ = ["OWN", "fit", "named_for", "settings_for", "spec_of"]

DEEP_FROM = 1000  # samples


def fit(
    adata: AnnData | Store,
    *,
    preset: str | Preset = "default",
    widths: tuple[int, ...] | None = None,
    subject: str | None = None,
    subject_pattern: str | None = None,
    preparation: Preparation | None = None,
    epochs: int | None = None,
    seed: int = 0,
) -> FittedAutoencoder | FittedCounts:
    """Train an autoencoder on all samples of a table, without labels: short for the fit of a spec.

    By default it is a :class:`Deep` where there are at least 1,000 samples, and else an :class:`Autoencoder`: the data
    of one small cohort are nearly linear, and depth has nothing to add there. A deep model asks this of subjects left
    out (of a compendium, let `subject` name the study), and is PCA where they say so.

    Parameters
    ----------
    adata
        Samples x genes, or a store.
    preset, widths, epochs
        See :class:`Autoencoder`, which takes more; ``"deep"`` for a :class:`Deep` of any table; ``"counts"`` for an
        autoencoder of counts with a negative binomial loss, see :class:`.counts.Counts`.
    subject, subject_pattern
        Column of ``obs`` that says whose sample it is, and the part of it that names the person, see :class:`.Spec`; a
        subject is never split.
    preparation
        How to prepare; by default ``prepare(adata)``, for a deep model of a table with missing values so that these
        genes are kept and completed.
    seed
        For the split, the start, the order of samples.

    Raises
    ------
    InputError
        As :meth:`Autoencoder.fit`.

    Examples
    --------
    >>> import genelight as gl
    >>> model = gl.fit(gl.demo.cohort(), widths=(32, 16, 8), subject="subject", epochs=2)
    >>> model.widths
    {'L1': 32, 'L2': 16, 'L3': 8}
    """
    chosen = named_for(preset, widths, samples=adata.n_obs)
    spec = spec_of(
        chosen,
        widths,
        epochs=epochs,
        subject=subject,
        subject_pattern=subject_pattern,
        preparation=preparation.settings if preparation else settings_for(chosen, adata),
        seed=seed,
    )
    return spec.fit(adata, preparation=preparation)


def named_for(
    preset: str | Preset, widths: tuple[int, ...] | None, *, samples: int, group: str | None = None
) -> str | Preset:
    """The preset asked for; for the default of its own widths, ``"deep"`` where a table can support it.

    Parameters
    ----------
    preset, widths
        As asked for.
    samples
        Of the table.
    group
        Column that names groups of samples, None for none.
    """
    supported = preset == "default" and (group is not None or (widths is None and samples >= DEEP_FROM))
    return Deep.kind if supported else preset


def settings_for(
    preset: str | Preset, adata: AnnData | Store, *, scale: str = "log2", features: str | None = None
) -> PreparationSettings:
    """How a table is prepared for a preset if nobody says.

    A deep model of a table on the log2 scale in which values are missing, as where studies measured different genes,
    keeps these genes and completes them; its genes are centred, not scaled, since all studies share one scale.

    Parameters
    ----------
    preset
        As :func:`named_for` gives it.
    adata
        The table.
    scale
        Of its values.
    features
        Kind of its features; None for what ids tell.
    """
    plain = PreparationSettings(scale=scale, features=features)
    if preset != Deep.kind or scale != "log2" or isinstance(adata, Store) or sparse.issparse(adata.X):
        return plain
    if (features or told_by_ids(adata.var_names)) != GENES or blocks_of(adata):
        return plain
    if not np.isnan(adata.X).any():
        return plain
    return PreparationSettings(missing=True, standardise="centre", above_floor=0.0)


def spec_of(
    preset: str | Preset,
    widths: tuple[int, ...] | None = None,
    *,
    epochs: int | None = None,
    learning_rate: float | None = None,
    subject: str | None = None,
    subject_pattern: str | None = None,
    preparation: PreparationSettings = DEFAULT,
    seed: int = 0,
) -> Autoencoder | Deep | Counts:
    """The spec of a preset's name: :class:`Deep` for ``"deep"``, ``Counts`` for ``"counts"``, else `Autoencoder`.

    Parameters
    ----------
    preset, widths, epochs, learning_rate, subject, subject_pattern, preparation, seed
        As in either.

    Raises
    ------
    InputError
        If settings do not go together.
    UnknownNameError
        If there is no such preset.

    Examples
    --------
    >>> from genelight.models.fit import spec_of
    >>> spec_of("deep", (512, 16, 2048)).kind, spec_of("plain").kind
    ('deep', 'autoencoder')
    """
    made: Autoencoder | Deep | Counts
    if isinstance(preset, str) and preset in OWN:
        recipe = {"epochs": epochs, "rate": learning_rate}
        made = OWN[preset](widths, **{name: value for name, value in recipe.items() if value is not None})
    else:
        made = Autoencoder(widths, preset, epochs=epochs, learning_rate=learning_rate)
    return replace(made, subject=subject, subject_pattern=subject_pattern, preparation=preparation, seed=seed)
