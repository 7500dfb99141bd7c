"""Rank tests of gene sets: scipy's Mann-Whitney, the variance that samples have, calibration under co-expression."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from genelight.evidence import TESTS
from genelight.evidence.tests.enrichment import over_representation
from genelight.nouns import Edges, Genes, NodeGenes

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
    table = over_representation(nodes(values), [sets(*chosen)], n_top=20, tests=list(TESTS)).table
    table = table[table["test"] == "rank_sum"].set_index(["tested", "reference"])
    for k in range(4):
        for s, members in enumerate(chosen):
            row = table.loc[(f"L1.{k}", f"sets: S{s}")]
            rest = np.setdiff1d(np.arange(300), members)
            want = stats.mannwhitneyu(values[k, members], values[k, rest], method="asymptotic")
            assert row["p"] == pytest.approx(want.pvalue, rel=1e-8)
            assert row["statistic"] == pytest.approx(want.statistic / (len(members) * len(rest)))


def test_camera_takes_the_profile_for_one_more_sample() -> None:
    """Put among the samples, a profile's difference is that many standard deviations of theirs, by numpy alone."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(25, 300)) + rng.normal(size=(25, 1)) * np.repeat([1.0, 0.0], [60, 240])
    value = rng.normal(size=300)
    chosen = [np.arange(20, 50), np.array([3, 90, 200, 201, 250]), np.arange(60)]
    table = over_representation(nodes(value[None]), [sets(*chosen)], n_top=20, x_ng=x, tests=["camera"]).table
    standard = (x - x.mean(0)) / x.std(0)

    def apart(row: np.ndarray, members: np.ndarray) -> float:
        score = stats.norm.ppf((stats.rankdata(row) - 0.5) / 300)
        score /= score.std()
        return float(score[members].mean() - np.delete(score, members).mean())

    for s, members in enumerate(chosen):
        row = table.set_index("reference").loc[f"sets: S{s}"]
        theirs = np.array([apart(sample, members) for sample in standard])
        sd = max(np.sqrt((theirs**2).sum() / 24), np.sqrt(1 / len(members) + 1 / (300 - len(members))))
        assert row["statistic"] == pytest.approx(apart(value, members))
        assert row["null_sd"] == pytest.approx(sd)
        assert row["p"] == pytest.approx(2 * stats.t.sf(abs(apart(value, members)) / sd, 24), rel=1e-9)


def test_camera_needs_samples_to_compare_with() -> None:
    values = np.random.default_rng(4).normal(size=(2, 300))
    found = over_representation(
        nodes(values), [sets(np.arange(20))], n_top=20, x_ng=np.ones((2, 300)) + values, tests=list(TESTS)
    )
    assert "camera" not in set(found.table["test"])


def test_only_camera_is_calibrated_where_genes_of_a_set_go_together() -> None:
    """Profiles with no meaning, drawn with the correlation that expression has."""
    rng = np.random.default_rng(3)
    block = np.repeat(np.arange(10), 30)

    def draw(n: int) -> np.ndarray:
        return np.sqrt(0.2) * rng.normal(size=(n, 10))[:, block] + np.sqrt(0.8) * rng.normal(size=(n, 300))

    chosen = [np.flatnonzero(block == b) for b in range(5)]
    table = over_representation(nodes(draw(80)), [sets(*chosen)], n_top=20, x_ng=draw(400), tests=list(TESTS)).table
    p = {test: table.loc[table["test"] == test, "p"] for test in ("rank_sum", "camera")}
    assert len(p["camera"]) == 400
    assert (p["rank_sum"] < 0.05).mean() > 0.2
    assert 0.02 < (p["camera"] < 0.05).mean() < 0.09
    assert stats.kstest(p["camera"], "uniform").pvalue > 0.01


def test_flat_profiles_are_counted_not_tested() -> None:
    values = np.zeros((2, 300))
    values[0, :30] = np.arange(30)
    found = over_representation(nodes(values), [sets(np.arange(20))], n_top=20, tests=list(TESTS))
    assert set(found.table.loc[found.table["test"] == "rank_sum", "tested"]) == {"L1.0"}
    assert found.about["rank_sum"]["profiles without a difference"] == 1
    assert "camera" not in set(found.table["test"])
