import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genelight import demo
from genelight.io import read
from genelight.nouns import Genes

DATA = files("genelight.demo") / "data"
MANIFEST = json.loads((DATA / "manifest.json").read_text(encoding="utf-8"))
SOURCE = Path(__file__).parents[2] / "../shared/data/flu_challenge_GSE30550.h5ad"


@pytest.mark.parametrize("name", MANIFEST)
def test_each_file_is_the_one_that_was_built_and_stands_in_the_notes(name):
    file = MANIFEST[name]["file"]
    sha256 = hashlib.sha256((DATA / file).read_bytes()).hexdigest()
    assert sha256 == MANIFEST[name]["sha256"]
    notes = (DATA / "README.md").read_text(encoding="utf-8")
    assert f"| `{file}` | `{sha256[:16]}` |" in notes
    _, _, section = notes.partition(f"## `{file}`")
    assert all(f"- **{part}**" in section for part in ("What", "Source", "Terms", "Cite", "Done to it"))


def test_no_file_is_there_that_the_manifest_does_not_know():
    data = {p.name for p in DATA.iterdir() if p.name.endswith((".gz", ".h5ad", ".npz", ".csv", ".tsv"))}
    assert data == {entry["file"] for entry in MANIFEST.values()}
    assert sum(len((DATA / name).read_bytes()) for name in data) < 4e6


def test_the_cohort():
    adata = demo.cohort()
    assert adata.shape == (252, 4147)
    assert adata.X.dtype == np.float32
    assert np.isfinite(adata.X).all()
    assert adata.X.std(0).min() > 0
    Genes(tuple(adata.var_names))
    obs = adata.obs
    assert obs["condition"].value_counts().to_dict() == {"symptomatic": 133, "asymptomatic": 119}
    assert (obs.groupby("subject", observed=True)["condition"].nunique() == 1).all()
    assert not obs.isna().any(axis=None)
    assert "GSE30550" in adata.uns["source"]


def test_each_call_gives_a_copy_of_its_own():
    demo.cohort().X[:] = 0
    demo.network().table["source"] = ""
    assert demo.cohort().X.max() > 10
    assert demo.network().table["source"].min() > ""


@pytest.mark.skipif(not SOURCE.exists(), reason="the source of the cohort is not on this machine")
def test_the_cohort_is_its_source_to_the_bit():
    ours, theirs = demo.cohort(), read(SOURCE)
    np.testing.assert_array_equal(ours.X, theirs.X)
    # What is read has names of plain text; those of the demo are as anndata reads them, of pandas 3's own type there.
    pd.testing.assert_frame_equal(ours.obs, theirs.obs, check_index_type=False)
    assert list(ours.obs_names) == list(theirs.obs_names)
    assert list(ours.var_names) == list(theirs.var_names)


def test_the_network_is_undirected_and_simple():
    edges = demo.network()
    assert edges.name == "STRING v12 physical, score >= 900 (CC BY 4.0)"
    assert (edges.table["source"] < edges.table["target"]).all()
    assert not edges.table.duplicated(["source", "target"]).any()
    assert len(edges) == edges.account["edges"] == 36_710
    assert pd.unique(edges.table[["source", "target"]].to_numpy().ravel()).size == edges.account["genes"]
    pairs = set(map(tuple, edges.table[["source", "target"]].to_numpy()))
    assert {("MDM2", "TP53"), ("STAT1", "STAT2")} <= pairs


def test_the_pathways():
    edges = demo.sets()
    assert edges.table["source"].nunique() == edges.account["sets"] == 1615
    assert len(edges) == edges.account["members"]
    assert not edges.table.duplicated(["source", "target"]).any()
    interferon = edges.table.loc[edges.table["source"] == "REACTOME_INTERFERON_ALPHA_BETA_SIGNALING", "target"]
    assert {"MX1", "ISG15", "IFIT1"} <= set(interferon)


def test_network_pathways_and_cohort_name_genes_alike():
    genes = Genes(tuple(demo.cohort().var_names))
    network = demo.network().table[["source", "target"]].to_numpy().ravel()
    assert genes.align(pd.unique(network)).fraction > 0.4
    assert genes.align(demo.sets().table["target"].unique()).fraction > 0.5
