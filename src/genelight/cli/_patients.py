"""Patients: severity."""

from __future__ import annotations

from typing import Annotated

import typer
from anndata import AnnData

import genelight as gl

from .._core.checks import select_samples
from ._shared import File, ModelFolder, Seed, Subject, Table, fresh

commands = typer.Typer()

Drop = Annotated[str | None, typer.Option(help="samples to leave out, a query on obs columns")]


@commands.command()
def severity(
    table: Table,
    model: ModelFolder,
    out: File,
    measure: Annotated[str, typer.Option(help="obs column, higher for more severe; or 'QUERY against QUERY'")],
    subject: Subject = None,
    layer: Annotated[str | None, typer.Option(help="read this layer alone; unset for all and the genes")] = None,
    drop: Drop = None,
    seed: Seed = 0,
) -> None:
    """Learn a severity score with intervals, judged on held-out subjects beside baselines."""
    fresh(out)
    adata, trained = kept(gl.read(table, dense=True), drop), gl.load(model)
    found = gl.tl.severity(
        adata,
        trained,
        measure=_measure(adata, measure, subject),
        subject=subject,
        layer=layer,
        fit=gl.models.again(trained, subject=subject),
        seed=seed,
    )
    found.save(out)
    print(found.figures.to_string(index=False, float_format="{:.3f}".format))


def kept(adata: AnnData, drop: str | None) -> AnnData:
    """The samples that a query does not select."""
    return adata if drop is None else adata[~select_samples(adata.obs, drop, role="drop")].copy()


def _measure(adata: AnnData, measure: str, subject: str | None) -> str | gl.Contrast:
    case, against, control = measure.partition(" against ")
    return gl.Contrast.of(adata.obs, case=case, control=control, subject=subject) if against else measure
