"""Samples, subjects and patients: held-out figures, scores by group, calibration, the course of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..nouns.labels import method_label
from ._strip import spread
from ._style import ACCENT, INK, SERIES, SOFT, axes_or_new, dress, name_rows, note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from ..nouns import Severity

_METRICS = {
    "auc": "AUC, held-out subjects",
    "r2": "R², held-out subjects",
    "replication": "rank correlation, held-out subjects",
    "overlap": "share of genes found again",
}
_CHANCE = {"auc": 0.5, "replication": 0.0}


def held_out(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    metric: str = "auc",
    highlight: str = "",
    whole: Mapping[str, float] | None = None,
) -> Axes:
    """Methods side by side on held-out subjects: a small dot per fold, a large one for all of them.

    `table` has columns ``method``, ``fold``, ``metric``, ``value``; the method to `highlight` is drawn in colour.
    Large dots are each method's figure over all folds together where `whole` has it, else the mean over folds. The
    best stands on top; a dashed line marks chance where there is one.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({"method": ["de", "pca"], "fold": 0, "metric": "auc", "value": [0.7, 0.9]})
    >>> [t.get_text() for t in held_out(table, Figure().subplots()).get_yticklabels()]
    ['PCA', 'differential expression']
    """
    rows = table[(table["metric"] == metric) & table["value"].notna()]
    means = rows.groupby("method", sort=False)["value"].mean()
    for name, value in (whole or {}).items():
        means.loc[name] = value
    means = means.sort_values(ascending=False, kind="stable")
    ax = axes_or_new(ax, size=(4.8, 0.7 + 0.3 * len(means)))
    for y, (method, mean) in enumerate(means.items()):
        values = rows.loc[rows["method"] == method, "value"]
        colour = ACCENT if method == highlight else SOFT
        ax.scatter(values, y + spread(len(values), width=0.3), s=14, color=colour, edgecolor="none", alpha=0.45)
        ax.scatter([mean], [y], s=52, color=colour, edgecolor="none")
    if metric in _CHANCE and len(means):
        ax.axvline(_CHANCE[metric], color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)))
    name_rows(ax, [method_label(str(m)) for m in means.index])
    dress(ax, grid="x")
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel(_METRICS.get(metric, metric))
    return ax


def scores(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Module scores by group: a dot per sample over a box of quartiles; no sample is named.

    `table` has columns ``group`` and ``score``, and one method's rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({"group": ["case", "control", "case"], "score": [2.0, 0.1, 1.4]})
    >>> [t.get_text() for t in scores(table, Figure().subplots()).get_xticklabels()]
    ['control', 'case']
    """
    groups = sorted(dict.fromkeys(table["group"]), key=str, reverse=True)
    ax = axes_or_new(ax, size=(4.8, 3.2))
    for x, group in enumerate(groups):
        values = table.loc[table["group"] == group, "score"].dropna().sort_values()
        colour = SOFT if group != groups[-1] else INK
        at = x + spread(len(values), width=0.36)
        ax.scatter(at, values, s=13, color=colour, edgecolor="none", alpha=0.6)
        lines = {"color": INK, "linewidth": 1.0}
        ax.boxplot(
            [values],
            positions=[x],
            widths=0.5,
            showfliers=False,
            boxprops=lines,
            whiskerprops=lines,
            capprops=lines,
            medianprops={"color": INK, "linewidth": 2.2},
        )
    ax.set_xticks(range(len(groups)), [str(g) for g in groups], parse_math=False)
    ax.set_xlim(-0.6, len(groups) - 0.4)
    dress(ax, grid="y")
    ax.set_ylabel("module score, out of fold")
    return ax


