"""Progress on standard error: a bar in a terminal, silence in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress"]

_showing = False


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[..., None]]:
    """Show how far a long piece of work has come.

    Yields a function to call after each unit of work; its optional argument is a short text shown
    beside the bar. Nothing is drawn when standard error is not a terminal.

    Parameters
    ----------
    title
        What is being done.
    total
        Number of units.

    Examples
    --------
    >>> from genelight._core.progress import progress
    >>> with progress("folding", 2) as step:
    ...     step("first")
    ...     step()
    """
    global _showing  # noqa: PLW0603 - a terminal has room for one bar: work inside other work stays silent
    if _showing or not sys.stderr.isatty():
        yield lambda *_: None
        return
    _showing = True
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            task = bars.add_task(title, total=total, note="")
            yield lambda note="", advance=1: bars.update(task, advance=advance, note=note)
    finally:
        _showing = False
