"""Data: read, prepare."""

from __future__ import annotations

import typer

import genelight as gl

from ._shared import File, Scale, Table, fresh

commands = typer.Typer()


@commands.command()
def read(table: Table) -> None:
    """Read a table and say what it holds."""
    adata = gl.read(table)
    print(f"{adata.n_obs} samples x {adata.n_vars} genes, first {', '.join(adata.var_names[:3])}")
    print(f"values {float(adata.X.min()):g} to {float(adata.X.max()):g}")
    for name, column in adata.obs.items():
        values = ", ".join(map(str, column.dropna().unique()[:4]))
        print(f"obs {name}: {column.nunique()} values ({values}{', ...' if column.nunique() > 4 else ''})")


@commands.command()
def prepare(table: Table, out: File, scale: Scale = "log2", above_floor: float = 0.5) -> None:
    """Learn how to prepare a table: genes kept, their mean and standard deviation."""
    preparation = gl.prepare(gl.read(table, dense=True), scale=scale, above_floor=above_floor)
    preparation.save(fresh(out))
    for name, value in preparation.account.items():
        print(f"{name}: {value}")
