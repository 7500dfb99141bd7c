"""Every picture: on the axes it is given, with the labels and marks that its noun asks for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from genelight import pl
from genelight._core.errors import UnknownNameError
from genelight._core.genes import Genes
from genelight._core.types import Evidence, Module, NodeGenes

GENES = Genes(("A", "B", "C", "D", "E$x$", "F"))
SCORES = np.array([0.5, -2.0, 1.0, 0.1, 3.0, -0.2])
MODULE = Module.from_scores(
    SCORES, GENES, size=3, name="ill against well", method="t", frequency_g=np.array([0.5, 0.9, 0.8, 0, 1, 0.1])
)
NODES = NodeGenes(np.stack([SCORES, -SCORES]), ("L1.0", "L1.1"), GENES, "L1", "autoencoder", "light_up")
HELD_OUT = pd.DataFrame(
    [
        (m, f, k, v + f / 100)
        for m, k, v in (("pca", "auc", 0.8), ("direction L1", "auc", 0.9), ("pca", "r2", 0.4))
        for f in (0, 1)
    ],
    columns=["method", "fold", "metric", "value"],
)
ACTIVITY = pd.DataFrame(
    {
        "node": ["L1.0", "L1.1", "L1.2", "L2.0"],
        "layer": ["L1", "L1", "L1", "L2"],
        "effect": [0.1, -1.5, np.nan, 2.0],
        "q": [0.9, 0.01, np.nan, 0.001],
    }
)
SAMPLES = pd.DataFrame(
    {"sample": list("abcd"), "group": ["control", "case", "case", "control"], "score": [0.0, 2.0, 3.0, np.nan]}
)
SHARES = pd.DataFrame({"layer": ["L1", "PCA", "L1"], "kind": ["net$1$", "net$1$", "sets"], "share": [0.5, 0.25, 0.1]})
HISTORY = pd.DataFrame(
    {"epoch": [0, 1, 2], "train_r2": [0.1, 0.2, 0.3], "held_out_r2": [0.1, 0.15, 0.16], "train_error": 1.0}
)


def evidence() -> Evidence:
    rows = [
        ("L1.0", "hypergeometric", "Reactome: CELL_CYCLE", 0.01),
        ("L1.0", "hypergeometric_up", "Reactome: CELL_CYCLE", 0.02),
        ("L1.0", "hypergeometric", "Reactome: DNA_REPAIR", 0.0),
        ("L1.0", "hypergeometric", "Reactome: APOPTOSIS", 0.6),
        ("L1.0", "distance", "STRING", 0.001),
        ("L1.1", "hypergeometric", "Reactome: CELL_CYCLE", 0.5),
    ]
    table = pd.DataFrame(rows, columns=["subject", "test", "reference", "q"])
    numbers = dict.fromkeys(["n", "statistic", "effect", "null_mean", "null_sd", "draws", "seed"], 0)
    return Evidence(table.assign(p=table["q"], **numbers))


DRAWINGS: dict[str, Callable[[Axes | None], Axes]] = {
    "module": lambda ax: pl.module(MODULE, ax),
    "node": lambda ax: pl.node(NODES, "L1.1", ax),
    "gene_sets": lambda ax: pl.gene_sets(evidence(), "L1.0", ax),
    "layers": lambda ax: pl.layers(SHARES, ax),
    "nodes": lambda ax: pl.nodes(ACTIVITY, ax),
    "held_out": lambda ax: pl.held_out(HELD_OUT, ax),
    "scores": lambda ax: pl.scores(SAMPLES, ax),
    "history": lambda ax: pl.history(HISTORY, ax),
}


def rows(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.get_yticklabels()]


@pytest.mark.parametrize("name", DRAWINGS)
def test_draws_on_the_axes_it_is_given(name: str, ax: Axes) -> None:
    assert DRAWINGS[name](ax) is ax
    assert ax.get_xlabel() or ax.get_ylabel()


@pytest.mark.parametrize("name", DRAWINGS)
def test_makes_a_figure_of_its_own(name: str) -> None:
    drawn = DRAWINGS[name](None)
    assert isinstance(drawn, Axes)
    drawn.figure.canvas.draw()


def test_module_names_the_strongest_genes_and_their_frequency(ax: Axes) -> None:
    pl.module(MODULE, ax, n=3)
    assert rows(ax) == ["E$x$", "B", "C"]
    assert [round(p.get_width(), 1) for p in ax.patches] == [3.0, -2.0, 1.0]
    assert [t.get_text() for t in ax.texts] == ["100%", "90%", "80%"]
    assert [to_hex(p.get_facecolor()) for p in ax.patches] == [pl.PALETTE[c] for c in ("up", "down", "up")]


def test_module_without_bootstraps_has_no_frequency(ax: Axes) -> None:
    pl.module(Module.from_scores(SCORES, GENES, size=3, name="x", method="t"), ax)
    assert not ax.texts


def test_node_takes_both_ends(ax: Axes) -> None:
    pl.node(NODES, "L1.0", ax, n=3)
    assert rows(ax) == ["E$x$", "C", "B"]
    assert ax.get_title(loc="left") == "L1.0"


def test_node_that_is_not_there() -> None:
    with pytest.raises(UnknownNameError, match=r"L1.0 to L1.1"):
        pl.node(NODES, "L1.9", Figure().subplots())


def test_gene_sets_of_one_test_best_first(ax: Axes) -> None:
    pl.gene_sets(evidence(), "L1.0", ax)
    assert rows(ax) == ["DNA repair", "Cell cycle", "APOPTOSIS"]
    assert [round(p.get_width()) for p in ax.patches] == [300, 2, 0]
    assert to_hex(ax.patches[2].get_facecolor()) == pl.PALETTE["faint"]


def test_gene_sets_of_another_test_and_of_nobody(ax: Axes) -> None:
    pl.gene_sets(evidence(), "L1.0", ax, test="hypergeometric_up")
    assert rows(ax) == ["Cell cycle"]
    assert not pl.gene_sets(evidence(), "L7.7", Figure().subplots()).patches


def test_layers_in_the_order_given(ax: Axes) -> None:
    pl.layers(SHARES, ax)
    assert rows(ax) == ["L1", "PCA"]
    assert sorted(p.get_width() for p in ax.patches) == [10, 25, 50]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["net$1$", "sets"]


def test_nodes_one_strip_per_layer_without_the_dead(ax: Axes) -> None:
    pl.nodes(ACTIVITY, ax)
    assert rows(ax) == ["L1", "L2"]
    assert sum(len(c.get_offsets()) for c in ax.collections) == 3
    assert [t.get_text() for t in ax.texts] == ["L1.1", "L2.0"]


def test_held_out_best_mean_on_top(ax: Axes) -> None:
    pl.held_out(HELD_OUT, ax, metric="auc", highlight="direction L1")
    assert rows(ax) == ["direction L1", "PCA"]
    assert ax.collections[1].get_offsets()[0][0] == pytest.approx(0.905)
    assert to_hex(ax.collections[1].get_facecolor()[0]) == pl.PALETTE["accent"]
    assert to_hex(ax.collections[3].get_facecolor()[0]) == pl.PALETTE["soft"]


def test_held_out_of_a_metric_nobody_has(ax: Axes) -> None:
    pl.held_out(HELD_OUT, ax, metric="overlap")
    assert not ax.collections


def test_scores_controls_first_and_no_sample_named(ax: Axes) -> None:
    pl.scores(SAMPLES, ax)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["control", "case"]
    assert [len(c.get_offsets()) for c in ax.collections] == [1, 2]


def test_history_prefers_r2_to_errors(ax: Axes) -> None:
    pl.history(HISTORY, ax)
    assert ax.get_ylabel() == "R²"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["train R²", "held out R²"]
    assert pl.history(HISTORY[["epoch", "train_error"]], Figure().subplots()).get_ylabel() == "error"
