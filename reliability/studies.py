"""Small studies on end in one process, a hundred where there is time: what the process holds stays what it was."""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

import genelight as gl

from ._bench import Row, small_study

STUDIES, FEWEST, WARM = 100, 40, 20
MOST_GROWTH = 0.2  # MB a study, over all that come after the first twenty


def _held(folder: Path) -> dict[str, float]:
    """What this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "memory": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        "open files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "temporary files": len(list(folder.rglob("*"))),
    }


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:
    """Run them, each from a seed of its own into a folder of its own, and look at the process after each."""
    temporary = folder / "temporary"
    temporary.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    held, unfinished, end = [], 0, time.monotonic() + seconds
    try:
        for i in range(STUDIES):
            if len(held) >= FEWEST and time.monotonic() > end:
                break
            gl.study.run(gl.study.Study.load(small_study(folder, seed=seed + i)), folder / f"RUN{i}")
            unfinished += not gl.study.verify(folder / f"RUN{i}").whole
            held.append(_held(temporary))
    finally:
        tempfile.tempdir = before
    done = len(held)
    rows = [Row("studies on end", done, unfinished, "each finished, each whole by its digests")]
    for what in held[0]:
        early = statistics.median(each[what] for each in held[WARM : WARM + 10])
        late = statistics.median(each[what] for each in held[-10:])
        allowed = MOST_GROWTH * (done - WARM) if what == "memory" else 0
        unit = " MB" if what == "memory" else ""
        said = f"{early:,.0f}{unit} after {WARM} to {WARM + 10} studies, {late:,.0f}{unit} after {done}"
        rows.append(Row(f"{what} over all studies", done, int(late > early + allowed), said))
    return rows
