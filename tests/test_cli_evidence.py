"""The command line of further evidence: each command on the embedded cohort, and what it says of bad input."""

import sys

import numpy as np
import pandas as pd
import pytest

import genelight as gl
from genelight import cli
from genelight.evidence.combine import COMBINATIONS


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model, its nodes, a module, p values of two traits, a reference, evidence and reproducibility."""
    folder = tmp_path_factory.mktemp("evidence")
    adata = gl.demo.cohort()[:, :900].copy()
    adata.write_h5ad(folder / "flu.h5ad")
    model = gl.models.PCA(4).fit(adata)
    model.save(folder / "model")
    lit = gl.light_up(model, "PC")
    lit.save(folder / "nodes.parquet")
    ids = list(lit.genes.ids)
    module = gl.Module.from_scores(lit.values_kg[0], lit.genes, size=60, name="first", method="toy")
    module.save(folder / "module.tsv")
    rng = np.random.default_rng(0)
    strong = np.argsort(-np.abs(lit.values_kg[0]))[:100]
    for trait in ("lupus", "asthma"):
        p = rng.uniform(0.001, 1, len(ids))
        p[strong] = rng.uniform(1e-9, 1e-4, len(strong))
        pd.DataFrame({"symbol": ids, "pvalue": p}).to_csv(folder / f"{trait}.tsv", sep="\t", index=False)
    types = pd.DataFrame(rng.gamma(2, size=(len(ids), 3)), index=ids, columns=["T", "B", "NK"])
    types.iloc[strong, 0] += 5 * np.sign(lit.values_kg[0][strong]) + 5
    types.to_csv(folder / "cells.csv")
    scored = pd.DataFrame({"node": lit.nodes, "q": [0.01, 0.01, 0.01, 0.9]})
    scored.to_csv(folder / "reproducibility.tsv", sep="\t", index=False)
    gl.assess(lit, sets=[gl.demo.sets()], n_top=50, tests=["hypergeometric"]).save(folder / "sets.parquet")
    (folder / "bad.tsv").write_text("symbol\tpvalue\nMX1\t1.5\n")
    (folder / "empty.tsv").write_text("who\tq\nL1.0\t0\n")
    return folder


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["genelight", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_association_of_each_trait_and_of_all(files, monkeypatch, capsys, tmp_path):
    out = tmp_path / "found.parquet"
    words = [
        "--pvalues",
        files / "lupus.tsv",
        "--pvalues",
        files / "asthma.tsv",
        "--table",
        files / "flu.h5ad",
        "--top",
        100,
    ]
    assert call(monkeypatch, "association", files / "module.tsv", *words, "--out", out) == 0
    said = capsys.readouterr().out
    assert "lupus: universe 900" in said
    table = gl.Evidence.load(out).table
    own = table[table["tested"] == "first [toy]"].set_index("reference")["p"]
    assert own.index.tolist() == ["lupus", "asthma", *(f"{m} of 2: asthma, lupus" for m in COMBINATIONS)]
    assert own["fisher of 2: asthma, lupus"] < own[["lupus", "asthma"]].min() < 1e-10
    assert set(table["tested"]) == {"first [toy]", "most variable genes [control]"}


def test_ids_of_another_kind_are_mapped(files, monkeypatch, capsys, tmp_path):
    known = gl.pp.map_ids(gl.demo.cohort()[:, :900].copy(), to="entrez")
    entrez = pd.DataFrame({"entrez": list(known.var_names), "p": np.linspace(0.001, 1, known.n_vars)})
    entrez.to_csv(tmp_path / "entrez.tsv", sep="\t", index=False)
    words = ["--pvalues", tmp_path / "entrez.tsv", "--ids", "entrez", "--out", tmp_path / "found.parquet"]
    assert call(monkeypatch, "association", files / "nodes.parquet", *words, "--top", "100") == 0
    universe = gl.Evidence.load(tmp_path / "found.parquet").about["genetic_association"]["entrez"]["universe"]
    assert universe > 700


def test_novelty_lists_what_no_set_explains(files, monkeypatch, capsys, tmp_path):
    out = tmp_path / "novel.tsv"
    words = ["--reproducibility", files / "reproducibility.tsv", "--second", files / "flu.h5ad"]
    words += ["--evidence", files / "sets.parquet", "--out", out]
    assert call(monkeypatch, "novelty", files / "nodes.parquet", *words) == 0
    table = pd.read_csv(out, sep="\t").set_index("node")
    best = gl.Evidence.load(files / "sets.parquet").table.groupby("tested")["q"].min()
    assert not table.loc["PC.3", "unknown"]
    for node in ("PC.0", "PC.1", "PC.2"):
        assert table.loc[node, "unknown"] == ((best[node] > 0.1) and (table.loc[node, "coherence_q"] <= 0.1))
    assert f"{int(table['unknown'].sum())} of 4 nodes are unknown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--sets", "embedded"), "--sets embedded needs --table"),
        (("--network", "none"), "gene sets need expression; give --table"),
        (("--case", "hours == 0"), "--case and --control say what a module was derived from"),
    ],
)
def test_gene_sets_do_not_go_untested_in_silence(files, monkeypatch, capsys, tmp_path, words, says):
    monkeypatch.chdir(files)
    assert call(monkeypatch, "assess", "nodes.parquet", *words, "--out", tmp_path / "out.parquet") == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("proximity", "module.tsv", "module.tsv", "--draws", 50),
        ("profiles", "nodes.parquet", "--reference", "cells.csv", "--log"),
        ("groups", "flu.h5ad", "--model", "model", "--label", "condition", "--subject", "subject"),
        ("assess", "nodes.parquet", "--top", "knee", "--network", "none", "--table", "flu.h5ad"),
    ],
)
def test_each_command_writes_evidence(files, monkeypatch, capsys, tmp_path, words):
    monkeypatch.chdir(files)
    assert call(monkeypatch, *words, "--out", tmp_path / "out.parquet") == 0, capsys.readouterr().err
    found = gl.Evidence.load(tmp_path / "out.parquet")
    assert len(found)
    assert f"{len(found)} results" in capsys.readouterr().out
    if words[0] == "proximity":
        assert found.table["statistic"].tolist() == [0.0]
    if words[0] == "profiles":
        assert found.of("PC.0")["reference"].iloc[0] == "cells: T"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("association", "module.tsv", "--pvalues", "bad.tsv"), "1 p values are below 0 or above 1 (MX1 1.5)"),
        (("association", "nodes.parquet", "--pvalues", "lupus.tsv", "--top", "elbow"), "--top elbow is no size"),
        (("profiles", "nodes.parquet", "--reference", "absent.csv"), "absent.csv cannot be read"),
        (("groups", "flu.h5ad", "--model", "model", "--label", "sorrow"), "unknown label column 'sorrow'"),
        (("proximity", "module.tsv", "nodes.parquet", "--network", "flu@high"), "'high' is no number"),
        (
            ("novelty", "nodes.parquet", "--reproducibility", "empty.tsv", "--second", "flu.h5ad", "--evidence", "x"),
            "has no columns node and q",
        ),
    ],
)
def test_an_error_is_one_line_and_nothing_is_written(files, monkeypatch, capsys, tmp_path, words, message):
    monkeypatch.chdir(files)
    words = [files / "sets.parquet" if w == "x" else w for w in words]
    assert call(monkeypatch, *words, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
