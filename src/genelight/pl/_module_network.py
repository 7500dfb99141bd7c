"""A module as a network, and many modules as a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._style import DOWN, FAINT, INK, PAPER, SOFT, UP, axes_or_new, bare

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

MOST_NAMES, FONT, OFFSET = 40, 6.5, 3
STEPS = 200


def module_network(nodes: pd.DataFrame, edges: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Core and connectors of a module: up in colour, down in the other, connectors hollow, parts apart.

    Parameters
    ----------
    nodes
        Columns ``gene``, ``role``, ``score``, ``part``; genes apart are not drawn.
    edges
        Columns ``source``, ``target``.
    ax
        Where to draw; a new figure otherwise.

    Returns
    -------
    The axes; up to forty genes have their names, where there is room: the module's own first, the best connected first.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from genelight import pl
    >>> nodes = pd.DataFrame({"gene": ["A", "B"], "role": "core", "score": [1.0, -1.0], "part": 1})
    >>> edges = pd.DataFrame({"source": ["A"], "target": ["B"]})
    >>> [t.get_text() for t in pl.module_network(nodes, edges, Figure().subplots()).texts]
    ['A', 'B']
    """
    ax = axes_or_new(ax, size=(7.0, 6.0))
    drawn = nodes[nodes["role"] != "apart"].reset_index(drop=True)
    number = {gene: i for i, gene in enumerate(drawn["gene"])}
    inside = edges["source"].isin(number) & edges["target"].isin(number)
    a, b = (edges.loc[inside, side].map(number).to_numpy(int) for side in ("source", "target"))
    place = _layout(len(drawn), a, b, part=drawn["part"].to_numpy())
    ax.plot(*np.stack((place[a], place[b])).transpose(2, 0, 1), color=FAINT, linewidth=0.5, zorder=1)
    score = drawn["score"].fillna(0.0).to_numpy()
    colour = np.where(score > 0, UP, np.where(score < 0, DOWN, SOFT))
    degree = np.bincount(np.concatenate((a, b)), minlength=len(drawn))
    hollow = (drawn["role"] == "connector").to_numpy()
    size = 14 + 60 * degree / max(1, degree.max(initial=0))
    face = np.where(hollow, PAPER, colour)
    ax.scatter(place[:, 0], place[:, 1], s=size, c=face, edgecolors=list(colour), linewidths=1.2, zorder=2)
    for i in _with_room(ax, place, list(drawn["gene"]), order=np.lexsort((-degree, hollow))):
        ax.annotate(
            str(drawn["gene"][i]),
            place[i],
            xytext=(OFFSET, OFFSET),
            textcoords="offset points",
            fontsize=FONT,
            color=INK,
            parse_math=False,
            zorder=3,
        )
    ax.set_axis_off()
    return ax


def disease_map(pairs: pd.DataFrame, order: Sequence[str], ax: Axes | None = None) -> Axes:
    """Modules against modules: rank correlation of their scores, alike ones side by side.

    `pairs` has columns ``one``, ``other``, ``rank``, ``q``; `order` are modules from top to bottom. A dot marks pairs
    that share more genes of one sign than chance has (q at most 0.05).

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> pairs = pd.DataFrame({"one": ["a"], "other": ["b"], "rank": [0.4], "q": [0.01]})
    >>> [t.get_text() for t in disease_map(pairs, ["b", "a"], Figure().subplots()).get_yticklabels()]
    ['b', 'a']
    """
    from matplotlib.colors import LinearSegmentedColormap

    side = 1.8 + 0.2 * len(order)
    ax = axes_or_new(ax, size=(side + 1.6, side))
    number = {name: i for i, name in enumerate(order)}
    r = np.full((len(order), len(order)), np.nan)
    i, j = pairs["one"].map(number).to_numpy(int), pairs["other"].map(number).to_numpy(int)
    r[i, j] = r[j, i] = pairs["rank"]
    colours = LinearSegmentedColormap.from_list("signed", [DOWN, PAPER, UP])
    most = max(0.1, float(np.nanmax(np.abs(r))))
    image = ax.imshow(r, cmap=colours, vmin=-most, vmax=most)
    marked = (pairs["q"] <= 0.05).to_numpy()
    ax.scatter(np.concatenate((j[marked], i[marked])), np.concatenate((i[marked], j[marked])), s=3, color=INK)
    ax.set_yticks(range(len(order)), list(order), parse_math=False, fontsize=7)
    ax.set_xticks(range(len(order)), list(order), parse_math=False, fontsize=7, rotation=90)
    bare(ax)
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.5)
    bar.set_label("rank correlation of scores")
    return ax


def _with_room(ax: Axes, place: np.ndarray, names: list[str], *, order: np.ndarray) -> list[int]:
    """Nodes whose names, beside them, cover none that comes before in `order`."""
    low = ax.transData.transform(place) * 72 / ax.figure.dpi + OFFSET  # in points, as the names are
    high = low + np.column_stack(([0.7 * FONT * len(name) for name in names], np.full(len(names), FONT)))
    named: list[int] = []
    for i in order:
        covers = (low[i] < high[named]).all(1) & (high[i] > low[named]).all(1)
        if len(named) < MOST_NAMES and not covers.any():
            named.append(int(i))
    return named


def _layout(n: int, a: np.ndarray, b: np.ndarray, *, part: np.ndarray) -> np.ndarray:
    """Places of nodes by springs and repulsion, each part starting in a corner of its own, shape ``(n, 2)``."""
    rng = np.random.default_rng(0)
    angle = 2 * np.pi * part / max(1, part.max(initial=1))
    place = np.column_stack((np.cos(angle), np.sin(angle))) + 0.3 * rng.normal(size=(n, 2))
    ideal = np.sqrt(4 / max(1, n))
    for step in range(STEPS):
        apart = place[:, None] - place[None]
        square = (apart**2).sum(2) + 1e-4
        force = (apart * (ideal**2 / square)[..., None]).sum(1)
        pull = (place[a] - place[b]) * (np.linalg.norm(place[a] - place[b], axis=1) / ideal)[:, None]
        np.add.at(force, a, -pull)
        np.add.at(force, b, pull)
        force -= 0.5 * place
        length = np.linalg.norm(force, axis=1, keepdims=True) + 1e-9
        place = place + force / length * np.minimum(length, 0.2 * (1 - step / STEPS))
    return place
