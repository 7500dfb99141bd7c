"""All nodes at once, one strip per layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._style import ACCENT, DOWN, INK, SOFT, UP, axes_or_new, dress, name_rows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

GOLDEN = 0.6180339887498949


def spread(n: int, *, width: float) -> np.ndarray:
    """Offsets within +-`width` / 2 that keep neighbours apart, the same every time; shape ``(n,)``."""
    return width * ((np.arange(1, n + 1) * GOLDEN) % 1.0 - 0.5)


def nodes(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """How far cases lie from controls on every node, one strip of dots per layer.

    `table` has columns ``node``, ``layer``, ``effect`` (standard deviations) and ``q``, as
    :func:`genelight.nodes.node_activity` gives them. Dots with q above 0.05 are faint, the strongest node of each
    layer is named.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({"node": ["L1.0", "L1.1"], "layer": "L1", "effect": [1.5, -0.2], "q": [0.01, 0.8]})
    >>> [t.get_text() for t in nodes(table, Figure().subplots()).texts]
    ['L1.0']
    """
    rows = list(dict.fromkeys(table["layer"]))
    ax = axes_or_new(ax, size=(4.8, 0.7 + 0.6 * len(rows)))
    for y, layer in enumerate(rows):
        part = table[(table["layer"] == layer) & table["effect"].notna()].sort_values("effect", kind="stable")
        at = y + spread(len(part), width=0.62)
        strong = (part["q"] <= 0.05).to_numpy()
        ax.scatter(part["effect"][~strong], at[~strong], s=14, color=SOFT, edgecolor="none", alpha=0.35)
        colours = [UP if e >= 0 else DOWN for e in part["effect"][strong]]
        ax.scatter(part["effect"][strong], at[strong], s=18, color=colours, edgecolor="none", alpha=0.85)
        if len(part):
            _name_strongest(ax, part, at)
    ax.axvline(0, color=INK, linewidth=0.8)
    name_rows(ax, rows)
    dress(ax, grid="x")
    ax.margins(x=0.12)
    ax.set_xlabel("cases against controls, standard deviations")
    return ax


def reproducibility(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """How well each node comes back when the model is refitted, one strip of dots per layer.

    Parameters
    ----------
    table
        Columns ``layer``, ``reproducibility``, ``null_mean`` and ``q``, as :func:`genelight.nodes.reproducibility`
        gives them; several models' tables may be joined.
    ax
        Where to draw; a new figure otherwise.

    Returns
    -------
    The axes; dots with q above 0.05 are faint, an upright line shows what arbitrary directions of the layer's space
    reach on average.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from genelight import pl
    >>> table = pd.DataFrame({"layer": "L1", "reproducibility": [0.9, 0.4], "null_mean": 0.35, "q": [0.01, 0.6]})
    >>> [t.get_text() for t in pl.reproducibility(table, Figure().subplots()).get_yticklabels()]
    ['L1']
    """
    rows = list(dict.fromkeys(table["layer"]))
    ax = axes_or_new(ax, size=(4.8, 0.7 + 0.6 * len(rows)))
    for y, layer in enumerate(rows):
        part = table[table["layer"] == layer].sort_values("reproducibility", kind="stable")
        at = y + spread(len(part), width=0.62)
        strong = (part["q"] <= 0.05).to_numpy()
        ax.scatter(part["reproducibility"][~strong], at[~strong], s=14, color=SOFT, edgecolor="none", alpha=0.35)
        ax.scatter(part["reproducibility"][strong], at[strong], s=18, color=ACCENT, edgecolor="none", alpha=0.85)
        chance = part["null_mean"].mean()
        ax.plot([chance, chance], [y - 0.38, y + 0.38], color=INK, linewidth=1.0)
    name_rows(ax, rows)
    dress(ax, grid="x")
    ax.set_xlim(0, 1.02)
    ax.set_xlabel("mean correlation with the matching node of other trainings")
    return ax


def _name_strongest(ax: Axes, part: pd.DataFrame, at: np.ndarray) -> None:
    i = int(np.argmax(part["effect"].abs().to_numpy()))
    ax.annotate(
        str(part["node"].iloc[i]),
        (part["effect"].iloc[i], at[i]),
        xytext=(0, 5),
        textcoords="offset points",
        ha="center",
        fontsize="small",
        color=INK,
        parse_math=False,
    )
