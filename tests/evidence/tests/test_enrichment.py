from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from genelight.errors import GeneMismatchError, InputError, UnknownNameError
from genelight.evidence import TESTS
from genelight.evidence.tests.enrichment import hypergeometric_tail, over_representation
from genelight.nouns import Edges, Evidence, Genes, Module, NodeGenes

Build = Callable[..., NodeGenes]
UNIVERSE = tuple(f"G{i}" for i in range(1000))


def sets_of(members: dict[str, list[str]], *, name: str = "sets") -> Edges:
    rows = [(s, g) for s, genes in members.items() for g in genes]
    return Edges(name, pd.DataFrame(rows, columns=["source", "target"]).assign(weight=1.0))


def random_sets(count: int, *, seed: int) -> dict[str, list[str]]:
    rng = np.random.default_rng(seed)
    return {f"S{i}": list(rng.choice(UNIVERSE, rng.integers(5, 200), replace=False)) for i in range(count)}


@pytest.mark.parametrize(
    ("universe", "drawn"), [(1000, 150), (11_503, 300), (20_000, 2000), (50, 40), (500, 499), (11_000, 5000)]
)
def test_tail_is_that_of_scipy_to_the_far_end(universe: int, drawn: int) -> None:
    sizes = np.unique(np.geomspace(1, universe * 0.9, 12).astype(int))
    tail = hypergeometric_tail(universe, drawn, sizes)
    for row, size in zip(tail, sizes, strict=True):
        expected = stats.hypergeom.sf(np.arange(-1, drawn), universe, size, drawn)
        far = expected > 1e-290
        np.testing.assert_allclose(row[far], expected[far], rtol=1e-10)
        assert (row[~far] <= 1.1e-290).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 120), st.data())
def test_tail_is_that_of_whole_number_arithmetic(universe: int, data: st.DataObject) -> None:
    drawn = data.draw(st.integers(1, universe - 1))
    size = data.draw(st.integers(1, universe))
    ways = [comb(size, k) * comb(universe - size, drawn - k) for k in range(drawn + 1)]
    exact = [float(Fraction(sum(ways[k:]), comb(universe, drawn))) for k in range(drawn + 1)]
    np.testing.assert_allclose(hypergeometric_tail(universe, drawn, np.array([size]))[0], exact, rtol=1e-12)


def test_far_tail_by_whole_numbers() -> None:
    universe, drawn, size = 11_503, 300, 250
    tail = hypergeometric_tail(universe, drawn, np.array([size]))[0]
    for k in (100, 150, 170):
        ways = sum(comb(size, j) * comb(universe - size, drawn - j) for j in range(k, size + 1))
        assert tail[k] == pytest.approx(float(Fraction(ways, comb(universe, drawn))), rel=1e-11)


def test_overlaps_p_and_q_of_a_plain_loop(nodes_of: Build) -> None:
    """Every kept row against scipy, and q against an adjustment over all pairs, zero overlaps included."""
    rng = np.random.default_rng(1)
    members = random_sets(60, seed=2)
    lists = [list(rng.choice(UNIVERSE, 50, replace=False)) for _ in range(6)] + [members["S0"][:50]]
    lists = [genes for genes in lists if len(genes) >= 10]
    found = over_representation(nodes_of(lists, UNIVERSE), [sets_of(members)], n_top=50, tests=list(TESTS))
    pairs = {
        (f"L1.{k}", f"sets: {s}"): stats.hypergeom.sf(len(set(genes) & set(inside)) - 1, 1000, len(inside), len(genes))
        for k, genes in enumerate(lists)
        for s, inside in members.items()
    }
    q = dict(zip(pairs, stats.false_discovery_control(list(pairs.values())), strict=True))
    rows = found.table[found.table["test"] == "hypergeometric"]
    assert len(rows) >= len(lists)
    for row in rows.itertuples():
        assert row.p == pytest.approx(pairs[row.tested, row.reference], rel=1e-10)
        assert row.q == pytest.approx(q[row.tested, row.reference], rel=1e-10)
    assert found.about["hypergeometric"]["tests adjusted over"] == {"L1 of toy against sets": len(pairs)}
    assert {k for k, v in q.items() if v <= 0.25} <= set(zip(rows["tested"], rows["reference"], strict=True))


