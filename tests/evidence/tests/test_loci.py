"""Loci counted once: the chance of each against draws, the sum against scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from genelight.evidence import TESTS
from genelight.evidence.tests.enrichment import over_representation
from genelight.evidence.tests.loci import _tail
from genelight.nouns import Edges, Genes, NodeGenes

NAMES = [f"G{i}" for i in range(400)]


def disease(genes: np.ndarray, locus: np.ndarray) -> Edges:
    table = pd.DataFrame({"source": "lupus", "target": np.array(NAMES)[genes], "weight": 1.0, "locus": locus})
    return Edges("catalog", table)


def nodes(lists: np.ndarray) -> NodeGenes:
    values = np.zeros((len(lists), 400))
    np.put_along_axis(values, lists, np.linspace(2, 1, lists.shape[1])[None], axis=1)
    return NodeGenes(values, tuple(f"L1.{k}" for k in range(len(lists))), Genes(tuple(NAMES)), "L1", "toy", "toy")


def test_a_locus_with_three_genes_counts_once() -> None:
    """All three in the list: three of eleven genes, one of nine loci."""
    listed = np.array([[0, 1, 2, *range(50, 67)]])
    known = disease(np.array([0, 1, 2, *range(100, 108)]), np.array([17, 17, 17, *range(8)]))
    table = over_representation(nodes(listed), [known], n_top=20, tests=list(TESTS)).table.set_index("test")
    assert table.loc["hypergeometric", "statistic"] == 3
    row = table.loc["loci"]
    assert row["statistic"] == 1
    # One of nine is nothing; three of eleven looked like much.
    assert row["p"] > 0.2 > 0.05 > table.loc["hypergeometric", "p"]
    three = 1 - np.prod((400 - 20 - np.arange(3)) / (400 - np.arange(3)))
    assert row["null_mean"] == pytest.approx(three + 8 * 20 / 400)


@pytest.mark.parametrize("matched", [False, True])
def test_expected_loci_are_those_of_draws(matched: bool) -> None:
    rng = np.random.default_rng(0)
    sd = np.exp(rng.normal(size=400))
    x_ng = sd * rng.normal(size=(50, 400))
    genes, locus = (
        rng.choice(400, 40, replace=False),
        np.repeat(np.arange(16), [5, 4, 4, 4, 3, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1]),
    )
    listed = (
        rng.choice(400, (1, 60), replace=False, p=sd / sd.sum()) if matched else rng.choice(400, (1, 60), replace=False)
    )
    found = over_representation(
        nodes(listed), [disease(genes, locus)], n_top=60, x_ng=x_ng if matched else None, tests=list(TESTS)
    )
    row = found.table.set_index("test").loc["loci"]
    from genelight.evidence.nulls import expression_bins

    bin_g = expression_bins(x_ng, Genes(tuple(NAMES))) if matched else np.zeros(400, dtype=int)
    hits = []
    for _ in range(4000):
        parts = [rng.permutation(np.flatnonzero(bin_g == b))[: (bin_g[listed[0]] == b).sum()] for b in np.unique(bin_g)]
        hits.append(len(np.unique(locus[np.isin(genes, np.concatenate(parts))])))
    assert row["null_mean"] == pytest.approx(np.mean(hits), abs=4 * np.std(hits) / np.sqrt(4000))
    # Independence of loci: never narrower than the truth, and hardly wider.
    assert 0.98 < row["null_sd"] / np.std(hits) < 1.12
    assert row["p"] == pytest.approx(np.mean(np.array(hits) >= row["statistic"]), abs=0.06)


def test_loci_of_one_gene_are_nearly_the_hypergeometric() -> None:
    rng = np.random.default_rng(1)
    genes = rng.choice(400, 30, replace=False)
    listed = np.array([rng.choice(400, 20, replace=False) for _ in range(30)])
    table = over_representation(nodes(listed), [disease(genes, np.arange(30))], n_top=20, tests=list(TESTS)).table
    p = {test: rows["p"].to_numpy() for test, rows in table.groupby("test")}
    np.testing.assert_allclose(p["loci"], p["hypergeometric"], rtol=0.4)
    assert (p["loci"] >= p["hypergeometric"] - 0.02).all()


def test_the_tail_is_the_binomial_of_scipy() -> None:
    chance = np.tile([[0.3], [1e-4], [0.97]], 12)
    found = _tail(chance, np.array([5, 9, 12]))
    np.testing.assert_allclose(found, stats.binom.sf([4, 8, 11], 12, chance[:, 0]), rtol=1e-10)


def test_collections_without_loci_are_not_counted_so() -> None:
    known = Edges("catalog", disease(np.arange(20), np.arange(20)).table.drop(columns="locus"))
    table = over_representation(nodes(np.arange(20)[None]), [known], n_top=20, tests=list(TESTS)).table
    assert "loci" not in set(table["test"])
