"""The picture of how layers build on one another."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from genelight import pl
from genelight.pl._style import PALETTE

EDGES = pd.DataFrame(
    [
        ("L1.0", "L2.0", "L1", "L2", 0.9, 0.001),
        ("L1.1", "L2.0", "L1", "L2", -0.4, 0.01),
        ("L1.2", "L2.1", "L1", "L2", 0.6, 0.02),
        ("L1.3", "L2.1", "L1", "L2", 0.95, 0.3),
        ("L2.0", "L3.0", "L2", "L3", -0.8, 0.001),
        ("L1.9", "L3.0", "L1", "L3", 0.99, 0.001),
    ],
    columns=["source", "target", "source_layer", "target_layer", "weight", "q"],
)
NODES = pd.DataFrame({"node": ["L1.0", "L1.1", "L2.0", "L3.0", "L2.1"], "effect": [2.0, -1.0, 0.5, float("nan"), 0.1]})


def names(ax: Axes) -> set[str]:
    return {t.get_text() for t in ax.texts}


def test_significant_connections_from_left_to_right(ax: Axes) -> None:
    assert pl.layer_map(EDGES, ax) is ax
    assert names(ax) == {"L1.0", "L1.1", "L1.2", "L2.0", "L2.1", "L3.0"}
    assert [t.get_text() for t in ax.get_xticklabels()] == ["L1", "L2", "L3"]
    lines = {tuple(line.get_xdata()): line for line in ax.lines if line.get_xdata()[0] == 1}
    assert to_hex(lines[(1.0, 2.0)].get_color()) == PALETTE["teal"]
    assert len(ax.lines) == 4
    widths = [line.get_linewidth() for line in ax.lines]
    assert widths == sorted(widths)
    assert ax.get_xlabel()


def test_only_the_strongest_between_two_layers(ax: Axes) -> None:
    pl.layer_map(EDGES, ax, n=1)
    assert names(ax) == {"L1.0", "L2.0", "L3.0"}


def test_nodes_with_effects_are_chosen_sized_and_coloured(ax: Axes) -> None:
    pl.layer_map(EDGES, ax, nodes=NODES, per_layer=1)
    assert names(ax) == {"L1.0", "L2.0"}
    sizes = [c.get_sizes()[0] for c in ax.collections]
    assert sizes[0] > sizes[1]
    assert to_hex(ax.collections[0].get_facecolor()[0]) == PALETTE["up"]


def test_a_connection_that_only_the_direction_tells_is_dashed(ax: Axes) -> None:
    pl.layer_map(EDGES.assign(q_direction=0.01), ax)
    dashed = [line for line in ax.lines if line.is_dashed()]
    assert len(ax.lines) == 5
    assert len(dashed) == 1
    assert "L1.3" in names(ax)


def test_a_gene_stands_beside_its_node(ax: Axes) -> None:
    pl.layer_map(EDGES, ax, nodes=NODES.assign(gene=["IFI44L", "", "ISG15", "", ""]))
    assert {"L1.0 IFI44L", "L1.1", "L2.0 ISG15"} <= names(ax)


def test_nothing_to_draw_says_so() -> None:
    ax = pl.layer_map(EDGES.assign(q=1.0), Figure().subplots())
    assert names(ax) == {"no connection with q of 0.05 or less"}


def test_makes_a_figure_of_its_own() -> None:
    pl.layer_map(EDGES).figure.canvas.draw()


def test_the_strongest_connection_is_drawn_whatever_its_nodes(ax: Axes) -> None:
    nodes = pd.DataFrame({"node": ["L1.0", "L1.2", "L2.0", "L2.1"], "effect": [0.1, 3.0, 0.1, 3.0]})
    pl.layer_map(EDGES, ax, nodes=nodes, per_layer=1)
    assert {"L1.0", "L2.0", "L1.2", "L2.1"} <= names(ax)