def test_effect_and_null_are_those_of_scipy(nodes_of: Build) -> None:
    members = random_sets(3, seed=3)
    table = over_representation(
        nodes_of([list(UNIVERSE[:40])], UNIVERSE), [sets_of(members)], n_top=40, tests=list(TESTS)
    ).table
    for row in table[table["test"] == "hypergeometric"].itertuples():
        null = stats.hypergeom(1000, len(members[row.reference.removeprefix("sets: ")]), 40)
        assert row.null_mean == pytest.approx(null.mean())
        assert row.null_sd == pytest.approx(null.std())
        assert row.effect == pytest.approx(row.statistic / null.mean())


@pytest.mark.filterwarnings("ignore")
def test_p_is_that_of_gseapy(nodes_of: Build) -> None:
    """The ``ora`` of decoupler 2.2 is no reference: it ranks from the lowest and takes the genes above ``n_up``.

    Asked for the top 80 of a thousand genes it tests the other 920.
    """
    gseapy = pytest.importorskip("gseapy", reason="gseapy is a peer, installed by the extra 'peers'")
    members = random_sets(40, seed=4)
    genes = list(np.random.default_rng(5).choice(UNIVERSE, 80, replace=False))
    table = over_representation(nodes_of([genes], UNIVERSE), [sets_of(members)], n_top=80, tests=list(TESTS)).table
    rows = table[table["test"] == "hypergeometric"].set_index("reference")
    peer = gseapy.enrich(gene_list=genes, gene_sets=members, background=list(UNIVERSE), outdir=None, no_plot=True)
    expected = peer.results.set_index("Term")["P-value"]
    for reference, p in rows["p"].items():
        assert p == pytest.approx(expected[reference.removeprefix("sets: ")], rel=1e-8)


def test_planted_sets_are_found_and_p_is_valid_for_random_lists(nodes_of: Build) -> None:
    rng = np.random.default_rng(6)
    members = random_sets(80, seed=7)
    lists = [list(rng.choice(UNIVERSE, 60, replace=False)) for _ in range(200)]
    planted = members["S5"][:20]
    lists[0] = planted + [g for g in lists[0] if g not in planted][:40]
    found = over_representation(nodes_of(lists, UNIVERSE), [sets_of(members)], n_top=60, tests=list(TESTS)).table
    rows = found[found["test"] == "hypergeometric"]
    assert rows.loc[rows["tested"] == "L1.0"].nsmallest(1, "p")["reference"].item() == "sets: S5"
    assert (rows.loc[rows["tested"] != "L1.0", "q"] < 0.05).sum() <= 2


def test_up_down_and_both_of_a_node_and_a_module() -> None:
    values = np.zeros(1000)
    values[:20], values[100:120] = np.linspace(3, 2, 20), np.linspace(-3, -2, 20)
    members = {"up": list(UNIVERSE[:15]), "down": list(UNIVERSE[100:115]), "other": list(UNIVERSE[500:515])}
    node = NodeGenes(values[None], ("L1.0",), Genes(UNIVERSE), "L1", "toy", "toy")
    module = Module.from_scores(values, Genes(UNIVERSE), size=40, name="a", method="m")
    table = over_representation([node, module], [sets_of(members)], n_top=40, tests=list(TESTS)).table
    for subject in ("L1.0", "a [m]"):
        rows = table[(table["tested"] == subject) & (table["q"] < 0.05)]
        found = rows.groupby("test")["reference"].agg(set).to_dict()
        assert found == {
            "hypergeometric": {"sets: up", "sets: down"},
            "hypergeometric_up": {"sets: up"},
            "hypergeometric_down": {"sets: down"},
            "rank_sum": {"sets: up", "sets: down"},
        }
    one = over_representation(node, [sets_of(members)], n_top=40, tests=["hypergeometric_up"])
    assert set(one.table["test"]) == {"hypergeometric_up"}
    with pytest.raises(UnknownNameError, match="did you mean 'hypergeometric'"):
        over_representation(node, [sets_of(members)], n_top=40, tests=["hypergeometrik"])


