"""Random tables, written in any way and format, are read back equal: the builder of ``tests/io/test_any_table.py``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from ._bench import Row

ROOT = Path(__file__).parents[1]
BUILDER = "tests/io/test_any_table.py"
EXAMPLES = 25


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:
    """Rounds of so many tables for each kind of file, each round from another seed; what fails is printed smallest."""
    surroundings = {**os.environ, "GENELIGHT_FUZZ": str(EXAMPLES), "PYTHONPATH": str(ROOT / "src")}
    end, rounds, seen = time.monotonic() + seconds, 0, {}
    tried: dict[str, int] = {}
    while not rounds or time.monotonic() < end:
        ask = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-show-statistics", BUILDER]
        ended = subprocess.run(
            [*ask, f"--basetemp={folder / 'made'}", f"--hypothesis-seed={seed + rounds}"],
            cwd=ROOT,
            env=surroundings,
            capture_output=True,
            text=True,
            check=False,
        )
        rounds += 1
        for test, passing in re.findall(r"::(test_\w+):.*?(\d+) passing", ended.stdout, re.DOTALL):
            tried[test] = tried.get(test, 0) + int(passing)
        for test in re.findall(r"^FAILED \S+::(test_\w+)", ended.stdout, re.MULTILINE):
            said = re.search(rf"_ {test} _.*?(?=\n_{{5}}|\n=====)", ended.stdout, re.DOTALL)
            seen.setdefault(test, []).append(seed + rounds - 1)
            sys.stdout.write((said.group() if said else test) + f"\nseed {seed + rounds - 1}\n")
            sys.stdout.flush()
    return [
        Row(
            name.removeprefix("test_").replace("_", " "),
            tried.get(name, 0),
            len(seen.get(name, [])),
            f"failed at seeds {seen[name]}" if name in seen else "as it should be",
        )
        for name in sorted({*tried, *seen})
    ]
