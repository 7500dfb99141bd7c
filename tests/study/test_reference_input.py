"""What people give to the model that ships, through the command line: refused with one clear line, or read."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import genelight as gl
from genelight.cli import app

CASE, CONTROL = 'condition == "symptomatic"', 'condition == "asymptomatic"'
GROUPS = ("--case", CASE, "--control", CONTROL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six volunteers who fell ill and six who did not, at 60 hours and at baseline; the model has seen none."""
    folder = tmp_path_factory.mktemp("input")
    flu = gl.demo.cohort()
    people = flu.obs.drop_duplicates("subject").groupby("condition", observed=True)["subject"].head(6)
    chosen = flu[flu.obs["hours"].isin([0, 60]) & flu.obs["subject"].isin(people)].copy()
    chosen.obs_names = [f"S{i:02d}" for i in range(chosen.n_obs)]
    sheet = chosen.obs[["condition", "hours", "subject", "sex"]]
    sheet.to_csv(folder / "both.csv", index_label="sample")
    at60 = sheet[sheet["hours"] == 60].copy()
    at60["label"] = (at60["condition"] == "symptomatic").astype(int)
    at60.to_csv(folder / "sheet.csv", index_label="sample")
    table = chosen.to_df().T
    table.to_csv(folder / "both_table.csv")
    table[at60.index].to_csv(folder / "table.csv")
    return folder


def table_of(folder, name, change):
    table = pd.read_csv(folder / "table.csv", index_col=0)
    change(table).to_csv(folder / f"{name}.csv")
    return folder / f"{name}.csv"


def module_of(folder, table, *options, sheet="sheet.csv", groups=GROUPS, out="module.tsv"):
    """The exit code, what was said in one line, and the module."""
    target = folder / out
    target.unlink(missing_ok=True)
    arguments = [str(table), "--samples", str(folder / sheet), "--model", "human", *groups, "--out", str(target)]
    done = CliRunner().invoke(app, ["disease-module", *arguments, *options])
    said = " ".join(f"{done.output} {done.exception}".split())
    return said, gl.Module.load(target) if target.exists() else None


@pytest.fixture(scope="module")
def plain(folder):
    return module_of(folder, folder / "table.csv", out="plain.tsv")[1]


def alike(one, other):
    joined = one.table.set_index("gene")["score"], other.table.set_index("gene")["score"]
    return float(pd.concat(joined, axis=1).corr("spearman").iloc[0, 1])


def test_counts_and_raw_intensities_give_what_log2_gives(folder, plain):
    counts = table_of(folder, "counts", lambda t: np.round(2 ** t.clip(upper=14) * 10).astype(int))
    _, of_counts = module_of(folder, counts, "--scale", "counts")
    raw = table_of(folder, "raw", lambda t: (2**t).round(2))
    _, of_raw = module_of(folder, raw, "--scale", "linear")
    assert alike(plain, of_counts) > 0.99
    assert alike(plain, of_raw) > 0.99


def test_pairs_are_compared_within_the_person(folder):
    groups = ("--case", 'hours == 60 and condition == "symptomatic"', "--control", "hours == 0", "--subject", "subject")
    _, module = module_of(folder, folder / "both_table.csv", sheet="both.csv", groups=groups)
    assert module.about["paired"]
    assert module.about["chosen"] == "reference"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (' and sample in ["S01", "S03"]', "at least 3 subjects are needed"),
        (' and sample in ["S01"]', "at least 3 subjects are needed"),
    ],
    ids=["two against six", "one case"],
)
def test_too_few_are_refused_with_how_many_it_takes(folder, query, says):
    sheet = pd.read_csv(folder / "sheet.csv")
    first = sheet.loc[sheet["condition"] == "symptomatic", "sample"]
    keep = first[: 2 if "S03" in query else 1]
    sheet["part"] = np.where(sheet["sample"].isin(keep), "case", np.where(sheet["sample"].isin(first), "", "control"))
    sheet.to_csv(folder / "few.csv", index=False)
    groups = ("--case", 'part == "case"', "--control", 'part == "control"')
    said, module = module_of(folder, folder / "table.csv", sheet="few.csv", groups=groups)
    assert module is None
    assert says in said


def test_a_covariate_that_is_the_label_is_refused(folder):
    said, module = module_of(folder, folder / "table.csv", "--covariates", "label")
    assert module is None
    assert "label" in said


def test_mouse_symbols_are_told_for_what_they_are(folder):
    mouse = table_of(folder, "mouse", lambda t: t.set_axis([gene.capitalize() for gene in t.index]))
    said, module = module_of(folder, mouse)
    assert module is None
    assert "symbols fit only in other case" in said
    assert "mouse or rat" in said


def check(folder, name, table, model='reference = "human"'):
    (folder / f"{name}.toml").write_text(
        f'[data]\nexpression = "{table.name}"\nsamples = "sheet.csv"\n[contrast]\ncase = \'{CASE}\'\n'
        f"control = '{CONTROL}'\n[model]\n{model}\n"
    )
    return " ".join(CliRunner().invoke(app, ["check", str(folder / f"{name}.toml")]).output.split())


def test_ratios_and_another_species_under_human_names_are_refused_by_the_check(folder):
    ratios = table_of(folder, "ratios", lambda t: t.sub(t.mean(axis=1), axis=0).round(3))
    rng = np.random.default_rng(0)
    mixed = table_of(folder, "mixed", lambda t: t.set_axis(rng.permutation(t.index)))
    for name, table in (("ratios", ratios), ("mixed", mixed)):
        said = check(folder, name, table)
        assert "do not stand in the order that the model knows" in said, name
        assert "another species" in said


def test_check_advises_the_reference_to_few_samples_whose_genes_it_has(folder):
    own = "widths = [4, 2, 2]"
    assert 'reference = "human" under [model]' in check(folder, "few", folder / "table.csv", own)
    mouse = table_of(folder, "mouse", lambda t: t.set_axis([gene.capitalize() for gene in t.index]))
    assert 'reference = "human"' not in check(folder, "mouse", mouse, own)


def test_init_writes_the_reference_for_few_samples_and_says_why(folder):
    path = folder / "drafted.toml"
    arguments = ["init", str(path), str(folder / "table.csv"), str(folder / "sheet.csv")]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    text = path.read_text()
    assert '\nreference = "human"' in text
    assert "fewer than 20 people in a group" in text
    mouse = table_of(folder, "mice", lambda t: t.set_axis([gene.capitalize() for gene in t.index]))
    CliRunner().invoke(app, ["init", str(folder / "mice.toml"), str(mouse), str(folder / "sheet.csv")])
    assert '\nreference = "human"' not in (folder / "mice.toml").read_text()
