from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genelight import io
from genelight.errors import InputError
from genelight.evidence import TESTS, assess, distances
from genelight.evidence.distances import Interactome
from genelight.evidence.tests.enrichment import over_representation
from genelight.evidence.tests.network import localise
from genelight.nouns import Edges, Genes, Module, NodeGenes
from genelight.nouns.evidence import EVIDENCE_COLUMNS

Build = Callable[..., NodeGenes]
SHARED = Path(__file__).parents[3] / "shared/data"


@pytest.fixture
def nodes(random_net: Interactome) -> NodeGenes:
    values = np.random.default_rng(1).normal(size=(6, len(random_net)))
    return NodeGenes(values, tuple(f"L1.{k}" for k in range(6)), random_net.genes, "L1", "toy", "toy")


@pytest.fixture
def sets(random_net: Interactome) -> Edges:
    rng = np.random.default_rng(2)
    rows = [(f"S{i}", g) for i in range(30) for g in rng.choice(random_net.genes.ids, 40, replace=False)]
    return Edges("sets", pd.DataFrame(rows, columns=["source", "target"]).assign(weight=1.0))


def test_every_test_is_there_with_a_source_and_a_summary() -> None:
    assert {"distance", "component", "density", "hypergeometric"} <= set(TESTS)
    assert all(entry.doi and entry.summary for entry in TESTS.show())


def test_assess_is_its_parts_together(nodes: NodeGenes, sets: Edges, random_net: Interactome) -> None:
    found = assess(nodes, network=random_net, sets=[sets], draws=50, tests=list(TESTS))
    assert list(found.table) == list(EVIDENCE_COLUMNS)
    near, inside = localise(nodes, random_net, draws=50), over_representation(nodes, [sets], tests=list(TESTS))
    on_network = found.table["test"].isin(near.table["test"])
    pd.testing.assert_frame_equal(found.table[on_network].reset_index(drop=True), near.table)
    pd.testing.assert_frame_equal(found.table[~on_network].reset_index(drop=True), inside.table)
    assert set(found.about) == set(near.about) | set(inside.about)


def test_layers_and_modules_are_adjusted_apart(nodes: NodeGenes, sets: Edges, random_net: Interactome) -> None:
    other = NodeGenes(nodes.values_kg[:2] * 2, ("PC.0", "PC.1"), nodes.genes, "PC", "pca", "toy")
    shuffled = np.random.default_rng(3).permutation(len(nodes.genes))
    ids = tuple(nodes.genes.ids[i] for i in shuffled)
    module = Module.from_scores(nodes.values_kg[3][shuffled], Genes(ids), size=150, name="a", method="m")
    together = assess([nodes, other, module], network=random_net, sets=[sets], draws=50, tests=list(TESTS)).table
    for part in (nodes, other, module):
        alone = assess(part, network=random_net, sets=[sets], draws=50, tests=list(TESTS)).table
        rows = together[together["tested"].isin(alone["tested"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, alone)
    # The module was made from the scores of a node, in another order of genes.
    columns = ["test", "reference", "n", "statistic", "effect", "p"]
    same = [together.loc[together["tested"] == s, columns].reset_index(drop=True) for s in ("L1.3", "a [m]")]
    drawn = [rows[rows["test"].isin(["distance", "density"])].reset_index(drop=True) for rows in same]
    pd.testing.assert_frame_equal(*drawn)


def test_a_seed_repeats_itself(nodes: NodeGenes, random_net: Interactome) -> None:
    one, two, three = (assess(nodes, network=random_net, draws=50, seed=s).table for s in (4, 4, 5))
    pd.testing.assert_frame_equal(one, two)
    assert (one["null_mean"] != three["null_mean"]).any()


def test_bad_input_says_what_to_do(nodes: NodeGenes, random_net: Interactome) -> None:
    with pytest.raises(InputError, match="pass network= or sets="):
        assess(nodes)
    with pytest.raises(InputError, match="nothing to assess; pass NodeGenes"):
        assess([], network=random_net)
    with pytest.raises(InputError, match=r"6 items share a name .L1\.0, L1\.1, L1\.2 and 3 more."):
        assess([nodes, nodes], network=random_net)
    fewer = NodeGenes(nodes.values_kg[:, :500], nodes.nodes, Genes(nodes.genes.ids[:500]), "L1", "toy", "toy")
    with pytest.raises(InputError, match="items measured on different genes"):
        assess([nodes, fewer], network=random_net)
    values = nodes.values_kg.copy()
    values[2, 7] = np.nan
    broken = NodeGenes(values, nodes.nodes, nodes.genes, "L1", "toy", "toy")
    with pytest.raises(InputError, match=r"1 nodes of L1 have NaN or infinite values .L1\.2."):
        assess(broken, network=random_net)


@pytest.mark.skipif(not SHARED.exists(), reason="shared data are not on this machine")
def test_interferon_genes_are_near_one_another_and_in_their_pathway() -> None:
    net = distances(io.read_network(SHARED / "networks/string_v10_symbols.csv.gz", cut=700))
    reactome = io.read_sets(next((SHARED / "gene_sets").glob("*eactome*.gmt.gz")), name="Reactome")
    known = ("IFI44L", "MX1", "OAS1", "OAS2", "OASL", "IFIT1", "IFIT2", "IFIT3", "ISG15", "RSAD2", "IRF7", "STAT1")
    genes = Genes(tuple(dict.fromkeys([*known, *net.genes.ids[:8000]])))
    score = np.array([gene in known for gene in genes.ids], dtype=float)
    near = ["distance", "efficiency", "component", "density"]
    module = Module.from_scores(score, genes, size=len(known), name="interferon", method="list")
    found = assess(module, network=net, sets=[reactome], draws=500, tests=[*near, "hypergeometric"]).table
    assert set(found["test"]) == {*near, "hypergeometric"}
    assert (found.loc[found["test"].isin(near), "p"] <= 2 / 501).all()
    best = found[found["test"] == "hypergeometric"].nsmallest(1, "p")["reference"].item()
    assert "INTERFERON" in best.upper()
