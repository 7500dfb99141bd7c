"""Association p values: MAGMA's files, calibration with loci, combinations of scipy, nearness of networkx."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from genelight.errors import InputError, UnknownNameError
from genelight.evidence import genetic_association, proximity
from genelight.evidence.combine import combine
from genelight.evidence.distances import Interactome
from genelight.nouns import Edges, Genes, NodeGenes

NAMES = tuple(f"G{i}" for i in range(1000))


def nodes(values: np.ndarray) -> NodeGenes:
    return NodeGenes(values, tuple(f"L1.{k}" for k in range(len(values))), Genes(NAMES), "L1", "toy", "toy")


def study_of(p: np.ndarray, *, placed: bool = True, length: np.ndarray | None = None) -> Edges:
    table = pd.DataFrame({"source": "trait", "target": NAMES, "weight": p})
    if placed:
        start = 1000 * np.arange(1000)
        size = np.full(1000, 100) if length is None else length
        table = table.assign(chromosome=np.repeat(list("12345"), 200), start=start, end=start + size)
    return Edges("trait", table)


def scores_of(p: np.ndarray) -> np.ndarray:
    z = stats.norm.isf(p)
    inside = z[np.isfinite(z)]
    return np.clip(z, inside.mean() - 3 * inside.std(), inside.mean() + 6 * inside.std())


def test_one_gene_of_p_one_or_zero_does_not_decide() -> None:
    """A list with a true excess of small p keeps it when one of its genes has p = 1."""
    rng = np.random.default_rng(5)
    p, values = rng.random(1000), np.zeros((1, 1000))
    values[0, :30] = np.linspace(2, 1, 30)
    p[:30] = rng.beta(0.4, 1, 30)
    p[0] = 0.5
    was = genetic_association(nodes(values), study_of(p, placed=False), n_top=30).table.iloc[0]
    p[0] = 1.0
    now = genetic_association(nodes(values), study_of(p, placed=False), n_top=30).table.iloc[0]
    assert was["statistic"] - 3.5 / 30 < now["statistic"] < was["statistic"]
    p[0] = 0.0
    most = genetic_association(nodes(values), study_of(p, placed=False), n_top=30).table.iloc[0]
    assert most["statistic"] < was["statistic"] + 6.5 / 30


def test_without_positions_it_is_the_t_test_of_two_lists() -> None:
    rng = np.random.default_rng(0)
    p, values = rng.random(1000), rng.normal(size=(1, 1000))
    row = genetic_association(nodes(values), study_of(p, placed=False), n_top=50).table.iloc[0]
    z, inside = scores_of(p), np.isin(np.arange(1000), np.argsort(-np.abs(values[0]))[:50])
    found = stats.ttest_ind(z[inside], z[~inside], alternative="greater")
    assert row["statistic"] == pytest.approx(z[inside].mean() - z[~inside].mean())
    assert (row["effect"], row["p"]) == pytest.approx((found.statistic, found.pvalue))


def test_with_covariates_it_is_the_coefficient_of_one_regression() -> None:
    """A list of variable genes: taking the variance off the scores alone would leave the coefficient too small."""
    rng = np.random.default_rng(8)
    sd = np.exp(rng.normal(size=1000))
    x = sd * rng.normal(size=(80, 1000))
    values = (np.log(sd) + rng.normal(size=1000))[None]
    inside = np.isin(np.arange(1000), np.argsort(-np.abs(values[0]))[:100])
    p = stats.norm.sf(np.log(sd) + 0.8 * inside + rng.normal(size=1000))
    row = genetic_association(nodes(values), study_of(p, placed=False), n_top=100, x_ng=x).table.iloc[0]
    design = np.column_stack([inside, np.ones(1000), x.mean(0), np.log(x.var(0))])
    slope = np.linalg.lstsq(design, scores_of(p), rcond=None)[0]
    left = scores_of(p) - design @ slope
    se = np.sqrt(left @ left / 996 * np.linalg.inv(design.T @ design)[0, 0])
    assert row["statistic"] == pytest.approx(slope[0])
    assert row["p"] == pytest.approx(stats.t.sf(slope[0] / se, 996))


def test_turns_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(1)
    p, values = rng.random(1000), rng.normal(size=(1, 1000))
    row = genetic_association(nodes(values), study_of(p), n_top=50).table.iloc[0]
    z = scores_of(p)
    z -= z.mean()
    inside = np.isin(np.arange(1000), np.argsort(-np.abs(values[0]))[:50])
    turned = np.array([np.roll(z, -s)[inside].mean() for s in range(1000)])
    assert row["statistic"] == pytest.approx(turned[0] * 1000 / 950)
    assert row["p"] == pytest.approx((turned >= turned[0] - 1e-9).mean())


def test_neighbours_that_share_a_signal_and_a_list_do_not_make_small_p_values() -> None:
    """Blocks of ten genes share their association, and lists take whole blocks, by chance."""
    rng = np.random.default_rng(2)
    turned, drawn = [], []
    for _ in range(80):
        z = np.repeat(rng.normal(size=100), 10) + 0.3 * rng.normal(size=1000)
        p = stats.norm.sf(z / z.std())
        values = np.repeat(rng.normal(size=100), 10)[None] + 0.01 * rng.normal(size=(1, 1000))
        for placed, found in ((True, turned), (False, drawn)):
            found.append(genetic_association(nodes(values), study_of(p, placed=placed), n_top=100).table["p"][0])
    assert stats.kstest(turned, "uniform").pvalue > 0.01
    assert (np.array(drawn) < 0.05).mean() > 0.15


def test_long_genes_and_variable_genes_are_no_signal() -> None:
    rng = np.random.default_rng(3)
    length = np.exp(rng.normal(size=1000)) * 1000
    sd = np.exp(rng.normal(size=1000) * 0.5)
    x = sd * rng.normal(size=(60, 1000))
    p = stats.norm.sf(0.5 * np.log(length / 1000) + np.log(sd) + rng.normal(size=1000))
    values = np.stack([np.log(length), np.log(sd)]) + 0.5 * rng.normal(size=(2, 1000))
    naive = genetic_association(nodes(values - values.min()), study_of(p, placed=False), n_top=100).table
    found = genetic_association(nodes(values - values.min()), study_of(p, length=length), n_top=100, x_ng=x)
    assert (naive["p"] < 1e-3).all()
    assert (found.table["p"] > 0.01).all()
    assert found.table["tested"].iloc[-1] == "most variable genes [control]"
    assert found.about["genetic_association"]["trait"]["adjusted for"] == ["length", "mean", "variance"]


def test_planted_association_is_found_and_lost_genes_are_counted() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(5, 1000))
    p = rng.random(1000)
    p[np.argsort(-np.abs(values[0]))[:60]] = 1e-7
    known = study_of(p)
    extra = pd.DataFrame({"source": "trait", "target": ["X1", "X2"], "weight": [1e-9, 0.5], "chromosome": "9"})
    table = pd.concat([known.table, extra.assign(start=1, end=2)], ignore_index=True)
    found = genetic_association(nodes(values), Edges("trait", table), n_top=100)
    assert (found.table["q"] < 0.05).tolist() == [True, False, False, False, False]
    about = found.about["genetic_association"]["trait"]
    assert (about["of these not measured"], about["of these not measured, too"]) == (2, 1)


@pytest.mark.parametrize("method", ["fisher", "stouffer"])
def test_combinations_are_those_of_scipy(method: str) -> None:
    p = np.random.default_rng(5).random(8)
    assert combine(p, method=method) == pytest.approx(stats.combine_pvalues(p, method=method).pvalue)


def test_only_cauchy_stands_dependence() -> None:
    rng = np.random.default_rng(6)
    z = np.sqrt(0.8) * rng.normal(size=(1000, 1)) + np.sqrt(0.2) * rng.normal(size=(1000, 8))
    p = stats.norm.sf(z)
    rate = {m: np.mean([combine(row, method=m) < 0.01 for row in p]) for m in ("fisher", "stouffer", "cauchy")}
    assert rate["cauchy"] < 0.02
    assert min(rate["fisher"], rate["stouffer"]) > 0.05
    assert combine(np.array([1e-300, 0.5]), method="cauchy") == pytest.approx(2e-300, rel=1e-6)


def test_p_values_that_cannot_be_combined() -> None:
    for p in ([], [0.0, 0.5], [1.2], [np.nan]):
        with pytest.raises(InputError, match="p values are missing"):
            combine(np.array(p))
    with pytest.raises(UnknownNameError, match="did you mean 'fisher'"):
        combine(np.array([0.5]), method="fischer")


def test_nearness_is_that_of_networkx_and_is_found(
    random_net: Interactome, random_pairs: np.ndarray, nodes_of: Callable[..., NodeGenes]
) -> None:
    graph = nx.Graph([(f"G{a}", f"G{b}") for a, b in random_pairs])
    rng = np.random.default_rng(7)
    centre = [random_net.genes.ids[i] for i in rng.choice(800, 15, replace=False)]
    around = list(dict.fromkeys(n for g in centre for n in list(graph[g])[:2] if n not in centre))
    far = [random_net.genes.ids[i] for i in rng.choice(800, 20, replace=False)]
    one = nodes_of([centre], random_net.genes.ids)
    other = nodes_of([around, far], random_net.genes.ids, layer="L2")
    size = max(len(around), 20)
    table = proximity(one, other, network=random_net, n_top=size, draws=400).table
    lengths = {g: nx.single_source_shortest_path_length(graph, g) for g in {*centre, *around}}
    to = [min(lengths[a][b] for b in around if b in lengths[a]) for a in centre]
    back = [min(lengths[b][a] for a in centre if a in lengths[b]) for b in around]
    assert table["statistic"][0] == pytest.approx(np.mean(to + back))
    assert table["p"][0] == pytest.approx(1 / 401)
    assert table["p"][1] > 0.01
