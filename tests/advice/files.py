"""Advice about files, followed where they are read."""

import os
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd

import genelight as gl

from .desk import Desk, case, cohort, take


@case("write it with pandas' to_parquet(index=True)")
def _(desk: Desk) -> None:
    table = cohort().to_df()
    table.reset_index(drop=True).to_parquet("x.parquet", index=False)
    said = desk.stopped("read x.parquet")
    call = take(said, r"to_parquet\([^)]*\)").replace("(", "('x.parquet', ")
    eval(f"table.{call}", {"table": table})
    desk.works("read x.parquet")


@case("GB in memory where")
def _(desk: Desk) -> None:
    desk.use("x.h5ad")
    desk.monkeypatch.setenv("GENELIGHT_MEMORY", "0.00001")
    variable = "GENELIGHT_MEMORY"
    said = desk.stopped("read x.h5ad")
    assert variable in said
    desk.monkeypatch.delenv(variable)
    desk.works(take(said, r"genelight pack .*zarr"))


@case("is no number of GB above zero")
def _(desk: Desk) -> None:
    desk.use("x.h5ad")
    desk.monkeypatch.setenv("GENELIGHT_MEMORY", "much")
    name, _, value = take(desk.stopped("read x.h5ad"), r"export (\w+=\d+)").partition("=")
    desk.monkeypatch.setenv(name, value)
    desk.works("read x.h5ad")


@case("if you trust it, type: export")
def _(desk: Desk) -> None:
    desk.use("x.h5ad")
    with h5py.File("other.h5", "w") as other:
        ad.io.write_elem(other, "x", np.arange(3))
    with h5py.File("x.h5ad", "a") as file:
        file["uns/a"] = h5py.ExternalLink("other.h5", "x")
    name, _, value = take(desk.stopped("read x.h5ad"), r"export (\w+=\d+)").partition("=")
    desk.monkeypatch.setenv(name, value)
    desk.works("read x.h5ad")
    assert os.environ[name] == "1"


@case("; name it with …='...'")
def _(desk: Desk) -> None:
    pd.DataFrame({"one": ["TP53", "MX1"], "other": ["MX1", "ISG15"], "n": [1.0, 2.0]}).to_csv("net.csv", index=False)
    role = take(desk.stopped(lambda: gl.io.read_network("net.csv")), r"name it with (\w+)=")
    assert role == "source"
    desk.works(lambda: gl.io.read_network("net.csv", source="one", target="other"))


@case("columns of numbers (…); say column='...'")
def _(desk: Desk) -> None:
    Path("many").mkdir()
    for i in range(3):
        table = pd.DataFrame({"gene": list(cohort().var_names[:50]), "tpm": np.arange(50.0), "fpkm": np.arange(50.0)})
        table.to_csv(f"many/S{i}.tsv", sep="\t", index=False)
    option = take(desk.stopped("read many"), r"\((--column)\)")
    desk.works(f"read many {option} tpm")


@case("name another column with p=")
def _(desk: Desk) -> None:
    genes = list(cohort().var_names[:50])
    pd.DataFrame({"gene": genes, "p": np.arange(50.0), "q": np.linspace(0, 1, 50)}).to_csv("g.csv", index=False)
    said = desk.stopped(lambda: gl.io.read_gene_pvalues("g.csv"))
    desk.works(lambda: gl.io.read_gene_pvalues("g.csv", **{take(said, r"with (p)="): "q"}))


@case("; pass ids=…")
def _(desk: Desk) -> None:
    pd.DataFrame({"source": [7157, 4599], "target": [4599, 9636], "weight": [1, 1]}).to_csv("n.csv", index=False)
    said = desk.stopped(lambda: gl.io.read_network("n.csv"))
    desk.works(lambda: gl.io.read_network("n.csv", ids=take(said, r"pass ids='(\w+)'")))


@case("has a row for each gene and sample and")
def _(desk: Desk) -> None:
    adata = cohort()[:6, :40]
    long = adata.to_df().rename_axis("sample").reset_index().melt("sample", var_name="gene", value_name="tpm")
    long.assign(fpkm=long["tpm"] + 1).to_csv("long.csv", index=False)
    desk.works(take(desk.stopped("read long.csv"), r"genelight (read .* --out \S+)"))


@case("modalities (…); say modality='...'")
def _(desk: Desk) -> None:
    adata = cohort()
    with h5py.File("x.h5mu", "w") as file:
        file.attrs["encoding-type"] = "MuData"
        file.create_group("mod")
        for name in ("rna", "prot"):
            ad.io.write_elem(file, f"mod/{name}", adata)
    option = take(desk.stopped("read x.h5mu"), r"\((--modality)\)")
    desk.works(f"read x.h5mu {option} rna")


@case("name one with weight='...'")
def _(desk: Desk) -> None:
    pd.DataFrame({"source": ["TP53", "MX1"], "target": ["MX1", "ISG15"], "n": [900, 1]}).to_csv("n.csv", index=False)
    said = desk.stopped(lambda: gl.io.read_network("n.csv", cut=500))
    desk.works(lambda: gl.io.read_network("n.csv", cut=500, **{take(said, r"with (weight)="): "n"}))


