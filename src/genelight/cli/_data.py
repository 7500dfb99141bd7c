"""Data: read, inspect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from .._core.provenance import writing
from ._shared import Table, fresh, listed

commands = typer.Typer()

Orientation = Annotated[str | None, typer.Option(help="genes-in-rows or samples-in-rows, where names do not tell")]
Modality = Annotated[str | None, typer.Option(help="which modality of a MuData file, or sheet of a workbook")]
Column = Annotated[
    str | None,
    typer.Option(help="which column of a folder of tables of one sample each, or of a table with a row for each pair"),
]
Annotations = Annotated[
    str | None,
    typer.Option(help="columns or rows that describe samples or genes, with commas, or none; all others are values"),
]
DropEmpty = Annotated[bool, typer.Option("--drop-empty", help="set samples aside whose every value is zero or missing")]


def _told(annotations: str | None) -> tuple[str, ...] | None:
    """What an option names; nothing for the word none."""
    return None if annotations is None else () if annotations.strip() == "none" else listed(annotations)


@commands.command()
def read(
    table: Table,
    orientation: Orientation = None,
    modality: Modality = None,
    column: Column = None,
    annotations: Annotations = None,
    drop_empty: DropEmpty = False,
    out: Annotated[Path | None, typer.Option("--out", help="h5ad file to write the table to")] = None,
) -> None:
    """Read a table, say what it holds, and write it as h5ad if asked to."""
    adata = gl.io.read(
        table,
        orientation=orientation,
        modality=modality,
        column=column,
        annotations=_told(annotations),
        drop_empty=drop_empty,
    )
    print(f"{adata.n_obs} samples x {adata.n_vars} genes, first {', '.join(adata.var_names[:3])}")
    print(f"values {float(adata.X.min()):g} to {float(adata.X.max()):g}")
    notes = adata.uns.get("read", {}).get("notes")
    if notes:
        print(f"reading: {notes}")
    for name, values in adata.obs.items():
        first = ", ".join(map(str, values.dropna().unique()[:4]))
        print(f"obs {name}: {values.nunique()} values ({first}{', ...' if values.nunique() > 4 else ''})")
    if out is not None:
        with writing(fresh(out)) as draft:
            adata.write_h5ad(draft)
        print(f"wrote {out}")


@commands.command()
def inspect(
    table: Table,
    orientation: Orientation = None,
    modality: Modality = None,
    column: Column = None,
    annotations: Annotations = None,
    drop_empty: DropEmpty = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Say what kind of genes, values and samples a table holds, and what to do next."""
    found = gl.io.inspect(
        table,
        orientation=orientation,
        modality=modality,
        column=column,
        annotations=_told(annotations),
        drop_empty=drop_empty,
    )
    print(json.dumps(found.to_dict(), allow_nan=False) if as_json else found.to_text())
