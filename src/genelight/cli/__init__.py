"""The command line: one sub-command per verb, no science. Each file holds the commands of one room."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from genelight import __version__

from ..errors import GenelightError
from . import _data, _doctor, _evidence, _further, _models, _modules, _nodes, _patients, _prepare, _store, _study
from ._command import wants_trace

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Lift the lid of deep models of gene expression.",
    epilog="Start here: genelight inspect TABLE --samples SHEET, then genelight init study.toml TABLE SHEET",
)
for room in (_study, _doctor, _data, _store, _prepare, _models, _nodes, _evidence, _further, _modules, _patients):
    app.add_typer(room.commands)


def main() -> None:
    """Run the command line; an error of ours is one line on standard error and exit code 2, under -v with its trace.

    Raises
    ------
    GenelightError
        Under -v alone, so that its trace is printed.
    """
    try:
        app()
    except GenelightError as error:
        if wants_trace():
            raise
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="print the version and end")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit
