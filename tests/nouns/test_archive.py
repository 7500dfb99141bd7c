"""The nouns as each format wrote them, read back for ever; ``archive/vN`` is written once and never again."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from genelight.nouns import Evidence, Genes, Module, NodeGenes
from genelight.pp.preparation import Preparation

V1, V2 = (Path(__file__).parent / "archive" / version for version in ("v1", "v2"))
GENES = Genes(("MX1", "IFI44L", "OAS1", "ISG15", "TP53", "ALB", "HBB", "CD19", "NA", "MARCH1", "HLA-A", "C1orf112"))


def test_preparation_1():
    preparation = Preparation.load(V1 / "prepare.json")
    assert (preparation.genes, preparation.scale, preparation.digest) == (GENES, "log2", "c435c4ca12d62673")
    content = json.loads((V1 / "prepare.json").read_text())
    np.testing.assert_array_equal(preparation.mean_g, content["mean"])
    assert preparation.account["samples"] == 24
    assert preparation.mean_g[0] == pytest.approx(8.2231569, abs=1e-6)
    assert preparation.sd_g[0] == pytest.approx(0.6488088, abs=1e-6)


def test_preparation_2():
    """Every step at once: quantiles, a covariate, ComBat, from 0 to 1, and a map of ids."""
    preparation = Preparation.load(V2 / "prepare.json")
    samples = pd.read_csv(V2 / "samples.csv", index_col=0)
    obs = samples[["age", "site"]]
    x = samples.drop(columns=["age", "site"])
    z_ng = preparation.transform(AnnData(x.to_numpy(), obs=obs, var=pd.DataFrame(index=x.columns)))
    assert preparation.digest == "4fb2cc4d17f71210"
    np.testing.assert_allclose(z_ng[0, :3], [0.640955, 1.0, 0.465805], atol=1e-5)
    assert preparation.id_map.account["genes"] == 12


@pytest.mark.parametrize("genes", [None, GENES])
def test_module_1(genes):
    module = Module.load(V1 / "module.tsv", genes=genes)
    assert (module.name, module.method) == ("ill against well", "direction")
    assert module.selected == ["MX1", "IFI44L", "OAS1", "HLA-A"]
    assert dict(module.about) == {"layer": "L2", "seed": 0}
    scores = module.table.set_index("gene")
    assert scores.loc["NA", "score"] == 0.5
    assert scores.loc["IFI44L", "frequency"] == pytest.approx(1 / 11)
    if genes:
        np.testing.assert_array_equal(module.score_g()[:7], [3.5, 3.25, -2.0, 1.5, 0.25, 0, -0.125])


def test_node_genes_1():
    nodes = NodeGenes.load(V1 / "node_genes.parquet")
    assert (nodes.genes, nodes.nodes, nodes.layer) == (GENES, ("L3.0", "L3.1"), "L3")
    assert (nodes.source, nodes.method) == ("autoencoder", "light_up")
    assert nodes.about["rest"] == "minimum"
    np.testing.assert_array_equal(nodes.values_kg, np.arange(24).reshape(2, 12) / 8 - 1)
    assert nodes.of("L3.1").idxmax() == "C1orf112"


def test_evidence_1():
    evidence = Evidence.load(V1 / "evidence.parquet")
    assert dict(evidence.about) == {"universe": 12, "coverage": {"STRING v12": 0.75}}
    first, second = evidence.table.to_dict("records")
    assert first == {
        "tested": "L3.0",
        "test": "enrichment",
        "reference": "Reactome: Interferon signalling",
        "n": 4,
        "statistic": 3.0,
        "effect": 12.5,
        "null_mean": 0.25,
        "null_sd": 0.5,
        "p": 0.001,
        "q": 0.01,
        "draws": 0,
        "seed": 0,
    }
    assert (second["test"], second["draws"], second["seed"]) == ("closeness", 1000, 3)
    assert math.isnan(second["q"])
