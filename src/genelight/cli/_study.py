"""Whole studies: demo, init, run, report, methods."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from .._core.provenance import writing
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
        draft.write_text(gl.study.template())
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
            control = (" [control]" if entry.control else "") + ("" if entry.calibrated else " [not calibrated]")
            print(f"  {entry.name:<22}{control} {entry.summary}{f' doi {entry.doi}' if entry.doi else ''}")


def _finish(outcome: gl.study.Outcome) -> None:
    id_map = gl.pp.Preparation.load(outcome.folder / "02_prepare.json").id_map
    if id_map is not None:
        print(id_map)
    print(f"report: {outcome.report}")
    for number, finding in enumerate(outcome.findings, start=1):
        print(f"{number}. {finding}")
