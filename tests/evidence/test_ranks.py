"""Rank tests of gene sets: scipy's Mann-Whitney, CAMERA's variance by simulation, calibration under co-expression."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from genelight._core.genes import Genes
from genelight._core.types import Edges, NodeGenes
from genelight.evidence import mean_correlation, over_representation
from genelight.evidence._collections import collect
from genelight.evidence.ranks import rank_variance

NAMES = np.array([f"G{i}" for i in range(300)])


def sets(*members: np.ndarray) -> Edges:
    rows = [(f"S{s}", gene) for s, chosen in enumerate(members) for gene in NAMES[chosen]]
    return Edges("sets", pd.DataFrame(rows, columns=["source", "target"]).assign(weight=1.0))


def nodes(values: np.ndarray) -> NodeGenes:
    return NodeGenes(values, tuple(f"L1.{k}" for k in range(len(values))), Genes(tuple(NAMES)), "L1", "toy", "toy")


@pytest.mark.parametrize("digits", [9, 1])
def test_rank_sum_is_that_of_scipy_with_and_without_ties(digits: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4, 300)).round(digits)
    values[0, :20] += 2
    chosen = [np.arange(20), rng.choice(300, 40, replace=False)]
    table = over_representation(nodes(values), [sets(*chosen)], n_top=20).table
    table = table[table["test"] == "rank_sum"].set_index(["subject", "reference"])
    for k in range(4):
        for s, members in enumerate(chosen):
            row = table.loc[(f"L1.{k}", f"sets: S{s}")]
            rest = np.setdiff1d(np.arange(300), members)
            want = stats.mannwhitneyu(values[k, members], values[k, rest], method="asymptotic")
            assert row["p"] == pytest.approx(want.pvalue, rel=1e-8)
            assert row["statistic"] == pytest.approx(want.statistic / (len(members) * len(rest)))


def test_variance_under_correlation_is_that_of_draws() -> None:
    rng = np.random.default_rng(1)
    inside, outside, rho = 12, 60, 0.3
    shared = np.sqrt(rho) * rng.normal(size=(20000, 1))
    x = np.concatenate(
        [shared + np.sqrt(1 - rho) * rng.normal(size=(20000, inside)), rng.normal(size=(20000, outside))], 1
    )
    u = stats.rankdata(x, axis=1)[:, :inside].sum(1) - inside * (inside + 1) / 2
    assert rank_variance(inside, outside, rho) == pytest.approx(u.var(), rel=0.03)
    assert rank_variance(inside, outside, 0.0) == pytest.approx(inside * outside * (inside + outside + 1) / 12)


def test_mean_correlation_is_numpys() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(25, 300)) + rng.normal(size=(25, 1))
    x[:, 7] = 1.0
    chosen = [np.arange(20, 30), np.array([3, 90, 200, 201, 250]), np.arange(5, 12)]
    found = mean_correlation(x, collect(sets(*chosen), Genes(tuple(NAMES)), min_size=2, max_size=50))
    for members, rho in zip(chosen, found, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            r = np.nan_to_num(np.corrcoef(x[:, members].T))
        assert rho == pytest.approx((r.sum() - np.trace(r)) / (len(members) * (len(members) - 1)), abs=1e-6)


def test_only_camera_is_calibrated_where_genes_of_a_set_go_together() -> None:
    """Profiles with no meaning, drawn with the correlation that expression has."""
    rng = np.random.default_rng(3)
    block = np.repeat(np.arange(10), 30)

    def draw(n: int) -> np.ndarray:
        return np.sqrt(0.2) * rng.normal(size=(n, 10))[:, block] + np.sqrt(0.8) * rng.normal(size=(n, 300))

    chosen = [np.flatnonzero(block == b) for b in range(5)]
    table = over_representation(nodes(draw(80)), [sets(*chosen)], n_top=20, x_ng=draw(400)).table
    p = {test: table.loc[table["test"] == test, "p"] for test in ("rank_sum", "camera")}
    assert len(p["camera"]) == 400
    assert (p["rank_sum"] < 0.05).mean() > 0.2
    assert 0.02 < (p["camera"] < 0.05).mean() < 0.09
    assert stats.kstest(p["camera"], "uniform").pvalue > 0.01


def test_flat_profiles_are_counted_not_tested() -> None:
    values = np.zeros((2, 300))
    values[0, :30] = np.arange(30)
    found = over_representation(nodes(values), [sets(np.arange(20))], n_top=20)
    assert set(found.table.loc[found.table["test"] == "rank_sum", "subject"]) == {"L1.0"}
    assert found.about["rank_sum"]["profiles without a difference"] == 1
    assert "camera" not in set(found.table["test"])
