"""Progress on standard error: a bar in a terminal, lines in a pipe where they are asked for, else silence."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

__all__ = ["How", "progress", "show_progress", "stage", "waiting"]

How = Literal["bar", "lines", "verbose", "quiet"]
SOON = 2.0  # nothing is said of what ends before
BETWEEN = 10.0  # seconds between two lines of one piece of work

_how: How = "bar"
_stage = ""
_bars: Any = None
_showing = False
_waits: list[threading.Event] = []  # innermost last
_spoken = False  # since the last look


def show_progress(how: How) -> None:
    """Say how progress is shown from now on.

    Parameters
    ----------
    how
        ``"bar"`` (default): a bar where standard error is a terminal, else nothing; ``"lines"``: lines where it is
        none; ``"verbose"``: lines that also say how long each stage took; ``"quiet"``: nothing.
    """
    global _how  # noqa: PLW0603 - one process has one standard error
    _how = how


@contextmanager
def stage(title: str, *, number: int = 0, total: int = 0) -> Iterator[None]:
    """Name the part of a longer run that what happens inside belongs to: ``[3/9] folds``, or uncounted ``folds``."""
    global _stage  # noqa: PLW0603
    before, begun = _stage, time.monotonic()
    _stage = f"[{number}/{total}] " if total else ""
    try:
        with _bar(title, None) if _draws() else waiting(f"{_stage}{title}"):
            yield
        if _how == "verbose":
            _line(f"{_stage}{title}: {_seconds(time.monotonic() - begun)}")
    finally:
        _stage = before


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[..., None]]:
    """Show how far a long piece of work, of `total` units, has come.

    Yields a function to call after each unit of work; its optional argument is a short text shown beside the bar.
    Work inside other work that is shown stays silent.

    Examples
    --------
    >>> with progress("folding", 2) as step:
    ...     step("first")
    ...     step()
    """
    global _showing  # noqa: PLW0603 - a terminal has room for one bar
    if _showing or _how == "quiet" or not (_draws() or _how in ("lines", "verbose")):
        yield lambda *_: None
        return
    _showing = True
    try:
        if _draws():
            with _bar(title, total) as step:
                yield step
        else:
            with waiting(f"{_stage}{title}"):
                yield _Lines(title, total)
    finally:
        _showing = False


def _draws() -> bool:
    return _how in ("bar", "lines") and sys.stderr.isatty()


@contextmanager
def _bar(title: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A bar of its own, or one more below that of the stage."""
    global _bars  # noqa: PLW0603
    if _bars is not None:
        task = _bars.add_task(title, total=total, note="")
        try:
            yield lambda note="", advance=1: _bars.update(task, advance=advance, note=note)
        finally:
            _bars.remove_task(task)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        _bars = bars
        try:
            task = bars.add_task(escape(f"{_stage}{title}"), total=total, note="")
            yield lambda note="", advance=1: bars.update(task, advance=advance, note=note)
        finally:
            _bars = None


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """A line once what happens inside takes long, and again after every ten seconds in which nothing else is said.

    Of what waits inside something that waits, the innermost speaks. Silent but where lines are asked for.
    """
    if _how not in ("lines", "verbose"):
        yield
        return
    ended = threading.Event()
    _waits.append(ended)
    speaker = threading.Thread(target=_say_on, args=(words, ended), daemon=True)
    speaker.start()
    try:
        yield
    finally:
        ended.set()
        _waits.remove(ended)


def _say_on(words: str, ended: threading.Event) -> None:
    global _spoken
    silent, waited, first = 0, 0.0, True
    while not ended.wait(SOON):
        waited += SOON
        # A bar moves by itself.
        if _waits[-1:] != [ended] or _bars is not None or _spoken:
            silent, _spoken = 0, False
            continue
        silent += 1
        if first or silent * SOON >= BETWEEN:
            _line(words if first else f"{words}, {_seconds(waited)} so far")
            silent, first = 0, False


class _Lines:
    """Now and then a line: ``[3/9] folds, 2/5, about 40 s``."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done = f"{_stage}{title}", total, 0.0
        self.begun = time.monotonic()
        self.said = self.begun - BETWEEN + SOON

    def __call__(self, note: str = "", advance: float = 1) -> None:
        global _spoken
        self.done += advance
        now = time.monotonic()
        if now - self.said < BETWEEN or self.done >= self.total:
            return
        self.said, _spoken = now, True
        left = (now - self.begun) / self.done * (self.total - self.done) if self.done else 0.0
        about = f", about {_seconds(left)}" if self.done else ""
        _line(f"{self.title}, {self.done:g}/{self.total:g}{about}{f' ({note})' if note else ''}")


def _line(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


def _seconds(seconds: float) -> str:
    """A time as one says it: 40 s, 12 min, 1.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
