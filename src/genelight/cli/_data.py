"""Data: read, inspect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from .._core.tables import write_h5ad
from ._cohort import Table
from ._command import Result, command
from ._shared import fresh

commands = typer.Typer()
ROOM = "Data"


@command(commands, room=ROOM, example="genelight read counts.csv.gz --samples sheet.xlsx --out cohort.h5ad")
def read(
    cohort: Table,
    out: Annotated[Path | None, typer.Option("--out", help="h5ad file to write the table to")] = None,
) -> Result:
    """Read a table and its sample sheet, say what they hold, and write both as h5ad if asked to."""
    target = None if out is None else fresh(out)
    adata = cohort.read(dense=False)
    low, high = float(adata.X.min()), float(adata.X.max())
    lines = [
        f"{adata.n_obs} samples x {adata.n_vars} genes, first {', '.join(adata.var_names[:3])}",
        f"values {low:g} to {high:g}",
    ]
    notes = adata.uns.get("read", {}).get("notes")
    if notes:
        lines.append(f"reading: {notes}")
    columns = {}
    for name, values in adata.obs.items():
        there = values.dropna().unique()
        first = list(map(str, there[:4]))
        columns[str(name)] = {"values": len(there), "first": first}
        more = ", ..." if len(there) > 4 else ""
        lines.append(f"obs {name}: {len(there)} values ({', '.join(first)}{more})")
    if target is not None:
        write_h5ad(target, adata)
        lines.append(f"wrote {out}")
    facts = {"samples": adata.n_obs, "genes": adata.n_vars, "lowest": low, "highest": high, "obs": columns, "out": out}
    return Result("\n".join(lines), facts)


@command(commands, room=ROOM, example="genelight inspect counts.csv.gz --samples sheet.csv")
def inspect(cohort: Table) -> Result:
    """Say what kind of genes, values and samples a table holds, and what to do next."""
    found = gl.io.inspect(cohort.table, samples=cohort.samples, samples_id=cohort.samples_id, **cohort.options)
    return Result(found.to_text(), found.to_dict())
