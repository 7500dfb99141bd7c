from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genelight.errors import InputError, ResourceError
from genelight.evidence import distances
from genelight.evidence.distances import Interactome
from genelight.nouns import Edges

PAIRS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=80).filter(
    lambda pairs: any(a != b for a, b in pairs)
)


def edges(pairs: list[tuple[object, object]], weight: object = 1.0) -> Edges:
    return Edges("net", pd.DataFrame(pairs, columns=["source", "target"]).assign(weight=weight))


def agrees_with_networkx(net: Interactome, graph: nx.Graph) -> None:
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    expected = np.array([[lengths[a].get(b, 255) for b in net.genes.ids] for a in net.genes.ids])
    np.testing.assert_array_equal(net.distance_pp, expected)
    assert net.longest == expected[expected < 255].max()
    assert net.degree_p.tolist() == [graph.degree[g] for g in net.genes.ids]
    parts = sorted((len(c) for c in nx.connected_components(graph)), reverse=True)
    assert np.bincount(net.component_p).tolist() == parts


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_any_graph_has_the_distances_of_networkx(pairs: list[tuple[int, int]]) -> None:
    net = distances(edges(pairs))
    graph = nx.Graph([(str(a), str(b)) for a, b in pairs if a != b])
    agrees_with_networkx(net, graph)
    loops = sum(a == b for a, b in pairs)
    assert net.account["self loops"] == loops
    assert net.account["duplicate edges"] == len(pairs) - loops - graph.number_of_edges()


@pytest.mark.parametrize("genes", [63, 64, 65, 511, 512, 513, 1025])
def test_blocks_of_sources_meet_without_a_seam(genes: int) -> None:
    graph = nx.gnm_random_graph(genes, 2 * genes, seed=genes)
    graph.remove_nodes_from(list(nx.isolates(graph)))
    graph = nx.relabel_nodes(graph, str)
    agrees_with_networkx(distances(edges(list(graph.edges))), graph)


def test_many_components_across_blocks() -> None:
    graph = nx.disjoint_union_all([nx.path_graph(n) for n in [250, 200, 150, *[3] * 200]])
    graph = nx.relabel_nodes(graph, str)
    agrees_with_networkx(distances(edges(list(graph.edges))), graph)


def test_order_of_rows_and_direction_change_nothing() -> None:
    pairs = list(nx.gnm_random_graph(100, 200, seed=1).edges)
    one, other = distances(edges(pairs)), distances(edges([(b, a) for a, b in reversed(pairs)]))
    assert one.genes == other.genes
    np.testing.assert_array_equal(one.distance_pp, other.distance_pp)


def test_longest_path_that_fits_and_the_first_that_does_not() -> None:
    assert distances(edges([(i, i + 1) for i in range(254)])).longest == 254
    with pytest.raises(InputError, match="shortest paths of 255 edges and more"):
        distances(edges([(i, i + 1) for i in range(255)]))


@pytest.mark.parametrize(
    ("weight", "words"),
    [([1.0, -2.0, -0.5], "2 of 3 edges have a negative weight .B - C, C - D."), ([1, None, 1], "1 of 3 .* missing")],
)
def test_bad_weights_are_named_and_counted(weight: list[object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        distances(edges([("A", "B"), ("B", "C"), ("C", "D")], weight))


def test_missing_ids_are_counted() -> None:
    with pytest.raises(InputError, match="1 gene ids are missing"):
        distances(edges([("A", "B"), ("B", None)]))


@pytest.mark.parametrize("pairs", [[], [("A", "A")]])
def test_a_network_without_edges_is_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(InputError, match="no edge between two different genes"):
        distances(edges(pairs))


def test_a_matrix_that_cannot_fit_is_refused_before_it_is_made() -> None:
    hub = [("hub", f"G{i}") for i in range(60_001)]
    with pytest.raises(ResourceError, match="4 GB of distances"):
        distances(edges(hub))


def test_distances_cannot_be_overwritten() -> None:
    net = distances(edges([("A", "B")]))
    with pytest.raises(ValueError, match="read-only"):
        net.distance_pp[0, 0] = 3
