"""Matching, reproducibility and consensus on profiles of known make."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import linear_sum_assignment

from genelight import NodeGenes, models, nodes
from genelight.errors import GeneMismatchError, InputError, UnknownNameError
from genelight.nodes.reproduce import match_nodes, random_rotation, rank_nodes
from genelight.nouns import Genes

G, K, MEMBERS = 300, 12, 6


def nodes_of(values_kg, *, genes=None):
    genes = genes or Genes(tuple(f"g{i}" for i in range(values_kg.shape[1])))
    names = tuple(f"L1.{i}" for i in range(len(values_kg)))
    return NodeGenes(np.asarray(values_kg, dtype=np.float32), names, genes, "L1", "toy", "light_up")


def members(*, planted, seed=0):
    """Members whose first nodes are the same `planted` profiles; the rest are fresh mixtures of one common space."""
    rng = np.random.default_rng(seed)
    space_kg = rng.standard_normal((K, G)) * np.linspace(2, 0.5, K)[:, None]
    parts = []
    for _ in range(MEMBERS):
        rest = random_rotation(K - planted, rng) @ space_kg[planted:]
        values_kg = np.vstack([space_kg[:planted], rest]) + 0.1 * rng.standard_normal((K, G))
        sign, order = rng.choice([-1, 1], K), rng.permutation(K)
        parts.append((nodes_of((sign[:, None] * values_kg)[order]), order))
    return parts


@pytest.fixture(scope="module")
def planted():
    return members(planted=4)


def test_matching_is_the_best_assignment_of_correlations(planted):
    a, b = planted[0][0], planted[1][0]
    table = match_nodes(a, b)
    r = np.corrcoef(a.values_kg, b.values_kg)[:K, K:]
    i, j = linear_sum_assignment(-np.abs(r))
    assert table["match"].tolist() == [b.nodes[x] for x in j]
    np.testing.assert_allclose(table["correlation"], r[i, j], atol=1e-5)


def test_matching_undoes_order_and_sign():
    rng = np.random.default_rng(1)
    values = rng.standard_normal((5, 50))
    table = match_nodes(nodes_of(values), nodes_of(-3 * values[::-1]))
    assert table["match"].tolist() == [f"L1.{i}" for i in (4, 3, 2, 1, 0)]
    np.testing.assert_allclose(table["correlation"], -1, atol=1e-6)


def test_dead_nodes_have_no_match_and_numbers_may_differ():
    values = np.random.default_rng(2).standard_normal((4, 50))
    values[1] = 0
    table = match_nodes(nodes_of(values), nodes_of(values[[0, 1, 2]]))
    assert table["match"].tolist()[:3] == ["L1.0", "", "L1.2"]
    assert table["correlation"].tolist()[1] == 0


def test_planted_nodes_are_found_again_and_mixtures_are_not(planted):
    reference, order = planted[0]
    table = nodes.reproducibility(reference, [part for part, _ in planted[1:]])
    good = order < 4
    assert table["q"][good].max() < 0.05
    assert table["support"][good].min() == MEMBERS - 1
    assert table["q"][~good].min() > 0.05
    assert table["reproducibility"][good].min() > 0.9


def test_p_is_uniform_when_nodes_are_arbitrary_directions():
    p = []
    for seed in range(30):
        parts = [part for part, _ in members(planted=0, seed=seed)]
        p.append(nodes.reproducibility(parts[0], parts[1:], draws=30, seed=seed)["p"].to_numpy())
    # Nodes of one model share the others they are matched to, so the test takes one of each.
    assert stats.kstest([x[0] for x in p], "uniform").pvalue > 0.01
    assert abs(np.mean(p) - 0.5) < 0.08
    assert np.mean(np.concatenate(p) < 0.05) < 0.08


def test_a_dead_node_is_not_reproducible(planted):
    values = planted[0][0].values_kg.copy()
    values[2] = 0
    row = nodes.reproducibility(nodes_of(values), [part for part, _ in planted[1:]]).iloc[2]
    assert (row["reproducibility"], row["support"], row["p"]) == (0, 0, 1)


def test_reproducibility_does_not_depend_on_the_order_of_genes(planted):
    shuffle = np.random.default_rng(3).permutation(G)
    parts = [part for part, _ in planted]
    moved = [nodes_of(part.values_kg[:, shuffle]) for part in parts]
    a, b = (nodes.reproducibility(x[0], x[1:])["reproducibility"] for x in (parts, moved))
    np.testing.assert_allclose(a, b, atol=1e-4)


def test_consensus_gathers_the_planted_programmes(planted):
    found = nodes.consensus([part for part, _ in planted])
    good = found.table[found.table["q"] < 0.05]
    assert good["node"].tolist() == ["C.0", "C.1", "C.2", "C.3"]
    assert (good["support"] == MEMBERS).all()
    truth = planted[0][0].values_kg[np.argsort(planted[0][1])[:4]]
    r = np.abs(np.corrcoef(found.nodes.values_kg[:4], truth)[:4, 4:])
    assert r.max(0).min() > 0.98
    rows = found.members[found.members["programme"] == "C.0"]
    assert rows["member"].tolist() == list(range(MEMBERS))


def test_consensus_signs_agree(planted):
    parts = [part for part, _ in planted]
    found = nodes.consensus(parts)
    rows = found.members[found.members["programme"] == "C.0"]
    values = [
        s * parts[m].of(n).sort_index() for m, n, s in zip(rows["member"], rows["node"], rows["sign"], strict=True)
    ]
    assert np.corrcoef(values).min() > 0.9
    assert rows["sign"].sum() >= 0
    np.testing.assert_allclose(found.nodes.of("C.0").sort_index(), np.mean(values, 0), atol=1e-5)


def test_arbitrary_directions_make_no_consensus():
    false = 0
    for seed in range(20):
        table = nodes.consensus([part for part, _ in members(planted=0, seed=seed)], seed=seed).table
        false += int((table["q"] < 0.05).any())
    assert false <= 3


def test_support_is_a_share(planted):
    parts = [part for part, _ in planted]
    assert nodes.consensus(parts, support=0.9).table["support"].min() == MEMBERS
    with pytest.raises(InputError, match=r"support = 1.5 must be a share"):
        nodes.consensus(parts, support=1.5)


def test_an_ensemble_of_one(planted):
    with pytest.raises(InputError, match="an ensemble of one"):
        nodes.reproducibility(planted[0][0], [])
    with pytest.raises(InputError, match="an ensemble of 1 has nothing to agree on"):
        nodes.consensus([planted[0][0]])


def test_the_table_says_of_which_layer_and_of_how_many_trainings(cohort):
    model = models.PCA(4).fit(cohort.adata)
    again = models.Ensemble.fit(cohort.adata, model, seeds=3, subject="subject")
    lit = [nodes.light_up(member, "PC") for member in again]
    table = nodes.reproducibility(nodes.light_up(model, "PC"), lit, draws=10)
    assert (set(table["layer"]), set(table["members"])) == ({"PC"}, {3})


def test_members_with_other_genes(planted):
    a, b = planted[0][0], planted[1][0]
    other = nodes_of(b.values_kg, genes=Genes(tuple(f"g{i}" for i in range(5, G + 5))))
    for ask in (lambda: match_nodes(a, other), lambda: nodes.consensus([a, b, other])):
        with pytest.raises(GeneMismatchError, match=r"has 300 genes, of which 295 are among the 300 of member 0"):
            ask()


def test_all_nodes_dead(planted):
    dead = nodes_of(np.zeros((3, G)))
    with pytest.raises(InputError, match="all 3 nodes of layer L1"):
        match_nodes(dead, planted[0][0])


def test_ranking_is_reproducibility_times_effect():
    scored = pd.DataFrame({"node": ["a", "b", "c"], "reproducibility": [0.9, 0.5, 0.0], "q": [0.0, 0.1, 1.0]})
    effects = pd.DataFrame({"node": ["c", "b", "a", "d"], "effect": [9.0, -2.0, 1.0, 3.0], "state": [""] * 4})
    ranked = rank_nodes(scored, effects)
    assert ranked["node"].tolist() == ["b", "a", "c"]
    np.testing.assert_allclose(ranked["rank_score"], [1.0, 0.9, 0.0])
    with pytest.raises(UnknownNameError, match="unknown column 'effect'"):
        rank_nodes(scored, effects.drop(columns="effect"))
    with pytest.raises(UnknownNameError, match="unknown node 'a'"):
        rank_nodes(scored, effects[effects["node"] != "a"])
