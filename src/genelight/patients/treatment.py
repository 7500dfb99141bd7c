"""Which programmes differ between treated and untreated visits, and how they change over a subject's time."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from .._core.checks import check_column
from ..errors import InputError
from ..nodes.layers import check_layer, node_names
from ..nouns import Contrast, Model, Severity
from ..nouns.changes import Changes, ranked
from ..nouns.contrast import check_contrast
from ..nouns.model import bottleneck
from ._parts import features_of

__all__ = ["OBSERVED", "contrast", "trajectories"]

OBSERVED = (
    "Observational: who was treated was not drawn by lot, so a difference may be that between the people or the times "
    "that were treated. Adjusting takes off only what was measured."
)
LEAST_VISITS, LEAST_SUBJECTS = 3, 5


def contrast(
    adata: AnnData, model: Model, *, treatment: Contrast, adjust: Sequence[str] = (), layer: str | None = None
) -> Changes:
    """Compare programmes between treated and untreated visits, subjects with several visits taken as such.

    Each node's code is explained by the treatment and the columns to adjust for, with an intercept of its own for every
    subject (a linear mixed model by REML, statsmodels). Before and after, and responders against others, are the same
    question with other queries. Where every subject has one visit, as of responders before treatment, it is a linear
    model by least squares; ``about["by"]`` says which.

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
    One row per node; effects above zero are higher under treatment. ``about["warning"]`` says what such data cannot.

    Raises
    ------
    UnknownNameError
        If a column or layer does not exist.
    InputError
        If values are missing, each sample counts as a subject of its own, or statsmodels is not installed.

    References
    ----------
    Laird and Ware 1982, doi 10.2307/2529876.

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
    subjects = len(np.unique(subject_n))
    if np.array_equal(treatment.subject_n, adata.obs_names.astype(str)):
        msg = (
            f"each of {subjects} samples counts as a subject; name the column that says whose a sample is: subject=..."
        )
        raise InputError(msg)
    obs = adata.obs.iloc[used]
    for name in adjust:
        check_column(obs, name, role="adjust")
    design = _design(treatment.case_n[used], obs[list(adjust)])
    h_nk = model.encode(model.prepare(adata[used]), layer).astype(np.float64)
    rows = [
        {"name": name, **_effect(h_nk[:, k], design, subject_n)}
        for k, name in enumerate(node_names(model, layer))
        if np.ptp(h_nk[:, k]) > 0
    ]
    about: dict[str, Any] = {"question": treatment.name, "adjusted": list(adjust), "layer": layer}
    about |= {"model_digest": model.digest, "by": "least squares" if subjects == len(used) else "mixed model"}
    about |= {"samples": len(used), "subjects": subjects, "warning": OBSERVED}
    return Changes(ranked(rows), about)


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
        If times are missing or text, or fewer than five subjects have three visits.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.models.PCA(2).fit(adata)
    >>> len(gl.patients.trajectories(adata, model, time="hours", subject="subject").table)
    2
    """
    layer = check_layer(model, bottleneck(model) if layer is None else layer)
    when_n = pd.to_numeric(check_column(adata.obs, time, role="time"), errors="coerce").to_numpy(np.float64)
    if not np.isfinite(when_n).all():
        msg = f"time column {time!r} holds text, first {adata.obs[time][~np.isfinite(when_n)].iloc[0]!r}; give numbers"
        raise InputError(msg)
    subject_n = np.asarray(check_column(adata.obs, subject, role="subject").astype(str))
    rows_s = [np.flatnonzero(subject_n == s) for s in np.unique(subject_n)]
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


def _design(treated_n: np.ndarray, columns: pd.DataFrame) -> pd.DataFrame:
    numbers = pd.get_dummies(columns, drop_first=True, dtype=float) if len(columns.columns) else columns
    numbers = (numbers - numbers.mean()) / numbers.std().replace(0.0, 1.0)
    return numbers.reset_index(drop=True).assign(intercept=1.0, treated=treated_n.astype(float))


def _effect(code_n: np.ndarray, design: pd.DataFrame, subject_n: np.ndarray) -> dict[str, float]:
    """Effect of treatment on one code; NaN where the model does not converge."""
    try:
        mixed = import_module("statsmodels.regression.mixed_linear_model")
        linear = import_module("statsmodels.regression.linear_model")
    except ImportError as error:
        msg = f"mixed models need statsmodels, which is not here ({error}); pip install 'genelight[patients]'"
        raise InputError(msg) from error
    with warnings.catch_warnings():
        # A variance between subjects of zero is a fit like any other; one that fails says so by its flag.
        warnings.simplefilter("ignore")
        if len(np.unique(subject_n)) == len(subject_n):
            found = linear.OLS(code_n / code_n.std(), design).fit()
        else:
            found = mixed.MixedLM(code_n / code_n.std(), design, groups=subject_n).fit(reml=True)
    if not getattr(found, "converged", True):
        return dict.fromkeys(("effect", "low", "high", "p"), np.nan)
    low, high = found.conf_int().loc["treated"]
    return {
        "effect": float(found.params["treated"]),
        "low": float(low),
        "high": float(high),
        "p": float(found.pvalues["treated"]),
    }


def _slopes(value_n: np.ndarray, when_n: np.ndarray, several: Sequence[np.ndarray]) -> dict[str, float]:
    slope_s = np.array([np.polyfit(when_n[rows], value_n[rows], 1)[0] for rows in several])
    bounds = stats.binom.interval(0.95, len(slope_s), 0.5)
    ordered = np.sort(slope_s)
    low, high = ordered[int(bounds[0])], ordered[min(int(bounds[1]), len(ordered) - 1)]
    p = stats.wilcoxon(slope_s).pvalue
    return {"effect": float(np.median(slope_s)), "low": float(low), "high": float(high), "p": float(p)}
