"""Patients: how well a severity score is calibrated, and where each patient stands among the cohort."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._style import ACCENT, INK, SOFT, axes_or_new, dress, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from ..nouns import Severity

__all__ = ["calibration", "patients"]


def calibration(severity: Severity, ax: Axes | None = None) -> Axes:
    """Held-out scores in fifths against the measure there, with 95% intervals over subjects.

    Parameters
    ----------
    severity
        What :func:`genelight.patients.severity` found.
    ax
        Where to draw; a new figure otherwise.

    Returns
    -------
    The axes. The dashed line, where the score is an estimate of the measure, is where both are equal.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> plan = gl.patients.Protocol(folds=3, permutations=0)
    >>> model = gl.models.PCA(8).fit(adata)
    >>> hours = gl.patients.severity(adata, model, measure="hours", subject="subject", protocol=plan)
    >>> gl.pl.calibration(hours, Figure().subplots()).get_ylabel()
    'hours'
    """
    ax = axes_or_new(ax, size=(4.8, 3.4))
    table = severity.calibration
    score, measure = table["score"].to_numpy(), table["measure"].to_numpy()
    off_2n = np.stack([measure - table["low"].to_numpy(), table["high"].to_numpy() - measure])
    if len(severity.residuals):
        span = (min(score.min(), measure.min()), max(score.max(), measure.max()))
        ax.plot(span, span, color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)))
    ax.plot(score, measure, color=ACCENT, linewidth=1.2)
    ax.errorbar(score, measure, yerr=off_2n, fmt="o", color=ACCENT, ecolor=INK, elinewidth=1.0, markersize=6)
    dress(ax, grid="y")
    ax.set_xlabel("score, held out")
    ax.set_ylabel(severity.shown, parse_math=False)
    return ax


def patients(table: pd.DataFrame, ax: Axes | None = None, *, marked: Sequence[str] = ()) -> Axes:
    """Every patient's highest held-out score in ascending order, with its interval.

    Parameters
    ----------
    table
        One row per patient: ``score``, ``low``, ``high`` (may be missing).
    ax
        Where to draw; a new figure otherwise.
    marked
        Names of the patients with the highest scores, the highest first; drawn in colour.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({"score": [2.0, 1.0], "low": [1.0, 0.0], "high": [3.0, 2.0]})
    >>> [t.get_text() for t in patients(table, Figure().subplots(), marked=["7"]).texts]
    ['7']
    """
    ax = axes_or_new(ax, size=(7.2, 3.2))
    rows = table.sort_values("score", kind="stable")
    score_n, at_n = rows["score"].to_numpy(), np.arange(len(rows))
    high_n = at_n >= len(rows) - len(marked)
    for mask_n, colour in ((~high_n, SOFT), (high_n, ACCENT)):
        ax.vlines(at_n[mask_n], rows["low"][mask_n], rows["high"][mask_n], color=colour, linewidth=1.0, alpha=0.4)
        ax.scatter(at_n[mask_n], score_n[mask_n], s=16, color=colour, edgecolor="none")
    for i, name in enumerate(marked[: len(rows)]):
        note(ax, name, (at_n[-1 - i], score_n[-1 - i]), right=False)
    dress(ax, grid="y")
    ax.set_xticks([])
    ax.set_xlabel(f"{len(rows)} patients, by their highest score")
    ax.set_ylabel("score, held out")
    return ax
