"""A study with one, two and four threads, then with samples and genes shuffled: which bytes stay, and which words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import genelight as gl

from ._bench import Row, small_study

COUNTS = (1, 2, 4)
STUDY = """
[data]
expression = "flu.h5ad"
subject = "subject"
[contrast]
case = 'condition == "symptomatic" and hours >= 45'
control = "hours == 0"
[model]
widths = [16, 8]
epochs = 4
[module]
size = 20
folds = 3
bootstraps = 5
[tests]
draws = 99
"""


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:  # noqa: ARG001
    """Run it once with each number of threads, each in a process of its own."""
    gl.demo.cohort()[:, :600].copy().write_h5ad(folder / "flu.h5ad")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    code = "import sys; from genelight.cli import main; sys.argv = ['genelight', *sys.argv[1:]]; main()"
    made, found, taken = [], [], []
    for count in COUNTS:
        out = folder / f"RUN{count}"
        surroundings = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"} | {
            "GENELIGHT_THREADS": str(count)
        }
        subprocess.run(
            [sys.executable, "-c", code, "run", str(folder / "study.toml"), "--out", str(out)],
            env=surroundings,
            check=True,
            capture_output=True,
        )
        steps = json.loads((out / "steps.json").read_text(encoding="utf-8"))
        made.append(
            {file: known for name, step in steps.items() if name != "seal" for file, known in step["outputs"].items()}
        )
        found.append(json.loads((out / "report.json").read_text(encoding="utf-8"))["findings"])
        taken.append(json.loads((out / "run.json").read_text(encoding="utf-8"))["threads"])
    other = sorted(file for file in made[0] if any(file not in one or one[file] != made[0][file] for one in made))
    rows = [Row("findings with 1, 2 and 4 threads", 3, sum(one != found[0] for one in found), "the same sentences")]
    rows.append(
        Row("files with 1, 2 and 4 threads", len(made[0]), len(other), f"other bytes: {', '.join(other[:6]) or 'none'}")
    )
    rows.append(
        Row(
            "threads recorded in run.json",
            3,
            sum(t["asked"] != c for t, c in zip(taken, COUNTS, strict=True)),
            str(taken),
        )
    )
    return [*rows, *_shuffled(folder, seed)]


def _shuffled(folder: Path, seed: int) -> list[Row]:
    """The same study on the same samples in another order, and on the same genes in another order."""
    study = gl.study.Study.load(small_study(folder))
    table = gl.read(folder / "few.h5ad")
    rng, modules, said = np.random.default_rng(seed), [], []
    for name, rows, columns in (
        ("as-they-are", np.arange(table.n_obs), np.arange(table.n_vars)),
        ("samples", rng.permutation(table.n_obs), np.arange(table.n_vars)),
        ("genes", np.arange(table.n_obs), rng.permutation(table.n_vars)),
    ):
        table[rows, columns].copy().write_h5ad(folder / "few.h5ad")
        gl.study.run(study, folder / name)
        modules.append(gl.Module.load(folder / name / "05_module.tsv").selected)
        said.append(json.loads((folder / name / "report.json").read_text(encoding="utf-8"))["findings"])
    found = []
    for what, module, sentences in zip(("samples", "genes"), modules[1:], said[1:], strict=True):
        same = sum(a == b for a, b in zip(sentences, said[0], strict=True))
        outcome = f"{len(set(module) & set(modules[0]))} of {len(module)} genes of the module, {same} of "
        outcome += f"{len(sentences)} findings to the last digit"
        wrong = sorted(module) != sorted(modules[0]) or same < len(sentences)
        found.append(Row(f"{what} in another order", 1, int(wrong), outcome))
    return found
