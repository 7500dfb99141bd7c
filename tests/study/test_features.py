"""A whole study of features that are no genes, as a user types it: CpGs, and proteins with gaps."""

import json
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from genelight import Module, NodeGenes, simulate
from genelight.cli import app
from genelight.errors import InputError
from genelight.nouns import Evidence
from genelight.study import Study, check, run

SMALL = """
[model]
widths = [8, 4]
epochs = 2
seeds = 0

[module]
size = 20
bootstraps = 10
permutations = 9
folds = 2

[tests]
n_top = 10
draws = 99
"""
CONTRAST = """
[contrast]
case = 'condition == "case"'
control = 'condition == "control"'
"""


def write(folder, kind, features):
    """Table, sheet, table of features and genes, gene sets, and a network of them, as a user has them."""
    adata = simulate.features(kind, 24, n_features=features, seed=1)
    adata.to_df().T.to_csv(folder / "table.csv")
    adata.obs.rename_axis("sample").to_csv(folder / "sheet.csv")
    pairs = adata.uns["feature_genes"]
    pairs.to_csv(folder / "manifest.csv", index=False)
    genes = sorted(set(pairs["gene"]))
    lines = ["\t".join([f"set {i}", "", *genes[i : i + 15]]) for i in range(0, len(genes) - 15, 15)]
    (folder / "sets.gmt").write_text("\n".join(lines))
    ring = pd.DataFrame({"a": genes, "b": [*genes[1:], genes[0]], "score": 1.0})
    ring.to_csv(folder / "network.csv", index=False)
    return adata


def told(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def study(folder, data, *, rest="[network]\nfile = 'network.csv'\n[[sets]]\nfile = 'sets.gmt'\n", head=""):
    """A study file of these lines of [data]."""
    path = folder / "study.toml"
    lines = ['expression = "table.csv"', 'samples = "sheet.csv"', 'subject = "subject"', *data]
    path.write_text("\n".join([head, "[data]", *lines]) + CONTRAST + rest + SMALL)
    return path


def test_cpgs_from_a_table_to_a_report(tmp_path):
    write(tmp_path, "cpg", 300)
    path = tmp_path / "init.toml"
    told("init", path, tmp_path / "table.csv", tmp_path / "sheet.csv")
    drafted = Study.load(path)
    assert (drafted.data.features, drafted.network, drafted.sets) == ("cpg", False, [])
    path.write_text(path.read_text().replace("# size = 200 ", "size = 20 "))
    assert "can run: 24 samples x 300 features" in told("check", path)

    path = study(tmp_path, ['feature_genes = "manifest.csv"'])
    assert "features lead to" in told("check", path)
    out = tmp_path / "RUN"
    assert "reconstructs methylation" in told("run", path, "--out", out)

    module, over_genes = Module.load(out / "05_module.tsv"), Module.load(out / "05_module_genes.tsv")
    assert module.genes.namespace == "cpg"
    assert module.selected[0].startswith("cg")
    assert over_genes.selected[0].startswith("G")
    assert set(over_genes.genes.ids) <= set(pd.read_csv(tmp_path / "manifest.csv")["gene"])
    assert NodeGenes.load(out / "04_nodes_L2.parquet").genes.ids[0].startswith("cg")
    tests = Evidence.load(out / "06_evidence.parquet").table
    assert {"L1.1", f"{module.name} [{module.method}]"} <= set(tests["tested"])
    references = " ".join(tests["reference"].unique())
    assert "set 0" in references
    assert "network" in references

    page = (out / "report.html").read_text(encoding="utf-8")
    assert "CpGs scored by" in page
    assert "difference of M value" in page
    for wrong in (
        "Genes scored by",
        "very measured gene",
        "reconstructs expression",
        "genes of the module",
        "fold change",
    ):
        assert wrong not in page.partition('id="methods"')[0], wrong
    summary = json.loads((out / "report.json").read_text())
    assert summary["account"]["genes"][1]["what"] == "CpGs read"
    assert "CpG" in summary["findings"][0]
    assert "cg0" in summary["findings"][0]


def test_proteins_with_gaps_that_lie_low(tmp_path):
    adata = write(tmp_path, "protein", 200)
    assert adata.to_df().isna().any().any()
    data = ['features = "protein"', 'scale = "linear"']
    path = study(tmp_path, data, rest="", head="network = false\nsets = []")
    outcome = run(Study.load(path), tmp_path / "RUN")
    assert "reconstructs abundance" in " ".join(outcome.findings)
    assert not (tmp_path / "RUN" / "06_evidence.parquet").exists()
    heat = pd.read_parquet(tmp_path / "RUN" / "05_module_expression.parquet")
    assert not heat.isna().any().any()
    assert Module.load(tmp_path / "RUN" / "05_module_de.tsv").table["t"].notna().all()


def said(path):
    found = check(path)
    assert found.problems
    return " ".join(found.problems)


def test_what_does_not_fit_is_said_before_anything_is_computed(tmp_path):
    write(tmp_path, "cpg", 600)
    asked = said(study(tmp_path, []))
    assert 'feature_genes = "manifest.csv" under [data]' in asked
    assert "network = false and sets = []" in asked
    assert said(study(tmp_path, ['features = "cgp"', 'feature_genes = "manifest.csv"'])).startswith(
        "unknown kind of feature 'cgp'"
    )
    assert "the columns are genes" in said(study(tmp_path, ['features = "gene"', 'feature_genes = "manifest.csv"']))
    assert "one kind of feature at a time" in said(study(tmp_path, ['features = "protein=protein"']))
    swapped = pd.read_csv(tmp_path / "manifest.csv")
    swapped.assign(feature="x" + swapped["feature"]).to_csv(tmp_path / "other.csv", index=False)
    assert "measured are cg00000001" in said(study(tmp_path, ['feature_genes = "other.csv"']))
    many = study(tmp_path, ['feature_genes = "manifest.csv"'])
    many.write_text(many.read_text().replace("n_top = 10", "n_top = 500"))
    asked = said(many)
    assert "[tests] n_top = 500, but the features lead to only" in asked
    many.write_text(many.read_text().replace("n_top = 500", re.search(r"write (n_top = \d+)", asked)[1]))
    assert not check(many).problems
    # What the other messages say to type.
    for data in (['features = "cpg"', 'feature_genes = "manifest.csv"'], ['feature_genes = "manifest.csv"']):
        assert not check(study(tmp_path, data)).problems
    assert not check(study(tmp_path, [], rest="", head="network = false\nsets = []")).problems


def test_cells_are_no_subjects(tmp_path):
    simulate.features("cell", 8, visits=5, n_features=60).write_h5ad(tmp_path / "cells.h5ad")
    lines = '[data]\nexpression = "cells.h5ad"\nfeatures = "cell"\nscale = "counts"\n'
    (tmp_path / "study.toml").write_text(lines + CONTRAST)
    with pytest.raises(InputError, match="many cells of one donor are one subject"):
        run(Study.load(tmp_path / "study.toml"), tmp_path / "RUN")
