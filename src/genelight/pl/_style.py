"""One look for every picture: a colour-blind-safe palette, quiet axes, labelled bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

PALETTE: dict[str, str] = {
    "ink": "#1f2430",
    "soft": "#596170",
    "faint": "#d9dce2",
    "up": "#c2481a",
    "down": "#1b6aae",
    "accent": "#6f4ba0",
    "teal": "#157a6e",
    "ochre": "#946300",
    "paper": "#ffffff",
}
"""Colours by role: ``up`` is higher in cases and ``down`` lower, and nothing else; what a node raises is ``accent``,
what it lowers ``teal``. Up and down differ in lightness and hue for every common colour vision."""

LONGEST = 36
INK, SOFT, FAINT, PAPER = PALETTE["ink"], PALETTE["soft"], PALETTE["faint"], PALETTE["paper"]
UP, DOWN, ACCENT = PALETTE["up"], PALETTE["down"], PALETTE["accent"]
OCHRE, TEAL = PALETTE["ochre"], PALETTE["teal"]
SERIES = (TEAL, OCHRE, ACCENT, INK, SOFT)
"""For things that are neither up nor down: no series takes the colours that mean higher and lower in cases."""


def axes_or_new(ax: Axes | None, *, size: tuple[float, float]) -> Axes:
    """`ax`, or the axes of a new pyplot figure of `size` inches."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def bare(ax: Axes) -> None:
    """Take away the frame, and the marks of ticks."""
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0)


def dress(ax: Axes, *, grid: Literal["x", "y"]) -> None:
    """Take away every line that carries no information; keep a faint grid along `grid`."""
    bare(ax)
    ax.grid(visible=True, axis=grid, color=FAINT, linewidth=0.7)
    ax.set_axisbelow(True)


def bars(ax: Axes, labels: Sequence[str], lengths: Sequence[float], *, colours: Sequence[str]) -> None:
    """Horizontal bars from the top down, each with its name at the left."""
    ax.barh(range(len(labels)), lengths, color=list(colours), height=0.72)
    name_rows(ax, labels)


def name_rows(ax: Axes, labels: Sequence[str]) -> None:
    """Name the rows 0, 1, ... of an axes, the first on top; a dollar sign in a name stays a dollar sign."""
    # A name longer than the picture is wide would leave no room for it.
    names = [name if len(max(name.split("\n"), key=len)) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in labels]
    ax.set_yticks(range(len(labels)), names, parse_math=False)
    ax.set_ylim(len(labels) - 0.4, -0.6)


def note(ax: Axes, text: str, at: tuple[float, float], *, right: bool = True) -> None:
    """Small text just beside a point of the data."""
    ax.annotate(
        text,
        at,
        xytext=(4 if right else -4, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        fontsize="small",
        color=SOFT,
        parse_math=False,
    )
