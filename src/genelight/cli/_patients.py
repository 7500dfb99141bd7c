"""Patients: severity, stratify, score, contrast, trajectories."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from anndata import AnnData

import genelight as gl

from .._core.checks import select_samples
from ..nouns.contrast import measure_of
from ._genes import OtherScale, Probes, read_as
from ._shared import File, ModelFolder, Seed, Subject, Table, fresh, listed, model_folder

commands = typer.Typer()

RUN_MODEL = "03_model"
Layer = Annotated[str | None, typer.Option(help="hidden layer to read alone; unset for the first and a mixture")]
Drop = Annotated[str | None, typer.Option(help="samples to leave out, a query on obs columns")]


@commands.command()
def severity(
    table: Table,
    model: ModelFolder,
    out: File,
    measure: Annotated[
        str, typer.Option(help="obs column, higher for more severe; 'QUERY against QUERY'; 'TIME until EVENT'")
    ],
    subject: Subject = None,
    time: Annotated[str | None, typer.Option(help="obs column that orders a subject's visits: less noise")] = None,
    beside: Annotated[
        str | None, typer.Option(help="obs columns to learn with the measure, with commas: c3,esr")
    ] = None,
    layer: Layer = None,
    drop: Drop = None,
    seed: Seed = 0,
) -> None:
    """Learn a severity score with intervals, judged on held-out subjects beside baselines."""
    fresh(out)
    adata, trained = _kept(read_as(model, table), drop), gl.load(model)
    protocol = gl.patients.Protocol(time=time, beside=listed(beside))
    found = gl.patients.severity(
        adata,
        trained,
        measure=measure_of(adata.obs, measure, subject=subject),
        subject=subject,
        folds=_folds(adata, trained, subject, k=protocol.folds, seed=seed),
        layer=layer,
        protocol=protocol,
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
    explain: Annotated[
        str | None, typer.Option(help="columns that groups should not be, with commas: batch,age")
    ] = None,
    drop: Drop = None,
    seed: Seed = 0,
) -> None:
    """Look for stable patient groups, and say so if there are none."""
    fresh(out)
    adata, trained = _kept(read_as(model, table), drop), gl.load(model)
    found = gl.patients.stratify(
        adata,
        trained,
        subject=subject,
        layer=layer,
        explain=listed(explain),
        folds=_folds(adata, trained, subject, k=5, seed=seed),
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
    model: Annotated[
        Path,
        typer.Option("--model", callback=model_folder, help="model folder, registered name, or the folder of a run"),
    ],
    out: File,
    severity: Annotated[Path | None, typer.Option(help="what genelight severity wrote; unset for the model's")] = None,
    groups: Annotated[Path | None, typer.Option(help="what genelight stratify wrote; unset for the model's")] = None,
    coverage: Annotated[float, typer.Option(help="of the intervals")] = 0.9,
    recentre: Annotated[bool, typer.Option(help="take off the shift of gene means from the training samples")] = False,
    reference: Annotated[
        Path | None, typer.Option(help="table of the same laboratory's samples, to tell that shift by")
    ] = None,
    probes: Probes = None,
    scale: OtherScale = None,
) -> None:
    """Score new samples: severity with interval, group, programmes; refused where the model has seen no such."""
    fresh(out)
    folder = model / RUN_MODEL if (model / RUN_MODEL).is_dir() else model
    asked = partial(read_as, folder, probes=probes, scale=scale)
    trained, adata = gl.load(folder), asked(table)
    severity, groups = severity or _beside(folder, "severity"), groups or _beside(folder, "groups")
    for path in (severity, groups):
        if path is not None:
            print(f"by {path}")
    found = partial(
        gl.patients.score,
        adata,
        trained,
        severity=None if severity is None else gl.nouns.Severity.load(severity),
        groups=None if groups is None else gl.nouns.Groups.load(groups),
        coverage=coverage,
    )
    scores = found(recentre=recentre if reference is None else asked(reference))
    scores.save(out)
    print(f"{out}: {len(scores.table)} samples, {scores.refused} refused as outside what the model has seen")
    if scores.refused > len(scores.table) / 2 and not recentre and reference is None:
        print(_advice(scores, found(recentre=True) if len(scores.table) >= gl.patients.LEAST_COHORT else None))


def _beside(folder: Path, what: str) -> Path | None:
    """A score or groups that a model folder holds, or that a run wrote beside it."""
    places = (folder / f"{what}.parquet", folder.resolve().parent / f"07_{what}.parquet")
    return next((path for path in places if path.is_file()), None)


def _advice(scores: gl.patients.Scores, recentred: gl.patients.Scores | None) -> str:
    """What to do where most samples are refused."""
    first = scores.table.loc[~scores.table["inside"], "reasons"].iloc[0]
    said = f"most are refused, the first because {first}. Check the scale (genelight inspect) and the platform. "
    if recentred is None:
        return said + "If another laboratory measured them, give 20 or more of its samples: --reference TABLE"
    return said + (
        f"With the shift of their gene means taken off, {recentred.refused} would be refused: add --recentre if these "
        "samples are of a mix like the model's training samples; a true difference of the means goes with it"
    )


@commands.command()
def contrast(
    table: Table,
    model: ModelFolder,
    out: File,
    treated: Annotated[str, typer.Option(help="which visits are treated, a query on obs columns")],
    untreated: Annotated[str, typer.Option(help="which visits are not")],
    subject: Annotated[str, typer.Option(help="obs column: whose sample it is")],
    adjust: Annotated[str | None, typer.Option(help="columns to adjust for, with commas: sledai,age")] = None,
    drop: Drop = None,
) -> None:
    """Compare programmes between treated and untreated visits by mixed models."""
    fresh(out)
    adata = _kept(read_as(model, table), drop)
    treatment = gl.Contrast.of(adata.obs, case=treated, control=untreated, subject=subject)
    _show(gl.patients.contrast(adata, gl.load(model), treatment=treatment, adjust=listed(adjust)), out)


@commands.command()
def reversal(
    table: Table,
    model: ModelFolder,
    out: File,
    perturbations: Annotated[Path, typer.Option(help="genes x perturbations, or a table of gene, drug and value")],
    case: Annotated[str, typer.Option(help="which samples are cases, a query on obs columns")],
    control: Annotated[str, typer.Option(help="which samples are controls")],
    subject: Subject = None,
    method: Annotated[str, typer.Option(help="how genes are scored, see: genelight methods")] = "de",
) -> None:
    """Rank drugs or other perturbations by how far they move genes against a disease; hypotheses, no more."""
    fresh(out)
    trained = gl.load(model)
    drugs = gl.io.read_perturbations(perturbations, ids=trained.genes.namespace)
    print(", ".join(f"{count:,} {name}" for name, count in drugs.attrs["account"].items()))
    adata = read_as(model, table)
    asked = gl.Contrast.of(adata.obs, case=case, control=control, subject=subject)
    found = gl.modules.reversal(adata, trained, drugs, contrast=asked, method=method)
    _show(found, out)


@commands.command()
def trajectories(
    table: Table,
    model: ModelFolder,
    out: File,
    time: Annotated[str, typer.Option(help="obs column with the time of each visit")],
    subject: Annotated[str, typer.Option(help="obs column: whose sample it is")],
    severity: Annotated[Path | None, typer.Option(help="what genelight severity wrote")] = None,
    drop: Drop = None,
) -> None:
    """Test which programmes, and whether severity, change over a subject's own time."""
    fresh(out)
    score_by = None if severity is None else gl.nouns.Severity.load(severity)
    adata = _kept(read_as(model, table), drop)
    _show(gl.patients.trajectories(adata, gl.load(model), time=time, subject=subject, severity=score_by), out)


def _show(found: gl.nouns.Changes, out: Path) -> None:
    found.save(out)
    print(found.table.head(10).to_string(index=False, float_format="{:.3g}".format))
    if "warning" in found.about:
        print(found.about["warning"])


def _folds(adata: AnnData, trained: Any, subject: str | None, *, k: int, seed: int) -> gl.models.Folds | None:
    """Fold models of a model's own spec, on these samples; none of a single subject, which is refused elsewhere."""
    spec = trained.spec if subject is None else replace(trained.spec, subject=subject)
    subjects = len(set(spec.subjects(adata).tolist()))
    if subjects < 2:
        return None
    return gl.models.Folds.by_subject(adata, spec, k=min(k, subjects), seed=seed)


def _kept(adata: AnnData, drop: str | None) -> AnnData:
    """The samples that a query does not select."""
    return adata if drop is None else adata[~select_samples(adata.obs, drop, role="drop")].copy()
