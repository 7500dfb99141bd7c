"""What a figure rests on: interleaved timing, peak memory, versions of peers, the machine."""

from __future__ import annotations

import gc
import itertools
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

__all__ = ["Child", "Figure", "Pairs", "PeerMissingError", "child", "machine", "paired", "require"]

# A child's peak, as the kernel reports it to whoever waits for it, starts at the peak of the process that
# forked it. This small interpreter stands between, so that a large benchmark does not count as its child's.
_LAUNCHER = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - started
process.returncode = os.waitstatus_to_exitcode(status)
with open(sys.argv[1], "w") as handle:
    json.dump([seconds, usage.ru_maxrss, process.returncode], handle)
"""


class PeerMissingError(Exception):
    """A library to measure against is not installed."""


@dataclass(frozen=True)
class Figure:
    """One number with how sure it is.

    Attributes
    ----------
    value
        The number: a median where it was measured several times.
    interval
        Lower and upper end at 95%, or as near as the runs allow; None where there is none.
    runs
        Measurements (benchmarks), or draws, folds or cohorts (studies) behind it.
    spread
        Largest less smallest, over the median; None where it was measured once.
    """

    value: float
    interval: tuple[float, float] | None = None
    runs: int = 1
    spread: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """Median of repeated measurements with its order-statistic interval.

        The interval holds the true median with at least 95% from six runs on. With fewer runs it is the whole
        range, whose coverage is ``1 - 2 ** (1 - runs)``: 75% at three runs, 94% at five.
        """
        ordered = sorted(float(v) for v in values)
        runs = len(ordered)
        tails = itertools.accumulate(math.comb(runs, k) for k in range(runs))
        cut = max(0, sum(tail <= 0.025 * 2**runs for tail in tails) - 1)
        median = statistics.median(ordered)
        spread = (ordered[-1] - ordered[0]) / median if runs > 1 else None
        return cls(median, (ordered[cut], ordered[-1 - cut]), runs, spread)


@dataclass(frozen=True)
class Pairs:
    """Seconds of ours and of the peer, one pair per round."""

    ours: tuple[float, ...]
    peer: tuple[float, ...]

    @property
    def ratio(self) -> Figure:
        """Peer's time over ours, pair by pair: above one, ours is faster."""
        return Figure.of([theirs / ours for ours, theirs in zip(self.ours, self.peer, strict=True)])

    def rows(self, ours: str, peer: str) -> list[dict[str, object]]:
        """Two rows for the table: who, median seconds, fastest, slowest."""
        sides = ((ours, self.ours), (peer, self.peer))
        return [
            {"what": what, "seconds": statistics.median(times), "fastest": min(times), "slowest": max(times)}
            for what, times in sides
        ]


def paired(ours: Callable[[], object], peer: Callable[[], object], *, runs: int = 3, warm: bool = True) -> Pairs:
    """Time two functions in turn, ours, peer, ours, peer, so that a machine that slows down slows both.

    Parameters
    ----------
    ours, peer
        The same work done twice over, each on its own input, prepared beforehand.
    runs
        Rounds, at least three for a figure that is kept.
    warm
        Call each once before the clock starts, so that compilation and first-touch caches count for neither.
    """
    if warm:
        ours()
        peer()
    times = [(_seconds(ours), _seconds(peer)) for _ in range(runs)]
    return Pairs(tuple(a for a, _ in times), tuple(b for _, b in times))


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@dataclass(frozen=True)
class Child:
    """A finished command: wall seconds, peak resident memory in bytes, what it printed."""

    seconds: float
    peak_bytes: int
    output: str


def child(argv: Sequence[str], *, env: dict[str, str] | None = None) -> Child:
    """Run a command to its end; `env` is added to the environment.

    The peak is that of the command's largest single process, its own children included. The floor of
    what can be measured is the launcher's own size, about 10 MB.

    Raises
    ------
    RuntimeError
        If the command fails; says what it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder, "usage.json")
        launch = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(note), *argv]
        done = subprocess.run(launch, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})})
        if not note.exists():
            msg = f"{argv[0]} could not be started: {done.stderr.strip()}"
            raise RuntimeError(msg)
        seconds, peak, code = json.loads(note.read_text())
    if code:
        msg = f"{' '.join(argv)} ended with code {code}: {done.stderr.strip()[-2000:]}"
        raise RuntimeError(msg)
    unit = 1 if sys.platform == "darwin" else 1024
    return Child(seconds, peak * unit, done.stdout)


def require(peer: str) -> str:
    """Version of an installed peer, by the name that pip knows it under.

    Raises
    ------
    PeerMissingError
        If it is not installed; says what to type.
    """
    try:
        return metadata.version(peer)
    except metadata.PackageNotFoundError:
        msg = f"this is measured against {peer}, which is not installed; pip install -e '.[peers]'"
        raise PeerMissingError(msg) from None


def machine() -> dict[str, object]:
    """Processor, cores this process may use, memory and system; nothing that names the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": _cpu(),
        "cores": cores,
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _cpu() -> str:
    """Processor model; Linux says it in a file, macOS through sysctl."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        return models[0] if models else platform.machine()
    if sys.platform == "darwin":
        return subprocess.run(
            ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=True
        ).stdout.strip()
    return platform.processor() or platform.machine()
