"""A clock that was set back, or forward: what is done stays done, and what is whole stays whole."""

from __future__ import annotations

import os
from pathlib import Path

import genelight as gl

from ._bench import Row, small_study

YEARS = {"to 1980": 315_532_800, "to 2099": 4_070_908_800}


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:  # noqa: ARG001
    """Give every file of a run and of a store times far off, and go on."""
    study = gl.study.Study.load(small_study(folder))
    gl.study.run(study, folder / "RUN")
    gl.io.pack([folder / "few.h5ad"], folder / "s.zarr")
    rows = []
    for name, when in YEARS.items():
        for path in folder.rglob("*"):
            os.utime(path, (when, when))
        said: list[str] = []
        gl.study.run(study, folder / "RUN", say=said.append)
        whole = gl.study.verify(folder / "RUN").whole and gl.study.verify(folder / "s.zarr").whole
        wrong = int(len(said) != 1) + int(not whole)
        rows.append(
            Row(
                f"clock set {name}", 1, wrong, "nothing was done again, everything is whole" if not wrong else str(said)
            )
        )
    return rows
