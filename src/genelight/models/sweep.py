"""Widths, depths and activations under one held-out protocol."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._core.progress import progress
from .._core.provenance import digest
from .._core.workers import at_work, done
from ..errors import FormatError, InputError
from ..nouns.contrast import persons
from ..stats.folds import cut_folds, parts
from .autoencoder import Autoencoder
from .pca import PCA
from .presets import PRESETS
from .reconstruct import r2_redrawn, squared_errors
from .training.network import ACTIVATIONS

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Grid"]

MOST = 100_000
COLUMNS = ["activation", "depth", "width", "r2", "low", "high", "pca_r2", "gain", "gain_low", "gain_high"]


@dataclass(frozen=True)
class Grid:
    """What is compared: every depth of equal layers at every width with every activation.

    Attributes
    ----------
    widths
        Nodes of each layer.
    depths
        Numbers of layers.
    activations
        Registered names; None for the preset's own.
    preset
        What all of them share.

    Raises
    ------
    InputError
        If one of them is empty.
    UnknownNameError
        If there is no such preset or activation.

    Examples
    --------
    >>> import genelight as gl
    >>> grid = gl.models.Grid(widths=(8, 16), depths=(1, 3))
    >>> len(grid.widths) * len(grid.depths) * len(grid.choices)
    4
    """

    widths: Sequence[int] = (32, 64, 128)
    depths: Sequence[int] = (1, 3)
    activations: Sequence[str] | None = None
    preset: str = "default"

    def __post_init__(self) -> None:
        PRESETS.entry(self.preset)
        for activation in self.choices:
            ACTIVATIONS.entry(activation)
        for name, values in (("widths", self.widths), ("depths", self.depths), ("activations", self.choices)):
            if not values:
                msg = f"{name} is empty: there is nothing to compare"
                raise InputError(msg)

    @property
    def choices(self) -> tuple[str, ...]:
        """Activations to compare."""
        return (PRESETS[self.preset].activation,) if self.activations is None else tuple(self.activations)

    def sweep(
        self,
        adata: AnnData,
        *,
        subject: str | None = None,
        storage: str | None = None,
        name: str = "sweep",
        folds: int = 3,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Compare widths, depths and activations on the same held-out subjects, against PCA of the same width.

        Every combination of the grid is fitted once per fold, preparation and choice of settings included, and explains
        the subjects left out. Results are kept in `storage` as they come: the same call goes on where another ended,
        and several at once on one database share the fits (at the end, one may be done twice).

        Parameters
        ----------
        adata
            Samples x genes.
        subject
            Column of ``obs`` that says whose sample it is; a subject is never split.
        storage
            ``"sqlite:///sweep.db"`` or ``"postgresql://..."``; by default memory.
        name
            Of the sweep, in the storage.
        folds
            Folds of subjects.
        seed
            Of folds and fits.

        Returns
        -------
        One row per combination, the best first: ``activation``, ``depth``, ``width``, ``r2``, ``low``, ``high``,
        ``pca_r2``, ``gain``, ``gain_low``, ``gain_high``; intervals are 95% bootstraps of subjects, paired for the
        gain over PCA.

        Raises
        ------
        InputError
            If Optuna is not installed, there are fewer subjects than folds, or the storage holds a sweep of other data.
        FormatError
            If the storage cannot be opened.

        Notes
        -----
        Cost: combinations x folds fits.
        """
        optuna = _optuna()
        subject_n = np.arange(adata.n_obs).astype(str) if subject is None else persons(adata.obs, subject)
        splits = parts(cut_folds(subject_n, folds=folds, seed=seed))
        identity = digest(np.asarray(adata[:100].X), list(adata.obs_names), list(subject_n), folds, seed, self.preset)
        study = _open(optuna, storage, name)
        if study.user_attrs.setdefault("data", identity) != identity:
            msg = f"storage {storage} holds a sweep {name!r} of other data or settings; name another storage"
            raise InputError(msg)
        study.set_user_attr("data", identity)
        wanted = [
            {"activation": a, "depth": d, "width": w} for a in self.choices for d in self.depths for w in self.widths
        ]
        left = [params for params in wanted if _key(params) not in _done(study)]
        # Several at work on one storage seldom come to the same fit if each goes its own way.
        order = np.random.default_rng(os.getpid()).permutation(len(left))
        wanted_first = [left[i] for i in order]
        with progress("sweeping", len(left)) as step:
            for batch in [wanted_first] if at_work() else [[params] for params in wanted_first]:
                open_ones = [params for params in batch if _key(params) not in _done(study)]
                for i, figures in done(_compared, open_ones, shared=(adata, self, splits, subject_n, seed)):
                    params = open_ones[i]
                    study.enqueue_trial(params)
                    study.optimize(partial(_record, figures=figures), n_trials=1)
                    step(f"width {params['width']}, depth {params['depth']}, {params['activation']}")
        return _table(study, {_key(params) for params in wanted})


