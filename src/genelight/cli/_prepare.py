"""From a file to what a model sees: map-ids, project, prepare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from ._shared import File, Scale, Table, fresh

commands = typer.Typer()

Ids = Annotated[str, typer.Option(help="kind of gene id in the file, or auto to tell it from the ids")]
Collapse = Annotated[str, typer.Option(help=f"several columns of one gene: {', '.join(gl.pp.COLLAPSES)}")]
Several = Annotated[str, typer.Option(help="a column of several genes: drop, or copy to each")]
Probes = Annotated[Path | None, typer.Option("--table", help="table of ids and genes, such as GEO's of a platform")]


@commands.command()
def map_ids(
    table: Table,
    out: File,
    to: Annotated[str, typer.Option(help="symbol, entrez or ensembl")] = "symbol",
    ids: Ids = "auto",
    collapse: Collapse = "highest_mean",
    several: Several = "drop",
    probes: Probes = None,
) -> None:
    """Turn columns named by any kind of id into one column per gene, and say what became of each."""
    adata = gl.read(table)
    learned = gl.pp.IdMap.of(adata, to=to, ids=ids, collapse=collapse, several=several, table=probes)
    learned.transform(adata).write_h5ad(fresh(out))
    print(learned)


@commands.command()
def prepare(table: Table, out: File, scale: Scale = "log2", above_floor: float = 0.5) -> None:
    """Learn how to prepare a table: genes kept, their mean and standard deviation."""
    preparation = gl.prepare(gl.read(table, dense=True), scale=scale, above_floor=above_floor)
    preparation.save(fresh(out))
    for name, value in preparation.account.items():
        print(f"{name}: {value}")
