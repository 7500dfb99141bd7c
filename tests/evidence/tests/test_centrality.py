"""How central and how well covered top genes are, against networkx and scipy."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest
from scipy import stats

from genelight.evidence import TESTS, distances
from genelight.evidence.distances import Interactome
from genelight.evidence.tests.network import localise
from genelight.nouns import NodeGenes

Build = Callable[..., NodeGenes]


def test_betweenness_is_that_of_networkx(edges_of: Callable[..., object], chung_lu: Callable[..., np.ndarray]) -> None:
    """In a network of several components, one of them a path."""
    pairs = np.concatenate([chung_lu(150, mean_degree=4, seed=1), [[900, 901], [901, 902], [902, 903]]])
    net = distances(edges_of(pairs))  # type: ignore[arg-type]
    graph = nx.Graph([(f"G{a}", f"G{b}") for a, b in pairs])
    expected = nx.betweenness_centrality(graph)
    found = dict(zip(net.genes.ids, net.betweenness_p, strict=True))
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_statistics_are_means_over_the_genes(
    random_net: Interactome, random_pairs: np.ndarray, nodes_of: Build
) -> None:
    genes = [*random_net.genes.ids[:40], *(f"X{i}" for i in range(60))]
    members = [genes[20:40] + genes[40:50]]
    nodes = nodes_of(members, (*random_net.genes.ids, *genes[40:]))
    table = localise(nodes, random_net, n_top=30, draws=99).table.set_index("test")
    graph = nx.Graph([(f"G{a}", f"G{b}") for a, b in random_pairs])
    inside = genes[20:40]
    assert table.loc["degree", "statistic"] == pytest.approx(np.mean([graph.degree(g) for g in inside]))
    share = dict(zip(random_net.genes.ids, random_net.betweenness_p, strict=True))
    assert table.loc["betweenness", "statistic"] == pytest.approx(np.mean([share[g] for g in inside]))
    row = table.loc["outside"]
    assert (row["statistic"], row["n"]) == (pytest.approx(1 / 3), 30)
    expected = stats.hypergeom(len(random_net) + 60, 60, 30).sf(9)
    assert row["p"] == pytest.approx(expected, rel=1e-10)


def test_what_is_no_evidence_has_no_q(random_net: Interactome, nodes_of: Build) -> None:
    """Hubs are well connected by choice; that is said, beside draws of any degree, and never counted as found."""
    nodes = nodes_of([list(random_net.genes.ids[:30])], random_net.genes.ids)
    table = localise(nodes, random_net, n_top=30, draws=199).table.set_index("test")
    assert table.loc["degree", "p"] == pytest.approx(1 / 200)
    assert table.loc["degree", "null_mean"] == pytest.approx(random_net.degree_p.mean(), rel=0.05)
    assert (
        table.index[table["q"].isna()].tolist() == [e.name for e in TESTS.show() if e.control] == ["degree", "outside"]
    )


def test_betweenness_sees_bridges(edges_of: Callable[..., object], nodes_of: Build) -> None:
    """Twenty cliques in a row; genes that join them and genes inside them have one degree."""
    inside = [(b * 8 + i, b * 8 + j) for b in range(20) for i in range(8) for j in range(i) if {i, j} != {0, 7}]
    bridges = [(b * 8 + 7, b * 8 + 8) for b in range(19)]
    net = distances(edges_of(np.array(inside + bridges)))  # type: ignore[arg-type]
    joins = [f"G{g}" for pair in bridges for g in pair]
    others = [g for g in net.genes.ids if g not in joins][: len(joins)]
    table = localise(nodes_of([joins, others], net.genes.ids), net, n_top=len(joins), draws=199).table
    rows = table[table["test"] == "betweenness"].set_index("tested")
    assert rows.loc["L1.0", "p"] == pytest.approx(1 / 200)
    assert rows.loc["L1.1", "p"] > 0.5
