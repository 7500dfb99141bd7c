from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from genelight.errors import GeneMismatchError, InputError
from genelight.evidence import distances
from genelight.evidence._closeness import components
from genelight.evidence._tested import Items
from genelight.evidence.distances import Interactome
from genelight.evidence.nulls import MatchedNull, matched_null
from genelight.evidence.tests.network import localise
from genelight.nouns import Edges, Genes, Module, NodeGenes
from genelight.stats.matched import match_bins

Build = Callable[..., NodeGenes]


def draw_sets(net: Interactome, *, count: int, size: int, weight: np.ndarray, seed: int) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    chance = weight / weight.sum()
    draws = [rng.choice(len(net), size, replace=False, p=chance) for _ in range(count)]
    return [[net.genes.ids[i] for i in draw] for draw in draws]


def test_statistics_are_those_of_networkx(random_net: Interactome, random_pairs: np.ndarray, nodes_of: Build) -> None:
    lists = draw_sets(random_net, count=4, size=30, weight=random_net.degree_p.astype(float), seed=3)
    table = localise(nodes_of(lists, random_net.genes.ids), random_net, n_top=30, draws=9).table
    graph = nx.Graph([(f"G{a}", f"G{b}") for a, b in random_pairs])
    for k, members in enumerate(lists):
        rows = table[table["tested"] == f"L1.{k}"].set_index("test")["statistic"]
        lengths = [nx.shortest_path_length(graph, s) for s in members]
        reached = [d[t] for i, d in enumerate(lengths) for t in members[:i] if t in d]
        part = graph.subgraph(members)
        assert rows["distance"] == pytest.approx(np.mean(reached))
        assert rows["density"] == pytest.approx(nx.density(part))
        near = [1 / d[t] for i, d in enumerate(lengths) for t in members[:i] if t in d]
        assert rows["efficiency"] == pytest.approx(sum(near) / (30 * 29 / 2), rel=1e-9)
        assert rows["component"] == len(max(nx.connected_components(part), key=len))


def null_of(net: Interactome, nodes: NodeGenes, *, size: int, draws: int) -> MatchedNull:
    return matched_null(Items.of(nodes, n_top=size), net, draws=draws)


def test_shared_draws_are_those_of_a_plain_loop(random_net: Interactome, nodes_of: Build) -> None:
    """Mean and sd of the draws against sets drawn one by one, bin by bin, with numpy."""
    members = draw_sets(random_net, count=1, size=40, weight=np.ones(len(random_net)), seed=5)[0]
    null = null_of(random_net, nodes_of([members], random_net.genes.ids), size=40, draws=4000)
    bins = match_bins(random_net.degree_p)
    own = np.bincount(bins[[random_net.genes.position[g] for g in members]], minlength=bins.max() + 1)
    rng = np.random.default_rng(7)
    found = []
    for _ in range(2000):
        drawn = np.concatenate([rng.choice(np.flatnonzero(bins == b), n, replace=False) for b, n in enumerate(own)])
        pairs = random_net.distance_pp[np.ix_(drawn, drawn)][np.triu_indices(40, 1)]
        parts = nx.connected_components(nx.from_numpy_array(random_net.distance_pp[np.ix_(drawn, drawn)] == 1))
        degree = random_net.degree_p[drawn].mean()
        found.append((pairs[pairs < 255].mean(), max(map(len, parts)), (pairs == 1).mean(), degree))
    expected = pd.DataFrame(found, columns=["distance", "component", "density", "degree"])
    ours = {"distance": null.drawn.distance, "density": null.drawn.density, "degree": null.degree[1]}
    ours["component"] = components(random_net, null.orders.cut())
    for test, null_rk in ours.items():
        error = expected[test].std() * np.sqrt(1 / 2000 + 1 / 4000)
        assert abs(null_rk.mean() - expected[test].mean()) < 4 * error
        assert null_rk.std(ddof=1) == pytest.approx(expected[test].std(), rel=0.1)


def test_draws_are_set_to_the_degree_of_the_subject(random_net: Interactome, nodes_of: Build) -> None:
    """Against the prediction and the residuals of ordinary least squares."""
    members = draw_sets(random_net, count=1, size=40, weight=random_net.degree_p.astype(float), seed=5)[0]
    nodes = nodes_of([members], random_net.genes.ids)
    row = localise(nodes, random_net, n_top=40, draws=500).table.set_index("test").loc["density"]
    null = null_of(random_net, nodes, size=40, draws=500)
    own, drawn = null.degree
    fit = stats.linregress(drawn[:, 0], null.drawn.density[:, 0])
    assert row["null_mean"] == pytest.approx(fit.intercept + fit.slope * own[0])
    rest = null.drawn.density[:, 0] - fit.intercept - fit.slope * drawn[:, 0]
    assert row["null_sd"] == pytest.approx(rest.std(ddof=1))


