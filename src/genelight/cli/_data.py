"""Data: read."""

from __future__ import annotations

import typer

import genelight as gl

from ._shared import Table

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
