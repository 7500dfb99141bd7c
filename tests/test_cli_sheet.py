"""From a table and a hand-typed sheet to a report: all commands join sheets alike, and advice can be typed."""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.main import get_command

import genelight as gl
from genelight import cli

ILL = ("--case", '`Disease status` == "flu"', "--control", '`Disease status` == "healthy"')
SRC = Path(cli.__file__).parents[1]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Thirteen people of the embedded cohort, as a CSV with genes in rows and a sheet typed by hand."""
    folder = tmp_path_factory.mktemp("sheet")
    adata = gl.demo.cohort()[:, :600]
    obs = adata.obs
    ill = list(obs.index[(obs["condition"] == "symptomatic") & (obs["hours"] == 60)][:7])
    well = [i for i in obs.index[obs["hours"] == 0] if obs.loc[i, "subject"] not in set(obs.loc[ill, "subject"])][:6]
    names = [f"S{i:02d}" for i in range(1, 14)]
    table = pd.DataFrame(adata[[*ill, *well]].X.T, index=adata.var_names, columns=names).round(3)
    table.to_csv(folder / "expression.csv", index_label="gene")
    sheet = pd.DataFrame(
        {
            "Sample ID": names,
            "Disease status": ["flu"] * 7 + ["healthy"] * 6,
            "age": obs.loc[[*ill, *well], "age"].to_numpy(),
            "batch": [*"ababababababa"],
        }
    ).sample(frac=1, random_state=0)
    sheet.to_csv(folder / "sheet.csv", index=False)
    sheet.assign(**{"Sample ID": sheet["Sample ID"].str.lower() + " "}).to_csv(
        folder / "sloppy.tsv", sep="\t", index=False
    )
    return folder


@pytest.fixture
def call(files, monkeypatch, capsys):
    monkeypatch.chdir(files)

    def once(*words):
        monkeypatch.setattr(sys, "argv", ["genelight", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return once


def test_a_sheet_writes_nothing_but_values_into_a_study(call, files):
    """Control characters, line breaks, quotes and brackets in names and cells."""
    ill = "ill\x1b[31m\x7f\u202e\"'] \n[network]\nfile = 'x'"
    sheet = pd.read_csv(files / "sheet.csv").rename(
        columns={"Disease status": "stat\x1bus\n[second]", "age": "age\x07"}
    )
    sheet = sheet.replace({"flu": ill})
    sheet.to_csv("wild\x7f.csv", index=False)
    code, said, _ = call("init", "wild.toml", "expression.csv", "wild\x7f.csv")
    assert code == 0
    text = Path("wild.toml").read_text(encoding="utf-8")
    assert set(tomllib.loads(text)) == {"data", "contrast", "model", "network", "sets", "module", "tests"}
    assert text.replace("\n", "").isprintable()
    assert said.replace("\n", "").isprintable()
    code, _, err = call("check", "wild.toml")
    assert (code, err) == (0, "")


def test_three_commands_lead_to_a_report(call, files):
    code, said, _ = call("init", "study.toml", "expression.csv", "sloppy.tsv")
    assert code == 0
    assert "13 by a name that differs in case" in said
    assert "look at it, then: genelight check study.toml" in said
    text = (files / "study.toml").read_text()
    for line in (
        'samples = "sloppy.tsv" ',
        'samples_id = "Sample ID" ',
        """case = '`Disease status` == "flu"'""",
        """control = '`Disease status` == "healthy"'""",
        '# covariates = ["age", "batch"]',
        'scale = "log2" ',
    ):
        assert line in text
    small = text.replace("# n_top = 150 ", "n_top = 60 ").replace("# size = 200 ", "size = 50 ")
    small = small.replace("# seeds = 10 ", "seeds = 0 ").replace("# permutations = 199 ", "permutations = 19 ")
    (files / "study.toml").write_text(small.replace("# bootstraps = 200 ", "bootstraps = 20 "))
    code, said, _ = call("check", "study.toml")
    assert code == 0, said
    assert "7 cases and 6 controls" in said
    assert "next: genelight run study.toml --out RUN" in said
    code, said, err = call("run", "study.toml", "--out", "RUN", "--json")
    assert code == 0, err
    found = json.loads(said)
    assert Path(found["report"]).is_file()
    assert len(found["findings"]) == 5
    assert "samples: 13 of 13" in found["notes"][0]


def test_a_sheet_in_the_place_of_its_table_is_told(call, files):
    names = [f"S{i:02d}" for i in range(1, 14)]
    numbers = {name: np.arange(13) * k % 11 + 1 for k, name in enumerate(["age", "sledai", "hb", "weight", "dose"], 1)}
    pd.DataFrame({"id": names, "disease": ["a"] * 7 + ["b"] * 6} | numbers).to_csv(files / "clinic.csv", index=False)
    for words in (("inspect", "sheet.csv"), ("init", "new.toml", "sheet.csv", "expression.csv")):
        code, _, err = call(*words)
        assert code == 2
        assert "sheet.csv looks like a sample sheet: beside its row names 2 columns hold text" in err
        assert "behind its table: --samples sheet.csv" in err
    assert "behind its table: genelight init study.toml TABLE clinic.csv; if it is" in call("inspect", "clinic.csv")[1]
    assert "goes behind its table" not in call("inspect", "expression.csv")[1]
    code, _, err = call("init", "new.toml", "clinic.csv", "expression.csv")
    assert code == 2
    assert "the sheet behind it: expression.csv clinic.csv" in err
    assert call("init", "new.toml", "expression.csv", "clinic.csv")[0] == 0
    (files / "new.toml").unlink()
    assert call("init", "new.toml", "expression.csv")[0] == 0
    assert "# genelight init STUDY expression.csv SHEET" in (files / "new.toml").read_text()
    (files / "new.toml").unlink()


def test_a_question_without_a_sheet_asks_for_one(call):
    code, _, err = call("module", "expression.csv", *ILL, "--out", "NONE")
    assert code == 2
    assert "nothing is known of the samples; give a sample sheet: --samples FILE" in err
    code, _, err = call("fit", "expression.csv", "--subject", "person", "--out", "MODEL")
    assert code == 2
    assert "subject column 'person' is asked for, but nothing is known of the samples" in err


def test_one_line_leads_to_a_module_sets_and_a_report(call, files):
    asked = ("expression.csv", "--samples", "sheet.csv", *ILL, "--seeds", 0, "--out", "ONE")
    code, said, err = call("module", *asked)
    assert code == 0, err
    assert "module: ONE/05_module.tsv, 60 genes" in said
    assert "report: ONE/report.html" in said
    forecast = gl.Module.load(files / "ONE" / "05_module.tsv").about["forecast"]
    assert 0 <= forecast["interval"][0] <= forecast["again"] <= forecast["interval"][1] <= 1
    assert f"forecast: {forecast['says']}" in said
    assert "Will it replicate: other cohorts of this disease are" in (files / "ONE" / "report.html").read_text("utf-8")
    for name in ("05_module.tsv", "06_evidence.parquet", "report.html", "study.toml"):
        assert (files / "ONE" / name).is_file()
    # The same, its name in full, finds everything done.
    code, said, _ = call("module", "run", *asked, "-q", "--json")
    assert code == 0
    assert json.loads(said)["module"]["genes"] == gl.Module.load(files / "ONE" / "05_module.tsv").selected


def test_a_sheet_goes_with_other_commands_too(call, files):
    code, said, err = call("read", "expression.csv", "--samples", "sheet.csv", "--drop", "age > 200", "--out", "x.h5ad")
    assert code == 2
    assert "drop = 'age > 200' selects none of 13 samples; age has" in err
    assert call("read", "expression.csv", "--samples", "sheet.csv", "--out", "joined.h5ad")[0] == 0
    assert gl.read(files / "joined.h5ad").obs["Disease status"].value_counts().to_dict() == {"flu": 7, "healthy": 6}
    code, said, _ = call("inspect", "expression.csv", "--samples", "sheet.csv", "--json")
    assert json.loads(said)["next"] == "genelight init study.toml expression.csv sheet.csv"
    gl.models.PCA(2).fit(gl.read(files / "expression.csv")).save(files / "pca")
    code, said, err = call(
        "disease-module",
        "expression.csv",
        "--samples",
        "sheet.csv",
        *ILL,
        "--model",
        "pca",
        "--size",
        20,
        "--out",
        "m.tsv",
        "--json",
    )
    assert code == 0, err
    assert len(json.loads(said)["genes"]) == 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("flu", "Disease status == 'flu'"), "write for example: `Disease status` == 'flu'"),
        (("flu", 'Diseases == "flu"'), "did you mean '`Disease status`'"),
        (("flu", '`Disease status` == "influenza"'), "`Disease status` has 'flu', 'healthy'"),
    ],
)
def test_a_wrong_query_is_answered_with_what_to_type(call, change, message):
    words = ["module", "expression.csv", "--samples", "sheet.csv", "--case", change[1], *ILL[2:], "--out", "NO"]
    code, said, err = call(*words)
    assert (code, said) == (2, "")
    assert message in err
    assert not Path("NO").exists()


def test_a_sheet_of_another_table_stops_with_the_names(call, files):
    (files / "other.csv").write_text("who,group\nP1,ill\nP2,well\n")
    code, _, err = call("read", "expression.csv", "--samples", "other.csv")
    assert code == 2
    assert err.count("\n") == 1
    assert "S01, S02, S03" in err
    assert "'who' has P1, P2" in err
    code, _, err = call("read", "expression.csv", "--samples", "sheet.csv", "--samples-id", "sample id")
    assert "did you mean 'Sample ID'" in err


def test_how_a_table_is_read_goes_into_the_study(call, files):
    told = ("--orientation", "genes-in-rows", "--annotations", "none")
    assert call("init", "told.toml", "expression.csv", "sheet.csv", *told)[0] == 0
    study = gl.study.Study.load(files / "told.toml")
    assert study.data.reading["annotations"] == []
    assert study.data.orientation == "genes-in-rows"
    assert study.data.reading["drop_empty"] is False


def test_init_leaves_open_what_cannot_be_told(call, files):
    sheet = pd.read_csv(files / "sheet.csv").assign(arm=lambda t: np.where(t["age"] > t["age"].median(), "x", "y"))
    sheet.drop(columns="Disease status").to_csv(files / "open.csv", index=False)
    code, said, _ = call("init", "open.toml", "expression.csv", "open.csv")
    assert code == 0
    assert "fill in what it leaves open, case and control above all" in said
    text = (files / "open.toml").read_text()
    assert re.search(r"^# case = 'arm == \"[xy]\"'", text, re.MULTILINE)
    assert not re.search("^case", text, re.MULTILINE)
    code, said, _ = call("check", "open.toml")
    assert code == 2
    assert "lacks case" in said


def test_check_lists_all_that_is_wrong_and_its_advice_mends_it(call, files):
    text = """[data]
