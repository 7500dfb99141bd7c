"""The matched overlap test: exact against peers and enumeration, and valid where the plain one is fooled."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from genelight.errors import InputError
from genelight.evidence import TESTS, assess
from genelight.evidence._matched import matched_moments, matched_tail
from genelight.evidence.nulls import expression_bins
from genelight.evidence.tests.enrichment import over_representation
from genelight.nouns import Edges, Genes, NodeGenes

Build = Callable[..., NodeGenes]
UNIVERSE = tuple(f"G{i}" for i in range(1000))
GENES = 4000


OVERLAPS = [name for name in TESTS if name.startswith("hypergeometric")]


def tail(size: list[int], drawn: list[int], members: list[int], overlap: int) -> float:
    found = matched_tail(
        np.array(size), np.array([drawn]), sparse.csr_matrix([members]), np.array([[overlap]], dtype=np.int32)
    )
    return float(found[0, 0])


@pytest.mark.parametrize(("universe", "drawn"), [(1000, 150), (11_503, 300), (50, 40), (500, 499), (11_000, 5000)])
def test_one_bin_is_the_hypergeometric_test_of_scipy(universe: int, drawn: int) -> None:
    for size in np.unique(np.geomspace(1, universe * 0.9, 6).astype(int)):
        overlap = np.arange(min(size, drawn) + 1, dtype=np.int32)
        rows = len(overlap)
        lists, sets = np.full((rows, 1), drawn), sparse.csr_matrix([[size]])
        found = matched_tail(np.array([universe]), lists, sets, overlap[:, None])[:, 0]
        expected = stats.hypergeom.sf(overlap - 1, universe, size, drawn)
        far = expected > 1e-280
        np.testing.assert_allclose(found[far], expected[far], rtol=1e-10)


BIN = st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n)))


@settings(max_examples=80, deadline=None)
@given(st.lists(BIN, min_size=1, max_size=4))
def test_several_bins_are_all_ways_counted(bins: list[tuple[int, int, int]]) -> None:
    size, drawn, members = (list(part) for part in zip(*bins, strict=True))
    ways = [[comb(m, k) * comb(n - m, d - k) for k in range(d + 1)] for n, d, m in bins]
    total = int(np.prod([comb(n, d) for n, d, _ in bins], dtype=object))
    count = [0] * (sum(drawn) + 2)
    for ks in product(*(range(d + 1) for d in drawn)):
        count[sum(ks)] += int(np.prod([w[k] for w, k in zip(ways, ks, strict=True)], dtype=object))
    for k in range(sum(drawn) + 1):
        exact = float(Fraction(sum(count[k:]), total))
        assert tail(size, drawn, members, k) == pytest.approx(exact, rel=1e-12)
    mean, sd = matched_moments(np.array(size), np.array([drawn]), sparse.csr_matrix([members]))
    exact_mean = Fraction(sum(k * n for k, n in enumerate(count)), total)
    exact_square = Fraction(sum(k * k * n for k, n in enumerate(count)), total)
    assert mean[0, 0] == pytest.approx(float(exact_mean))
    assert sd[0, 0] == pytest.approx(float(exact_square - exact_mean**2) ** 0.5)


def test_far_tail_by_whole_numbers() -> None:
    """Two bins of which a list and a set share all genes that they can: one way in very many."""
    exact = Fraction(1, comb(400, 60)) * Fraction(comb(40, 30), comb(300, 30))
    assert tail([400, 300], [60, 30], [60, 40], 90) == pytest.approx(float(exact), rel=1e-11)
    assert float(exact) < 1e-100


def test_draws_within_bins_agree() -> None:
    rng = np.random.default_rng(0)
    size, drawn, members = [40, 25, 60], [10, 4, 8], [12, 3, 20]
    draws = sum(rng.hypergeometric(m, n - m, d, 100_000) for n, d, m in zip(size, drawn, members, strict=True))
    for overlap in (4, 6, 9):
        assert tail(size, drawn, members, overlap) == pytest.approx((draws >= overlap).mean(), abs=0.006)


@pytest.fixture(scope="module")
def x_ng() -> np.ndarray:
    """Genes whose means and variances differ and go together, as in expression."""
    rng = np.random.default_rng(1)
    mean = rng.gamma(3, 1.5, GENES)
    sd = 0.2 + rng.gamma(1.5, 0.3, GENES) * (1 + np.exp(-((mean - 6) ** 2) / 8))
    return mean + sd * rng.normal(size=(80, GENES))


def biased(x_ng: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """Random genes, the more variable the likelier."""
    weight = stats.rankdata(x_ng.var(0)) ** 2
    return rng.choice(GENES, size, replace=False, p=weight / weight.sum())


def randomised(p: np.ndarray, beyond: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uniform if p is exact, though overlaps are whole numbers: anywhere between P(> overlap) and P(>= overlap)."""
    return beyond + rng.uniform(size=p.shape) * (p - beyond)