@case("genes may be in rows (")
def _(desk: Desk) -> None:
    genes = list(cohort().var_names)
    pd.DataFrame(np.random.default_rng(0).normal(7, 1, (30, 30)), genes[:30], genes[30:60]).to_csv("t.csv")
    said = desk.stopped("read t.csv")
    value = take(said, r"orientation='([\w-]+)'")
    option = take(said, r"\((--orientation)\)")
    desk.works(f"read t.csv {option} {value}")


@case("they spoil every standard deviation. Set them aside")
def _(desk: Desk) -> None:
    table = cohort().to_df()
    table.iloc[3] = 0.0
    table.T.to_csv("zero.csv", index_label="gene")
    words = take(desk.stopped("prepare zero.csv --out p.json"), r"genelight read .*?h5ad")
    desk.works(words)
    desk.works("prepare cohort.h5ad --out p.json")


@case("may be genes or describe samples")
def _(desk: Desk) -> None:
    table = cohort().to_df()
    table.insert(0, "age", np.arange(30) + 40.5)
    table.insert(1, "HGB", np.random.default_rng(0).normal(13, 1, 30).round(1))
    table.insert(2, "bmi", np.arange(30) + 20.5)
    table.to_csv("h.csv", index_label="sample")
    said = desk.stopped("read h.csv")
    desk.works(take(said, r"describe samples, type: (genelight read .*?h5ad)"))
    Path("cohort.h5ad").unlink()
    desk.works(take(said, r"they are genes: (genelight read .*?h5ad)"))


@case("is no store of genelight; make one with")
def _(desk: Desk) -> None:
    desk.use("x.h5ad")
    Path("store.zarr").mkdir()
    said = desk.stopped(lambda: gl.io.Store.open("store.zarr"))
    Path("store.zarr").rmdir()
    desk.works(take(said, r"genelight pack .*zarr").replace("FILES...", "x.h5ad"))
    desk.works(lambda: gl.io.Store.open("store.zarr"))


@case("keep all genes with genes = 'union'")
def _(desk: Desk) -> None:
    adata = cohort()
    # Either of two halves fits the whole, and they share nothing.
    for i, (name, genes) in enumerate({"a": slice(None), "b": slice(200), "c": slice(200, 400)}.items()):
        adata[10 * i : 10 * i + 10, genes].write_h5ad(f"{name}.h5ad")
    words = "pack a.h5ad b.h5ad c.h5ad --out s.zarr"
    said = desk.stopped(words)
    word = take(said, r"genes = '(\w+)'")
    desk.works(f"{words} --genes {word}")


@case("keep the first of each with repeats = 'first'")
def _(desk: Desk) -> None:
    cohort().write_h5ad("a.h5ad")
    cohort().write_h5ad("b.h5ad")
    said = desk.stopped("pack a.h5ad b.h5ad --out s.zarr")
    for word in (take(said, r"repeats = '(first)'"), take(said, r"repeats = '(prefix)'")):
        desk.works(f"pack a.h5ad b.h5ad --out {word}.zarr --repeats {word}")


@case("say which is expression: genelight read")
def _(desk: Desk) -> None:
    table = cohort().to_df().T
    both = {f"{name}{end}": table[name] + i for name in table for i, end in enumerate((".tpm", ".fpkm"))}
    pd.DataFrame(both).to_csv("both.csv", index_label="gene")
    desk.works(take(desk.stopped("read both.csv"), r"genelight read .*?h5ad"))


@case("no … among several; leave --column out")
def _(desk: Desk) -> None:
    desk.use("x.csv")
    desk.stopped("read x.csv --column tpm")
    desk.works("read x.csv")


@case("sheets that are not empty")
def _(desk: Desk) -> None:
    table = cohort().to_df().T
    with pd.ExcelWriter("two.xlsx") as book:
        table.to_excel(book, sheet_name="one", index_label="gene")
        table.to_excel(book, sheet_name="two", index_label="gene")
    desk.works(take(desk.stopped("read two.xlsx"), r"genelight (read .* --out \S+)"))


@case("make it without --append")
def _(desk: Desk) -> None:
    desk.use("x.h5ad")
    words = "pack x.h5ad --out s.zarr"
    desk.stopped(f"{words} --append")
    desk.works(words)


@case("genes seem to stand in its rows")
def _(desk: Desk) -> None:
    cohort().T.write_h5ad("x.h5ad")
    said = desk.stopped("read x.h5ad")
    for answer in ("genes-in-rows", "samples-in-rows"):
        Path("cohort.h5ad").unlink(missing_ok=True)
        desk.works(take(said, rf"genelight read \S+ --orientation {answer} --out cohort.h5ad"))
        desk.works("inspect cohort.h5ad")
    desk.stopped("inspect x.h5ad")
    desk.stopped("pack x.h5ad --out x.zarr")
