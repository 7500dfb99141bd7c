"""Mutants against the tests that reach them: one pytest session, collected once, and a fork of it for each mutant.

``python -m reliability._mutants FOLDER ROOM SECONDS SEED``, where FOLDER is a copy of ``src`` and ``tests`` that may be
changed. Prints a line of JSON for each mutant: where, what, and whether it was seen. The changed code takes the place
of the old in the functions that are loaded; what is run at import, or compiled, is imported anew.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from ._changes import Place, places

SLOWEST = 4.0  # seconds of computing, while followed, of a test that is worth a mutant's time
PATIENCE = 30.0
OPTIONS = ["-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0"]
SAID, ERRORS = os.dup(1), os.dup(2)


class Trial:
    """In the place of pytest's own loop: the room's tests once, followed line by line, then mutant by mutant."""

    def __init__(self, folder: Path, room: str, *, seconds: float, seed: int) -> None:
        self.folder, self.room, self.seconds, self.seed = folder, room, seconds, seed
        self.source = folder / "src" / "genelight" / room
        self.failed: list[str] = []
        self.lines: dict[str, set[tuple[str, int]]] = {}
        self.took: dict[str, float] = {}
        self.items: dict[str, pytest.Item] = {}
        self.loaded: dict[tuple[str, str, int], list[FunctionType]] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """All of it."""
        self.items = {item.nodeid: item for item in session.items}
        self._follow()
        for thing in gc.get_objects():
            if type(thing) is FunctionType and thing.__code__.co_filename.startswith(str(self.source)):
                self.loaded.setdefault(_key(thing.__code__), []).append(thing)
        for found in self._tried():
            os.write(SAID, (json.dumps(found) + "\n").encode())
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that fails or is skipped."""
        if report.failed or report.skipped:
            self.failed.append(report.nodeid)

    def _follow(self) -> None:
        """Which lines each test reaches, and how long it takes; what does not pass says nothing of a mutant."""
        with tempfile.TemporaryDirectory() as place:
            file = Path(place, "reached.json")
            forked(lambda: file.write_text(json.dumps(self._followed()), encoding="utf-8") and 0, patience=1800)
            for name, (lines, seconds) in json.loads(file.read_text(encoding="utf-8")).items():
                if seconds < SLOWEST:
                    self.lines[name] = {(path, line) for path, line in lines}
                    self.took[name] = seconds

    def _followed(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        under, reached = str(self.source), set[tuple[str, int]]()

        def follow(frame: Any, event: str, _: Any) -> Any:
            if not frame.f_code.co_filename.startswith(under):
                return None
            if event == "line":
                reached.add((frame.f_code.co_filename, frame.f_lineno))
            return follow

        for name in self.items:
            reached.clear()
            began = time.process_time()
            sys.settrace(follow)
            self._run([name])
            sys.settrace(None)
            if name not in self.failed:
                found[name] = sorted(reached), time.process_time() - began
        return found

    def _run(self, names: Sequence[str]) -> int:
        """Tests in an order, until one fails."""
        before = len(self.failed)
        items = [self.items[name] for name in names]
        for item, after in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if len(self.failed) > before:
                return 1
        return 0

    def _tried(self) -> Iterator[dict[str, Any]]:
        """Mutants in random order until the time is over."""
        waiting = [place for path in sorted(self.source.rglob("*.py")) for place in places(path)]
        random.Random(self.seed).shuffle(waiting)
        yield {"places": len(waiting), "tests": len(self.lines)}
        end = time.monotonic() + self.seconds
        while waiting and time.monotonic() < end:
            place = waiting.pop()
            names = self._tests_of(place)
            patience = PATIENCE + 10 * sum(self.took[name] for name in names)
            how = self._anew if place.at_import else self._in_place
            code = how(place, names, patience) if names else 0
            where = f"{place.path.relative_to(self.source.parent)}:{place.lines[0]}"
            yield {"where": where, "what": place.what(), "reached": bool(names), "seen": code != 0}

    def _tests_of(self, place: Place) -> list[str]:
        """Tests that reach a mutant's lines, the quickest first; behind them those that reach its file at all."""
        path, here = str(place.path), {(str(place.path), line) for line in place.lines}
        file = [name for name, lines in self.lines.items() if any(own == path for own, _ in lines)]
        file.sort(key=lambda name: self.took[name])
        if place.at_import:
            return file
        near = [name for name in file if self.lines[name] & here]
        return [*near, *(name for name in file if name not in set(near))] if near else []

    def _in_place(self, place: Place, names: Sequence[str], patience: float) -> int | None:
        def work() -> int:
            for code in _codes(compile(place.tree(), str(place.path), "exec")):
                for function in self.loaded.get(_key(code), []):
                    function.__code__ = code
            return self._run(names)

        return forked(work, patience)

    def _anew(self, place: Place, names: Sequence[str], patience: float) -> int | None:
        """The changed file imported by a session of its own."""
        whole = place.path.read_text(encoding="utf-8")
        place.path.write_text(place.mutant(), encoding="utf-8")

        def work() -> int:
            for name in [name for name in sys.modules if name.split(".")[0] in ("genelight", "tests", "conftest")]:
                del sys.modules[name]
            return int(pytest.main([*OPTIONS, "-x", *_where(self.room)], plugins=[Chosen(names)]))

        try:
            return forked(work, 2 * patience)
        finally:
            place.path.write_text(whole, encoding="utf-8")


class Chosen:
    """Some tests in an order, and no other."""

    def __init__(self, names: Sequence[str]) -> None:
        self._rank = {name: i for i, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep them, the quickest first."""
        items[:] = sorted((item for item in items if item.nodeid in self._rank), key=lambda i: self._rank[i.nodeid])


def _key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Code of every function in some code."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


def _where(room: str) -> list[str]:
    return [f"tests/{room}", f"src/genelight/{room}"]


def forked(work: Callable[[], int], patience: float) -> int | None:
    """Exit code of a child that does some work; None where it had to be stopped."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = work()
        except BaseException:
            os.write(ERRORS, traceback.format_exc().encode())
        finally:
            os._exit(code)
    end = time.monotonic() + patience
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def main(folder: str, room: str, *drawn: str) -> None:
    """Print what came of each mutant."""
    seconds, seed = drawn
    os.chdir(folder)
    sys.path.insert(0, str(Path(folder, "src")))
    os.environ["PYTHONPATH"] = str(Path(folder, "src"))
    trial = Trial(Path(folder), room, seconds=float(seconds), seed=int(seed))
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
        pytest.main([*OPTIONS, "--basetemp", str(Path(folder, "made")), *_where(room)], plugins=[trial])


if __name__ == "__main__":
    main(*sys.argv[1:])