def test_order_of_genes_and_rows_changes_nothing() -> None:
    rng = np.random.default_rng(9)
    values, shuffled = rng.normal(size=(4, 1000)), rng.permutation(1000)
    nodes = tuple(f"L1.{k}" for k in range(4))
    one = NodeGenes(values, nodes, Genes(UNIVERSE), "L1", "toy", "toy")
    other = NodeGenes(values[:, shuffled], nodes, Genes(tuple(UNIVERSE[i] for i in shuffled)), "L1", "toy", "toy")
    sets = sets_of(random_sets(30, seed=8))
    mixed = Edges("sets", sets.table.sample(frac=1, random_state=0))
    first, second = (
        over_representation(one, [sets], tests=list(TESTS)),
        over_representation(other, [mixed], tests=list(TESTS)),
    )
    pd.testing.assert_frame_equal(first.table, second.table)


def test_account_of_what_was_left_out(nodes_of: Build) -> None:
    members = {
        "small": ["G1", "G2"],
        "large": list(UNIVERSE[:600]),
        "good": [*UNIVERSE[:20], "G3", "unknown 1", "unknown 2"],
    }
    found = over_representation(
        nodes_of([list(UNIVERSE[:30])], UNIVERSE), [sets_of(members)], n_top=30, tests=list(TESTS)
    )
    about = found.about["hypergeometric"]
    assert about["universe"] == 1000
    assert about["collections"]["sets"] == {
        "sets": 3,
        "sets tested": 1,
        "sets too small": 1,
        "sets too large": 1,
        "members not measured": 2,
        "members measured": 600,
        "repeated members": 1,
    }
    assert found.table["reference"].unique().tolist() == ["sets: good"]


def test_a_dead_node_is_not_tested(nodes_of: Build) -> None:
    found = over_representation(
        nodes_of([[], list(UNIVERSE[:30])], UNIVERSE), [sets_of(random_sets(5, seed=1))], n_top=30, tests=list(TESTS)
    )
    assert found.about["hypergeometric"]["too few genes"] == 1
    assert "L1.0" not in set(found.table["tested"])


def test_result_survives_the_disk(nodes_of: Build, tmp_path: object) -> None:
    found = over_representation(
        nodes_of([list(UNIVERSE[:30])], UNIVERSE), [sets_of(random_sets(9, seed=1))], n_top=30, tests=list(TESTS)
    )
    found.save(tmp_path / "evidence.parquet")
    again = Evidence.load(tmp_path / "evidence.parquet")
    pd.testing.assert_frame_equal(again.table, found.table)
    assert again.about == found.about


def test_bad_input_says_what_was_found(nodes_of: Build) -> None:
    nodes = nodes_of([list(UNIVERSE[:30])], UNIVERSE)
    with pytest.raises(GeneMismatchError, match=r"0 of 1000 measured genes are in sets.*G0, G1.*has 5243, 5244"):
        over_representation(nodes, [sets_of({"A": [str(i) for i in range(5243, 5270)]})], tests=list(TESTS))
    with pytest.raises(InputError, match=r"none of the 1 sets of sets has 5 to 500 of the 1000 measured genes .0 are"):
        over_representation(nodes, [sets_of({"A": list(UNIVERSE)})], tests=list(TESTS))
    with pytest.raises(InputError, match="min_size = 9 and max_size = 3"):
        over_representation(nodes, [sets_of({"A": list(UNIVERSE)})], min_size=9, max_size=3, tests=list(TESTS))
    with pytest.raises(InputError, match="1 of 31 rows lack a set or a gene"):
        over_representation(nodes, [sets_of({"A": [*UNIVERSE[:30], None]})], tests=list(TESTS))
