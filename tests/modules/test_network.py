import json

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from genelight import io, modules
from genelight.errors import GeneMismatchError, InputError
from genelight.nouns import Edges, Genes, Module


@pytest.fixture(scope="module")
def planted():
    """Two cliques joined through a gene that only the network knows, in a random network."""
    rng = np.random.default_rng(0)
    names = [f"g{i}" for i in range(300)]
    cliques = [(names[i], names[j]) for block in (range(8), range(8, 16)) for i in block for j in block if i < j]
    bridge = [("bridge", names[i]) for i in (0, 1, 2, 8, 9, 10)]
    noise = [(names[i], names[j]) for i, j in rng.integers(20, 300, (400, 2)) if i != j]
    table = pd.DataFrame(cliques + bridge + noise, columns=["source", "target"]).assign(weight=1.0)
    score = np.where(np.arange(300) < 20, 5.0 - np.arange(300) / 10, 0.0)
    module = Module.from_scores(score, Genes(tuple(names)), size=20, name="planted", method="de")
    return module, Edges("toy", table)


def test_core_connector_and_parts_are_found(planted):
    module, edges = planted
    found = modules.module_network(module, edges)
    nodes = found.nodes.set_index("gene")
    assert list(nodes.index[nodes["role"] == "connector"]) == ["bridge"]
    assert set(nodes.index[nodes["role"] == "core"]) == {f"g{i}" for i in range(16)}
    assert nodes.loc["bridge", "p"] == pytest.approx(_diamond_p(found, edges, module))
    assert found.about["largest_part"] == 8
    assert nodes.loc["g3", "part"] == nodes.loc["g4", "part"] != nodes.loc["g12", "part"]
    assert set(found.edges.columns) == {"source", "target", "weight"}
    assert nodes.loc["g3", "nearness"] > 1


def _diamond_p(found, edges, module):
    genes = len(np.unique(edges.table[["source", "target"]]))
    return stats.hypergeom.sf(5, genes - 1, found.about["in_network"], 6)


def test_nearness_is_that_of_personalised_pagerank(planted):
    module, edges = planted
    found = modules.module_network(module, edges)
    graph = nx.from_pandas_edgelist(edges.table, edge_attr="weight")
    seeds = [g for g in module.selected if g in graph]
    near = nx.pagerank(graph, alpha=0.7, personalization=dict.fromkeys(seeds, 1), tol=1e-12, max_iter=500)
    even = nx.pagerank(graph, alpha=0.7, tol=1e-12, max_iter=500)
    expected = [near[g] / even[g] for g in found.nodes["gene"]]
    np.testing.assert_allclose(found.nodes["nearness"], expected, rtol=1e-3)


def test_random_genes_get_no_connectors(planted):
    module, edges = planted
    rng = np.random.default_rng(1)
    added = 0
    for seed in range(10):
        score = np.random.default_rng(seed).permutation(np.where(np.arange(300) < 20, 1.0, 0.0))
        noise = Module.from_scores(score, module.genes, size=20, name="noise", method="random")
        degree_matched = edges.table.assign(target=rng.permutation(edges.table["target"].to_numpy()))
        added += modules.module_network(noise, Edges("shuffled", degree_matched)).about["connectors"]
    assert added <= 2


def test_every_format_is_read_back(planted, tmp_path):
    found = modules.module_network(*planted)
    for suffix in ("graphml", "cx2", "gmt", "tsv"):
        found.save(tmp_path / f"m.{suffix}")
    graph = nx.read_graphml(tmp_path / "m.graphml")
    assert set(graph) == set(found.nodes["gene"])
    assert graph.number_of_edges() == len(found.edges)
    assert graph.nodes["bridge"]["role"] == "connector"
    assert "score" not in graph.nodes["bridge"]
    cx2 = json.loads((tmp_path / "m.cx2").read_text())
    assert cx2[0] == {"CXVersion": "2.0", "hasFragments": False}
    parts = {key: value for aspect in cx2[1:] for key, value in aspect.items()}
    assert [node["v"]["name"] for node in parts["nodes"]] == list(found.nodes["gene"])
    assert {"id", "s", "t", "v"} == set(parts["edges"][0])
    assert parts["attributeDeclarations"][0]["nodes"]["score"] == {"d": "double"}
    assert {count["name"]: count["elementCount"] for count in parts["metaData"]}["nodes"] == len(found.nodes)
    assert parts["status"] == [{"success": True}]
    sets = io.read_sets(tmp_path / "m.gmt").table
    assert set(sets.loc[sets["source"] == "connector", "target"]) == {"bridge"}
    assert len(pd.read_csv(tmp_path / "m.tsv", sep="\t")) == len(found.nodes)


def test_bad_input(planted, tmp_path):
    module, edges = planted
    with pytest.raises(InputError, match=r"written as .graphml, .cx2, .gmt, .tsv"):
        modules.module_network(module, edges).save(tmp_path / "m.sif")
    with pytest.raises(InputError, match="ids='symbol'"):
        modules.module_network(module, Edges("other", edges.table, namespace="entrez"))
    foreign = Edges("far", edges.table.replace(r"^g", "x", regex=True))
    with pytest.raises(GeneMismatchError, match="share 0 genes, fewer than 10"):
        modules.module_network(module, foreign)
