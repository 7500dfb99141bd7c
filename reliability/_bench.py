"""What the trials share: verbs run in a forked child, so that nothing is imported twice."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One fault: how often it was tried, how often it went wrong, and what happened."""

    fault: str
    tried: int
    wrong: int
    outcome: str


def call(*words: object) -> tuple[int, str, str]:
    """A verb of the command line in this process, without progress: exit code (99 for a traceback), output, errors."""
    from genelight.cli import main

    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["genelight", *map(str, words), "--quiet"]
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException:
            code = 99
            err.write(traceback.format_exc())
        finally:
            sys.argv = before
    return int(code) if isinstance(code, int) else 2, out.getvalue(), err.getvalue()


def forked(work: Callable[[], object]) -> int:
    """Process id of a child that does some work and ends."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = int(work() not in (None, 0, True))
        except BaseException:
            sys.stderr.write(traceback.format_exc())
        finally:
            os._exit(code)
    return child


def killed_after(work: Callable[[], object], seconds: float) -> bool:
    """Whether a child that does some work had to be killed, after so many seconds."""
    child = forked(work)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def left(folder: Path) -> list[str]:
    """What lies half-written in a folder."""
    return [str(path) for path in folder.rglob(".genelight-*")]
