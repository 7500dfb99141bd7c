"""Which programmes differ between treated and untreated visits, and how they change over a subject's time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from .._core.checks import check_column, check_filled
from ..errors import InputError, first_three
from ..nodes.layers import check_layer, node_names
from ..nouns import Contrast, Model, Severity
from ..nouns.changes import Changes, ranked
from ..nouns.contrast import check_contrast, persons
from ..nouns.model import bottleneck
from ..stats.intervals import median_interval
from ..stats.mixed import random_intercept
from ..stats.subjects import count_subjects, rows_of_subjects
from ._parts import features_of

__all__ = ["OBSERVED", "contrast", "trajectories"]

OBSERVED = (
    "Observational: who was treated was not drawn by lot, so a difference may be that between the people or the times "
    "that were treated. Adjusting takes off only what was measured."
)
LEAST_VISITS, LEAST_SUBJECTS = 3, 6
LEAST_DF, COLLINEAR, TREATED = 2, 1e-8, 1


def contrast(
    adata: AnnData, model: Model, *, treatment: Contrast, adjust: Sequence[str] = (), layer: str | None = None
) -> Changes:
    """Compare programmes between treated and untreated visits, subjects with several visits taken as such.

    Each node's code is explained by the treatment and the columns to adjust for, with an intercept of its own for every
    subject: a linear mixed model by restricted maximum likelihood, with the standard errors and degrees of freedom of
    Kenward and Roger, so that p is right with few subjects too (study ``calibration``). Before and after, and
    responders against others, are the same question with other queries. Where every subject has one visit, as of
    responders before treatment, it is a linear model by least squares; ``about["by"]`` says which.

    Parameters
    ----------
    adata
        Samples x genes.
    model
        A trained model.
    treatment
        Treated visits as cases, untreated ones as controls, and whose they are.
    adjust
        Columns of ``obs``: severity, age, batch. Numbers enter linearly, text by level.
    layer
        Whose nodes to compare, by default the last layer's.

    Returns
    -------
    One row per node; effects above zero are higher under treatment. ``about["df"]`` has the fewest and most degrees of
    freedom, ``about["warning"]`` says what such data cannot.

    Raises
    ------
    UnknownNameError
        If a column or layer does not exist.
    InputError
        If values are missing or infinite, each sample counts as a subject of its own, or the design cannot tell the
        treatment from a column: names columns that are constant, follow from others or go wholly with the treatment.

    References
    ----------
    Laird and Ware 1982, doi 10.2307/2529876; Kenward and Roger 1997, doi 10.2307/2533558.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.models.PCA(2).fit(adata)
    >>> late = gl.Contrast.of(adata.obs, case="hours >= 60", control="hours <= 12", subject="subject")
    >>> gl.patients.contrast(adata, model, treatment=late, adjust=["age"]).table.columns[0]
    'name'
    """
    check_contrast(adata, treatment)
    layer = check_layer(model, bottleneck(model) if layer is None else layer)
    used = np.flatnonzero(treatment.used_n)
    subject_n = treatment.subject_n[used]
    subjects = count_subjects(subject_n)
    if np.array_equal(treatment.subject_n, adata.obs_names.astype(str)):
        msg = (
            f"each of {subjects} samples counts as a subject; name the column that says whose a sample is: subject=..."
        )
        raise InputError(msg)
    obs = adata.obs.iloc[used]
    check_filled(*((obs, name, "adjust") for name in adjust))
    for name in adjust:
        check_column(obs, name, role="adjust")
    design = _design(treatment.case_n[used], obs[list(adjust)], subject_n)
    h_nk = model.encode(model.prepare(adata[used]), layer).astype(np.float64)
    moves_k = np.ptp(h_nk, axis=0) > 0
    h_nk = h_nk[:, moves_k] / h_nk[:, moves_k].std(0)
    found = random_intercept(h_nk, design, subject_n, column=TREATED)
    low_k, high_k = found.interval()
    names = np.asarray(node_names(model, layer), dtype=object)[moves_k]
    columns = {"name": names, "effect": found.value, "low": low_k, "high": high_k, "p": found.p}
    about: dict[str, Any] = {"question": treatment.name, "adjusted": list(adjust), "layer": layer}
    about |= {"model_digest": model.digest, "by": "least squares" if subjects == len(used) else "mixed model"}
    about |= {"samples": len(used), "subjects": subjects, "df": [float(found.df.min()), float(found.df.max())]}
    about["warning"] = OBSERVED
    return Changes(ranked(pd.DataFrame(columns)), about)


def trajectories(
    adata: AnnData, model: Model, *, time: str, subject: str, severity: Severity | None = None, layer: str | None = None
) -> Changes:
    """Test whether programmes, and severity, change over a subject's own time.

    Each subject's slope over its visits is one value; whether slopes lie on one side of zero is tested by Wilcoxon's
    signed-rank test over subjects, so that what differs between subjects plays no part.

    Parameters
    ----------
    adata
        Samples x genes.
    model
        A trained model.
    time
        Column of ``obs`` with numbers.
    subject
        Column that says whose sample it is; subjects with fewer than three visits at different times are left out.
    severity
        Frozen score to follow beside the nodes.
    layer
        Whose nodes to follow, by default the last layer's.

    Returns
    -------
    One row per node and one for severity: ``effect`` is the median slope in standard deviations per unit of time, with
    the 95% interval of the median.

    Raises
    ------
    UnknownNameError
        If a column or layer does not exist.
    InputError
        If times are missing or text, or fewer than six subjects have three visits.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.models.PCA(2).fit(adata)
    >>> len(gl.patients.trajectories(adata, model, time="hours", subject="subject").table)
    2
    """
    layer = check_layer(model, bottleneck(model) if layer is None else layer)
    check_filled((adata.obs, time, "time"), (adata.obs, subject, "subject"))
    when_n = pd.to_numeric(check_column(adata.obs, time, role="time"), errors="coerce").to_numpy(np.float64)
    if not np.isfinite(when_n).all():
        msg = f"time column {time!r} holds text, first {adata.obs[time][~np.isfinite(when_n)].iloc[0]!r}; give numbers"
        raise InputError(msg)
    subject_n = persons(adata.obs, subject)
    rows_s = rows_of_subjects(subject_n)
    several = [rows for rows in rows_s if len(np.unique(when_n[rows])) >= LEAST_VISITS]
    if len(several) < LEAST_SUBJECTS:
        msg = (
            f"{len(several)} of {len(rows_s)} subjects have {LEAST_VISITS} visits at different times, at "
            f"least {LEAST_SUBJECTS} are needed"
        )
        raise InputError(msg)
    x_ng = model.prepare(adata)
    follow = dict(zip(node_names(model, layer), model.encode(x_ng, layer).astype(np.float64).T, strict=True))
    if severity is not None:
        follow["severity"] = severity.score(features_of(model, x_ng, severity.parts))
    rows = [{"name": name, **_slopes(v / v.std(), when_n, several)} for name, v in follow.items() if v.std() > 0]
    about = {"question": f"change over {time}", "layer": layer, "model_digest": model.digest, "subjects": len(several)}
    return Changes(ranked(rows), about)


def _design(treated_n: np.ndarray, columns: pd.DataFrame, subject_n: np.ndarray) -> np.ndarray:
    """Intercept, treatment and the columns to adjust for, text by level, shape ``(n, p)``.

    Stops where a column says nothing or nothing of its own, goes wholly with the treatment, or too few samples or
    subjects are left.
    """
    names, parts_n = ["intercept", "the treatment"], [np.ones(len(treated_n)), treated_n.astype(np.float64)]
    for name, column in columns.items():
        for level, value_n in _coded(str(name), column).items():
            names.append(level)
            parts_n.append(value_n)
    x_np = np.column_stack(parts_n)
    _check_apart(x_np[:, [0, *range(2, len(names))]], names[:1] + names[2:])
    if np.linalg.matrix_rank(x_np) < len(names):
        named = first_three([repr(str(name)) for name in columns])
        msg = (
            f"the treatment cannot be told from the adjust columns {named}: what they hold says who was treated; "
            "adjust for fewer columns, or compare visits in which they overlap"
        )
        raise InputError(msg)
    if len(x_np) - x_np.shape[1] < LEAST_DF:
        msg = (
            f"{len(x_np)} samples for {x_np.shape[1]} columns of the design ({first_three(names)}); adjust for fewer, "
            "or for columns with fewer levels"
        )
        raise InputError(msg)
    _check_between(x_np, subject_n)
    return x_np


def _coded(name: str, column: pd.Series) -> dict[str, np.ndarray]:
    """A column as numbers of mean 0 and standard deviation 1, text as one for each level but the first."""
    if pd.api.types.is_numeric_dtype(column):
        coded = {name: column.to_numpy(np.float64)}
    else:
        levels = pd.get_dummies(column.astype(str), drop_first=True, dtype=float)
        coded = {f"{name} = {level}": levels[level].to_numpy() for level in levels}
    for value_n in coded.values():
        wrong = int((~np.isfinite(value_n)).sum())
        if wrong:
            msg = f"adjust column {name!r} is infinite in {wrong} of {len(column)} samples; leave them out or mend it"
            raise InputError(msg)
    if not coded or all(np.ptp(value_n) == 0 for value_n in coded.values()):
        msg = (
            f"adjust column {name!r} has one value ({column.astype(object).iloc[0]!r}) in the {len(column)} samples "
            "that are compared, so there is nothing to adjust for; leave it out"
        )
        raise InputError(msg)
    return {level: (value_n - value_n.mean()) / value_n.std() for level, value_n in coded.items()}


def _check_apart(x_np: np.ndarray, names: Sequence[str]) -> None:
    """Stop where a column of a design follows from those before it; names these."""
    for p in range(1, x_np.shape[1]):
        before_np, own_n = x_np[:, :p], x_np[:, p]
        weight_p = np.linalg.lstsq(before_np, own_n, rcond=None)[0]
        if np.linalg.norm(own_n - before_np @ weight_p) <= COLLINEAR * np.linalg.norm(own_n):
            from_p = [name for name, weight in zip(names, weight_p, strict=False) if abs(weight) > COLLINEAR]
            msg = (
                f"adjust column {names[p]!r} follows from {first_three(from_p)}, so both cannot be adjusted for; "
                "leave one out"
            )
            raise InputError(msg)


def _check_between(x_np: np.ndarray, subject_n: np.ndarray) -> None:
    """Stop where the treatment differs between subjects alone, and they are too few for the columns that do."""
    frame = pd.DataFrame(x_np).groupby(subject_n)
    if frame[TREATED].nunique().max() > 1:
        return
    mean_sp = frame.mean().to_numpy()
    rank = int(np.linalg.matrix_rank(mean_sp))
    if len(mean_sp) - rank < LEAST_DF:
        msg = (
            f"no subject was seen both treated and untreated, and {len(mean_sp)} subjects are too few for the {rank} "
            "columns that differ between them; adjust for fewer"
        )
        raise InputError(msg)


def _slopes(value_n: np.ndarray, when_n: np.ndarray, several: Sequence[np.ndarray]) -> dict[str, float]:
    slope_s = np.array([np.polyfit(when_n[rows], value_n[rows], 1)[0] for rows in several])
    low, high = median_interval(slope_s)
    p = stats.wilcoxon(slope_s).pvalue
    return {"effect": float(np.median(slope_s)), "low": low, "high": high, "p": float(p)}