def history(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """The course of training: every column with R² in it, or every loss or error where there is none.

    `table` has columns ``epoch`` and any of ``r2``, ``…_r2``, ``…_loss``, ``…_error``.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> history(pd.DataFrame({"epoch": [0, 1], "train_loss": [2.0, 1.0]}), Figure().subplots()).get_ylabel()
    'loss'
    """
    ax = axes_or_new(ax, size=(4.8, 3.0))
    named = {unit: [c for c in table if unit in str(c)] for unit in ("r2", "loss", "error")}
    unit, columns = next(((u, c) for u, c in named.items() if c), ("", []))
    for column, colour in zip(columns, SERIES * (1 + len(columns) // len(SERIES)), strict=False):
        label = str(column).replace("_", " ").replace("r2", "R²").replace("pca", "PCA")
        seen = table[[column, "epoch"]].dropna()
        ax.plot(seen["epoch"], seen[column], color=colour, linewidth=1.8, label=label)
    dress(ax, grid="y")
    ax.set_xlabel("epoch")
    ax.set_ylabel(unit.replace("r2", "R²"))
    if len(columns) > 1:
        ax.legend(frameon=False, fontsize="small")
    return ax


def calibration(severity: Severity, ax: Axes | None = None) -> Axes:
    """Held-out scores in fifths against the measure there, with 95% intervals over subjects.

    Parameters
    ----------
    severity
        What :func:`genelight.patients.severity` found.
    ax
        Where to draw; a new figure otherwise.

    Returns
    -------
    The axes. The dashed line, where the score is an estimate of the measure, is where both are equal.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> plan = gl.patients.Protocol(folds=3, draws=0)
    >>> model = gl.models.PCA(8).fit(adata)
    >>> hours = gl.patients.severity(adata, model, measure="hours", subject="subject", protocol=plan)
    >>> gl.pl.calibration(hours, Figure().subplots()).get_ylabel()
    'hours'
    """
    ax = axes_or_new(ax, size=(4.8, 3.4))
    table = severity.calibration
    score, measure = table["score"].to_numpy(), table["measure"].to_numpy()
    off_2n = np.stack([measure - table["low"].to_numpy(), table["high"].to_numpy() - measure])
    if len(severity.residuals):
        span = (min(score.min(), measure.min()), max(score.max(), measure.max()))
        ax.plot(span, span, color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)))
    ax.plot(score, measure, color=ACCENT, linewidth=1.2)
    ax.errorbar(score, measure, yerr=off_2n, fmt="o", color=ACCENT, ecolor=INK, elinewidth=1.0, markersize=6)
    dress(ax, grid="y")
    ax.set_xlabel("score, held out")
    ax.set_ylabel(severity.shown, parse_math=False)
    return ax


def patients(table: pd.DataFrame, ax: Axes | None = None, *, marked: Sequence[str] = ()) -> Axes:
    """Every patient's highest held-out score in ascending order, with its interval.

    `table` has one row per patient: ``score``, ``low``, ``high`` (may be missing). The patients with the highest
    scores, named in `marked` with the highest first, are drawn in colour.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({"score": [2.0, 1.0], "low": [1.0, 0.0], "high": [3.0, 2.0]})
    >>> [t.get_text() for t in patients(table, Figure().subplots(), marked=["7"]).texts]
    ['7']
    """
    ax = axes_or_new(ax, size=(7.2, 3.2))
    rows = table.sort_values("score", kind="stable")
    score_n, at_n = rows["score"].to_numpy(), np.arange(len(rows))
    high_n = at_n >= len(rows) - len(marked)
    for mask_n, colour in ((~high_n, SOFT), (high_n, ACCENT)):
        ax.vlines(at_n[mask_n], rows["low"][mask_n], rows["high"][mask_n], color=colour, linewidth=1.0, alpha=0.4)
        ax.scatter(at_n[mask_n], score_n[mask_n], s=16, color=colour, edgecolor="none")
    for i, name in enumerate(marked[: len(rows)]):
        note(ax, name, (at_n[-1 - i], score_n[-1 - i]), right=False)
    dress(ax, grid="y")
    ax.set_xticks([])
    ax.set_xlabel(f"{len(rows)} patients, by their highest score")
    ax.set_ylabel("score, held out")
    return ax