def _record(trial: Any, figures: Mapping[str, float]) -> float:
    """Held-out R² of one combination; the figures of its row go into the storage with it."""
    # Ranges that no grid leaves: a storage takes no other ranges later.
    trial.suggest_categorical("activation", list(ACTIVATIONS))
    for key in ("width", "depth"):
        trial.suggest_int(key, 1, MOST)
    for key, value in figures.items():
        trial.set_user_attr(key, value)
    return figures["r2"]


def _compared(  # noqa: PLR0917
    params: Mapping[str, Any],
    adata: AnnData,
    grid: Grid,
    splits: list[tuple[np.ndarray, np.ndarray]],
    subject_n: np.ndarray,
    seed: int,
) -> dict[str, float]:
    """Figures of one combination on subjects left out."""
    activation, width, depth = params["activation"], params["width"], params["depth"]
    spec = Autoencoder((width,) * depth, grid.preset, activation=activation, subject="_subject", seed=seed)
    parts = []
    for train, test in splits:
        learners, held_out = adata[train].copy(), adata[test]
        learners.obs["_subject"] = subject_n[train]
        model = spec.fit(learners)
        pca = PCA(width).fit(learners, preparation=model.preparation)
        x_ng = model.prepare(held_out)
        (sse_n, sst_n), (pca_n, _) = squared_errors(model, x_ng), squared_errors(pca, x_ng)
        parts.append(pd.DataFrame({"subject": subject_n[test], "sse": sse_n, "pca": pca_n, "sst": sst_n}))
    sums = pd.concat(parts).groupby("subject").sum()
    found = r2_redrawn(*(sums[column].to_numpy() for column in ("sse", "pca", "sst")), seed=seed)
    figures = {name.removeprefix("held_out_"): figure for name, figure in found.items()}
    figures["pca_r2"] = figures.pop("r2_pca")
    return figures | {"gain": figures["r2"] - figures["pca_r2"]}


def _table(study: Any, wanted: set[tuple[Any, ...]]) -> pd.DataFrame:
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for trial in study.trials:
        if trial.state.name == "COMPLETE" and _key(trial.params) in wanted:
            rows[_key(trial.params)] = trial.params | trial.user_attrs
    # A server gives attributes back in an order of its own.
    table = pd.DataFrame(list(rows.values()), columns=COLUMNS)
    return table.sort_values("r2", ascending=False, ignore_index=True)


def _done(study: Any) -> set[tuple[Any, ...]]:
    return {_key(trial.params) for trial in study.trials if trial.state.name == "COMPLETE"}


def _key(params: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(params[name] for name in ("activation", "depth", "width"))


def _optuna() -> Any:
    try:
        optuna = import_module("optuna")
    except ImportError as error:
        msg = f"a sweep needs Optuna, which is not here ({error}); install it with pip install 'genelight[sweep]'"
        raise InputError(msg) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _open(optuna: Any, storage: str | None, name: str) -> Any:
    try:
        return optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
    except Exception as error:
        msg = f"storage {storage} cannot be opened ({error}); write for example sqlite:///sweep.db"
        raise FormatError(msg) from error
