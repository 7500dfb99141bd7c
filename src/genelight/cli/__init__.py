"""The command line: one sub-command per verb, no science. Each file holds the commands of one room."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from genelight import __version__

from ..errors import GenelightError
from . import _data, _evidence, _further, _models, _modules, _nodes, _patients, _prepare, _store, _study, _viewer

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Lift the lid of deep models of gene expression.",
)
for room in (_study, _viewer, _data, _store, _prepare, _models, _nodes, _evidence, _further, _modules, _patients):
    app.add_typer(room.commands)


def main() -> None:
    """Run the command line; an error of ours is one line on standard error and exit code 2."""
    try:
        app()
    except GenelightError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="print the version and end")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit
