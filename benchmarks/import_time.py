"""Seconds that `import genelight` takes in a new interpreter.

The value is the median over new processes of the time between the first and the last moment of the import
statement, byte code already compiled. The rows set beside it the whole command and an interpreter that does
nothing, and what the import must not load.
"""

from __future__ import annotations

import json
import sys

from benchmarks._harness import Result
from benchmarks._measure import Figure, child

_TIMED = """
import json, sys, time
started = time.perf_counter()
import genelight
seconds = time.perf_counter() - started
print(json.dumps([seconds, [m for m in ("torch", "matplotlib", "pandas", "sklearn") if m in sys.modules]]))
"""


def run(*, quick: bool) -> Result:
    runs = 3 if quick else 5
    inside, command, bare, loaded = [], [], [], []
    child([sys.executable, "-c", _TIMED])  # writes the byte code
    for _ in range(runs):
        done = child([sys.executable, "-c", _TIMED])
        seconds, loaded = json.loads(done.output)
        inside.append(seconds)
        command.append(done.seconds)
        bare.append(child([sys.executable, "-c", "pass"]).seconds)
    sides = {"import genelight": inside, 'python -c "import genelight"': command, 'python -c "pass"': bare}
    rows: list[dict[str, object]] = [
        {"what": what, "seconds": Figure.of(times).value, "best": min(times)} for what, times in sides.items()
    ]
    rows.append({"what": f"heavy libraries it loads: {', '.join(loaded) or 'none'}"})
    return Result("value", Figure.of(inside), data="new Python processes, warm disk cache", rows=rows)