def test_a_null_mean_is_exact_from_the_means_between_bins(random_net: Interactome, nodes_of: Build) -> None:
    members = draw_sets(random_net, count=1, size=60, weight=np.ones(len(random_net)), seed=6)[0]
    null_r = null_of(random_net, nodes_of([members], random_net.genes.ids), size=60, draws=4000).drawn.density[:, 0]
    bins = match_bins(random_net.degree_p)
    inside = np.eye(bins.max() + 1)[bins]
    own = inside[[random_net.genes.position[g] for g in members]].sum(0)
    size = inside.sum(0)
    joined = inside.T @ (random_net.distance_pp == 1) @ inside
    pairs = np.outer(size, size) - np.diag(size)
    wanted = np.outer(own, own) - np.diag(own)
    exact = (wanted * joined / pairs).sum() / (60 * 59)
    assert abs(null_r.mean() - exact) < 4 * null_r.std() / np.sqrt(4000)


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_p_is_uniform_for_random_and_for_degree_biased_sets(
    power: float, nodes_of: Build, edges_of: Callable[..., Any], chung_lu: Callable[..., Any]
) -> None:
    net = distances(edges_of(chung_lu(4000, mean_degree=10, seed=11)))
    lists = draw_sets(net, count=300, size=80, weight=net.degree_p.astype(float) ** power, seed=12)
    table = localise(nodes_of(lists, net.genes.ids), net, n_top=80, draws=3000).table
    for test, rows in table.dropna(subset="q").groupby("test"):
        # Ties make whole-number statistics conservative: their p may be too large, never too small.
        side = "two-sided" if test == "distance" else "greater"
        assert stats.kstest(rows["p"], "uniform", alternative=side).pvalue > 0.01, test
        assert abs(rows["effect"].mean()) < 0.2, test
    assert (table["q"] < 0.05).mean() < 0.01


def test_planted_communities_are_found_and_random_sets_are_not(
    random_pairs: np.ndarray, nodes_of: Build, edges_of: Callable[..., Any]
) -> None:
    rng = np.random.default_rng(2)
    planted = [rng.choice(1500, 40, replace=False) for _ in range(10)]
    extra = [rng.choice(genes, (60, 2)) for genes in planted]
    net = distances(edges_of(np.concatenate([random_pairs, *extra])))
    measured = net.genes.ids
    lists = [[f"G{i}" for i in genes if f"G{i}" in net.genes.position] for genes in planted]
    lists += draw_sets(net, count=60, size=40, weight=np.ones(len(net)), seed=4)
    near = ["distance", "efficiency", "component", "density"]
    table = localise(nodes_of(lists, measured), net, n_top=38, draws=1000, tests=near).table
    for test, rows in table.groupby("test"):
        assert (rows["q"].iloc[:10] < 0.05).mean() >= 0.9, test
        assert (rows["q"].iloc[10:] < 0.05).mean() <= 0.05, test


def test_order_of_genes_changes_nothing(random_net: Interactome) -> None:
    rng = np.random.default_rng(8)
    values = rng.normal(size=(5, len(random_net)))
    x = rng.normal(size=(10, len(random_net)))
    shuffled = rng.permutation(len(random_net))
    names = np.array(random_net.genes.ids)
    nodes = tuple(f"L1.{k}" for k in range(5))
    one = NodeGenes(values, nodes, Genes(tuple(names)), "L1", "toy", "toy")
    other = NodeGenes(values[:, shuffled], nodes, Genes(tuple(names[shuffled])), "L1", "toy", "toy")
    for with_x, also in ((None, None), (x, x[:, shuffled])):
        first = localise(one, random_net, n_top=30, draws=50, x_ng=with_x)
        second = localise(other, random_net, n_top=30, draws=50, x_ng=also)
        pd.testing.assert_frame_equal(first.table, second.table)


def test_p_of_a_node_does_not_depend_on_the_other_nodes(random_net: Interactome, nodes_of: Build) -> None:
    lists = draw_sets(random_net, count=6, size=30, weight=random_net.degree_p.astype(float), seed=3)
    together = localise(nodes_of(lists, random_net.genes.ids), random_net, n_top=30, draws=99).table
    alone = localise(nodes_of(lists[:1], random_net.genes.ids), random_net, n_top=30, draws=99).table
    columns = ["test", "statistic", "effect", "null_mean", "null_sd", "p"]
    first = together.loc[together["tested"] == "L1.0", columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, alone[columns])


