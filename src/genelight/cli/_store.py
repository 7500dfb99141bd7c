"""Data on disk: pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

commands = typer.Typer()


@commands.command()
def pack(
    files: Annotated[list[Path], typer.Argument(help="tables that genelight reads, or stores")],
    out: Annotated[Path, typer.Option("--out", help="store to write, such as store.zarr")],
    genes: Annotated[str, typer.Option(help="intersection, or union: missing where not measured")] = "intersection",
    ids: Annotated[str, typer.Option(help="kind of gene id: symbol, entrez, ensembl, ensp")] = "symbol",
    repeats: Annotated[str, typer.Option(help="sample names that occur twice: stop, first, prefix")] = "stop",
    compress: Annotated[bool, typer.Option("--compress", help="smaller on disk, slower to read")] = False,
) -> None:
    """Stream tables into one store on disk, larger than memory if need be; a killed run goes on where it was."""
    store = gl.io.pack(files, out, genes=genes, ids=ids, repeats=repeats, compress=compress)
    for entry in store.account["inputs"]:
        left_out = f", {entry['repeats']} repeats left out" if entry["repeats"] else ""
        print(
            f"{entry['input']}: {entry['samples']} samples{left_out}; {entry['genes_found']} genes found, "
            f"{entry['genes_missing']} missing, {entry['genes_not_used']} not used; "
            f"{entry['values_missing']} values missing, {_number(entry['lowest'])} to {_number(entry['highest'])}"
        )
    print(f"{out}: {store.n_obs} samples x {store.n_vars} genes, digest {store.digest}")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
