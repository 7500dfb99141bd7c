"""Patients: severity, stratify, score, contrast, trajectories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from anndata import AnnData

import genelight as gl

from .._core.checks import select_samples
from .._core.contrast import measure_of
from ._genes import read_as
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
    adata, trained = _kept(read_as(model, table), drop), gl.load(model)
    found = gl.tl.severity(
        adata,
        trained,
        measure=measure_of(adata.obs, measure, subject=subject),
        subject=subject,
        layer=layer,
        fit=gl.models.again(trained, subject=subject),
        seed=seed,
    )
    found.save(out)
    print(found.figures.to_string(index=False, float_format="{:.3f}".format))


@commands.command()
def stratify(
    table: Table,
    model: ModelFolder,
    out: File,
    subject: Subject = None,
    layer: Annotated[str | None, typer.Option(help="hidden layer to read; unset for the last")] = None,
    explain: Annotated[str, typer.Option(help="columns that groups should not be, with commas: batch,age")] = "",
    drop: Drop = None,
    seed: Seed = 0,
) -> None:
    """Look for stable patient groups, and say so if there are none."""
    fresh(out)
    adata, trained = _kept(read_as(model, table), drop), gl.load(model)
    found = gl.tl.stratify(
        adata,
        trained,
        subject=subject,
        layer=layer,
        explain=[name for name in explain.split(",") if name],
        fit=gl.models.again(trained, subject=subject),
        seed=seed,
    )
    found.save(out)
    print(found.verdict)
    for name, rows in found.members.groupby("group") if found.found else ():
        print(f"{name}: {len(rows)} subjects, median confidence {rows['confidence'].median():.2f}")
    if found.found:
        best = found.described.groupby("kind", sort=False).head(5)
        print(best.to_string(index=False, float_format="{:.3g}".format))


@commands.command()
def score(
    table: Table,
    model: ModelFolder,
    out: File,
    severity: Annotated[Path | None, typer.Option(help="what genelight severity wrote")] = None,
    groups: Annotated[Path | None, typer.Option(help="what genelight stratify wrote")] = None,
    coverage: Annotated[float, typer.Option(help="of the intervals")] = 0.9,
    recentre: Annotated[bool, typer.Option(help="take off the shift of gene means from the training samples")] = False,
) -> None:
    """Score new samples: severity with interval, group, programmes; refused where the model has seen no such."""
    fresh(out)
    found = gl.tl.score(
        read_as(model, table),
        gl.load(model),
        severity=None if severity is None else gl.tl.Severity.load(severity),
        groups=None if groups is None else gl.tl.Groups.load(groups),
        coverage=coverage,
        recentre=recentre,
    )
    found.save(out)
    print(f"{out}: {len(found.table)} samples, {found.refused} refused as outside what the model has seen")


@commands.command()
def contrast(
    table: Table,
    model: ModelFolder,
    out: File,
    treated: Annotated[str, typer.Option(help="which visits are treated, a query on obs columns")],
    untreated: Annotated[str, typer.Option(help="which visits are not")],
    subject: Annotated[str, typer.Option(help="obs column: whose sample it is")],
    adjust: Annotated[str, typer.Option(help="columns to adjust for, with commas: sledai,age")] = "",
) -> None:
    """Compare programmes between treated and untreated visits by mixed models."""
    fresh(out)
    adata = read_as(model, table)
    treatment = gl.Contrast.of(adata.obs, case=treated, control=untreated, subject=subject)
    names = [name for name in adjust.split(",") if name]
    _show(gl.tl.contrast(adata, gl.load(model), treatment=treatment, adjust=names), out)


@commands.command()
def trajectories(
    table: Table,
    model: ModelFolder,
    out: File,
    time: Annotated[str, typer.Option(help="obs column with the time of each visit")],
    subject: Annotated[str, typer.Option(help="obs column: whose sample it is")],
    severity: Annotated[Path | None, typer.Option(help="what genelight severity wrote")] = None,
) -> None:
    """Test which programmes, and whether severity, change over a subject's own time."""
    fresh(out)
    score_by = None if severity is None else gl.tl.Severity.load(severity)
    adata = read_as(model, table)
    _show(gl.tl.trajectories(adata, gl.load(model), time=time, subject=subject, severity=score_by), out)


def _show(found: gl.tl.Changes, out: Path) -> None:
    found.save(out)
    print(found.table.head(10).to_string(index=False, float_format="{:.3g}".format))
    if "warning" in found.about:
        print(found.about["warning"])


def _kept(adata: AnnData, drop: str | None) -> AnnData:
    """The samples that a query does not select."""
    return adata if drop is None else adata[~select_samples(adata.obs, drop, role="drop")].copy()
