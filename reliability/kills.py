"""Random kills (SIGKILL) of the verbs that write: what stands at the final name is whole, the next try succeeds."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import genelight as gl
from genelight.pp.preparation import Preparation

from ._bench import Row, call, killed_after, left, small_study

FEWEST = 12


def _whole(path: Path) -> bool:
    """Whether what stands at a final name is all there: opened by its reader, compared by its digests."""
    readers = {
        ".h5ad": lambda p: gl.read(p).n_obs,
        ".parquet": lambda p: len(gl.NodeGenes.load(p).nodes),
        ".tsv": lambda p: len(gl.Module.load(p).table),
        ".json": lambda p: len(Preparation.load(p).genes),
    }
    try:
        if path.suffix in readers:
            return bool(readers[path.suffix](path))
        if (path / "steps.json").is_file() or not any(path.iterdir()):
            # A run that was killed is not finished, and says so; nothing that it notes is altered.
            return set(gl.study.verify(path).wrong) <= {"run.json"} if any(path.iterdir()) else True
        return gl.study.verify(path).whole
    except gl.errors.GenelightError:
        return False


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:
    """Kill each verb at random moments for so many seconds in all."""
    rng = random.Random(seed)
    few = gl.demo.cohort()[:, :600].copy()
    few.write_h5ad(folder / "flu.h5ad")
    study = small_study(folder)
    gl.models.PCA(4).fit(few).save(folder / "pca")
    ill = ["--case", 'condition == "symptomatic" and hours >= 45', "--control", "hours == 0", "--subject", "subject"]
    table, model = folder / "flu.h5ad", ("--model", folder / "pca")
    verbs: dict[str, tuple[tuple[object, ...], str]] = {
        "read": (("read", table), "r.h5ad"),
        "map-ids": (("map-ids", table), "m.h5ad"),
        "prepare": (("prepare", table), "p.json"),
        "encode": (("encode", table, *model, "--layer", "PC"), "e.h5ad"),
        "light-up": (("light-up", *model, "--layer", "PC"), "n.parquet"),
        "pack": (("pack", table), "s.zarr"),
        "fit": (("fit", table, "--subject", "subject", "--widths", "16,8"), "fitted"),
        "disease-module": (("disease-module", table, *model, *ill, "--method", "de", "--size", 20), "d.tsv"),
        "run": (("run", study), "RUN"),
    }
    rows = []
    for name, (words, out) in verbs.items():
        end, target = time.monotonic() + seconds / len(verbs), folder / out
        tried = killed = wrong = 0
        asked = (*words, "--out", target)
        began = time.monotonic()
        code, _, said = call(*asked)
        whole_time = time.monotonic() - began
        if code:
            rows.append(Row(f"kill of {name}", 0, 1, f"cannot be tried: {said.strip()[-120:]}"))
            continue
        stopped = False
        while time.monotonic() < end or tried < FEWEST:
            # What a kill left is gone on from half of the time; what is whole would be refused, or not done again.
            if not stopped or rng.random() < 0.5 or name in ("pack", "fit"):
                shutil.rmtree(target, ignore_errors=True)
                target.unlink(missing_ok=True) if target.is_file() else None
            tried += 1
            stopped = killed_after(lambda: call(*asked)[0], rng.uniform(0, 1.1 * whole_time))  # noqa: B023
            killed += stopped
            wrong += target.exists() and not _whole(target)
        shutil.rmtree(target, ignore_errors=True)
        target.unlink(missing_ok=True) if target.is_file() else None
        code, _, said = call(*asked)
        wrong += code != 0 or not _whole(target)
        remains = [path for path in left(folder) if Path(path).parent == folder]
        wrong += bool(remains)
        outcome = f"{killed} killed, {tried - killed} ended first; the next try succeeded and left nothing behind"
        rows.append(
            Row(f"kill of {name}", tried, int(wrong), outcome if not wrong else f"WRONG {said[-80:]} {remains}")
        )
    return rows
