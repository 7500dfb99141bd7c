"""Response over cohorts: which programmes go with it, how a rule fares by cohort, calibration, net benefit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._core.tables import plain_text
from ._style import ACCENT, DOWN, FAINT, INK, OCHRE, SERIES, SOFT, TEAL, UP, dress, name_rows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..nouns import Response

MOST = 15
SIGNATURE = "interferon-gamma signature"


def forest(table: pd.DataFrame, ax: Axes) -> Axes:
    """The programmes with the smallest p: effect over cohorts with its 95% interval."""
    rows = table.head(MOST)
    at = np.arange(len(rows))
    effect, sure = rows["effect"].to_numpy(float), (rows["q"] <= 0.05).to_numpy()
    off_2n = np.stack([effect - rows["low"].to_numpy(float), rows["high"].to_numpy(float) - effect])
    colours = [(UP if e > 0 else DOWN) if s else SOFT for e, s in zip(effect, sure, strict=True)]
    ax.axvline(0, color=INK, linewidth=0.8)
    for i, colour in enumerate(colours):
        ax.errorbar(effect[i], at[i], xerr=off_2n[:, [i]], fmt="o", color=colour, elinewidth=1.2, markersize=5)
    name_rows(ax, [plain_text(str(name)) for name in rows["name"]])
    dress(ax, grid="x")
    ax.set_xlabel("responders less others, standard deviations")
    return ax


def one_forest(effects: pd.DataFrame, whole: pd.Series, ax: Axes) -> Axes:
    """One programme in every cohort, each with its 95% interval, and over all of them."""
    rows = effects.dropna(subset="effect")
    effect, reach = rows["effect"].to_numpy(float), 1.96 * rows["se"].to_numpy(float)
    at = np.arange(len(rows))
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.errorbar(effect, at, xerr=reach, fmt="s", color=TEAL, ecolor=SOFT, elinewidth=1.0, markersize=4)
    own = np.array([[whole["effect"] - whole["low"]], [whole["high"] - whole["effect"]]], dtype=float)
    ax.errorbar([whole["effect"]], [len(rows)], xerr=own, fmt="D", color=ACCENT, elinewidth=1.6, markersize=7)
    name_rows(ax, [*rows["cohort"].astype(str), "over all cohorts"])
    dress(ax, grid="x")
    ax.set_xlabel("responders less others, standard deviations")
    return ax


def auc_by_cohort(found: Response, ax: Axes, *, methods: tuple[str, ...]) -> Axes:
    """AUC on each cohort when it was left out, by some methods; larger dots are larger cohorts."""
    at = np.arange(len(found.cohorts))
    size = 12 + 1.6 * found.cohorts["samples"].to_numpy(float)
    ax.axvline(0.5, color=INK, linewidth=0.8)
    for shift, (method, colour) in enumerate(zip(methods, (TEAL, ACCENT, OCHRE), strict=False)):
        ax.scatter(found.cohorts[method], at + 0.18 * (shift - 0.5), s=size, color=colour, alpha=0.85, label=method)
    name_rows(ax, [f"{r.cohort} ({r.responders} of {r.samples})" for r in found.cohorts.itertuples()])
    dress(ax, grid="x")
    ax.set_xlim(0, 1)
    ax.set_xlabel("AUC on the cohort left out")
    ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0, 1))
    return ax


def learning(found: Response, ax: Axes) -> Axes:
    """AUC on cohorts left out by how many others were learned from; the signature learns nothing."""
    ours = found.curve["method"] == SIGNATURE
    ax.axhline(0.5, color=INK, linewidth=0.8)
    ax.axhline(float(found.curve.loc[ours, "auc"].iloc[0]), color=TEAL, linewidth=2.4, alpha=0.5, label="signature")
    colours = SERIES[1:]  # the first is the signature's
    for (name, rows), colour in zip(found.curve[~ours].groupby("method", sort=False), colours, strict=False):
        ax.plot(rows["cohorts"], rows["auc"], marker="o", markersize=4, color=colour, linewidth=1.2, label=str(name))
    dress(ax, grid="y")
    ax.set_xticks(sorted(found.curve["cohorts"].unique()))
    ax.set_xlabel("cohorts learned from")
    ax.set_ylabel("AUC, cohorts left out")
    ax.legend(frameon=False, fontsize="x-small")
    return ax


def probabilities(table: pd.DataFrame, ax: Axes) -> Axes:
    """Fifths of the probability against the share that responded; on the dashed line both are equal."""
    ax.plot((0, 1), (0, 1), color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)))
    for (name, rows), colour in zip(table.groupby("which", sort=False), (OCHRE, TEAL), strict=False):
        ax.plot(rows["probability"], rows["share"], marker="o", color=colour, linewidth=1.2, label=str(name))
    dress(ax, grid="y")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_xlabel("probability, cohort left out")
    ax.set_ylabel("share that responded")
    ax.legend(frameon=False, fontsize="small")
    return ax


def decision(table: pd.DataFrame, ax: Axes) -> Axes:
    """Net benefit by threshold, beside treating all and none, and the local share of responders alone."""
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.plot(table["threshold"], table["treat_all"], color=SOFT, linewidth=1.2, label="treat all")
    if "local_share" in table:
        ax.plot(table["threshold"], table["local_share"], color=OCHRE, linewidth=1.2, label="local share alone")
    ax.plot(table["threshold"], table["signature"], color=TEAL, linewidth=2.4, alpha=0.5, label="signature")
    ax.plot(table["threshold"], table["rule"], color=ACCENT, linewidth=1.4, label="recommended rule")
    low = min(-0.05, float(table["rule"].min()))
    ax.set_ylim(low - 0.02, max(0.05, float(table[["rule", "treat_all"]].max().max())) + 0.03)
    ax.fill_between(table["threshold"], low - 0.02, 0, color=FAINT, alpha=0.35, linewidth=0)
    dress(ax, grid="y")
    ax.set_xlabel("probability from which one would treat")
    ax.set_ylabel("net benefit")
    ax.legend(frameon=False, fontsize="small")
    return ax
