"""The scorecard as one picture: what each layer holds, beside the controls, and the verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._style import ACCENT, FAINT, INK, OCHRE, SOFT, TEAL, axes_or_new, bare, name_rows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..nouns.scorecard import Scorecard

DECIDED = ("network", "sets", "label")
MEASURES = ("share", "silhouette", "probe", "variance")
LARGEST_DOT = 330.0
MARKS = {"holds": TEAL, "does not hold": OCHRE, "cannot tell here": SOFT}


def scorecard(card: Scorecard, ax: Axes | None = None) -> Axes:
    """What every layer of the model and every control holds, one row for each question.

    Parameters
    ----------
    card
        What :func:`genelight.evidence.scorecard` found.
    ax
        Where to draw; a new figure otherwise.

    Returns
    -------
    The axes. A dot's area is its value above chance, over the largest of its row, and its number the value itself;
    a control stands for the mean over the layers that it was fitted beside. The words at the right are the verdicts:
    on the trend over depth, then on the comparison with the controls.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from genelight import pl
    >>> from genelight.nouns.scorecard import SCORE_COLUMNS, VERDICT_COLUMNS, Scorecard
    >>> row = dict.fromkeys(SCORE_COLUMNS, 0) | {"kind": "network", "question": "STRING", "measure": "share"}
    >>> row |= {"model": "autoencoder", "layer": "L1", "value": 0.2, "null": 0.01}
    >>> card = Scorecard(pd.DataFrame([row]), pd.DataFrame(columns=list(VERDICT_COLUMNS)))
    >>> ax = pl.scorecard(card, Figure().subplots())
    >>> [t.get_text() for t in ax.get_yticklabels()], [t.get_text() for t in ax.texts]
    (['STRING, share'], ['0.20'])
    """
    means = card.means()
    means = means[means["kind"].isin((*DECIDED, "batch")) & means["measure"].isin(MEASURES)]
    means = means[(means["measure"] != "variance") | (means["kind"] == "batch")]
    rows = list(dict.fromkeys(zip(means["kind"], means["question"], means["measure"], strict=True)))
    columns = [*card.layers, *card.controls]
    ax = axes_or_new(ax, size=(2.6 + 0.75 * len(columns) + 2.4, 1.2 + 0.42 * len(rows)))
    for y, row in enumerate(rows):
        _draw_row(ax, _values(means, row, card), y)
        _draw_verdicts(ax, card.verdicts, row, at=(len(columns) - 0.3, y))
    name_rows(ax, [f"{question}, {measure}" for _, question, measure in rows])
    ax.set_xticks(range(len(columns)), columns, rotation=30, ha="left", parse_math=False)
    ax.xaxis.tick_top()
    bare(ax)
    ax.set_xlim(-0.6, len(columns) + 2.2)
    ax.axvline(len(card.layers) - 0.5, color=FAINT, linewidth=1.0)
    ax.set_xlabel("layers of the model, then controls as wide as these")
    return ax


def _values(means: pd.DataFrame, row: tuple[str, str, str], card: Scorecard) -> list[tuple[int, float, float, bool]]:
    """Column, value, value above chance and whether it is a control's, of one row of the picture."""
    kind, question, measure = row
    part = means[(means["kind"] == kind) & (means["question"] == question) & (means["measure"] == measure)]
    found = []
    for x, layer in enumerate(card.layers):
        own = part[~part["control"] & (part["layer"] == layer)]
        found += [(x, float(v), float(v - n), False) for v, n in zip(own["value"], own["null"], strict=True)]
    for x, name in enumerate(card.controls, start=len(card.layers)):
        other = part[part["control"] & (part["model"] == name)]
        if len(other):
            value, null = float(other["value"].mean()), float(other["null"].mean())
            found.append((x, value, value - null, True))
    return found


def _draw_row(ax: Axes, values: list[tuple[int, float, float, bool]], y: int) -> None:
    largest = max((excess for _, _, excess, _ in values), default=0.0) or 1.0
    for x, value, excess, control in values:
        size = LARGEST_DOT * max(0.0, excess / largest) if np.isfinite(excess) else 0.0
        ax.scatter([x], [y], s=size, color=SOFT if control else ACCENT, alpha=0.3, edgecolor="none")
        ax.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize="small", color=INK)


def _draw_verdicts(ax: Axes, verdicts: pd.DataFrame, row: tuple[str, str, str], *, at: tuple[float, float]) -> None:
    kind, question, measure = row
    there = (verdicts["kind"] == kind) & (verdicts["question"] == question) & (verdicts["measure"] == measure)
    for i, found in enumerate(verdicts[there].to_dict("records")):
        text = f"{found['claim']}: {found['verdict']}"
        colour = MARKS[str(found["verdict"])]
        place = (at[0], at[1] + 0.36 * (i - 0.5))
        ax.text(*place, text, ha="left", va="center", fontsize="x-small", color=colour, parse_math=False)
