"""Pictures of patients: a curve that holds every fifth, and the highest scores marked."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection

from genelight import pl
from genelight.nouns import Severity
from genelight.pl._samples import patients


def severity(*, learned: bool) -> Severity:
    heads = pd.DataFrame({"part": ["genes"], "feature": ["A"], "centre": [0.0], "weight": [1.0]})
    curve = pd.DataFrame({"score": [1.0, 2.0, 3.0], "measure": [0.5, 2.5, 3.5], "low": [0.0, 2.0, 3.0]})
    residuals = pd.DataFrame({"residual": [0.1], "weight": [1.0], "effective": [1.0]}).head(int(learned))
    nothing = pd.DataFrame()
    about = {"measure": "price in $ or $"}
    return Severity(heads, 0.0, nothing, nothing, residuals, curve.assign(high=curve["measure"] + 0.5), about)


def test_calibration_draws_every_fifth_and_the_line_of_equals_only_for_an_estimate(ax: Axes) -> None:
    pl.calibration(severity(learned=True), ax)
    drawn = [line.get_xydata() for line in ax.lines]
    assert any(np.array_equal(xy, [[1.0, 0.5], [2.0, 2.5], [3.0, 3.5]]) for xy in drawn)
    assert any(np.array_equal(xy, [[0.5, 0.5], [3.5, 3.5]]) for xy in drawn)
    assert ax.get_ylabel() == "price in $ or $"
    ax.clear()
    pl.calibration(severity(learned=False), ax)
    assert not any(np.array_equal(line.get_xydata(), [[0.5, 0.5], [3.5, 3.5]]) for line in ax.lines)


def test_patients_stand_in_order_and_the_highest_are_named(ax: Axes) -> None:
    table = pd.DataFrame({"score": [3.0, 1.0, 2.0], "low": [2.0, 0.0, 1.0], "high": [4.0, 2.0, 3.0]})
    patients(table, ax, marked=["$b$"])
    dots = [d.get_offsets().tolist() for d in ax.collections if isinstance(d, PathCollection)]
    assert dots == [[[0.0, 1.0], [1.0, 2.0]], [[2.0, 3.0]]]
    bars = [s.tolist() for c in ax.collections if isinstance(c, LineCollection) for s in c.get_segments()]
    assert [[2.0, 2.0], [2.0, 4.0]] in bars
    assert [t.get_text() for t in ax.texts] == ["$b$"]


def test_without_intervals_there_are_only_dots(ax: Axes) -> None:
    table = pd.DataFrame({"score": [1.0, 2.0], "low": np.nan, "high": np.nan})
    patients(table, ax)
    ax.figure.canvas.draw()
    assert ax.get_xlabel() == "2 patients, by their highest score"
