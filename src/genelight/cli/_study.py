"""Whole studies: demo, init, run, report, methods."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from .._core.disk import writing
from ._shared import Folder, fresh, say

commands = typer.Typer()

ShowIds = Annotated[bool, typer.Option("--show-ids", help="name patients in the report, in place of numbers")]


@commands.command()
def demo(out: Folder = Path("genelight-demo")) -> None:
    """Run the embedded study: influenza against baseline, from expression to a report."""
    _finish(gl.study.run(gl.study.Study.demo(), out, say=say))


@commands.command()
def init(path: Annotated[Path, typer.Argument(help="study file to write")] = Path("study.toml")) -> None:
    """Write a commented study file to fill in."""
    with writing(fresh(path)) as draft:
        draft.write_text(gl.study.template(), encoding="utf-8")
    print(f"wrote {path}; fill it in, then: genelight run {path} --out RUN")


@commands.command()
def run(
    study: Annotated[Path, typer.Argument(help="study file, see: genelight init")],
    out: Folder,
    show_ids: ShowIds = False,
) -> None:
    """Run a study file from expression to a report; what is done already is not done again."""
    asked = gl.study.Study.load(study)
    _finish(gl.study.run(asked.showing_ids() if show_ids else asked, out, say=say))


@commands.command()
def report(folder: Annotated[Path, typer.Argument(help="run folder")], show_ids: ShowIds = False) -> None:
    """Write the report of a run folder anew."""
    print(gl.report.report(folder, show_ids=show_ids))


@commands.command()
def verify(
    paths: Annotated[list[Path], typer.Argument(help="run folder, model folder or store; several if you like")],
) -> None:
    """Compare every file with the digest kept of it, and name what was altered; exit code 1 if anything was."""
    found = [gl.study.verify(path) for path in paths]
    print("\n".join(one.to_text() for one in found))
    if not all(one.whole for one in found):
        sys.exit(1)


@commands.command()
def rerun(folder: Annotated[Path, typer.Argument(help="run folder, finished")]) -> None:
    """Do a run again from its own study file, and say what comes out otherwise; exit code 1 if anything does."""
    found = gl.study.rerun(folder, say=say)
    print(found.to_text())
    if found.differ:
        sys.exit(1)


@commands.command()
def methods() -> None:
    """List every registered method with what it does and its source."""
    registries = (
        *(gl.io.READERS, gl.pp.COLLAPSES, gl.pp.NORMALISATIONS, gl.pp.BATCH_METHODS),
        *(gl.models.PRESETS, gl.models.ACTIVATIONS, gl.models.BASELINES),
        *(gl.nodes.ATTRIBUTIONS, gl.modules.DERIVATIONS, gl.evidence.TESTS, gl.evidence.MEASURES),
        gl.evidence.COMBINATIONS,
    )
    for registry in registries:
        print(f"{registry.kind}:")
        for entry in registry.show():
            control = " [control]" if entry.control else ""
            print(f"  {entry.name:<22}{control} {entry.summary}{f' doi {entry.doi}' if entry.doi else ''}")


def _finish(outcome: gl.study.Outcome) -> None:
    id_map = gl.pp.Preparation.load(outcome.folder / "02_prepare.json").id_map
    if id_map is not None:
        print(id_map)
    print(f"report: {outcome.report}")
    for number, finding in enumerate(outcome.findings, start=1):
        print(f"{number}. {finding}")
