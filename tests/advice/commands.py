"""Advice of the command line, typed there."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

import genelight as gl
from genelight.errors import InputError

from .desk import Desk, case, cohort, take

SIGNATURE = ("IDO1", "CXCL10", "CXCL9", "HLA-DRA", "STAT1", "IFNG")
GROUPS = "--case 'group == \"ill\"' --control 'group == \"well\"'"


@case("leave them out (--drop")
def _(desk: Desk) -> None:
    desk.use("x.csv", "gaps.csv")
    words = "prepare x.csv --samples gaps.csv --covariates age,sex --out p.json "
    said = desk.stopped(words)
    assert "'age'" in said
    assert "'sex'" in said
    desk.works(words + take(said, r"--drop '[^']+'"))


@case("choose another --out")
def _(desk: Desk) -> None:
    desk.use("x.csv")
    words = "prepare x.csv --out p.json"
    desk.works(words)
    said = desk.stopped(words)
    desk.works(words.replace("p.json", "other.json"))
    subprocess.run(take(said, r"\((rm -r [^)]+)\)"), shell=True, check=True)
    desk.works(words)


@case("write for example: ")
def _(desk: Desk) -> None:
    desk.use("x.csv", "sheet.csv", "model")
    words = "disease-module x.csv --samples sheet.csv --subject patient --model model --method de --size 20 --out m.tsv"
    words = f"{words} --control 'group == \"well\"'"
    said = desk.stopped(f"{words} --case ill")
    desk.works(f"{words} --case '{take(said, r'write for example: (.+)')}'")


@case("is a store, whose samples are fixed")
def _(desk: Desk) -> None:
    desk.use("x.csv", "sheet.csv", "x.h5ad")
    desk.works("pack x.h5ad --out x.zarr")
    words = "fit x.zarr --widths 2 --preset plain,epochs=1 --out m"
    said = desk.stopped(f"{words} --samples sheet.csv --drop \"site == 'a'\"")
    desk.works(take(said, r"genelight read .*h5ad").replace("TABLE", "x.csv"))
    desk.works("pack cohort.h5ad --out less.zarr")
    desk.works(words.replace("x.zarr", "less.zarr"))


@case("nothing to test against: gene sets need expression")
def _(desk: Desk) -> None:
    desk.use("nodes.parquet", "x.csv")
    words = "assess nodes.parquet --top 20"
    said = desk.stopped(f"{words} --network none --out a.parquet")
    assert "leave --network none off" in said
    desk.works(f"{words} --out b.parquet")
    desk.works(f"{words} --network none --out c.parquet {take(said, '--table')} x.csv")


@case("or name others that count genes as independent")
def _(desk: Desk) -> None:
    desk.use("nodes.parquet", "x.csv")
    words = "assess nodes.parquet --top 20 --network none --sets embedded --out a.parquet "
    desk.works(words + take(desk.stopped(words), r"--tests \w+"))


@case("say what a module was derived from; give both")
def _(desk: Desk) -> None:
    desk.use("x.csv", "sheet.csv", "model")
    words = f"disease-module x.csv --samples sheet.csv --subject patient --model model --method de {GROUPS}"
    desk.works(f"{words} --out m.tsv --size 20")
    words = "assess m.tsv --network none --sets embedded --tests hypergeometric --out e.parquet"
    said = desk.stopped(f"{words} --case 'group == \"ill\"'")
    assert all(option in said for option in ("--case", "--control", "--table"))
    desk.use("x.h5ad")
    desk.works(f"{words} {GROUPS} --subject patient --table x.h5ad")


@case("nothing to project onto")
def _(desk: Desk) -> None:
    desk.use("x.csv", "model")
    Path("genes.txt").write_text("\n".join(cohort().var_names[:50]))
    said = desk.stopped("project x.csv --out p.h5ad")
    given = {"--model FOLDER": "model", "--genes TABLE": "x.h5ad", "--genes FILE": "genes.txt"}
    desk.use("x.h5ad")
    for n, (option, name) in enumerate(given.items()):
        desk.works(f"project x.csv --out p{n}.h5ad {take(said, option).split()[0]} {name}")


@case("is for a deep model; leave it out, or")
def _(desk: Desk) -> None:
    desk.use("x.h5ad")
    words = "fit x.h5ad --widths 3 --out m"
    said = desk.stopped(f"{words} --preset plain,epochs=1 --group site")
    desk.goes_on(f"{words} --group site {take(said, '--preset deep')}", "three layers")
    desk.works(f"{words} --preset plain,epochs=1")


@case("takes no changes; see its recipe in Python")
def _(desk: Desk) -> None:
    desk.use("x.h5ad")
    said = desk.stopped("fit x.h5ad --preset deep,epochs=3 --out m")
    desk.works(eval(take(said, r"gl\.[\w.]+"), {"gl": gl}))


@case("name the column of their names: --by")
def _(desk: Desk) -> None:
    desk.use("x.h5ad", "model")
    words = "stratify x.h5ad --model model --out g.parquet --tested sex "
    desk.works(words + take(desk.stopped(words), "--by") + " site")


@case("of --by columns are tested: give --tested")
def _(desk: Desk) -> None:
    desk.use("x.h5ad", "model")
    words = "stratify x.h5ad --model model --out g.parquet --by site "
    said = desk.stopped(words + "--explain sex")
    desk.works(words + take(said, r"--tested \w+"))


@case("project them one by one, each to its --out")
def _(desk: Desk) -> None:
    desk.use("model", "x.csv")
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, "x.csv").write_bytes(Path("x.csv").read_bytes())
    desk.stopped("project a/x.csv b/x.csv --model model --out both")
    for name in ("a", "b"):
        desk.works(f"project {name}/x.csv --model model --out {name}.h5ad")


@case("give --samples once for each table")
def _(desk: Desk) -> None:
    desk.use("x.csv", "sheet.csv")
    Path("y.csv").write_bytes(Path("x.csv").read_bytes())
    words = "response x.csv y.csv --response group --model none --out r --samples sheet.csv"
    desk.stopped(words)
    desk.goes_on(f"{words} --samples sheet.csv", "no known meaning")


@case("says nothing; write WORD=R")
def _(desk: Desk) -> None:
    desk.use("x.csv", "sheet.csv")
    words = "response x.csv --by site --samples sheet.csv --response group --model none --out r "
    desk.goes_on(words + take(desk.stopped(f"{words} --words ill"), r"--words SD=NR"), "no known meaning")


@case("Say what holds, such as")
def _(desk: Desk) -> None:
    # Words of two kinds, a word that nobody knows, times, patients and cohorts: all in one message.
    rng = np.random.default_rng(0)
    genes = [gene for gene in cohort().var_names[:80] if gene not in SIGNATURE]
    frames, rows = [], []
    for c in range(4):
        for i in range(30):
            name = f"P{c}x{i}"
            frames.append(pd.Series(rng.normal(7 + np.arange(len(genes)) % 5, 1), genes, name=name))
            word = ["CR", "PD", "PR", "PD", "SD", "MR" if c % 2 else "PD", "DCB"][i // 2 % 7]
            time, person = ["Pre", "On"][i % 2], f"c{c}p{i // 2}"
            rows.append({"sample": name, "study": f"c{c}", "response": word, "timepoint": time, "patient": person})
    pd.DataFrame(frames).to_csv("all.csv", index_label="sample")
    pd.DataFrame(rows).to_csv("all_sheet.csv", index=False)
    words = "response all.csv --samples all_sheet.csv --model none --permutations 0 --out r "
    said = desk.stopped(words)
    pasted = take(said, r"on the command line (--.*?)\);")
    options = ("--words DCB=drop", "--words SD=NR", "--words mixed=NR", "--before", "--subject patient", "--by study")
    assert all(option in pasted for option in options), said
    desk.goes_on(words + pasted, "has 0 of the 6 genes of the interferon-gamma signature")


@case("or say which sample column names the cohort: --by")
def _(desk: Desk) -> None:
    desk.use("x.csv", "sheet.csv")
    words = f"meta-module x.csv --samples sheet.csv {GROUPS} --out m.tsv "
    desk.goes_on(words + take(desk.stopped(words), "--by") + " site", "Samples of one person")


@case("is no query with a name of its own; write")
def _(desk: Desk) -> None:
    desk.use("x.csv", "sheet.csv", "model")
    words = "disease-modules x.csv --samples sheet.csv --model model --out m --control 'group == \"well\"' "
    said = desk.stopped(f"{words} --case 'site == \"a\"' --case 'site == \"b\"'")
    named = take(said, r"write (--case '.*')").replace("flu", "one").replace('condition == "one"', 'group == "ill"')
    assert named == """--case 'one=group == "ill"'"""
    desk.goes_on(f"{words} {named} --case 'two=site == \"b\"'", "two")


@case("names … of … samples in … rows")
def _(desk: Desk) -> None:
    sheet_named(desk, lambda names: [*names[:4], *(f"z{i}" for i in range(26))])


@case("no column names a sample of the table")
def _(desk: Desk) -> None:
    sheet_named(desk, lambda names: [f"z{i}" for i in range(len(names))])


@case("leave one row for each sample, or name another column")
def _(desk: Desk) -> None:
    desk.use("x.csv", "sheet.csv")
    sheet = pd.read_csv("sheet.csv")
    twice = pd.concat([sheet.assign(long=sheet["sample"]), sheet[:2].assign(age=1.0, long=["q1", "q2"])])
    twice.to_csv("twice.csv", index=False)
    words = "read x.csv --samples twice.csv --out x2.h5ad"
    said = desk.stopped(words)
    desk.works(f"{words} {take(said, '--samples-id')} long")


def sheet_named(desk: Desk, change: Callable[[list[str]], list[str]]) -> None:
    desk.use("x.csv", "sheet.csv")
    sheet = pd.read_csv("sheet.csv")
    sheet["sample"] = change(list(sheet["sample"]))
    sheet.to_csv("odd.csv", index=False)
    words = "read x.csv --out x2.h5ad --samples"
    said = desk.stopped(f"{words} odd.csv")
    sheet.assign(array=[f"S{i:02}" for i in range(30)]).to_csv("mended.csv", index=False)
    desk.works(f"{words} mended.csv {take(said, '--samples-id')} array")


@case("Samples of one person are no evidence")
def _(desk: Desk) -> None:
    desk.use("x.csv", "sheet.csv")
    words = f"meta-module x.csv --by site --samples sheet.csv {GROUPS} --out m.tsv "
    desk.works(words + take(desk.stopped(words), r"\((--subject \w+)\)"))


@case("write one with: genelight init")
def _(desk: Desk) -> None:
    said = desk.stopped("check mine.toml")
    desk.works(take(said, r"genelight init \S+"))
    desk.goes_on("check mine.toml", "mine.toml")


@case("lacks the section [")
def _(desk: Desk) -> None:
    Path("part.toml").write_text('[contrast]\ncase = "a"\ncontrol = "b"\n')
    desk.works(take(desk.stopped("check part.toml"), r"genelight init \S+"))
    desk.goes_on("check study.toml", "does not exist")


@case("add it or leave out --show-ids")
def _(desk: Desk) -> None:
    desk.use("x.csv", "sheet.csv")
    desk.works("init s.toml x.csv sheet.csv")
    desk.stopped("run s.toml --out R --show-ids")
    text = Path("s.toml").read_text()
    Path("s.toml").write_text(text + "\n[patients]\nmeasure = 'nothing'\n")
    desk.goes_on("run s.toml --out R --show-ids", "nothing|case|wrong|lacks")


@case("of which genelight has no table that it may pass on")
def _(desk: Desk) -> None:
    adata = cohort()
    probes = [f"A_23_P{i:06}" for i in range(adata.n_vars)]
    pd.DataFrame({"probe": probes, "gene": list(adata.var_names)}).to_csv("array.csv", index=False)
    adata.var_names = probes
    adata.write_h5ad("agilent.h5ad")
    words = "map-ids agilent.h5ad --out mapped.h5ad "
    said = desk.stopped(words)
    desk.works(words + take(said, "--table FILE").replace("FILE", "array.csv"))


@case("the rows are cells, and many cells of one donor are one subject")
def _(desk: Desk) -> None:
    cells_of_donors().write_h5ad("cells.h5ad")
    said = desk.stopped("fit cells.h5ad --features cell --scale counts --widths 2 --out m")
    desk.works(take(said, r"genelight pseudobulk .*h5ad").replace("CELLS", "cells.h5ad"))


@case("the rows are named as cells are")
def _(desk: Desk) -> None:
    cells = cells_of_donors()
    cells.obs_names = ["".join("ACGT"[i // 4**k % 4] for k in range(14)) for i in range(cells.n_obs)]
    cells.write_h5ad("cells.h5ad")
    words = "prepare cells.h5ad --scale counts --out p.json "
    desk.goes_on(words + take(desk.stopped(words), r"\((--features gene)\)"), "genes can be used")


@case("groups = true needs")
def _(desk: Desk) -> None:
    said = checked(desk, '[patients]\nmeasure = "age"\ngroups = true\n', rows=12)
    desk.goes_on(lambda: _check(study('[patients]\nmeasure = "age"\n' + take(said, "groups = false"), rows=12)), "")


@case("[scorecard] judges how a model is trained")
def _(desk: Desk) -> None:
    checked(desk, '[model]\nreference = "human"\n[scorecard]\nlabels = ["group"]\n')
    desk.goes_on(lambda: _check(study('[model]\nreference = "absent"\n')), "absent")


@case("has genes by …; write ids =")
def _(desk: Desk) -> None:
    more = '[model]\nreference = "human"\n'
    said = checked(desk, more, ids="entrez")
    ids = take(said, r'write ids = "(\w+)"')
    desk.goes_on(lambda: _check(study(more, ids=ids)), "genes are in this table")


def cells_of_donors() -> ad.AnnData:
    cells = gl.simulate.features("cell", 8, visits=20, n_features=60)
    cells.obs["donor"] = cells.obs["subject"]
    return cells


def study(more: str, *, rows: int = 30, ids: str = "symbol") -> str:
    """A study file of some of the samples."""
    adata = cohort()[:rows]
    adata.to_df().T.to_csv("s.csv", index_label="gene")
    adata.obs.rename_axis("sample").to_csv("s_sheet.csv")
    groups = "[contrast]\ncase = \"group == 'ill'\"\ncontrol = \"group == 'well'\"\n"
    data = '[data]\nexpression = "s.csv"\nsamples = "s_sheet.csv"\nsubject = "patient"\n'
    data += f'ids = "{ids}"\n'
    Path("s.toml").write_text(f"{data}{groups}[module]\nsize = 20\n[tests]\nn_top = 20\n{more}")
    return "s.toml"


def checked(desk: Desk, more: str, **other: Any) -> str:
    return desk.stopped(lambda: _check(study(more, **other)))


def _check(path: str) -> None:
    problems = gl.study.check(path).problems
    raise InputError("; ".join(problems) or "nothing is wrong")
