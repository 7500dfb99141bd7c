"""From a file to what a model sees: map-ids, project, prepare."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from .._core.tables import write_h5ad
from ..errors import InputError, first_three
from ..io.id_kinds import PROBES, detect_ids
from ._genes import Collapse, Ids, Probes, Several, as_genes, found_in, gene_list
from ._shared import File, Table, fresh, listed, model_folder

commands = typer.Typer()


@commands.command()
def map_ids(
    table: Table,
    out: File,
    to: Annotated[str, typer.Option(help="symbol, entrez or ensembl")] = "symbol",
    model: Annotated[
        Path | None,
        typer.Option("--model", callback=model_folder, help="map to the genes of a model instead: folder or name"),
    ] = None,
    ids: Ids = "auto",
    collapse: Collapse = "highest_mean",
    several: Several = "drop",
    probes: Probes = None,
) -> None:
    """Turn columns named by any kind of id into one column per gene, and say what became of each."""
    fresh(out)
    adata = gl.read(table)
    wanted = to if model is None else gl.pp.Preparation.load(model / "prepare.json").genes
    learned = gl.pp.IdMap.of(adata, to=wanted, ids=ids, collapse=collapse, several=several, table=probes)
    write_h5ad(out, learned.transform(adata))
    print(learned)


@commands.command()
def project(
    tables: Annotated[list[Path], typer.Argument(help="expression tables in any format that read knows")],
    model: Annotated[
        Path | None,
        typer.Option("--model", callback=model_folder, help="model folder, such as RUN/03_model, or registered name"),
    ] = None,
    genes: Annotated[
        Path | None,
        typer.Option(help="in place of a model: text file with one gene per line, or h5ad whose genes to take"),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="h5ad file to write; of several tables, a folder")] = None,
    ids: Ids = "auto",
    collapse: Collapse = "highest_mean",
    several: Several = "drop",
    probes: Probes = None,
) -> None:
    """Bring tables of any platform to a model's genes, or to a list of genes, and say what became of each column."""
    preparation = None if model is None else gl.pp.Preparation.load(model / "prepare.json")
    wanted = gene_list(genes) if preparation is None else preparation.genes
    learn = (
        partial(gl.pp.IdMap.of, to=wanted) if preparation is None else partial(gl.pp.map_for, preparation=preparation)
    )
    summary = []
    for table, place in zip(tables, _places(tables, out), strict=True):
        adata = gl.read(table)
        # One table of probes among several tables is for those that have probes.
        own = probes if len(tables) == 1 or detect_ids(adata.var_names).kind in PROBES else None
        learned = learn(adata, ids=ids, collapse=collapse, several=several, table=own)
        mapped = adata if learned is None else learned.transform(adata)
        print(f"{table}\n{learned or 'the genes are there under their names'}")
        if preparation is not None:
            print(found_in(preparation, mapped))
        if place is not None:
            write_h5ad(place, mapped)
        found = wanted.align(mapped.var_names).found
        summary.append(f"{table.name}: {mapped.n_obs} samples, {found:,} of {len(wanted):,} genes")
    if len(tables) > 1:
        print("\n".join(summary))


def _places(tables: list[Path], out: Path | None) -> list[Path | None]:
    """Where each table goes: the file asked for, or of several one of the same name in the folder asked for.

    Raises
    ------
    InputError
        If two of several have the same name.
    """
    if out is None or len(tables) == 1:
        return [None if out is None else fresh(out)] * len(tables)
    names = [table.name.partition(".")[0] for table in tables]
    if len(set(names)) < len(names):
        msg = f"two of the tables have the same name ({first_three(names)}); project them one by one, each to its --out"
        raise InputError(msg)
    fresh(out)
    return [out / f"{name}.h5ad" for name in names]


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
