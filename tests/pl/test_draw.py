"""Every picture: on the axes it is given, with the labels and marks that its noun asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from genelight import pl
from genelight.errors import UnknownNameError
from genelight.nouns import Evidence, Genes, Module, NodeGenes
from genelight.nouns.card import TABLES, NodeCard
from genelight.pl._evidence import layers
from genelight.pl._samples import held_out, history, scores
from genelight.pl._strip import nodes
from genelight.pl._style import PALETTE

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
    table = pd.DataFrame(rows, columns=["tested", "test", "reference", "q"])
    numbers = dict.fromkeys(["n", "statistic", "effect", "null_mean", "null_sd", "draws", "seed"], 0)
    return Evidence(table.assign(p=table["q"], **numbers))


def card(**changes: object) -> NodeCard:
    """A node that raises two genes and lowers one."""
    genes = [("up", 1, "E$x$", 2.0, 1.0), ("up", 2, "B", 1.0, 0.4), ("down", 1, "C", -1.5, 0.0)]
    obs = [("condition", "Friedman", 9, 0.8, "ill", 1e-4, 1e-3), ("age", "Spearman", 9, 0.1, "", 0.7, 0.7)]
    parts = {
        "genes": pd.DataFrame(genes, columns=list(TABLES["genes"])),
        "obs": pd.DataFrame(obs, columns=list(TABLES["obs"])),
        "neighbours": pd.DataFrame({"node": ["L2.1", "L2.0"], "layer": "L2", "correlation": [0.2, -0.9]}),
        "evidence": evidence().of("L1.0"),
    }
    made = NodeCard("L1.0", "L1", "autoencoder", "saturated", activity={}, reproducibility={}, **parts)
    return replace(made, **changes)


AGAIN = pd.DataFrame(
    {"layer": ["L1", "L1", "PCA"], "reproducibility": [0.9, 0.4, 0.7], "null_mean": 0.4, "q": [0.01, 0.9, 0.2]}
)

DRAWINGS: dict[str, Callable[[Axes | None], Axes]] = {
    "module": lambda ax: pl.module(MODULE, ax),
    "node_genes": lambda ax: pl.node_genes(NODES, "L1.1", ax),
    "gene_sets": lambda ax: pl.gene_sets(evidence(), "L1.0", ax),
    "layers": lambda ax: layers(SHARES, ax),
    "node": lambda ax: pl.node(card(), ax),
    "reproducibility": lambda ax: pl.reproducibility(AGAIN, ax),
    "nodes": lambda ax: nodes(ACTIVITY, ax),
    "held_out": lambda ax: held_out(HELD_OUT, ax),
    "scores": lambda ax: scores(SAMPLES, ax),
    "history": lambda ax: history(HISTORY, ax),
}


def rows(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.get_yticklabels()]


@pytest.mark.parametrize("name", DRAWINGS)
def test_draws_on_the_axes_it_is_given(name: str, ax: Axes) -> None:
    assert DRAWINGS[name](ax) is ax
    assert all(part.get_xlabel() or part.get_ylabel() for part in ax.child_axes or [ax])


@pytest.mark.parametrize("name", DRAWINGS)
def test_makes_a_figure_of_its_own(name: str) -> None:
    drawn = DRAWINGS[name](None)
    assert isinstance(drawn, Axes)
    drawn.figure.canvas.draw()


def test_module_names_the_strongest_genes_and_their_frequency(ax: Axes) -> None:
    pl.module(MODULE, ax, n_top=3)
    assert rows(ax) == ["E$x$", "B", "C"]
    assert [round(p.get_width(), 1) for p in ax.patches] == [3.0, -2.0, 1.0]
    assert [t.get_text() for t in ax.texts] == ["100%", "90%", "80%"]
    assert [to_hex(p.get_facecolor()) for p in ax.patches] == [PALETTE[c] for c in ("up", "down", "up")]


def test_module_without_bootstraps_has_no_frequency(ax: Axes) -> None:
    pl.module(Module.from_scores(SCORES, GENES, size=3, name="x", method="t"), ax)
    assert not ax.texts


def test_node_takes_both_ends(ax: Axes) -> None:
    pl.node_genes(NODES, "L1.0", ax, n_top=3)
    assert rows(ax) == ["E$x$", "C", "B"]
    assert ax.get_title(loc="left") == "L1.0"


def test_node_that_is_not_there() -> None:
    with pytest.raises(UnknownNameError, match=r"L1.0 to L1.1"):
        pl.node_genes(NODES, "L1.9", Figure().subplots())


def test_a_card_has_genes_with_stability_columns_neighbours_and_evidence(ax: Axes) -> None:
    genes, columns, neighbours, found = pl.node(card(), ax).child_axes
    assert ax.get_title(loc="left") == "L1.0 (saturated)"
    assert rows(genes) == ["E$x$", "B", "C"]
    assert [t.get_text() for t in genes.texts] == ["100%", "40%", "0%"]
    assert rows(columns) == ["condition: ill", "age"]
    assert [round(p.get_width(), 1) for p in columns.patches] == [3.0, 0.2]
    assert to_hex(columns.patches[1].get_facecolor()) == PALETTE["faint"]
    assert rows(neighbours) == ["L2.0", "L2.1"]
    assert [p.get_width() for p in neighbours.patches] == [-0.9, 0.2]
    assert rows(found)[0] == "DNA repair"


def test_a_card_says_what_it_does_not_have(ax: Axes) -> None:
    none = pd.DataFrame()
    bare = card(obs=none, neighbours=none, evidence=none, genes=card().genes.assign(stability=np.nan))
    genes, *others = pl.node(bare, ax).child_axes
    assert not genes.texts
    assert [part.texts[0].get_text().split()[0] for part in others] == ["no", "no", "the"]


def test_reproducibility_shows_chance_and_fades_what_does_not_pass(ax: Axes) -> None:
    pl.reproducibility(AGAIN, ax)
    assert rows(ax) == ["L1", "PCA"]
    assert [line.get_xdata()[0] for line in ax.lines] == [0.4, 0.4]
    faint, strong = ax.collections[:2]
    assert [point[0] for point in faint.get_offsets()] == [0.4]
    assert [point[0] for point in strong.get_offsets()] == [0.9]


def test_gene_sets_of_one_test_best_first(ax: Axes) -> None:
    pl.gene_sets(evidence(), "L1.0", ax)
    assert rows(ax) == ["DNA repair", "Cell cycle", "APOPTOSIS"]
    assert [round(p.get_width()) for p in ax.patches] == [300, 2, 0]
    assert to_hex(ax.patches[2].get_facecolor()) == PALETTE["faint"]


def test_gene_sets_of_another_test_and_of_nobody(ax: Axes) -> None:
    pl.gene_sets(evidence(), "L1.0", ax, test="hypergeometric_up")
    assert rows(ax) == ["Cell cycle"]
    assert not pl.gene_sets(evidence(), "L7.7", Figure().subplots()).patches


def test_layers_in_the_order_given(ax: Axes) -> None:
    layers(SHARES, ax)
    assert rows(ax) == ["L1", "PCA"]
    assert sorted(p.get_width() for p in ax.patches) == [10, 25, 50]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["net$1$", "sets"]


def test_nodes_one_strip_per_layer_without_the_dead(ax: Axes) -> None:
    nodes(ACTIVITY, ax)
    assert rows(ax) == ["L1", "L2"]
    assert sum(len(c.get_offsets()) for c in ax.collections) == 3
    assert [t.get_text() for t in ax.texts] == ["L1.1", "L2.0"]


def test_held_out_best_mean_on_top(ax: Axes) -> None:
    held_out(HELD_OUT, ax, metric="auc", highlight="direction L1")
    assert rows(ax) == ["direction L1", "PCA"]
    assert ax.collections[1].get_offsets()[0][0] == pytest.approx(0.905)
    assert to_hex(ax.collections[1].get_facecolor()[0]) == PALETTE["accent"]
    assert to_hex(ax.collections[3].get_facecolor()[0]) == PALETTE["soft"]


def test_held_out_of_a_metric_nobody_has(ax: Axes) -> None:
    held_out(HELD_OUT, ax, metric="overlap")
    assert not ax.collections


def test_scores_controls_first_and_no_sample_named(ax: Axes) -> None:
    scores(SAMPLES, ax)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["control", "case"]
    assert [len(c.get_offsets()) for c in ax.collections] == [1, 2]


def test_history_prefers_r2_to_errors(ax: Axes) -> None:
    history(HISTORY, ax)
    assert ax.get_ylabel() == "R²"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["train R²", "held out R²"]
    assert history(HISTORY[["epoch", "train_error"]], Figure().subplots()).get_ylabel() == "error"


def test_names_in_a_crowded_network_cover_no_other():
    genes = [f"GENE{i}" for i in range(60)]
    role = np.where(np.arange(60) < 20, "core", "connector")
    nodes = pd.DataFrame({"gene": genes, "role": role, "score": 1.0, "part": 1})
    pairs = [(a, b) for a in genes for b in genes if a < b]
    ax = pl.module_network(
        nodes, pd.DataFrame(pairs, columns=["source", "target"]), Figure(figsize=(3, 2.5)).subplots()
    )
    boxes = [text.get_window_extent() for text in ax.texts]
    assert 5 < len(boxes) < 40
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    assert ax.texts[0].get_text() in genes[:20]
