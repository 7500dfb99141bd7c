"""Features other than genes on the command line."""

import anndata
import h5py
import pytest
from typer.testing import CliRunner

from genelight import NodeGenes, load, simulate
from genelight.cli import app


def told(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    for kind in ("cpg", "protein"):
        simulate.features(kind, 30, n_features=200).to_df().T.to_csv(folder / f"{kind}.csv")
    simulate.features("cell", 8, visits=20, n_features=100).write_h5ad(folder / "cell.h5ad")
    return folder


def test_a_table_of_cpgs_is_told_by_its_ids_and_read_by_its_model(folder, tmp_path):
    model = tmp_path / "model"
    said = told("fit", folder / "cpg.csv", "--out", model, "--widths", "4", "--preset", "plain,epochs=2")
    assert "features: 200 of 200 of kind cpg, told by their ids" in said
    assert "learned from as M value" in said
    assert load(model).genes.namespace == "cpg"
    told("encode", folder / "cpg.csv", "--model", model, "--layer", "L1", "--out", tmp_path / "codes.h5ad")
    assert anndata.read_h5ad(tmp_path / "codes.h5ad").obsm["X_L1"].shape == (30, 4)


def test_proteins_are_said_to_stay_proteins(folder, tmp_path):
    with pytest.raises(ValueError, match=r"if they are to stay what they are: features='protein' \(--features protein"):
        told("prepare", folder / "protein.csv", "--out", tmp_path / "p.json")
    words = ("--features", "protein", "--scale", "linear", "--out", tmp_path / "p.json")
    assert "so not at random" in told("prepare", folder / "protein.csv", *words)


def test_cells_are_no_subjects(folder, tmp_path):
    words = ("fit", folder / "cell.h5ad", "--features", "cell", "--scale", "counts", "--out", tmp_path / "m")
    with pytest.raises(ValueError, match="many cells of one donor are one subject"):
        told(*words)
    assert "of kind cell, told by you" in told(
        *words, "--subject", "subject", "--widths", "4", "--preset", "plain,epochs=2"
    )


def test_nodes_over_cpgs_are_carried_to_genes_by_a_table(folder, tmp_path):
    adata = simulate.features("cpg", 30, n_features=3000)
    adata.write_h5ad(tmp_path / "cpg.h5ad")
    adata.uns["feature_genes"].to_csv(tmp_path / "genes.tsv", sep="\t", index=False)
    model, nodes = tmp_path / "model", tmp_path / "nodes.parquet"
    told("fit", tmp_path / "cpg.h5ad", "--out", model, "--widths", "3", "--preset", "plain,epochs=2")
    told("light-up", "--model", model, "--layer", "L1", "--out", nodes)
    card = told("node", "L1.1", "--model", model, "--feature-genes", tmp_path / "genes.tsv")
    assert "genes of its features\n  cg0000" in card
    names = sorted(set(adata.uns["feature_genes"]["gene"]))
    lines = ["\t".join([f"set{i}", "", *names[i : i + 30]]) for i in (0, 30)]
    (tmp_path / "sets.gmt").write_text("\n".join(lines))
    words = ("assess", nodes, "--network", "none", "--sets", tmp_path / "sets.gmt", "--table", tmp_path / "cpg.h5ad")
    with pytest.raises(ValueError, match=r"is over features of kind cpg .*add --feature-genes TABLE"):
        told(*words, "--top", "20", "--out", tmp_path / "e.parquet")
    words += ("--feature-genes", tmp_path / "genes.tsv", "--top", "20", "--out", tmp_path / "e.parquet")
    said = told(*words)
    assert "number and strength, after" in said
    assert "results" in said


def test_cells_are_added_up_by_donor(folder, tmp_path):
    out = tmp_path / "bulk.h5ad"
    said = told("pseudobulk", folder / "cell.h5ad", "--subject", "subject", "--out", out)
    assert f"{out}: 8 samples of 160 cells; go on with --scale counts" in said
    assert anndata.read_h5ad(out).shape == (8, 100)


def test_mudata_of_several_kinds_is_one_model(folder, tmp_path):
    path, model = tmp_path / "x.h5mu", tmp_path / "model"
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = "MuData"
        for kind in ("cpg", "protein"):
            anndata.io.write_elem(file.require_group("mod"), kind, simulate.features(kind, 30, n_features=100))
    words = (
        "--features",
        "protein=protein",
        "--scale",
        "protein=linear",
        "--widths",
        "4",
        "--preset",
        "plain,epochs=2",
    )
    said = told("fit", path, "--modality", "all", *words, "--out", model)
    assert "kind cpg cpg, protein protein" in said
    assert "protein missing: 2" in said
    assert "R² by block, training samples: cpg" in said
    told("light-up", "--model", model, "--layer", "L1", "--block", "cpg", "--out", tmp_path / "cpg.parquet")
    assert NodeGenes.load(tmp_path / "cpg.parquet").genes.ids[0] == "cg00000001"
    told("encode", path, "--modality", "all", "--model", model, "--layer", "L1", "--out", tmp_path / "codes.h5ad")
    assert anndata.read_h5ad(tmp_path / "codes.h5ad").obsm["X_L1"].shape == (30, 4)
