"""Small changes to the source (a comparison turned round, a number moved): the room's tests and doctests see them.

Changes are drawn at random from every place of ``_core``, ``stats`` and ``evidence`` where one can be made, numbers of
formats and messages included; each meets the tests that reach its lines, then those that reach its file. The score is
the share that a test fails on. Some changes alter nothing (a limit that is never met exactly, a tolerance), so that the
best score is below one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from scipy.stats import binomtest

from ._bench import Row

ROOT = Path(__file__).parents[1]
ROOMS = ("_core", "stats", "evidence")


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:
    """A third of the time for each room; what no test saw is printed."""
    for part in ("src", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return [_room(room, folder, seconds=seconds / len(ROOMS), seed=seed) for room in ROOMS]


def _room(room: str, folder: Path, *, seconds: float, seed: int) -> Row:
    ask = [sys.executable, "-m", "reliability._mutants", str(folder), room, str(seconds), str(seed)]
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    surroundings.pop("PYTHONPATH", None)
    ended = subprocess.run(ask, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=True)
    about, *found = map(json.loads, ended.stdout.splitlines())
    for each in found:
        if not each["seen"]:
            sys.stdout.write(f"not {'seen' if each['reached'] else 'reached'}: {each['where']}: {each['what']}\n")
    seen = sum(each["seen"] for each in found)
    ends = binomtest(seen, len(found)).proportion_ci(method="wilson")
    score = f"score {seen / len(found):.2f} ({ends.low:.2f}, {ends.high:.2f}): {seen} of {len(found)} seen"
    missed = [f"{each['where']}: {each['what']}" for each in found if not each["seen"]]
    apart = sum(not each["reached"] for each in found)
    said = f"{score}, {apart} on lines that no test reaches; {about['places']} places, {about['tests']} tests"
    return Row(f"changes to {room}", len(found), 0, said + ("; not seen: " + "; ".join(missed[:3]) if missed else ""))
