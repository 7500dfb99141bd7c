"""A hundred small studies in one process: memory, open files, threads and temporary files stay what they were."""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import threading
from pathlib import Path

import genelight as gl

from ._bench import Row, small_study

STUDIES, WARM = 100, 20
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


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:  # noqa: ARG001
    """Run them, each from a seed of its own into a folder of its own, and look at the process after each."""
    temporary = folder / "temporary"
    temporary.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    held, unfinished = [], 0
    try:
        for i in range(STUDIES):
            gl.study.run(gl.study.Study.load(small_study(folder, seed=seed + i)), folder / f"RUN{i}")
            unfinished += not gl.study.verify(folder / f"RUN{i}").whole
            held.append(_held(temporary))
    finally:
        tempfile.tempdir = before
    rows = [Row("a hundred studies", STUDIES, unfinished, "each finished, each whole by its digests")]
    for what in held[0]:
        early = statistics.median(each[what] for each in held[WARM : WARM + 10])
        late = statistics.median(each[what] for each in held[-10:])
        allowed = MOST_GROWTH * (STUDIES - WARM) if what == "memory" else 0
        unit = " MB" if what == "memory" else ""
        said = f"{early:,.0f}{unit} after {WARM} to {WARM + 10} studies, {late:,.0f}{unit} after {STUDIES}"
        rows.append(Row(f"{what} over a hundred studies", STUDIES, int(late > early + allowed), said))
    return rows
