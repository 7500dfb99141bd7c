"""The command line: each verb on the embedded cohort, one line for an error, exit code 2."""

import json
import sys

import anndata as ad
import pytest
import typer

import genelight as gl
from genelight import cli
from genelight._core.provenance import sealed, write_json
from genelight.models.ensemble import Ensemble
from genelight.modules.second_cohort import Preservation
from genelight.nouns.scorecard import Scorecard
from genelight.study._template import template


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    adata = gl.demo.cohort()
    few = adata[:, :600].copy()
    few.write_h5ad(folder / "flu.h5ad")
    kept = gl.fit(few, widths=(8, 4), epochs=1)
    kept.save(folder / "kept")
    Ensemble((kept, kept)).save(folder / "alone")
    content = json.loads((folder / "alone" / "ensemble.json").read_text())
    content["members"].popitem()
    write_json(folder / "alone" / "ensemble.json", sealed(content))
    return folder


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["genelight", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_the_verbs_follow_one_another(files, monkeypatch, capsys):
    table, model = files / "flu.h5ad", files / "model"
    ill = ["--case", 'condition == "symptomatic" and hours >= 45', "--control", "hours == 0", "--subject", "subject"]
    two = ["--case", "low=hours == 45", "--case", "late=hours == 108", *ill[2:], "--method", "direction"]
    steps = [
        ("read", table),
        ("prepare", table, "--out", files / "prepare.json"),
        ("fit", table, "--subject", "subject", "--widths", "16,8,4", "--out", model),
        ("encode", table, "--model", model, "--layer", "L2", "--out", files / "codes.h5ad"),
        ("light-up", "--model", model, "--layer", "L2", "--out", files / "nodes.parquet"),
        ("node", "L2.0", "--model", model, "--table", table, "--subject", "subject"),
        ("ensemble", table, "--model", model, "--seeds", 2, "--subject", "subject", "--out", files / "again"),
        ("node", "L2.0", "--model", model, "--ensemble", files / "again", "--draw", files / "card.png"),
        ("layer-map", table, "--model", model, "--out", files / "map.tsv", "--draw", files / "map.svg"),
        ("disease-module", table, "--model", model, *ill, "--size", 50, "--out", files / "module.tsv"),
        (
            "disease-module",
            table,
            "--model",
            model,
            *ill,
            *("--covariates", "age,sex"),
            "--out",
            files / "adjusted.tsv",
        ),
        ("disease-modules", table, "--model", model, *two, "--size", 50, "--out", files / "several"),
        ("module", "agree", table, "--model", model, *ill, "--methods", "direction,de", "--out", files / "agree"),
        ("module", "validate", files / "module.tsv", table, *ill, "--out", files / "preserved.tsv"),
        ("module", "network", files / "module.tsv", "--out", files / "m.cx2", "--picture", files / "m.svg"),
        ("assess", files / "module.tsv", "--table", table, *ill, "--out", files / "module.parquet"),
        ("assess", files / "nodes.parquet", "--tests", "hypergeometric", "--out", files / "evidence.parquet"),
        ("scorecard", table, "--model", model, "--label", "condition", "--network", "none", "--out", files / "card"),
    ]
    for step in steps:
        assert call(monkeypatch, *step) == 0, capsys.readouterr().err
    assert ad.read_h5ad(files / "codes.h5ad").obsm["X_L2"].shape == (252, 8)
    assert gl.NodeGenes.load(files / "nodes.parquet").nodes[0] == "L2.0"
    assert len(gl.models.Ensemble.load(files / "again")) == 2
    assert 'xmlns="http://www.w3.org/2000/svg"' in (files / "m.svg").read_text()
    assert (files / "card.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "comes back in" in said
    assert "L1 to L2: of 128 connections " in said
    assert len((files / "map.tsv").read_text().splitlines()) == 1 + 16 * 8 + 8 * 4 + 16 * 4
    assert "<svg" in (files / "map.svg").read_text()
    assert "derived by joint (the model and the genes together): scores replicate" in said
    assert "the data support " in said
    assert gl.Module.load(files / "adjusted.tsv").name.endswith("adjusted for age, sex")
    assert {path.name for path in (files / "several").iterdir()} == {"low.tsv", "late.tsv", "pairs.tsv"}
    assert gl.Module.load(files / "several" / "late.tsv").about["head"] == ["low", "late"]
    assert {path.name for path in (files / "agree").iterdir()} == {"pairs.tsv", "genes.tsv"}
    assert len(gl.Module.load(files / "module.tsv").selected) == 50
    assert Preservation.load(files / "preserved.tsv").verdict == "preserved"
    assert set(Scorecard.load(files / "card").verdicts["verdict"]) == {"cannot tell here"}
    assert set(gl.Evidence.load(files / "module.parquet").table["test"]) >= {"overlap_relabelled", "camera", "distance"}
    assert "not calibrated, for they count genes as independent: hypergeometric" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("read", "absent.h5ad"), "absent.h5ad"),
        (("read", "notes.txt"), "notes.txt"),
        (("fit", "flu.h5ad", "--subject", "subjct", "--out", "m"), "did you mean 'subject'"),
        (("fit", "flu.h5ad", "--widths", "a,b", "--out", "m"), "write whole numbers with commas"),
        (("fit", "flu.h5ad", "--preset", "defualt", "--out", "m"), "did you mean 'default'"),
        (("fit", "flu.h5ad", "--out", "flu.h5ad"), "exists already"),
        (
            ("scorecard", "flu.h5ad", "--model", "model", "--label", "diseases", "--out", "c.parquet"),
            "unknown label column",
        ),
        (("scorecard", "flu.h5ad", "--model", "model", "--network", "a.csv@x", "--out", "c.parquet"), "is no number"),
        (("light-up", "--model", ".", "--layer", "L1", "--out", "n.parquet"), "no saved model"),
        (("node", "L2.0", "--model", "absent"), "no saved model"),
        (("node", "L2.0", "--model", "kept", "--ensemble", "kept"), "ensemble.json is missing"),
        (("node", "L9.0", "--model", "kept"), "there are 2: L1, L2"),
        (("node", "L2.9", "--model", "kept"), "layer L2 (L2.0 to L2.3)"),
        (("node", "L2.0", "--model", "kept", "--ensemble", "alone"), "an ensemble of 1 has nothing to compare"),
        (("node", "L2.0", "--model", "kept", "--draw", "card.doc"), "a name that ends in .png"),
        (("ensemble", "flu.h5ad", "--model", "kept", "--seeds", "1", "--out", "e"), "an ensemble of 1 has nothing"),
        (("ensemble", "flu.h5ad", "--model", "kept", "--out", "kept"), "exists already"),
        (
            (
                "disease-modules",
                "flu.h5ad",
                "--model",
                "kept",
                "--case",
                "a==1",
                "--control",
                "hours == 0",
                "--out",
                "d",
            ),
            "is no query with a name of its own; write --case 'flu=condition",
        ),
        (("run", "absent.toml", "--out", "RUN"), "genelight init"),
        (("report", "absent"), "absent"),
    ],
)
def test_an_error_is_one_line_and_exit_code_2(files, monkeypatch, capsys, words, message):
    (files / "notes.txt").write_text("not expression")
    monkeypatch.chdir(files)
    before = {path.name for path in files.iterdir()}
    assert call(monkeypatch, *words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert message in said.err
    assert {path.name for path in files.iterdir()} == before


def test_init_writes_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "init", "study.toml") == 0
    assert call(monkeypatch, "init", "study.toml") == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "study.toml").read_text() == template()


