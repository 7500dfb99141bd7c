"""Unknown patterns: planted ones are listed, annotated, unstable and incoherent ones are not; reference profiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from genelight.errors import InputError
from genelight.evidence import TESTS, novelty, reference_profiles
from genelight.evidence.tests.enrichment import over_representation
from genelight.evidence.tests.novelty import coherence
from genelight.nouns import Edges, Genes, NodeGenes

GENES = Genes(tuple(f"G{i}" for i in range(400)))
SHARED = Path(__file__).parents[3] / "../shared/data/reference"


def nodes() -> NodeGenes:
    """Four nodes of thirty genes each, half of them down."""
    values = np.random.default_rng(0).normal(size=(4, 400)) * 0.05
    for k in range(4):
        values[k, 30 * k : 30 * k + 30] += np.where(np.arange(30) < 15, 2, -2)
    return NodeGenes(values, tuple(f"C.{k}" for k in range(4)), GENES, "C", "toy", "toy")


def second_cohort(*, programmes: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(80, 400)) + rng.normal(size=400)
    for k in programmes:
        x[:, 30 * k : 30 * k + 30] += rng.normal(size=(80, 1)) * np.where(np.arange(30) < 15, 1, -1)
    return x


def test_coherence_is_the_mean_signed_correlation() -> None:
    x = second_cohort(programmes=(0, 1, 2))
    found = coherence(nodes(), x, n_top=30, draws=199)
    sign = np.where(np.arange(30) < 15, 1, -1)
    r = np.corrcoef(x[:, :30].T) * np.outer(sign, sign)
    assert found["correlation"][0] == pytest.approx(r[np.triu_indices(30, 1)].mean())
    assert (found["q"] <= 0.1).tolist() == [True, True, True, False]


def test_coherence_is_calibrated_without_programmes() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(200, 400))
    random = NodeGenes(values, tuple(f"C.{k}" for k in range(200)), GENES, "C", "toy", "toy")
    found = coherence(random, second_cohort(programmes=()), n_top=20, draws=99)
    assert (found["p"] <= 0.05).mean() < 0.1


def test_only_the_real_and_unknown_is_listed() -> None:
    known = pd.DataFrame({"source": "pathway", "target": GENES.ids[:30], "weight": 1.0})
    sets = [Edges("sets", known)]
    found = novelty(
        nodes(),
        over_representation(nodes(), sets, n_top=30, tests=list(TESTS)),
        reproducible=pd.DataFrame({"node": nodes().nodes, "q": [0.01, 0.01, 0.5, 0.01]}),
        x_ng=second_cohort(programmes=(0, 1, 2)),
        draws=199,
        references=sets,
    )
    assert found.loc[found["unknown"], "node"].tolist() == ["C.1"]
    rows = found.set_index("node")
    assert rows.loc["C.0", "annotation"] == "sets: pathway"
    assert rows.loc["C.0", "known_of_genes"] == "pathway (10); 0 of 10 in none"
    assert rows.loc["C.1", "known_of_genes"] == "10 of 10 in none"
    assert set(rows.loc["C.1", "best_genes"].split(", ")) <= set(GENES.ids[30:60])


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="400 genes"):
        coherence(nodes(), np.zeros((5, 3)))
    with pytest.raises(InputError, match="0 of 400 genes vary"):
        coherence(nodes(), np.zeros((5, 400)))
    few = pd.DataFrame({"node": ["C.0"], "q": [0.1]})
    with pytest.raises(InputError, match="3 nodes have no reproducible figure"):
        novelty(
            nodes(),
            over_representation(nodes(), [_any()], n_top=30, tests=list(TESTS)),
            x_ng=second_cohort(programmes=()),
            reproducible=few,
        )


def _any() -> Edges:
    return Edges("any", pd.DataFrame({"source": "s", "target": GENES.ids[:20], "weight": 1.0}))


def test_reference_profiles_are_scipys_spearman() -> None:
    rng = np.random.default_rng(3)
    types = pd.DataFrame(rng.exponential(size=(300, 4)), index=GENES.ids[:300], columns=list("abcd"))
    found = reference_profiles(nodes(), types, name="cells", log=True).table.set_index(["tested", "reference"])
    log = np.log2(1 + types)
    apart = log.sub(log.mean(1), axis=0)
    want = stats.spearmanr(nodes().values_kg[2, :300], apart["c"])
    row = found.loc[("C.2", "cells: c")]
    assert row["statistic"] == pytest.approx(want.statistic)
    assert row["p"] == pytest.approx(want.pvalue, rel=0.05)
    with pytest.raises(InputError, match="2 types"):
        reference_profiles(nodes(), types[["a", "b"]], name="cells")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the published averages are not beside the project")
def test_a_liver_profile_is_liver() -> None:
    gtex = pd.read_csv(SHARED / "gtex_54_tissues_linear.csv.gz", index_col=0)
    gtex = gtex[~gtex.index.duplicated()].dropna().iloc[:5000]
    log = np.log2(1 + gtex)
    liver = next(c for c in gtex if "iver" in c)
    value = (log[liver] - log.mean(1)).to_numpy()[None]
    node = NodeGenes(value, ("L1.0",), Genes(tuple(gtex.index.astype(str))), "L1", "toy", "toy")
    best = reference_profiles(node, gtex, name="GTEx", log=True).of("L1.0")
    assert best.loc[best["statistic"].idxmax(), "reference"] == f"GTEx: {liver}"
