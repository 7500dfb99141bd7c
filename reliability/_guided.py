"""One parser under atheris, in a process that imports nothing of genelight before it can be followed."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

import atheris

# numba compiles the cells' loop, and takes no code that was changed to be followed.
with atheris.instrument_imports(
    include=["genelight.io", "genelight._core", "genelight.study._settings"], exclude=["genelight.io.text._cells_loops"]
):
    from genelight.errors import GenelightError

    from .fuzz import SEEDS


def fuzz(name: str, options: list[str]) -> None:
    """Go on until the time is over, or something else than an error of ours comes out."""
    parse = SEEDS[name][1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name

        def once(data: bytes) -> None:
            path.write_bytes(data)
            with contextlib.suppress(GenelightError):
                parse(path)

        atheris.Setup([sys.argv[0], *options], once)
        atheris.Fuzz()


if __name__ == "__main__":
    fuzz(sys.argv[1], sys.argv[2:])
