"""Tables of other tools, there and back."""

import numpy as np
import pandas as pd
import pytest

from genelight import io
from genelight.errors import FormatError, InputError, UnknownNameError
from genelight.nouns import Edges, Genes, Module, NodeGenes

GENES = Genes(("MX1", "ISG15", "IRS2", "GAPDH"))


@pytest.fixture
def nodes():
    values_kg = np.array([[3.0, 2.0, -1.0, 0.1], [0.2, -0.3, 4.0, 0.0]])
    return NodeGenes(values_kg, ("L1.0", "L1.1"), GENES, "L1", "autoencoder", "light_up")


@pytest.fixture
def module():
    return Module.from_scores(np.array([2.0, -3.0, 0.5, 0.1]), GENES, size=2, name="flu", method="de")


def test_a_net_of_decoupler_comes_back_as_it_was():
    net = pd.DataFrame(
        {"source": ["STAT1", "STAT1", "IRF1"], "target": ["MX1", "MX1", "MX1"], "weight": [1.0, 2.0, -1]}
    )
    edges = io.from_table(net, "decoupler", name="CollecTRI")
    assert (edges.name, edges.account["duplicates"]) == ("CollecTRI", 1)
    pd.testing.assert_frame_equal(io.to_table(edges, "decoupler"), net.iloc[[0, 2]].reset_index(drop=True))
    assert io.from_table(net[["source", "target"]], "decoupler").table["weight"].eq(1).all()


def test_nodes_and_modules_are_nets_with_signs(nodes, module):
    net = io.to_table(nodes, "decoupler", n_top=2)
    assert net.to_numpy().tolist()[:2] == [["L1.0", "MX1", 3.0], ["L1.0", "ISG15", 2.0]]
    assert net.groupby("source").size().eq(2).all()
    assert io.to_table(module, "decoupler").to_numpy().tolist() == [["flu", "ISG15", -3.0], ["flu", "MX1", 2.0]]


@pytest.mark.parametrize(("column", "between"), [("Genes", ";"), ("Lead_genes", ";"), ("ledge_genes", ", ")])
def test_results_of_gseapy_are_sets_of_the_genes_found(column, between):
    table = pd.DataFrame({"Term": ["IFN", "none"], "P-value": [0.01, 1.0], column: [f"MX1{between}ISG15", np.nan]})
    edges = io.from_table(table, "gseapy")
    assert edges.table[["source", "target"]].to_numpy().tolist() == [["IFN", "MX1"], ["IFN", "ISG15"]]


def test_gseapy_takes_the_ranking(module):
    pytest.importorskip("gseapy", reason="gseapy is not installed: pip install -e .[peers]")
    import gseapy

    genes = Genes(tuple(f"G{i}" for i in range(100)))
    ranked = io.to_table(Module.from_scores(np.linspace(3, -3, 100), genes, size=5, name="m", method="de"), "gseapy")
    sets = {"TOP": [f"G{i}" for i in range(20)]}
    found = gseapy.prerank(rnk=ranked, gene_sets=sets, outdir=None, min_size=5, permutation_num=20, seed=0, threads=1)
    assert found.res2d["NES"].astype(float).iloc[0] > 1
    back = io.from_table(found.res2d, "gseapy")
    assert set(back.table["source"]) == {"TOP"}
    assert set(back.table["target"]) <= set(sets["TOP"])


def test_modules_of_wgcna_by_colour():
    table = pd.DataFrame(
        {"gene": list(GENES.ids), "moduleColors": ["blue", "blue", "red", "grey"], "kME": [0.9, 0.8, 0.7, 0]}
    )
    edges = io.from_table(table, "wgcna")
    assert edges.account["in no module"] == 1
    back = io.to_table(edges, "wgcna")
    assert back.set_index("gene")["module"].to_dict() == {"MX1": "blue", "ISG15": "blue", "IRS2": "red"}
    # Ids in the index, as pandas reads a file of R.
    indexed = table.set_index("gene").rename(columns={"moduleColors": "module"})
    assert io.from_table(indexed, "wgcna").table.equals(edges.table)


def test_a_gene_is_in_the_module_of_its_strongest_node(nodes):
    assert io.to_table(nodes, "wgcna", n_top=4).set_index("gene")["module"].to_dict() == {
        "MX1": "L1.0", "ISG15": "L1.0", "IRS2": "L1.1", "GAPDH": "L1.0",
    }  # fmt: skip


def test_spectra_of_cnmf_are_nodes(nodes):
    spectra = io.to_table(nodes, "cnmf")
    back = io.from_table(spectra.set_axis([1, 2], axis=0), "cnmf", name="K2")
    assert back.nodes == ("K2.1", "K2.2")
    assert back.genes == nodes.genes
    np.testing.assert_array_equal(back.values_kg, nodes.values_kg)
    with pytest.raises(FormatError, match="numbers"):
        io.from_table(spectra.astype(object).map(lambda _: "x"), "cnmf")


def test_one_group_of_rank_genes_groups_is_a_module(module):
    table = io.to_table(module, "rank_genes_groups")
    assert list(table.columns) == ["group", "names", "scores", "logfoldchanges", "pvals", "pvals_adj"]
    back = io.from_table(table.assign(logfoldchanges=[1.0, 0.2, 0.1, -2.0]), "rank_genes_groups", name="flu", size=2)
    assert back.selected == module.selected
    assert back.table.set_index("gene")["logfc"].to_dict()["ISG15"] == -2
    two = pd.concat([table, table.assign(group="other")])
    with pytest.raises(FormatError, match="one group"):
        io.from_table(two, "rank_genes_groups")


def test_scanpys_own_table_is_read(cohort):
    scanpy = pytest.importorskip("scanpy", reason="scanpy is not installed")
    adata = cohort.adata[:, :50].copy()
    adata.obs["half"] = pd.Categorical(np.where(np.arange(adata.n_obs) % 2, "a", "b"))
    scanpy.tl.rank_genes_groups(adata, "half", method="t-test")
    frame = scanpy.get.rank_genes_groups_df(adata, group="a")
    found = io.from_table(frame, "rank_genes_groups", size=7)
    assert len(found.selected) == 7
    assert set(found.table["gene"]) == set(adata.var_names)
    written = io.to_table(found, "rank_genes_groups")
    assert set(frame.columns) <= set(written.columns)
    np.testing.assert_allclose(written["pvals"], frame.set_index("names")["pvals"].reindex(written["names"]))


@pytest.mark.parametrize(
    ("tool", "columns", "named"),
    [("decoupler", ["from", "to"], "source"), ("gseapy", ["Term"], "Genes"), ("wgcna", ["gene"], "module")],
)
def test_a_table_without_its_columns_says_which(tool, columns, named):
    with pytest.raises(FormatError, match=named):
        io.from_table(pd.DataFrame([["a"] * len(columns)], columns=columns), tool)


def test_what_cannot_be_is_said(nodes):
    with pytest.raises(UnknownNameError, match="decoupler"):
        io.from_table(pd.DataFrame(), "decouplr")
    with pytest.raises(InputError, match="Module"):
        io.to_table(nodes, "gseapy")
    with pytest.raises(InputError, match="Edges"):
        io.to_table("text", "wgcna")
    assert isinstance(io.from_table(pd.DataFrame({"source": ["a"], "target": ["b"]}), "decoupler"), Edges)
