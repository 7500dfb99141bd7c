"""How layers build on one another: the strongest connections between nodes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ._style import ACCENT, DOWN, INK, PAPER, SOFT, TEAL, UP, axes_or_new, bare

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SMALLEST_DOT, LARGEST_DOT = 24.0, 150.0
SIGNIFICANT = 0.05


def layer_map(
    edges: pd.DataFrame, ax: Axes | None = None, *, nodes: pd.DataFrame | None = None, n: int = 24, per_layer: int = 12
) -> Axes:
    """The strongest connections between the nodes of consecutive layers, layers from left to right.

    Parameters
    ----------
    edges
        Columns ``source``, ``target``, ``source_layer``, ``target_layer``, ``weight`` and ``q``, as
        :func:`genelight.nodes.layer_map` gives them; those to the next layer with q of 0.05 or less are drawn. Where
        there is a column ``q_direction``, those with only that of 0.05 or less are drawn as well, dashed.
    ax
        Where to draw; a new figure otherwise.
    nodes
        Column ``node``. With ``effect``, as :func:`genelight.nodes.node_activity` gives it, the nodes of each layer
        with the largest effects are drawn, and the ends of the strongest connection, larger where the effect is
        larger, coloured by its sign. What ``gene`` holds stands beside a node's name.
    n
        How many connections at most between two layers, those with the largest weights.
    per_layer
        How many nodes at most in a layer, where `nodes` has effects.

    Returns
    -------
    The axes. A line is wider where the weight is larger, and coloured by its sign; nodes stand near those that feed
    them.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from genelight import pl
    >>> edge = {"source": ["L1.0", "L1.1"], "target": "L2.0", "source_layer": "L1", "target_layer": "L2"}
    >>> table = pd.DataFrame({**edge, "weight": [0.9, -0.3], "q": [0.001, 0.5]})
    >>> [t.get_text() for t in pl.layer_map(table, Figure().subplots()).texts if "." in t.get_text()]
    ['L1.0', 'L2.0']
    """
    effect, gene = _beside(nodes, "effect"), _beside(nodes, "gene")
    layers = list(dict.fromkeys([*edges["source_layer"], *edges["target_layer"]]))
    after = dict(pairwise(layers))
    kept = _strongest(
        edges[edges["target_layer"] == edges["source_layer"].map(after)], effect, n=n, per_layer=per_layer
    )
    place = _places(kept, layers)
    rows = max((len([1 for x, _ in place.values() if x == i]) for i in range(len(layers))), default=1)
    ax = axes_or_new(ax, size=(1.6 + 1.6 * len(layers), 0.9 + 0.28 * rows))
    largest = float(kept["weight"].abs().max()) if len(kept) else 1.0
    # The strongest last, so that they lie on top.
    for source, target, weight, q in kept[["source", "target", "weight", "q"]].to_numpy().tolist()[::-1]:
        (x0, y0), (x1, y1) = place[source], place[target]
        strength = abs(weight) / largest
        colour = ACCENT if weight >= 0 else TEAL
        (line,) = ax.plot([x0, x1], [y0, y1], color=colour, linewidth=0.4 + 2.8 * strength, zorder=1)
        line.set(alpha=0.25 + 0.6 * strength, linestyle="-" if q <= SIGNIFICANT else (0, (2.5, 1.2)))
    _draw_nodes(ax, place, effect=effect, gene=gene)
    _name_layers(ax, layers)
    if not len(kept):
        ax.text(0.5, 0.5, "no connection with q of 0.05 or less", transform=ax.transAxes, ha="center", color=SOFT)
    return ax


def _beside(nodes: pd.DataFrame | None, column: str) -> dict[str, Any]:
    """What a table of nodes holds in a column, by node."""
    if nodes is None or column not in nodes:
        return {}
    return dict(nodes.dropna(subset=[column])[["node", column]].to_numpy().tolist())


def _strongest(edges: pd.DataFrame, effect: dict[str, float], *, n: int, per_layer: int) -> pd.DataFrame:
    """Connections to draw: significant, between nodes of large effect, the largest weights."""
    q = edges["q"] if "q_direction" not in edges else edges[["q", "q_direction"]].min(axis=1)
    kept = edges[q <= SIGNIFICANT]
    if effect:
        layer = dict(zip(edges["source"], edges["source_layer"], strict=True))
        layer |= dict(zip(edges["target"], edges["target_layer"], strict=True))
        ranked = sorted((node for node in effect if node in layer), key=lambda node: -abs(effect[node]))
        chosen = {node for name in set(layer.values()) for node in [m for m in ranked if layer[m] == name][:per_layer]}
        # The strongest connection is shown whatever its nodes' effects: a picture without it would mislead.
        first = kept.index == kept["weight"].abs().idxmax() if len(kept) else np.zeros(0, dtype=bool)
        kept = kept[first | (kept["source"].isin(chosen) & kept["target"].isin(chosen))]
    order = kept["weight"].abs().sort_values(ascending=False, kind="stable").index
    return kept.loc[order].groupby("target_layer", sort=False).head(n)


def _places(kept: pd.DataFrame, layers: list[str]) -> dict[str, tuple[float, float]]:
    """Where each node stands: its layer across, and down in the order of the nodes that feed it."""
    place: dict[str, tuple[float, float]] = {}
    for x, layer in enumerate(layers):
        fed = kept[kept["target_layer"] == layer]
        members = dict.fromkeys([*fed["target"], *kept[kept["source_layer"] == layer]["source"]])
        height = {node: _mean_height(fed[fed["target"] == node], place) for node in members}
        order = sorted(members, key=lambda node: height[node])
        place |= {node: (float(x), (i + 0.5) / len(order)) for i, node in enumerate(order)}
    return place


def _mean_height(edges: pd.DataFrame, place: dict[str, tuple[float, float]]) -> float:
    if not len(edges):
        return 0.5
    heights = [place[source][1] for source in edges["source"]]
    return float(np.average(heights, weights=edges["weight"].abs()))


def _draw_nodes(
    ax: Axes, place: dict[str, tuple[float, float]], *, effect: dict[str, float], gene: dict[str, str]
) -> None:
    largest = max((abs(effect[node]) for node in place if node in effect), default=1.0) or 1.0
    for node, (x, y) in place.items():
        strength = abs(effect.get(node, 0.0)) / largest
        colour = INK if node not in effect else UP if effect[node] >= 0 else DOWN
        size = SMALLEST_DOT + (LARGEST_DOT - SMALLEST_DOT) * strength
        ax.scatter([x], [y], s=size, color=colour, edgecolor=PAPER, linewidth=0.8, zorder=2)
        ax.annotate(
            f"{node} {gene.get(node, '')}".strip(),
            (x, y),
            xytext=(-9 if x == 0 else 9, 0),
            textcoords="offset points",
            ha="right" if x == 0 else "left",
            va="center",
            fontsize="small",
            color=INK,
            parse_math=False,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.75},
        )


def _name_layers(ax: Axes, layers: list[str]) -> None:
    bare(ax)
    ax.set_xticks(range(len(layers)), layers, parse_math=False)
    ax.set_yticks([])
    ax.set_xlim(-0.6, len(layers) - 0.4)
    ax.set_ylim(1.02, -0.02)
    ax.set_xlabel("hidden layers, input to the left")