def test_version_and_methods(monkeypatch, capsys):
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == gl.__version__
    assert call(monkeypatch, "methods") == 0
    assert "10.1016/j.neuroimage.2013.10.067" in capsys.readouterr().out


def _commands(group, name=""):
    """Every command by its full name."""
    for key, each in group.commands.items():
        yield from _commands(each, f"{name} {key}") if hasattr(each, "commands") else [(f"{name} {key}".strip(), each)]


def test_every_command_that_reads_a_table_by_a_model_takes_its_scale():
    options = {
        name: {option for each in command.params for option in (*each.opts, each.name)}
        for name, command in _commands(typer.main.get_command(cli.app))
    }
    by_model = [name for name, found in options.items() if "--model" in found and {"table", "cohort"} & found]
    assert {"encode", "disease-module", "score"} <= set(by_model)
    # assess compares values with none of the model's, map-ids changes names alone, response reads ranks in a sample.
    assert {name for name in by_model if "--scale" not in options[name]} <= {"assess", "map-ids", "response-score"}


@pytest.mark.parametrize(
    ("given", "both"),
    [
        (["--drop", "hours > 40", "--drop=sex == 'f'"], "--drop '(hours > 40) or (sex == '\"'\"'f'\"'\"')'"),
        (["--annotations", "age", "--annotations", "sex"], "--annotations age,sex"),
        (["--orientation", "genes-in-rows", "--orientation", "samples-in-rows"], "--orientation samples-in-rows"),
    ],
)
def test_an_option_given_twice_is_not_lost(files, monkeypatch, capsys, given, both):
    assert call(monkeypatch, "read", files / "flu.h5ad", *given) == 2
    said = capsys.readouterr().err
    assert "was given 2 values" in said
    assert said.rstrip().endswith(both)


def test_an_option_twice_with_one_value_and_flags_are_taken(files, monkeypatch, capsys):
    words = ("--drop", "hours > 40", "--drop", "hours > 40", "-q", "-q", "--json", "--json")
    assert call(monkeypatch, "read", files / "flu.h5ad", *words) == 0, capsys.readouterr()
