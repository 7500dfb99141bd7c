"""Disease modules: disease-module."""

from __future__ import annotations

from typing import Annotated

import typer

import genelight as gl

from ._shared import File, ModelFolder, Subject, Table, fresh

commands = typer.Typer()


@commands.command()
def disease_module(
    table: Table,
    model: ModelFolder,
    case: Annotated[str, typer.Option(help="which samples are cases, a query on obs columns")],
    control: Annotated[str, typer.Option(help="which samples are controls")],
    out: File,
    subject: Subject = None,
    method: Annotated[str, typer.Option(help="see: genelight methods")] = "direction",
    size: Annotated[int, typer.Option(help="how many genes")] = 200,
) -> None:
    """Derive the disease module of a contrast, as TSV."""
    adata = gl.read(table, dense=True)
    contrast = gl.Contrast.of(adata.obs, case=case, control=control, subject=subject)
    module = gl.disease_module(adata, gl.load(model), contrast=contrast, method=method, size=size)
    module.save(fresh(out))
    print(f"{out}: {size} genes, first {', '.join(module.selected[:5])}")
