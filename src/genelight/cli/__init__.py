"""The command line: one sub-command per verb, no science. Each file holds the commands of one room."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import IO, Annotated, cast

import typer
from typer import rich_utils

from genelight import __version__

from .._core.disk import reason
from .._core.ranks import started
from .._core.tables import plain_text
from .._core.threads import threads
from ..errors import GenelightError
from . import _data, _doctor, _evidence, _models, _modules, _nodes, _patients, _prepare, _response, _study, _viewer
from . import _evidence_more as _further
from . import _meta_module as _several
from ._command import note, wants_trace

__all__ = ["app", "main"]

# Colours are control characters, and none of those is let through.
rich_utils.COLOR_SYSTEM = None

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Lift the lid of deep models of gene expression.",
    epilog="Start here: genelight inspect TABLE --samples SHEET, then genelight init study.toml TABLE SHEET",
)
ROOMS = (
    _study, _viewer, _doctor, _data, _prepare, _models, _nodes, _evidence, _further, _modules, _several,
    _patients, _response,
)  # fmt: skip
for room in ROOMS:
    app.add_typer(room.commands)


class _Plain:
    """Standard output on which nothing from data moves a terminal's cursor, and that any encoding takes."""

    def __init__(self, inner: IO[str]) -> None:
        self._inner = inner

    def write(self, text: str) -> int:
        """Write text, what the terminal cannot show as an escape."""
        shown = "\n".join("\t".join(map(plain_text, line.split("\t"))) for line in text.split("\n"))
        encoding = self.encoding
        self._inner.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    @property
    def encoding(self) -> str:
        """That of the terminal, file or pipe behind it."""
        return getattr(self._inner, "encoding", None) or "utf-8"


class _Warned:
    """Our own warnings as notes, each once; those of libraries as Python shows them."""

    def __init__(self, otherwise: Callable[..., None]) -> None:
        self._otherwise, self._said = otherwise, set[str]()

    def __call__(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: IO[str] | None = None,
        line: str | None = None,
    ) -> None:
        if not category.__module__.startswith("genelight"):
            self._otherwise(message, category, filename, lineno, file, line)
        elif str(message) not in self._said:
            self._said.add(str(message))
            note(message)


def main() -> None:
    """Run the command line; what goes wrong is one line on standard error and exit code 2, under -v with its trace.

    Raises
    ------
    GenelightError
        Under -v alone, so that its trace is printed.
    """
    try:
        threads()
        with redirect_stdout(cast("IO[str]", _Plain(sys.stdout))), warnings.catch_warnings():
            warnings.showwarning = _Warned(warnings.showwarning)
            app()
    except GenelightError as error:
        if wants_trace():
            raise
        _end(str(error))
    except MemoryError:
        _end("there is not enough memory for this; close other programs, or pack the table into a store first")
    except OSError as error:
        if error.errno == errno.EPIPE:
            # Whoever read our output has gone; Python would complain once more as it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        _end(f"{error.filename or 'a file'}: {reason(error)}")


def _end(said: str) -> None:
    line = " ".join(plain_text(part) for part in said.split("\n"))
    try:
        rank, size = started()
    except GenelightError:
        rank, size = 0, 1
    line = line if size == 1 else f"process {rank + 1} of {size}: {line}"
    _Plain(sys.stderr).write(f"error: {line}\n")
    sys.exit(2)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="print the version and end")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit
