"""The scorecard's picture: a dot for every figure, a word for every verdict."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from genelight import pl
from genelight.nouns.scorecard import SCORE_COLUMNS, VERDICT_COLUMNS, Scorecard
from genelight.pl._style import PALETTE


def card() -> Scorecard:
    rows = [
        (question, kind, model, control, f"L{depth}", depth, seed, value)
        for question, kind in (("net$1$", "network"), ("disease", "label"))
        for model, control, seeds in (("deep", False, 2), ("pca", True, 1))
        for seed in range(seeds)
        for depth, value in ((1, 0.4), (2, 0.2))
    ]
    columns = ["question", "kind", "model", "control", "layer", "depth", "seed", "value"]
    table = pd.DataFrame(rows, columns=columns).assign(measure="share", null=0.1, width=4)
    verdict = dict.fromkeys(VERDICT_COLUMNS, 0) | {"kind": "network", "question": "net$1$", "measure": "share"}
    verdicts = [verdict | {"claim": c, "verdict": v} for c, v in (("falls", "holds"), ("above", "does not hold"))]
    return Scorecard(table.reindex(columns=list(SCORE_COLUMNS)), pd.DataFrame(verdicts))


def test_a_row_for_each_question_and_a_column_for_each_layer_and_control(ax: Axes) -> None:
    assert pl.scorecard(card(), ax) is ax
    assert [t.get_text() for t in ax.get_yticklabels()] == ["net$1$, share", "disease, share"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["L1", "L2", "pca"]
    texts = [t.get_text() for t in ax.texts]
    assert texts.count("0.40") == 2
    assert texts.count("0.30") == 2


def test_verdicts_stand_beside_their_row(ax: Axes) -> None:
    pl.scorecard(card(), ax)
    marks = {t.get_text(): to_hex(t.get_color()) for t in ax.texts if ":" in t.get_text()}
    assert marks == {"falls: holds": PALETTE["teal"], "above: does not hold": PALETTE["ochre"]}


def test_makes_a_figure_of_its_own() -> None:
    pl.scorecard(card()).figure.canvas.draw()
