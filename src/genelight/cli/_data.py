"""Data: read, inspect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from .._core.tables import write_h5ad
from ._shared import Table, fresh

commands = typer.Typer()

Orientation = Annotated[str | None, typer.Option(help="genes-in-rows or samples-in-rows, where names do not tell")]
Modality = Annotated[str | None, typer.Option(help="which modality of a MuData file")]
Column = Annotated[str | None, typer.Option(help="which column of a folder of tables of one sample each")]


@commands.command()
def read(
    table: Table,
    orientation: Orientation = None,
    modality: Modality = None,
    column: Column = None,
    out: Annotated[Path | None, typer.Option("--out", help="h5ad file to write the table to")] = None,
) -> None:
    """Read a table, say what it holds, and write it as h5ad if asked to."""
    if out is not None:
        fresh(out)
    adata = gl.io.read(table, orientation=orientation, modality=modality, column=column)
    print(f"{adata.n_obs} samples x {adata.n_vars} genes, first {', '.join(adata.var_names[:3])}")
    print(f"values {float(adata.X.min()):g} to {float(adata.X.max()):g}")
    for name, values in adata.obs.items():
        first = ", ".join(map(str, values.dropna().unique()[:4]))
        print(f"obs {name}: {values.nunique()} values ({first}{', ...' if values.nunique() > 4 else ''})")
    if out is not None:
        write_h5ad(out, adata)
        print(f"wrote {out}")


@commands.command()
def inspect(
    table: Table,
    orientation: Orientation = None,
    modality: Modality = None,
    column: Column = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Say what kind of genes, values and samples a table holds, and what to do next."""
    found = gl.io.inspect(table, orientation=orientation, modality=modality, column=column)
    print(json.dumps(found.to_dict(), allow_nan=False) if as_json else found.to_text())
