"""Patients: severity, stratify, score, contrast, trajectories."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from anndata import AnnData

import genelight as gl

from ..errors import InputError
from ._cohort import Rescaled, RescaledContrasted, RescaledPeopled
from ._command import GROUPS, Result, command, note
from ._shared import File, ModelFolder, Seed, fresh, listed, model_folder

if TYPE_CHECKING:
    from ..nouns.changes import Changes
    from ..patients.score import Scores

commands = typer.Typer(rich_help_panel="Patients")

RUN_MODEL = "03_model"
Layer = Annotated[str | None, typer.Option(help="hidden layer to read alone; unset for the first and a mixture")]


@command(
    commands, "genelight severity cohort.h5ad --model model --measure sledai --subject patient --out severity.parquet"
)
def severity(
    cohort: RescaledPeopled,
    model: ModelFolder,
    out: File,
    measure: Annotated[
        str, typer.Option(help="sample column, higher for more severe; 'QUERY against QUERY'; 'TIME until EVENT'")
    ],
    time: Annotated[str | None, typer.Option(help="sample column that orders a subject's visits: less noise")] = None,
    beside: Annotated[
        str | None, typer.Option(help="sample columns to learn with the measure, with commas: c3,esr")
    ] = None,
    layer: Layer = None,
    seed: Seed = 0,
) -> Result:
    """Learn a severity score with intervals, judged on held-out subjects beside baselines."""
    fresh(out)
    adata, trained = cohort.genes_of(model), gl.load(model)
    protocol = gl.patients.Protocol(time=time, beside=listed(beside))
    found = gl.patients.severity(
        adata,
        trained,
        measure=measure,
        subject=cohort.subject,
        folds=_folds(adata, trained, cohort.subject, k=protocol.folds, seed=seed),
        layer=layer,
        protocol=protocol,
        seed=seed,
    )
    found.save(out)
    text = found.figures.to_string(index=False, float_format="{:.3f}".format)
    return Result(text, {"out": out, "figures": found.figures})


@command(commands, "genelight stratify cohort.h5ad --model model --subject patient --out groups.parquet")
def stratify(
    cohort: RescaledPeopled,
    model: ModelFolder,
    out: File,
    layer: Annotated[str | None, typer.Option(help="hidden layer to read; unset for the last")] = None,
    explain: Annotated[
        str | None, typer.Option(help="columns that groups should not be, with commas: batch,age")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="column that names the cohort, of several: its mean is taken out")
    ] = None,
    tested: Annotated[
        str | None, typer.Option(help="with --by: columns that groups may differ in, such as response, with commas")
    ] = None,
    seed: Seed = 0,
) -> Result:
    """Look for stable patient groups, in one cohort or in several together, and say so if there are none."""
    fresh(out)
    _check_cohorts(by, explain=explain, tested=tested)
    adata, trained = cohort.genes_of(model), gl.load(model)
    if by is not None:
        found = gl.patients.stratify_cohorts(
            adata, trained, cohort=by, tested=listed(tested), subject=cohort.subject, layer=layer, seed=seed
        )
    else:
        found = gl.patients.stratify(
            adata,
            trained,
            subject=cohort.subject,
            layer=layer,
            explain=listed(explain),
            folds=_folds(adata, trained, cohort.subject, k=5, seed=seed),
            seed=seed,
        )
    found.save(out)
    lines, sizes = [found.verdict], {}
    for row in found.about.get("cohorts", ()):
        said = "too few to tell" if row["p"] is None else f"agreement {row['agreement']:.2f}, p {row['p']:.2g}"
        lines.append(f"{row['cohort']}: {row['subjects']} subjects, {said}")
    for name, rows in found.members.groupby("group") if found.found else ():
        lines.append(f"{name}: {len(rows)} subjects, median confidence {rows['confidence'].median():.2f}")
        sizes[str(name)] = len(rows)
    best = found.described.groupby("kind", sort=False).head(5) if found.found else None
    if best is not None:
        lines.append(best.to_string(index=False, float_format="{:.3g}".format))
    return Result("\n".join(lines), {"out": out, "verdict": found.verdict, "groups": sizes, "described": best})


def _check_cohorts(by: str | None, *, explain: str | None, tested: str | None) -> None:
    """Stop where options do not go together."""
    if by is None and tested is not None:
        msg = f"--tested {tested} is for several cohorts; name the column of their names: --by study"
        raise InputError(msg)
    if by is not None and explain is not None:
        msg = f"--explain {explain} is for one cohort; within those of --by columns are tested: give --tested {explain}"
        raise InputError(msg)


@command(commands, "genelight score new.csv --samples new.xlsx --model RUN --out scores.tsv")
def score(
    cohort: Rescaled,
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
) -> Result:
    """Score new samples: severity with interval, group, programmes; refused outside the applicability domain."""
    from ..patients.score import LEAST_COHORT

    fresh(out)
    folder = model / RUN_MODEL if (model / RUN_MODEL).is_dir() else model
    trained, adata = gl.load(folder), cohort.genes_of(folder)
    near = None
    if reference is not None:
        near = Rescaled(table=reference, probes=cohort.probes, scale=cohort.scale).genes_of(folder)
    severity, groups = severity or _beside(folder, "severity"), groups or _beside(folder, "groups")
    for path in (severity, groups):
        if path is not None:
            note(f"by {path}")
    found = partial(
        gl.patients.score,
        adata,
        trained,
        severity=None if severity is None else gl.nouns.Severity.load(severity),
        groups=None if groups is None else gl.nouns.Groups.load(groups),
        coverage=coverage,
    )
    scores = found(recentre=recentre if near is None else near)
    scores.save(out)
    lines = [f"{out}: {len(scores.table)} samples, {scores.refused} refused as outside what the model has seen"]
    if scores.refused > len(scores.table) / 2 and not recentre and reference is None:
        lines.append(_advice(scores, found(recentre=True) if len(scores.table) >= LEAST_COHORT else None))
    facts = {"out": out, "samples": len(scores.table), "refused": scores.refused, "advice": lines[1:]}
    return Result("\n".join(lines), {**facts, "scores": scores.table.reset_index()})


def _beside(folder: Path, what: str) -> Path | None:
    """A score or groups that a model folder holds, or that a run wrote beside it."""
    places = (folder / f"{what}.parquet", folder.resolve().parent / f"07_{what}.parquet")
    return next((path for path in places if path.is_file()), None)


def _advice(scores: Scores, recentred: Scores | None) -> str:
    """What to do where most samples are refused."""
    first = scores.table.loc[~scores.table["inside"], "reasons"].iloc[0]
    said = f"most are refused, the first because {first}. Check the scale (genelight inspect) and the platform. "
    if recentred is None:
        return said + "If another laboratory measured them, give 20 or more of its samples: --reference TABLE"
    return said + (
        f"With the shift of their gene means taken off, {recentred.refused} would be refused: add --recentre if these "
        "samples are of a mix like the model's training samples; a true difference of the means goes with it"
    )


@command(
    commands,
    "genelight contrast a.h5ad --model m --treated 'drug > 0' --untreated 'drug == 0' --subject id --out o.tsv",
)
def contrast(
    cohort: Rescaled,
    model: ModelFolder,
    out: File,
    treated: Annotated[str, typer.Option(help="which visits are treated, a query on sample columns")],
    untreated: Annotated[str, typer.Option(help="which visits are not")],
    subject: Annotated[str, typer.Option(help="sample column: whose sample it is")],
    adjust: Annotated[str | None, typer.Option(help="columns to adjust for, with commas: sledai,age")] = None,
) -> Result:
    """Compare programmes between treated and untreated visits by mixed models."""
    fresh(out)
    adata = cohort.genes_of(model)
    treatment = gl.Contrast.of(adata.obs, case=treated, control=untreated, subject=subject)
    return _told(gl.patients.contrast(adata, gl.load(model), treatment=treatment, adjust=listed(adjust)), out)


@command(
    commands, f"genelight reversal cohort.h5ad --model model --perturbations drugs.csv {GROUPS} --out reversal.tsv"
)
def reversal(
    cohort: RescaledContrasted,
    model: ModelFolder,
    out: File,
    perturbations: Annotated[Path, typer.Option(help="genes x perturbations, or a table of gene, drug and value")],
    method: Annotated[str, typer.Option(help="how genes are scored, see: genelight methods")] = "de",
) -> Result:
    """Rank drugs or other perturbations by how far they move genes against a disease; hypotheses, no more."""
    fresh(out)
    trained = gl.load(model)
    drugs = gl.io.read_perturbations(perturbations, ids=trained.genes.namespace)
    note(", ".join(f"{count:,} {name}" for name, count in drugs.attrs["account"].items()))
    adata = cohort.genes_of(model)
    found = gl.modules.reversal(adata, trained, perturbations=drugs, contrast=cohort.contrast(adata), method=method)
    return _told(found, out)


@command(
    commands, "genelight trajectories cohort.h5ad --model model --time visit --subject patient --out trajectories.tsv"
)
def trajectories(
    cohort: Rescaled,
    model: ModelFolder,
    out: File,
    time: Annotated[str, typer.Option(help="sample column with the time of each visit")],
    subject: Annotated[str, typer.Option(help="sample column: whose sample it is")],
    severity: Annotated[Path | None, typer.Option(help="what genelight severity wrote")] = None,
) -> Result:
    """Test which programmes, and whether severity, change over a subject's own time."""
    fresh(out)
    score_by = None if severity is None else gl.nouns.Severity.load(severity)
    adata = cohort.genes_of(model)
    return _told(gl.patients.trajectories(adata, gl.load(model), time=time, subject=subject, severity=score_by), out)


def _told(found: Changes, out: Path) -> Result:
    """Save, and show the first rows with what is to be known of them."""
    found.save(out)
    lines = [found.table.head(10).to_string(index=False, float_format="{:.3g}".format)]
    if "warning" in found.about:
        lines.append(str(found.about["warning"]))
    return Result("\n".join(lines), {"out": out, "table": found.table, "warning": found.about.get("warning")})


def _folds(adata: AnnData, trained: Any, subject: str | None, *, k: int, seed: int) -> gl.models.Folds | None:
    """Fold models of a model's own spec, on these samples; none of a single subject, which is refused elsewhere."""
    spec = trained.spec if subject is None else replace(trained.spec, subject=subject)
    subjects = len(set(spec.subjects(adata).tolist()))
    if subjects < 2:
        return None
    return gl.models.Folds.by_subject(adata, spec, k=min(k, subjects), seed=seed)
