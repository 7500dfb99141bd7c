"""The card of one hidden node: its genes, where it is active, its neighbours, its evidence."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..nouns.labels import set_label
from ._style import ACCENT, FAINT, INK, SERIES, SOFT, TEAL, axes_or_new, bars, dress, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from ..nouns.card import NodeCard

SMALLEST, SIGNIFICANT = 1e-300, 0.05
ROWS, WRAP = 5, 34


def node(card: NodeCard, ax: Axes | None = None, *, n_top: int = 10) -> Axes:
    """A node's card as a picture of four panels.

    Parameters
    ----------
    card
        From :func:`genelight.nodes.node_card`.
    ax
        Where to draw; the panels take its place. A new figure otherwise, 9.2 x 5 inches.
    n_top
        How many genes at most that the node raises, and as many that it lowers.

    Returns
    -------
    The axes, whose ``child_axes`` are the panels: genes, with the share of other trainings that have each among their
    strongest; sample columns and evidence by -log10 q, faint where q is above 0.05; the nearest nodes of other layers.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from genelight import pl
    >>> from genelight.nouns.card import NodeCard
    >>> gene = {"sign": "up", "rank": 1, "gene": "IFI44L", "value": 2.0, "stability": 0.9}
    >>> none = pd.DataFrame()
    >>> card = NodeCard("L1.0", "L1", "autoencoder", "", pd.DataFrame([gene]), {}, none, none, none, {})
    >>> [t.get_text() for t in pl.node(card, Figure().subplots()).child_axes[0].get_yticklabels()]
    ['IFI44L']
    """
    ax = axes_or_new(ax, size=(9.2, 5.0))
    ax.set_axis_off()
    ax.set_title(card.node + (f" ({card.state})" if card.state else ""), loc="left", color=INK, parse_math=False)
    _genes(ax.inset_axes((0.1, 0.09, 0.32, 0.9)), card.genes, n_top=n_top)
    _columns(ax.inset_axes((0.72, 0.76, 0.28, 0.22)), card.obs)
    _neighbours(ax.inset_axes((0.72, 0.42, 0.28, 0.22)), card.neighbours)
    _evidence(ax.inset_axes((0.72, 0.09, 0.28, 0.22)), card.evidence)
    return ax


def _genes(ax: Axes, genes: pd.DataFrame, *, n_top: int) -> None:
    up, down = genes[genes["sign"] == "up"].head(n_top), genes[genes["sign"] == "down"].head(n_top)
    shown = pd.concat([up, down.iloc[::-1]])
    values = shown["value"].to_numpy(dtype=float)
    bars(ax, list(shown["gene"].astype(str)), list(values), colours=[ACCENT if v >= 0 else TEAL for v in values])
    for row, (value, share) in enumerate(zip(values, shown["stability"], strict=True)):
        if np.isfinite(share):
            note(ax, f"{share:.0%}", (value, row), right=value >= 0)
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.margins(x=0.18)
    dress(ax, grid="x")
    known = shown["stability"].notna().any()
    beside = "; beside it, share of other trainings" if known else ""
    ax.set_xlabel(f"change when the node is lit{beside}", fontsize="small")


def _columns(ax: Axes, table: pd.DataFrame) -> None:
    head = table.head(ROWS)
    names = [
        f"{column}: {highest}" if highest else str(column)
        for column, highest in (zip(head["column"], head["highest"], strict=True) if len(head) else ())
    ]
    _tails(ax, names, head, colour=ACCENT, title="Sample columns (highest in)", absent="no table was given")


def _evidence(ax: Axes, table: pd.DataFrame) -> None:
    head = table.sort_values("p", kind="stable").drop_duplicates("reference").head(ROWS) if len(table) else table
    names = [set_label(reference)[1] for reference in head["reference"]] if len(head) else []
    _tails(ax, names, head, colour=SERIES[0], title="Evidence", absent="the node was not tested")


def _tails(ax: Axes, names: Sequence[str], table: pd.DataFrame, *, colour: str, title: str, absent: str) -> None:
    """Bars of -log10 q."""
    ax.set_title(title, loc="left", color=INK, fontsize="medium")
    if not len(table):
        _say(ax, absent)
        return
    q = table["q"].to_numpy(dtype=float)
    lengths = -np.log10(np.maximum(q, SMALLEST)) + 0.0
    # One line each: two would run into the next row.
    short = [textwrap.shorten(str(name), WRAP, placeholder=" …") for name in names]
    bars(ax, short, list(lengths), colours=[colour if v <= SIGNIFICANT else FAINT for v in q])
    dress(ax, grid="x")
    ax.tick_params(axis="both", labelsize="small")
    ax.set_xlabel("−log10 q", fontsize="small")


def _neighbours(ax: Axes, table: pd.DataFrame) -> None:
    ax.set_title("Nearest nodes of other layers", loc="left", color=INK, fontsize="medium")
    if not len(table):
        _say(ax, "no table was given, or there is no other layer")
        return
    head = table.iloc[np.argsort(-table["correlation"].abs().to_numpy(dtype=float), kind="stable")].head(ROWS)
    values = head["correlation"].to_numpy(dtype=float)
    bars(ax, list(head["node"]), list(values), colours=[ACCENT if v >= 0 else TEAL for v in values])
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.set_xlim(-1 if (values < 0).any() else 0, 1)
    dress(ax, grid="x")
    ax.tick_params(axis="both", labelsize="small")
    ax.set_xlabel("correlation over samples", fontsize="small")


def _say(ax: Axes, text: str) -> None:
    ax.set_axis_off()
    ax.text(0, 0.8, text, transform=ax.transAxes, color=SOFT, fontsize="small", va="top")
