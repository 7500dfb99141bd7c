"""Samples and subjects: held-out figures, scores by group, the course of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..nouns.labels import method_label
from ._strip import spread
from ._style import ACCENT, INK, SERIES, SOFT, axes_or_new, dress, name_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["held_out", "history", "scores"]

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

    Parameters
    ----------
    table
        Columns ``method``, ``fold``, ``metric``, ``value``.
    ax
        Where to draw; a new figure otherwise.
    metric
        ``"auc"``, ``"replication"``, ``"r2"``, ``"overlap"`` or any other in the table.
    highlight
        The method to draw in colour.
    whole
        Each method's figure over all folds together, for the large dots; by default the mean over folds.

    Returns
    -------
    The axes, the best on top; a dashed line marks chance where there is one.

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

    Parameters
    ----------
    table
        Columns ``group`` and ``score``; one method's rows.
    ax
        Where to draw; a new figure otherwise.

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

    Parameters
    ----------
    table
        Columns ``epoch`` and any of ``r2``, ``…_r2``, ``…_loss``, ``…_error``.
    ax
        Where to draw; a new figure otherwise.

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