expression = "expression.csv"
samples = "sheet.csv"
variable = 120
sclae = "log2"

[contrast]
case = 'Diseases == "flu"'
control = '`Disease status` == "helthy"'
covariates = ["aeg"]

[model]
preset = "defualt"
seeds = 1

[module]
size = 70
folds = 9

[tests]
n_top = 150
"""
    (files / "wrong.toml").write_text(text)
    code, said, _ = call("check", "wrong.toml")
    assert code == 2
    wanted = ("'sclae'", "'Diseases'", "helthy", "'aeg'", "'defualt'", "seeds = 1", "size = 70", "n_top = 150")
    for words in wanted:
        # The number of layers hangs on the preset.
        assert words in said or words == "size = 70"
    better = text.replace("sclae", "scale").replace("Diseases", "`Disease status`").replace("helthy", "healthy")
    better = better.replace("aeg", "age").replace("defualt", "default").replace("seeds = 1", "seeds = 0")
    (files / "wrong.toml").write_text(better)
    code, said, _ = call("check", "wrong.toml")
    assert code == 2
    advice = dict(re.findall(r"\[\w+\] (\w+) = .*; write \1 = (\d+)", said))
    assert set(advice) == {"size", "folds", "n_top"}
    for key, value in advice.items():
        better = re.sub(rf"^{key} = .*", f"{key} = {value}", better, flags=re.MULTILINE)
    (files / "wrong.toml").write_text(better)
    code, said, _ = call("check", "wrong.toml", "--json")
    assert code == 0, said
    assert json.loads(said)["problems"] == []


def test_the_advice_to_leave_samples_out_can_be_pasted(call, files):
    sheet = pd.read_csv(files / "sheet.csv")
    sheet["first visit"] = [None, *range(12)]
    sheet.to_csv(files / "gaps.csv", index=False)
    words = ("prepare", "expression.csv", "--samples", "gaps.csv", "--covariates", "first visit", "--out", "p.json")
    code, _, err = call(*words)
    assert code == 2
    (query,) = re.findall(r"--drop '([^']+)'", err)
    assert query == "`first visit`.isna()"
    assert call(*words, "--drop", query)[0] == 0


def test_help_has_rooms_examples_and_short_options(call):
    code, said, _ = call("-h")
    assert code == 0
    for room in ("Whole studies", "Data", "Models", "Nodes", "Evidence", "Disease", "Patients"):
        assert f" {room} " in said
    for path, command in commands().items():
        options = {name for p in command.params for name in p.opts}
        assert {"--json", "--quiet", "-q", "--verbose", "-v"} <= options, path
        assert command.epilog.startswith(f"Example: genelight {path.removesuffix(' run')} "[:20]), path
        assert command.rich_help_panel, path


def test_examples_of_the_help_are_understood():
    for path, command in commands().items():
        named = set(re.findall(r"--[a-z-]+", command.epilog))
        assert named <= {name for p in command.params for name in p.opts}, path


def commands():
    """Every command by what is typed for it."""
    top = get_command(cli.app).commands
    found = {}
    for name, command in top.items():
        inner = getattr(command, "commands", None)
        found |= {f"{name} {key}": each for key, each in inner.items()} if inner else {name: command}
    return found


def texts():
    """Every message of the package, with an X in place of each value put into it; docstrings too."""
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield path, "".join(str(v.value) if isinstance(v, ast.Constant) else "X" for v in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path, node.value


def test_no_message_names_a_command_or_an_option_that_is_not_there():
    known = commands()
    every = {name for command in known.values() for p in command.params for name in p.opts}
    every |= {"--version", "--help", "--install-completion"}
    foreign = {"--role", "--ink", "--up"}  # colours of a style sheet
    foreign |= {"--nproc-per-node"}  # of torchrun
    foreign |= {"--scheduler-file", "--nthreads", "--nworkers", "--memory-limit"}  # of Dask's own commands
    wrong = []
    for path, text in texts():
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text):
            if option not in every | foreign:
                wrong.append(f"{path.name}: {option} in {text[:80]!r}")
        for verb, rest in re.findall(r"genelight ((?:module )?[a-z][a-z-]*)((?: [^;,\n]*)?)", text):
            command = known.get(verb) or known.get(f"{verb} run")
            named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", rest))
            if command and not named <= {name for p in command.params for name in p.opts}:
                wrong.append(f"{path.name}: genelight {verb} lacks one of {sorted(named)}")
    assert not wrong, "\n".join(wrong)


def test_ctrl_c_says_what_is_kept_and_how_to_go_on(call, files, monkeypatch):
    def stop(*_, **__):
        (files / "RUN2").mkdir()
        (files / "RUN2" / "steps.json").write_text('{"prepare": {}, "hold_out": {}}')
        raise KeyboardInterrupt

    monkeypatch.setattr(gl.study, "run", stop)
    code, said, err = call("demo", "--out", "RUN2")
    assert (code, said) == (130, "")
    assert "RUN2 keeps what is done (prepare, hold_out), which is not done again" in err
    assert "To go on: genelight demo --out RUN2" in err


def test_doctor_looks_at_the_machine(call, monkeypatch):
    code, said, _ = call("doctor", "--json")
    found = json.loads(said)
    assert found["packages"]["torch"]
    assert found["memory_gb"]["all"] > 0
    assert code == (1 if found["faults"] else 0)
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    code, said, _ = call("doctor")
    assert code == 1
    assert "type: unset OMP_NUM_THREADS" in said


def test_quiet_prints_the_result_alone(call):
    code, said, err = call("read", "expression.csv", "--samples", "sloppy.tsv", "-q")
    assert (code, err) == (0, "")
    assert said.startswith("13 samples x 600 genes")


def test_an_error_shows_its_trace_when_asked(call, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["genelight", "read", "absent.csv", "-v"])
    with pytest.raises(gl.errors.ResourceError):
        cli.main()


@pytest.mark.parametrize("command", ["module", "run"])
def test_people_who_come_back_are_asked_about_before_anything_is_computed(call, files, command):
    sheet = pd.read_csv(files / "sheet.csv", dtype=str)
    sheet.assign(patient=[f"p{i // 2}" for i in range(len(sheet))]).to_csv(files / "people.csv", index=False)
    words = [*ILL, "--samples", "people.csv", "--out", "never"]
    if command == "run":
        assert call("init", "people.toml", "expression.csv", "people.csv")[0] == 0
        study = (files / "people.toml").read_text("utf-8")
        (files / "people.toml").write_text(re.sub("^subject = .*$", "", study, flags=re.MULTILINE), "utf-8")
        code, _, said = call("run", "people.toml", "--out", "never")
    else:
        code, _, said = call(command, "expression.csv", *words)
    assert code == 2
    assert re.search(
        r"13 samples are taken for as many people, but the column 'patient' names 7 .*--subject patient", said
    )
    assert not (files / "never").exists()
