"""From a file to what a model sees: map-ids, project, prepare."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from ._genes import Collapse, Ids, Probes, Several, as_genes, found_in, gene_list
from ._shared import File, Table, fresh, listed

commands = typer.Typer()


@commands.command()
def map_ids(
    table: Table,
    out: File,
    to: Annotated[str, typer.Option(help="symbol, entrez or ensembl")] = "symbol",
    model: Annotated[Path | None, typer.Option("--model", help="map to the genes of a model instead")] = None,
    ids: Ids = "auto",
    collapse: Collapse = "highest_mean",
    several: Several = "drop",
    probes: Probes = None,
) -> None:
    """Turn columns named by any kind of id into one column per gene, and say what became of each."""
    adata = gl.read(table)
    wanted = to if model is None else gl.pp.Preparation.load(model / "prepare.json").genes
    learned = gl.pp.IdMap.of(adata, to=wanted, ids=ids, collapse=collapse, several=several, table=probes)
    learned.transform(adata).write_h5ad(fresh(out))
    print(learned)


@commands.command()
def project(
    table: Table,
    model: Annotated[Path | None, typer.Option("--model", help="model folder, such as RUN/03_model")] = None,
    genes: Annotated[Path | None, typer.Option(help="in place of a model: text file with one gene per line")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="h5ad file to write the projected table to")] = None,
    ids: Ids = "auto",
    collapse: Collapse = "highest_mean",
    several: Several = "drop",
    probes: Probes = None,
) -> None:
    """Bring any table to a model's genes, or to a list of genes, and say what became of each column."""
    adata = gl.read(table)
    preparation = None if model is None else gl.pp.Preparation.load(model / "prepare.json")
    if preparation is not None:
        learned = gl.pp.map_for(adata, preparation, ids=ids, collapse=collapse, several=several, table=probes)
    else:
        listed = gene_list(genes)
        learned = gl.pp.IdMap.of(adata, to=listed, ids=ids, collapse=collapse, several=several, table=probes)
    mapped = adata if learned is None else learned.transform(adata)
    print("the genes are there under their names" if learned is None else learned)
    if preparation is not None:
        print(found_in(preparation, mapped))
    if out is not None:
        mapped.write_h5ad(fresh(out))


@commands.command()
def prepare(
    table: Table,
    out: File,
    scale: Annotated[str, typer.Option(help="log2, counts, linear, or auto to tell it from the values")] = "log2",
    above_floor: Annotated[float, typer.Option(help="share of samples in which a gene is above the floor")] = 0.5,
    normalise: Annotated[str | None, typer.Option(help=f"one of {', '.join(gl.pp.NORMALISATIONS)}")] = None,
    standardise: Annotated[str, typer.Option(help="zscore, minmax or centre")] = "zscore",
    covariates: Annotated[str | None, typer.Option(help="obs columns to regress out, with commas")] = None,
    batch: Annotated[
        str | None, typer.Option(help="obs column of the batch: its mean is taken off; site:combat")
    ] = None,
) -> None:
    """Learn how to prepare a table: genes kept, how their values are normalised, adjusted and standardised."""
    adata, id_map = as_genes(gl.read(table, dense=True))
    preparation = gl.prepare(
        adata,
        scale=scale,
        above_floor=above_floor,
        normalise=normalise,
        standardise=standardise,
        adjust=_adjust(covariates, batch),
    )
    replace(preparation, id_map=id_map).save(fresh(out))
    for name, value in preparation.account.items():
        print(f"{name}: {value}")


def _adjust(covariates: str | None, batch: str | None) -> gl.pp.Adjust | None:
    named = listed(covariates)
    column, _, method = (batch or "").rpartition(":")
    if method not in gl.pp.BATCH_METHODS:
        column, method = batch or "", "mean"
    return gl.pp.Adjust(named, column or None, method) if named or column else None
