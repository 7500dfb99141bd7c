"""One gene over several cohorts: what each says, what they say together, and what one more would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, UnknownNameError
from ._style import DOWN, FAINT, INK, SOFT, UP, axes_or_new, dress, name_rows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..nouns import Module

# Of a normal distribution: intervals of single cohorts are drawn from their standard errors.
REACH = 1.96
SMALLEST, LARGEST = 15.0, 110.0
UNITS = {"standardised": "standard deviations", "logfc": "log2 fold change"}


def forest(module: Module, gene: str, ax: Axes | None = None) -> Axes:
    """A gene's effect in every cohort of a module of several, with its mean and what one more cohort would have.

    Parameters
    ----------
    module
        What :func:`genelight.meta_module` found, or :meth:`genelight.Module.load` of it.
    gene
        One of its genes.
    ax
        Where to draw; a new figure otherwise.

    Returns
    -------
    The axes. A square is as large as its cohort's say in the mean; lines are 95% intervals. The diamond is the mean
    over cohorts with its interval, the bar below it where the true effect of one more cohort lies with 95%.

    Raises
    ------
    InputError
        If the module is not one of several cohorts.
    UnknownNameError
        If it has no such gene.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import numpy as np
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> late = adata[adata.obs["hours"] >= 45]
    >>> ill = {"case": 'condition == "symptomatic"', "control": 'condition == "asymptomatic"'}
    >>> halves = np.array_split(adata.obs["subject"].unique(), 2)
    >>> parts = {f"half {i}": late[late.obs["subject"].isin(half)].copy() for i, half in enumerate(halves)}
    >>> cohorts = {name: (part, gl.Contrast.of(part.obs, **ill, subject="subject")) for name, part in parts.items()}
    >>> ax = gl.pl.forest(gl.meta_module(cohorts, size=20), "IFI44L", Figure().subplots())
    >>> [text.get_text().splitlines()[0] for text in ax.get_yticklabels()]
    ['half 0', 'half 1', 'all']
    """
    cohorts = module.about.get("cohorts")
    if not cohorts or "effect" not in module.table:
        msg = f"the module {module.name!r} is of one cohort; a forest is drawn of what gl.meta_module found"
        raise InputError(msg)
    found = module.table[module.table["gene"] == gene]
    if found.empty:
        raise UnknownNameError("gene", gene, list(module.genes.ids))
    row = found.iloc[0]
    effect_c, se_c = (
        np.array([row[f"{what} {c['name']}"] for c in cohorts], dtype=np.float64) for what in ("effect", "se")
    )
    there_c = np.isfinite(effect_c)
    ax = axes_or_new(ax, size=(5.6, 1.4 + 0.36 * (len(cohorts) + 1)))
    ax.axvline(0, color=INK, linewidth=0.8)
    at_c = np.flatnonzero(there_c)
    effect_c, se_c = effect_c[there_c], se_c[there_c]
    ax.hlines(at_c, effect_c - REACH * se_c, effect_c + REACH * se_c, color=SOFT, linewidth=1.2)
    weight_c = 1 / (se_c**2 + np.nan_to_num(row["tau2"]))
    area_c = SMALLEST + (LARGEST - SMALLEST) * weight_c / weight_c.max()
    ax.scatter(effect_c, at_c, s=area_c, marker="s", color=[UP if e > 0 else DOWN for e in effect_c], zorder=3)
    for y in np.flatnonzero(~there_c):
        ax.annotate("not measured", (0, y), xytext=(4, 0), textcoords="offset points", va="center", color=SOFT)
    _mean(ax, row, len(cohorts))
    names = [f"{c['name']}\n{c['cases']} against {c['controls']}" for c in cohorts]
    name_rows(ax, [*names, "all"])
    ax.axhline(len(cohorts) - 0.5, color=FAINT, linewidth=0.9)
    dress(ax, grid="x")
    ax.tick_params(axis="y", labelsize="small")
    unit = UNITS.get(str(module.about.get("effect")), "")
    ax.set_xlabel(f"{unit} (right of zero: up in cases)")
    said = f"I² {row['i2']:.0%}, p of a difference between cohorts {row['heterogeneity_p']:.2g}"
    ax.set_title(
        f"{gene}    p {row['p']:.2g}, q {row['q']:.2g}\n{said}",
        loc="left",
        color=INK,
        fontsize="medium",
        parse_math=False,
    )
    return ax


def _mean(ax: Axes, row: pd.Series, y: int) -> None:
    """The diamond, and the bar of the next cohort under it."""
    low, mean, high = (float(row[c]) for c in ("low", "effect", "high"))
    colour = UP if mean > 0 else DOWN
    if np.isfinite(row["next_low"]):
        ax.plot((row["next_low"], row["next_high"]), (y + 0.34, y + 0.34), color=colour, linewidth=2.4, alpha=0.45)
    ax.fill((low, mean, high, mean), (y, y - 0.22, y, y + 0.22), color=colour, zorder=3)