def test_pairs_without_a_path_do_not_count(nodes_of: Build, edges_of: Callable[..., Any]) -> None:
    cliques = [(base + i, base + j) for base in (0, 100) for i in range(30) for j in range(i)]
    net = distances(edges_of(np.array(cliques)))
    members = [f"G{i}" for i in [*range(10), *range(100, 105)]]
    table = localise(nodes_of([members], net.genes.ids), net, n_top=15, draws=19).table.set_index("test")
    assert table.loc["distance", "statistic"] == 1.0
    assert table.loc["component", "statistic"] == 10
    assert table.loc["distance", "p"] == 1.0
    assert np.isnan(table.loc["distance", "effect"])


def test_modules_and_nodes_outside_the_network(random_net: Interactome, nodes_of: Build) -> None:
    genes = random_net.genes.ids[:200] + tuple(f"X{i}" for i in range(100))
    lists = [list(genes[:30]), list(genes[195:225]), []]
    found = localise(nodes_of(lists, genes), random_net, n_top=30, draws=19)
    assert found.about["distance"]["universe"] == 200
    assert found.about["distance"]["too few genes in network"] == 2
    assert set(found.table.dropna(subset="q")["tested"]) == {"L1.0"}
    module = Module.from_scores(np.arange(300.0)[::-1], Genes(genes), size=250, name="a against b", method="toy")
    rows = localise(module, random_net, draws=19).table
    assert set(rows["tested"]) == {"a against b [toy]"}
    assert set(rows.dropna(subset="q")["n"]) == {200}


def test_too_few_shared_genes_shows_both_sides(random_net: Interactome) -> None:
    genes = Genes(tuple(f"ENSG{i}" for i in range(50)))
    nodes = NodeGenes(np.ones((1, 50)), ("L1.0",), genes, "L1", "toy", "toy")
    with pytest.raises(GeneMismatchError, match=r"0 of 50 measured genes are in net.*ENSG0.*net has G\d.*map the data"):
        localise(nodes, random_net, n_top=20)
    entrez = NodeGenes(np.ones((1, 50)), ("L1.0",), Genes(genes.ids, "entrez"), "L1", "toy", "toy")
    with pytest.raises(GeneMismatchError, match="ids of two kinds: entrez"):
        localise(entrez, random_net, n_top=20)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_top": 5000}, "n_top = 5000 is not between 10 and"),
        ({"n_top": 9}, "n_top = 9 is not between 10 and"),
        ({"draws": 0}, "draws = 0 must be above zero"),
        ({"x_ng": np.ones((3, 2))}, r"x_ng has shape \(3, 2\)"),
        ({"x_ng": np.full((3, 1500), np.nan)}, "x_ng h"),
    ],
)
def test_bad_settings_say_what_to_type(settings: dict[str, object], words: str, random_net: Interactome) -> None:
    values = np.random.default_rng(0).normal(size=(2, len(random_net)))
    nodes = NodeGenes(values, ("L1.0", "L1.1"), random_net.genes, "L1", "toy", "toy")
    with pytest.raises(InputError, match=words):
        localise(nodes, random_net, **settings)


def test_edges_are_searched_on_the_way(
    random_pairs: np.ndarray, random_net: Interactome, nodes_of: Build, edges_of: Callable[..., Any]
) -> None:
    lists = draw_sets(random_net, count=1, size=30, weight=np.ones(len(random_net)), seed=3)
    nodes = nodes_of(lists, random_net.genes.ids)
    edges: Edges = edges_of(random_pairs)
    one, other = localise(nodes, edges, n_top=30, draws=9), localise(nodes, random_net, n_top=30, draws=9)
    pd.testing.assert_frame_equal(one.table, other.table)


def test_long_paths_and_large_lists_stay_exact(edges_of: Callable[[np.ndarray], Edges], nodes_of: Build) -> None:
    """On a path of 250 genes the sums of a list do not fit into one word."""
    net = distances(edges_of(np.column_stack([np.arange(249), np.arange(1, 250)])))
    members = list(np.random.default_rng(0).permutation(net.genes.ids)[:120])
    table = localise(nodes_of([members], net.genes.ids), net, n_top=120, draws=9).table.set_index("test")
    place = np.array([int(g[1:]) for g in members])
    apart = np.abs(np.subtract.outer(place, place))[np.triu_indices(120, 1)]
    assert table.loc["distance", "statistic"] == pytest.approx(apart.mean(), rel=1e-12)
    assert table.loc["efficiency", "statistic"] == pytest.approx((1 / apart).mean(), rel=1e-9)
    assert table.loc["density", "statistic"] == pytest.approx((apart == 1).mean(), rel=1e-12)
