"""What goes with covariates or a batch, learned once and taken off any later sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._core.checks import check_column, check_filled
from .._core.registry import Registry
from ..errors import InputError, first_three

__all__ = ["BATCH_METHODS", "Adjust", "Adjustment", "combat"]

_CLOSE, _ROUNDS = 1e-6, 1000  # where ComBat ends
BatchMethod = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
BATCH_METHODS: Registry[BatchMethod] = Registry("batch method")
"""By name, from values ``(n, g)`` and each sample's batch to factor and offset, both ``(b, g)``."""


@BATCH_METHODS.register("mean", doi="10.1093/nar/gkv007")
def _mean(y_ng: np.ndarray, batch_n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every batch gets the mean of all samples, gene by gene."""
    mean_bg = np.stack([y_ng[batch_n == b].mean(0) for b in range(batch_n.max() + 1)])
    return np.ones_like(mean_bg), y_ng.mean(0) - mean_bg


@BATCH_METHODS.register("combat", doi="10.1093/biostatistics/kxj037")
def combat(y_ng: np.ndarray, batch_n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factor and offset of each batch and gene by parametric empirical Bayes, Johnson et al. 2007.

    Estimated as a map, so that it can be stored and given to a single new sample of a known batch. No library that
    does this could be depended on: neuroCombat 0.2.12 corrects only the samples it is fitted on, neuroHarmonize 2.5.2
    needs NumPy below 2, inmoose is under the GPL, and combatlearn 2.3.0 shrinks each gene over batches where the paper
    shrinks each batch over genes, which moved corrected values by up to 0.87 (root mean square 0.14) on 60 simulated
    samples of unit spread. These numbers are neuroCombat's to 3e-5, where its rounds end, at a seventh of its time.

    Parameters
    ----------
    y_ng
        Values on the log2 scale; genes that vary in no batch are only shifted.
    batch_n
        Number of each sample's batch, from 0 on; two samples or more in each.

    Returns
    -------
    ``factor_bg``, ``offset_bg``: corrected values are ``y * factor + offset``.

    References
    ----------
    Johnson, Li, Rabinovic 2007, doi 10.1093/biostatistics/kxj037.
    """
    size_b = np.bincount(batch_n)
    mean_bg = np.stack([y_ng[batch_n == b].mean(0) for b in range(len(size_b))])
    grand_g = y_ng.mean(0)
    pooled_g = np.sqrt(((y_ng - mean_bg[batch_n]) ** 2).mean(0))
    pooled_g = np.where(pooled_g > 0, pooled_g, 1.0)
    s_ng = (y_ng - grand_g) / pooled_g
    stars = [_shrunk(s_ng[batch_n == b]) for b in range(len(size_b))]
    gamma_bg, delta_bg = (np.stack(parts) for parts in zip(*stars, strict=True))
    factor_bg = 1.0 / np.sqrt(delta_bg)
    return factor_bg, grand_g * (1 - factor_bg) - gamma_bg * factor_bg * pooled_g


def _shrunk(s_mg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Location and variance of one batch after shrinkage, shape ``(g,)`` each."""
    m = len(s_mg)
    gamma_hat, delta_hat = s_mg.mean(0), s_mg.var(0, ddof=1)
    usable = delta_hat > 0
    gamma_bar, tau2 = gamma_hat[usable].mean(), gamma_hat[usable].var(ddof=1)
    mean, var = delta_hat[usable].mean(), delta_hat[usable].var(ddof=1)
    a, b = (2 * var + mean**2) / var, (mean * var + mean**3) / var
    gamma, delta = gamma_hat, np.where(usable, delta_hat, 1.0)
    for _ in range(_ROUNDS):
        gamma_new = (tau2 * m * gamma_hat + delta * gamma_bar) / (tau2 * m + delta)
        squares = ((s_mg - gamma_new) ** 2).sum(0)
        delta_new = (0.5 * squares + b) / (m / 2 + a - 1)
        moved = max(np.abs(gamma_new - gamma).max(), np.abs(delta_new / delta - 1).max())
        gamma, delta = gamma_new, delta_new
        if moved < _CLOSE:
            break
    return np.where(usable, gamma, gamma_hat), np.where(usable, delta, 1.0)


@dataclass(frozen=True)
class Adjust:
    """What to take off: obs columns, and how a batch is treated.

    Parameters
    ----------
    covariates
        Columns whose linear effect is regressed out; numbers as they are, anything else as levels. Never the
        disease that a study asks about, nor what goes with it.
    batch
        Column that names each sample's batch.
    method
        What is done about the batch: ``"mean"`` or ``"combat"``, see ``BATCH_METHODS``.

    Examples
    --------
    >>> import genelight as gl
    >>> settings = gl.pp.PreparationSettings(adjust=gl.pp.Adjust(covariates=["age"]))
    >>> settings.adjust.covariates
    ['age']
    """

    covariates: Sequence[str] = ()
    batch: str | None = None
    method: str = "mean"


@dataclass(frozen=True)
class Adjustment:
    """Effects that were learned; only samples whose columns have known levels can be adjusted.

    Attributes
    ----------
    levels
        Of each covariate its levels, the first being the one compared with; none for numbers.
    centre_c, effect_cg
        Mean of each column of the design, and what one unit of it adds to each gene.
    batch, batches, method
        The batch's column, its levels, and how it was treated.
    factor_bg, offset_bg
        What each batch's values are multiplied by and shifted by afterwards.
    """

    levels: dict[str, list[str]]
    centre_c: np.ndarray
    effect_cg: np.ndarray
    batch: str | None
    batches: tuple[str, ...]
    method: str
    factor_bg: np.ndarray
    offset_bg: np.ndarray

    @classmethod
    def of(cls, y_ng: np.ndarray, obs: pd.DataFrame, what: Adjust) -> Adjustment:
        """Learn the effects.

        Raises
        ------
        UnknownNameError
            If a column or the method does not exist.
        InputError
            If values are missing, a batch has fewer than two samples, there is only one, or covariates and batch
            cannot be told apart.
        """
        method = BATCH_METHODS[what.method]
        check_filled(*((obs, name, "covariate") for name in what.covariates), (obs, what.batch, "batch"))
        levels = {name: _levels(check_column(obs, name, role="covariate")) for name in what.covariates}
        design_nc = _design(obs, levels)
        batches, batch_n = _batches(obs, what.batch)
        blocks_nb = np.eye(len(batches) or 1)[batch_n]
        full = np.hstack([blocks_nb, design_nc])
        if np.linalg.matrix_rank(full - full.mean(0)) < full.shape[1] - 1:
            msg = (
                f"the covariates {', '.join(what.covariates)}{f' and the batch {what.batch!r}' if what.batch else ''} "
                "cannot be told apart (one follows from the others, or does not vary); leave one out"
            )
            raise InputError(msg)
        centre_c = design_nc.mean(0)
        effect_cg = np.linalg.lstsq(full, y_ng, rcond=None)[0][blocks_nb.shape[1] :]
        rest_ng = y_ng - (design_nc - centre_c) @ effect_cg
        empty = np.zeros((0, y_ng.shape[1]))
        factor_bg, offset_bg = method(rest_ng, batch_n) if what.batch else (empty, empty)
        return cls(levels, centre_c, effect_cg, what.batch, batches, what.method, factor_bg, offset_bg)

    def apply(self, y_ng: np.ndarray, obs: pd.DataFrame, there_g: np.ndarray) -> np.ndarray:
        """Values without the effects, each sample by itself.

        Parameters
        ----------
        y_ng
            Values of the genes that are there.
        obs
            Sample table with the columns that were fitted.
        there_g
            Which of the fitted genes those are.

        Raises
        ------
        UnknownNameError
            If a column is not there.
        InputError
            If a value is missing, or a level was not among the fitted samples.
        """
        y_ng = y_ng - (_design(obs, self.levels) - self.centre_c) @ self.effect_cg[:, there_g]
        if self.batch is None:
            return y_ng
        batch = check_column(obs, self.batch, role="batch").astype(str)
        _check_levels(batch, self.batches, self.batch)
        index = pd.Index(self.batches).get_indexer(pd.Index(batch))
        return y_ng * self.factor_bg[index][:, there_g] + self.offset_bg[index][:, there_g]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in vars(self).items()}

    @classmethod
    def from_dict(cls, content: Any, genes: int) -> Adjustment:
        """What :meth:`to_dict` gave, for so many genes."""
        arrays = {
            name: np.asarray(content[name], dtype=np.float64).reshape(-1, genes)
            for name in ("effect_cg", "factor_bg", "offset_bg")
        }
        return cls(
            levels={str(name): [str(level) for level in levels] for name, levels in content["levels"].items()},
            centre_c=np.asarray(content["centre_c"], dtype=np.float64),
            batch=content["batch"],
            batches=tuple(content["batches"]),
            method=content["method"],
            **arrays,
        )


def _levels(column: pd.Series) -> list[str]:
    if column.nunique() < 2:
        msg = f"covariate {column.name!r} has only the value {column.iloc[0]}; nothing goes with it, leave it out"
        raise InputError(msg)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return []
    return sorted(column.astype(str).unique())


def _design(obs: pd.DataFrame, levels: dict[str, list[str]]) -> np.ndarray:
    """A column for each number, and one for each level but the first."""
    columns = [np.zeros((len(obs), 0))]
    for name, known in levels.items():
        column = check_column(obs, name, role="covariate")
        if not known:
            columns.append(_numbers(column, name)[:, None])
            continue
        _check_levels(column.astype(str), known, name)
        columns.append((column.astype(str).to_numpy()[:, None] == np.asarray(known[1:], dtype=object)).astype(float))
    return np.hstack(columns)


def _numbers(column: pd.Series, name: str) -> np.ndarray:
    number = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    if not np.isfinite(number).all():
        first = column[~np.isfinite(number)].iloc[0]
        msg = f"covariate {name!r} was a number in the fitted samples, but {first!r} is none"
        raise InputError(msg)
    return number


def _batches(obs: pd.DataFrame, column: str | None) -> tuple[tuple[str, ...], np.ndarray]:
    if column is None:
        return (), np.zeros(len(obs), dtype=np.int64)
    batch = check_column(obs, column, role="batch").astype(str)
    counts = batch.value_counts()
    if len(counts) < 2 or counts.min() < 2:
        few = first_three(sorted(counts.index[counts < 2]))
        found = f"{few} with a single sample" if few else f"only {counts.index[0]}"
        msg = f"batch column {column!r} has {found}; two batches of two samples or more are needed"
        raise InputError(msg)
    batches = tuple(sorted(counts.index))
    return batches, pd.Index(batches).get_indexer(pd.Index(batch))


def _check_levels(column: pd.Series, known: Sequence[str], name: str) -> None:
    new = sorted(set(column) - set(known))
    if new:
        msg = (
            f"obs column {name!r} has {first_three(new)}, which no fitted sample had ({first_three(known)}); what goes "
            "with it is not known: prepare anew with such samples, or without this column"
        )
        raise InputError(msg)
