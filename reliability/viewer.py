"""Two hundred readers of ``genelight view`` at once: each has its page, whole, and the viewer lets go of each."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import genelight as gl

from ._bench import Row, small_study

READERS, MOST_PAGES = 200, 20_000
SERVED = re.compile(rb' data-served="[^"]*"')
"""What the viewer adds to a page that it serves: which full tables are at hand."""


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:  # noqa: ARG001
    """Two hundred readers ask for the page of a run, each again and again."""
    gl.study.run(gl.study.Study.load(small_study(folder)), folder / "RUN")
    whole = (folder / "RUN" / "report.html").read_bytes()
    code = "import sys; from genelight.cli import main; sys.argv = ['genelight', *sys.argv[1:]]; main()"
    ask = [sys.executable, "-c", code, "view", str(folder / "RUN")]
    pipe = subprocess.PIPE
    with subprocess.Popen(ask, stdout=pipe, stderr=pipe, text=True, preexec_fn=_heeds_ctrl_c) as viewer:  # noqa: PLW1509
        assert viewer.stdout is not None
        address = viewer.stdout.readline().strip()
        files = Path("/proc", str(viewer.pid), "fd")
        before = len(list(files.iterdir()))
        end = time.monotonic() + seconds / 4

        def reads(_: int) -> tuple[int, int]:
            pages = wrong = 0
            while not pages or (time.monotonic() < end and pages < MOST_PAGES // READERS):
                pages += 1
                try:
                    with urllib.request.urlopen(f"{address}run/0/", timeout=60) as answer:  # noqa: S310 - loopback
                        wrong += SERVED.sub(b"", answer.read()) != whole
                except OSError:
                    wrong += 1
            return pages, wrong

        with ThreadPoolExecutor(READERS) as readers:
            found = list(readers.map(reads, range(READERS)))
        time.sleep(1)
        kept = len(list(files.iterdir())) - before
        os.kill(viewer.pid, signal.SIGINT)
        said = viewer.communicate(timeout=30)[1]
    pages, wrong = (sum(each) for each in zip(*found, strict=True))
    return [
        Row(f"{READERS} readers at once", pages, wrong, f"{pages} pages of {len(whole) >> 10} kB, each whole"),
        Row("connections left open", READERS, max(0, kept), "none" if kept <= 0 else str(kept)),
        Row("what the viewer complained of", READERS, int("Traceback" in said), said.strip()[-100:] or "nothing"),
    ]


def _heeds_ctrl_c() -> None:
    """What is started in the background of a shell would be deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
