"""Every command that reads a table beside a model or module maps ids of another kind, and prints the account."""

import pytest
from typer.testing import CliRunner

import genelight as gl
from genelight.cli import app
from genelight.io.id_table import IdTable

ILL = ("--case", 'condition == "symptomatic" and hours >= 45', "--control", "hours == 0", "--subject", "subject")
MODEL = ("--model", "model")
WHOLE = {
    "disease-module": ("disease-module", "TABLE", *MODEL, *ILL, "--method", "de", "--size", "20"),
    "validate": ("module", "validate", "module.tsv", "TABLE", *ILL),
    "node": ("node", "PC.0", *MODEL, "--table", "TABLE"),
}
# The others take longer; a question that the table cannot answer ends them once it is read.
BEGUN = {
    "layer-map": ("layer-map", "TABLE", *MODEL),
    "ensemble": ("ensemble", "TABLE", *MODEL, "--subject", "none"),
    "scorecard": ("scorecard", "TABLE", *MODEL, "--label", "none", "--network", "none"),
    "severity": ("severity", "TABLE", *MODEL, "--measure", "none"),
    "stratify": ("stratify", "TABLE", *MODEL, "--subject", "none"),
    "score": ("score", "TABLE", *MODEL),
    "contrast": (
        "contrast",
        "TABLE",
        *MODEL,
        "--subject",
        "none",
        "--treated",
        "hours > 9",
        "--untreated",
        "hours < 9",
    ),
    "trajectories": ("trajectories", "TABLE", *MODEL, "--subject", "none", "--time", "hours"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ids")
    entrez, names = IdTable.shipped().entrez_of("symbol"), IdTable.shipped().names("ensembl")
    cohort = gl.demo.cohort()
    cohort = cohort[:, [g for g in cohort.var_names if len(entrez.get(g, ())) == 1 and entrez[g][0] in names][:150]]
    cohort = cohort.copy()
    model = gl.models.PCA(4).fit(cohort)
    model.save(folder / "model")
    ill = gl.Contrast.of(cohort.obs, case=ILL[1], control=ILL[3], subject="subject")
    gl.disease_module(cohort, model, contrast=ill, method="de", size=20).save(folder / "module.tsv")
    cohort.write_h5ad(folder / "symbols.h5ad")
    cohort.var_names = [f"{names[entrez[g][0]]}.2" for g in cohort.var_names]
    cohort.write_h5ad(folder / "ensembl.h5ad")
    return folder


def call(words, table):
    out = [] if words[0] == "node" else ["--out", f"{words[0]}.{table}.tsv"]
    return CliRunner().invoke(app, [*(f"{table}.h5ad" if word == "TABLE" else word for word in words), *out])


@pytest.mark.parametrize("name", WHOLE)
def test_other_ids_give_what_the_models_ids_give(name, folder, monkeypatch):
    monkeypatch.chdir(folder)
    symbols, ensembl = (call(WHOLE[name], table) for table in ("symbols", "ensembl"))
    assert (symbols.exit_code, ensembl.exit_code) == (0, 0), f"{ensembl.output}{ensembl.exception}"
    assert "Ensembl" not in symbols.output
    assert "ids: 150 of kind ensembl (Ensembl gene id" in ensembl.output
    assert ensembl.output.replace("ensembl.tsv", "symbols.tsv").endswith(symbols.output)


@pytest.mark.parametrize("name", BEGUN)
def test_the_account_comes_first(name, folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = call(BEGUN[name], "ensembl")
    assert isinstance(done.exception, gl.GenelightError), f"{done.output}{done.exception}"
    assert "ids: 150 of kind ensembl (Ensembl gene id" in done.output
    assert "150 of the model's 150 genes, with 100.0% of their variance" in done.output
    assert "ids:" not in call(BEGUN[name], "symbols").output
