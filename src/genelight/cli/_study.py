"""Whole studies: demo, init, check, run, report, methods."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

import genelight as gl

from .._core.checks import select_samples
from .._core.disk import writing
from .._core.provenance import read_json
from ..errors import ResourceError
from ..pp.adjust import BATCH_METHODS
from ..pp.collapse import COLLAPSES
from ..pp.normalise import NORMALISATIONS
from ._cohort import ContrastedCohort, Reading
from ._command import GROUPS, Result, command, kept_when_stopped, note
from ._modules import forecast_told, module_commands, module_facts
from ._shared import Folder, Seed, listed, model_or, places

commands = typer.Typer(rich_help_panel="Whole studies")
FEW_GENES = 1500  # of fewer, the usual sizes of modules and of nodes' gene lists are too large a part

ShowIds = Annotated[bool, typer.Option("--show-ids", help="name patients in the report, in place of numbers")]
StudyFile = Annotated[Path, typer.Argument(help="study file, see: genelight init")]


@command(commands, "genelight demo --out runs/demo")
def demo(out: Folder = Path("genelight-demo")) -> Result:
    """Run the embedded study: influenza against baseline, from expression to a report."""
    found = _run(gl.study.Study.demo(), out)
    says, facts = _by_reference()
    return Result(f"{found.text}\n{says}", {**found.facts, "reference": facts})


@command(commands, "genelight init study.toml counts.csv sheet.xlsx")
def init(
    path: Annotated[Path, typer.Argument(metavar="STUDY", help="study file to write")] = Path("study.toml"),
    table: Annotated[Path | None, typer.Argument(help="expression table to fill it in from")] = None,
    samples: Annotated[Path | None, typer.Argument(help="sample sheet beside it: CSV, TSV or Excel")] = None,
    samples_id: Annotated[str | None, typer.Option(help="the sheet's column of sample names")] = None,
    *,
    reading: Reading,
) -> Result:
    """Write a study file: filled in from a table and a sample sheet, or to fill in by hand.

    Raises
    ------
    ResourceError
        If something stands there already.
    """
    if path.exists():
        order = (
            "" if path.suffix == ".toml" else "; the study file comes first: genelight init study.toml TABLE SAMPLES"
        )
        msg = f"{path} exists already, nothing was written{order or '; give another name, or remove it'}"
        raise ResourceError(msg)
    from ..study._template import template

    text, facts = template(), {}
    if table is not None:
        text, found = gl.study.draft(table, samples, beside=path.parent, samples_id=samples_id, reading=reading.options)
        facts = found.to_dict()
        if found.sheet is not None:
            note(found.notes[-1])
    with writing(path) as draft:
        draft.write_text(text)
    told = table is not None and re.search(r"^case = ", text, re.MULTILINE)
    what = "look at it, then" if told else "fill in what it leaves open, case and control above all, then"
    return Result(f"wrote {path}; {what}: genelight check {path}", {"out": path, **facts})


@command(commands, "genelight check study.toml")
def check(study: StudyFile) -> Result:
    """List everything that is wrong in a study before anything is computed, and what computing it would take."""
    found = gl.study.check(study)
    next_line = "" if found.problems else f"\nnext: genelight run {study} --out RUN"
    return Result(f"{found}{next_line}", found.to_dict(), code=2 if found.problems else 0)


@command(commands, "genelight run study.toml --out RUN")
def run(study: StudyFile, out: Folder, show_ids: ShowIds = False) -> Result:
    """Run a study file from expression to a report; what is done already is not done again."""
    asked = gl.study.Study.load(study)
    return _run(asked.showing_ids() if show_ids else asked, out)


@command(commands, "genelight report RUN")
def report(folder: Annotated[Path, typer.Argument(help="run folder")], show_ids: ShowIds = False) -> Result:
    """Write the report of a run folder anew."""
    path = gl.report.report(folder, show_ids=show_ids)
    return Result(str(path), {"report": path})


@command(commands, "genelight verify RUN")
def verify(
    paths: Annotated[
        list[Path], typer.Argument(callback=places, help="run folder, model folder or store; several if you like")
    ],
) -> Result:
    """Compare every file with the digest kept of it, and name what was altered; exit code 1 if anything was."""
    found = [gl.study.verify(path) for path in paths]
    facts = {str(path): one.to_text() for path, one in zip(paths, found, strict=True)}
    return Result("\n".join(one.to_text() for one in found), facts, code=0 if all(one.whole for one in found) else 1)


@command(commands, "genelight rerun RUN")
def rerun(folder: Annotated[Path, typer.Argument(help="run folder, finished")]) -> Result:
    """Do a run again from its own study file, and say what comes out otherwise; exit code 1 if anything does."""
    found = gl.study.rerun(folder)
    return Result(found.to_text(), {"differ": found.differ}, code=1 if found.differ else 0)


@command(commands, "genelight methods")
def methods() -> Result:
    """List every registered method with what it does and its source."""
    from ..evidence._measures import MEASURES
    from ..evidence.combine import COMBINATIONS
    from ..io._read import READERS
    from ..models.spec import BASELINES
    from ..models.training.network import ACTIVATIONS
    from ..pp.features import FEATURES

    registries = (
        *(READERS, FEATURES, COLLAPSES, NORMALISATIONS, BATCH_METHODS),
        *(gl.models.PRESETS, ACTIVATIONS, BASELINES),
        *(gl.nodes.ATTRIBUTIONS, gl.modules.DERIVATIONS, gl.evidence.TESTS, MEASURES),
        COMBINATIONS,
    )
    lines, facts = [], {}
    for registry in registries:
        lines.append(f"{registry.kind}:")
        facts[registry.kind] = [
            {"name": e.name, "summary": e.summary, "doi": e.doi, "control": e.control, "calibrated": e.calibrated}
            for e in registry.show()
        ]
        for entry in registry.show():
            control = (" [control]" if entry.control else "") + ("" if entry.calibrated else " [not calibrated]")
            lines.append(f"  {entry.name:<22}{control} {entry.summary}{f' doi {entry.doi}' if entry.doi else ''}")
    return Result("\n".join(lines), facts)


@command(module_commands, f"genelight module cohort.csv --samples sheet.xlsx {GROUPS} --out RUN", name="run")
def module_run(
    cohort: ContrastedCohort,
    out: Folder,
    scale: Annotated[str, typer.Option(help="log2, counts, linear, or auto to tell it from the values")] = "auto",
    size: Annotated[int, typer.Option(help="genes of the module")] = 200,
    name: Annotated[str | None, typer.Option(help="the contrast in words, for the report")] = None,
    seeds: Annotated[int, typer.Option(help="refits that say which nodes are reproducible; 0 for none")] = 5,
    seed: Seed = 0,
    model: Annotated[
        str,
        typer.Option(
            callback=model_or("auto", "none", "human"),
            help="trained model to read the samples through: human, which ships, a folder or a registered name; none "
            "to train one of their own; auto for human where a group has fewer than 20 people and the genes are human",
        ),
    ] = "auto",
) -> Result:
    """From a table and a sample sheet to a disease module, its gene sets and a report: a whole small study.

    The word run may be left out: genelight module TABLE --samples SHEET ...
    """
    fitted = {"seeds": seeds, "seed": seed, "reference": _reference_of(cohort, model)}
    study = _study_of(cohort, scale=scale, size=size, name=name, model=fitted)
    done = _run(study, out)
    path = out / "05_module.tsv"
    found = gl.Module.load(path)
    first = ", ".join(found.selected[:5])
    text = f"module: {path}, {len(found.selected)} genes, first {first}\n{forecast_told(found)}\n{done.text}"
    return Result(text, {**done.facts, "module": module_facts(path, found)})


def _reference_of(cohort: ContrastedCohort, asked: str) -> str | None:
    """The model that is asked for; of auto, what suits a cohort of this size and these genes."""
    from ..study._reference import SMALL, reference_for

    if asked != "auto":
        return None if asked == "none" else asked
    adata = gl.io.read(cohort.table, **cohort.options)
    if cohort.samples is not None:
        adata = gl.io.match_sheet(adata, cohort.samples, samples_id=cohort.samples_id).join(adata)
    people = [
        adata.obs.loc[mask, cohort.subject].nunique() if cohort.subject in adata.obs else int(mask.sum())
        for mask in (
            select_samples(adata.obs, cohort.case, role="case"),
            select_samples(adata.obs, cohort.control, role="control"),
        )
    ]
    found = reference_for(adata, people, table=cohort.probes)
    if found is None and min(people) < SMALL:
        note(
            "few samples, and the model that ships does not have their genes: a model of their own is trained, which "
            "adds little at this size; give another of thousands of samples by --model FOLDER"
        )
    return found


def _study_of(
    cohort: ContrastedCohort, *, scale: str, size: int, name: str | None, model: dict[str, Any]
) -> gl.study.Study:
    """The study that the options of a command describe."""
    genes = gl.io.read(cohort.table, **cohort.options).n_vars
    few = {"module": {"size": min(size, max(genes // 10, 1))}, "tests": {"n_top": max(genes // 10, 5)}}
    data = {
        **cohort.options,
        "expression": str(cohort.table),
        "samples": None if cohort.samples is None else str(cohort.samples),
        "samples_id": cohort.samples_id,
        "drop": cohort.drop,
        "subject": cohort.subject,
        "subject_pattern": cohort.subject_pattern,
        "id_table": None if cohort.probes is None else str(cohort.probes),
        "scale": scale,
    }
    return gl.study.Study.model_validate(
        {
            "data": data,
            "contrast": {
                "name": name,
                "case": cohort.case,
                "control": cohort.control,
                "covariates": listed(cohort.covariates),
            },
            "model": model,
            **(few if genes < FEW_GENES else {"module": {"size": size}}),
        }
    )


def _run(study: gl.study.Study, out: Path) -> Result:
    kept_when_stopped(lambda: _kept(out))
    outcome = gl.study.run(study, out)
    for account in outcome.accounts:
        note(account)
    lines = [f"report: {outcome.report}", *(f"{n}. {finding}" for n, finding in enumerate(outcome.findings, start=1))]
    return Result("\n".join(lines), {"report": outcome.report, "findings": outcome.findings})


def _by_reference() -> tuple[str, dict[str, float]]:
    """How much of the embedded cohort the model that ships reconstructs, which never saw it."""
    from ..models.reconstruct import squared_errors

    model, adata = gl.load("human"), gl.demo.cohort()
    sse_n, sst_n = squared_errors(
        model,
        model.prepare(adata),
        seen_ng=~model.preparation.gaps(adata),  # type: ignore[attr-defined]
    )
    studies: list[dict[str, int]] = model.about["studies"]  # type: ignore[attr-defined]
    r2, samples = 1 - float(sse_n.sum() / sst_n.sum()), sum(study["samples"] for study in studies)
    genes = int((~model.preparation.gaps(adata[:1])).sum())  # type: ignore[attr-defined]
    says = (
        f"reference model: human, of {samples} samples of {len(studies)} other studies, gives back {r2:.0%} of what "
        f"sets these samples apart from the mean of its own, over those {genes} of its {len(model.genes)} genes that "
        "were measured; use it by name wherever a model is asked for: --model human"
    )
    return says, {"r2": r2, "genes": genes, "samples": samples, "studies": len(studies)}


def _kept(out: Path) -> str:
    """Which steps a run folder holds."""
    path = out / "steps.json"
    done = [name for name in read_json(path) if name != "seal"] if path.is_file() else []
    return f"{out} keeps what is done ({', '.join(done)}), which is not done again" if done else ""