def test_lists_biased_by_variance_get_uniform_p_and_fool_the_plain_test(x_ng: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    known = biased(x_ng, rng, 200)
    names = tuple(f"G{i}" for i in range(GENES))
    bin_g = expression_bins(x_ng, Genes(names))
    p = {}
    for test, bins in (("plain", np.zeros(GENES, dtype=int)), ("matched", bin_g)):
        size, members = np.bincount(bins), np.bincount(bins[known], minlength=bins.max() + 1)
        lists = [biased(x_ng, rng, 150) for _ in range(1500)]
        drawn = np.array([np.bincount(bins[genes], minlength=len(size)) for genes in lists])
        overlap = np.array([[np.isin(genes, known).sum()] for genes in lists], dtype=np.int32)
        ends = [matched_tail(size, drawn, sparse.csr_matrix(members), overlap + more)[:, 0] for more in (0, 1)]
        p[test] = randomised(*ends, rng)
    assert stats.kstest(p["matched"], "uniform").pvalue > 0.01
    assert 0.03 < (p["matched"] < 0.05).mean() < 0.07
    assert (p["plain"] < 0.05).mean() > 0.3


def sets_of(members: dict[str, list[str]]) -> Edges:
    rows = [(s, g) for s, genes in members.items() for g in genes]
    return Edges("sets", pd.DataFrame(rows, columns=["source", "target"]).assign(weight=1.0))


def test_rows_are_those_of_the_plain_test_with_another_null(nodes_of: Build) -> None:
    rng = np.random.default_rng(3)
    x_ng = rng.normal(size=(50, 1000)) * rng.uniform(0.5, 3, 1000) + rng.normal(size=1000) * 2
    lists = [list(rng.choice(UNIVERSE, 60, replace=False)) for _ in range(4)]
    members = {f"S{i}": list(rng.choice(UNIVERSE, rng.integers(10, 90), replace=False)) for i in range(40)}
    members["S0"] = lists[0][:30]
    nodes = nodes_of(lists, UNIVERSE)
    found = over_representation(nodes, [sets_of(members)], n_top=60, x_ng=x_ng, tests=list(TESTS))
    rows = found.table[found.table["test"] == "hypergeometric_matched"]
    plain = found.table[found.table["test"] == "hypergeometric"]
    bin_g = expression_bins(x_ng, nodes.genes)
    size = np.bincount(bin_g)
    counts = {
        name: np.bincount(bin_g[[UNIVERSE.index(g) for g in genes]], minlength=len(size))
        for name, genes in members.items()
    }
    p = {}
    for k, genes in enumerate(lists):
        drawn = np.bincount(bin_g[[UNIVERSE.index(g) for g in genes]], minlength=len(size))
        for name, inside in counts.items():
            shared = len(set(genes) & set(members[name]))
            mean = (drawn * inside / size).sum()
            p[f"L1.{k}", f"sets: {name}"] = (tail(list(size), list(drawn), list(inside), shared), shared, mean)
    q = dict(zip(p, stats.false_discovery_control([v[0] for v in p.values()]), strict=True))
    for row in rows.itertuples():
        key = (row.tested, row.reference)
        assert (row.p, row.statistic, row.null_mean) == pytest.approx(p[key])
        assert row.effect == pytest.approx(row.statistic / row.null_mean)
        assert row.q == pytest.approx(q[key])
    assert rows.iloc[rows["p"].argmin()][["tested", "reference"]].tolist() == ["L1.0", "sets: S0"]
    assert set(rows["tested"]) == set(plain["tested"])
    about = found.about["hypergeometric_matched"]
    assert about["tests adjusted over"] == found.about["hypergeometric"]["tests adjusted over"]
    assert (about["matched on"], about["bins"]) == ("mean and variance of expression", len(size))
    pd.testing.assert_frame_equal(
        assess(nodes, sets=[sets_of(members)], n_top=60, x_ng=x_ng, tests=list(TESTS)).table, found.table
    )


def test_without_expression_there_is_no_matched_test_and_of_a_few_sets_zeros_are_kept(nodes_of: Build) -> None:
    nodes = nodes_of([list(UNIVERSE[:40])], UNIVERSE)
    disease = {"none": list(UNIVERSE[500:520]), "some": list(UNIVERSE[30:50])}
    table = over_representation(nodes, [sets_of(disease)], n_top=40, tests=OVERLAPS).table
    assert "hypergeometric_matched" not in set(table["test"])
    rows = table[table["test"] == "hypergeometric"].set_index("reference")
    assert rows.loc["sets: none", ["statistic", "null_mean", "p"]].tolist() == [0, pytest.approx(0.8), 1]
    many = disease | {f"S{i}": list(UNIVERSE[600 + i : 620 + i]) for i in range(5)}
    assert over_representation(nodes, [sets_of(many)], n_top=40, tests=OVERLAPS).table[
        "reference"
    ].unique().tolist() == ["sets: some"]


def test_the_plain_test_stays_the_first(nodes_of: Build) -> None:
    x_ng = np.random.default_rng(4).normal(size=(20, 1000))
    nodes = nodes_of([list(UNIVERSE[:40])], UNIVERSE)
    found = over_representation(nodes, [sets_of({"S": list(UNIVERSE[:20])})], n_top=40, x_ng=x_ng, tests=list(TESTS))
    first = ["hypergeometric", "hypergeometric_up", "hypergeometric_matched"]
    assert found.table["test"].unique().tolist()[:3] == first


def test_expression_must_fit(nodes_of: Build) -> None:
    nodes, sets = nodes_of([list(UNIVERSE[:40])], UNIVERSE), sets_of({"S": list(UNIVERSE[:20])})
    with pytest.raises(InputError, match=r"x_ng has shape .5, 999., but the items have 1000 genes"):
        over_representation(nodes, [sets], n_top=40, x_ng=np.zeros((5, 999)), tests=list(TESTS))
