"""What training costs against samples, genes, bottleneck, network and draws, and what a million samples would cost.

Each row is a process with one thread, forked from one that has all imported, which does ``prepare`` and a deep fit
(512-64-2,048 nodes, 256 axes) on a simulated compendium packed as a store; one number is varied at a time about 4,200
samples x 1,000 genes. Beyond 4,200 samples the same are read over again. It trains one epoch and refines by five steps,
whose times are taken apart: *prepare* (one pass), *pilot* and *passes* (the axes, once; a fit finds them twice),
*epoch* (every sample once), *refine* (one step of every sample's code) and *rest*. *fit* puts together from these what
a deep model takes with the recipe's 40 epochs and 20 steps, on four fifths of the samples and on all. Seconds are those
that a processor worked for the process: others had the machine too, and what their work does to caches is in them.
*clock* is what a clock on the wall said of the short fit. Sizes are measured in rounds, the second as far as twenty
minutes allow, and the smaller seconds count; *runs* says how often. What a run that was broken off had measured is not
measured again. Peak memory is that of the process. Draws are shuffles of
labels in ``permutation_test`` on the influenza cohort through PCA.

Exponents are least squares of logarithms with intervals at 95% (Student's t); they describe. Foretold is by work: a
fixed cost and a rate of what a part does (values read, values times axes, samples, samples times weights, genes), none
below zero, by least squares of the relative error; a power law would carry on what a fixed cost bends. Up to 4,000
samples a store is held in memory and its axes are found another way: these sizes are shown and not fitted. Memory is a
number, and numbers for each gene and each sample. Sizes that are held out take no part in any; the rows say what was
foretold of them. Nor does a fit of five epochs and twenty steps, which asks how a fit was put together.

The last rows are the calculation for a million samples, by this and by the assumptions at the head of
``benchmarks/_million.py``: put in your own. There *passes* has the axes whole, *epoch* the training and *refine* the
codes, in hours, and *GB sent* is of one process. The value is the largest factor between what was foretold of a fit on
held-out sizes and what it took.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks._fit_parts import PARTS, draws, fit, forked, steps, whole
from benchmarks._harness import Result
from benchmarks._laws import Law, Work, off_by
from benchmarks._measure import Figure
from benchmarks._million import Measured, calculation
from benchmarks.memory_flat import _packed
from genelight._core.disk import writing
from genelight.models.subspace.exact import EXACT_UP_TO
from genelight.simulate import Compendium

SHORT = {"epochs": 1, "steps": 5}
LONG = {"epochs": 5, "steps": 20}
KEPT = Path(__file__).parent / "records" / "cost_curves.unfinished"


@dataclass(frozen=True)
class Size:
    """What is fitted."""

    samples: int
    genes: int
    bottleneck: int = 64
    wide: int = 512

    @property
    def widths(self) -> tuple[int, int, int]:
        """Nodes of L1, L2 and L3."""
        return self.wide, self.bottleneck, 4 * self.wide

    @property
    def axes(self) -> int:
        """Of the subspace that is trained in."""
        return max(256, 2 * self.bottleneck)

    @property
    def weights(self) -> int:
        """Numbers that a step of training changes."""
        sizes = (self.axes, *self.widths, self.axes)
        return sum((a + 1) * b for a, b in pairwise(sizes))


Found = dict[str, float]
WORK: dict[str, Callable[[Size], tuple[float, ...]]] = {
    "prepare": lambda s: (1.0, s.genes, s.samples * s.genes),
    "pilot": lambda s: (1.0, s.genes),
    "passes": lambda s: (1.0, s.samples * s.genes, s.samples * s.genes * s.axes),
    "epoch": lambda s: (1.0, s.samples, s.samples * s.weights),
    "refine": lambda s: (1.0, s.samples, s.samples * s.weights),
    "rest": lambda s: (1.0, s.genes, s.samples, s.samples * s.genes),
}
"""What each part of a fit does."""


@dataclass(frozen=True)
class Plan:
    """Sizes along each curve, and those that are held out."""

    centre: Size
    samples: tuple[int, ...]
    genes: tuple[int, ...]
    bottlenecks: tuple[int, ...]
    wides: tuple[int, ...]
    draws: tuple[int, ...]
    held_out: tuple[Size, ...]
    minutes: float

    @property
    def along(self) -> dict[str, list[Size]]:
        """Sizes by what is varied."""
        return {
            "samples": [replace(self.centre, samples=n) for n in self.samples],
            "genes": [replace(self.centre, genes=g) for g in self.genes],
            "bottleneck": [replace(self.centre, bottleneck=b) for b in self.bottlenecks],
            "weights": [replace(self.centre, wide=w) for w in self.wides],
        }

    @property
    def sizes(self) -> list[Size]:
        """Each once, those to be fitted first."""
        return list(dict.fromkeys([*(size for sizes in self.along.values() for size in sizes), *self.held_out]))


FULL = Plan(
    Size(4_200, 1_000),
    (1_000, 3_000, 4_200, 7_000, 12_000, 20_000, 30_000),
    (1_000, 2_500, 6_000, 20_000, 60_000),
    (8, 24, 64, 192, 512),
    (64, 128, 256, 512, 1_024),
    (10, 20, 40, 80, 160),
    (Size(60_000, 1_000), Size(100_000, 1_000), Size(10_000, 6_000)),
    20.0,
)
QUICK = Plan(
    Size(4_200, 300),
    (1_000, 4_200, 5_000, 6_000),
    (300, 600, 1_200),
    (8, 24, 64),
    (128, 256, 512),
    (5, 10, 20),
    (Size(8_000, 300), Size(6_000, 600)),
    0.0,
)


def run(*, quick: bool) -> Result:
    plan = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as name:
        found, long = _measured(plan, Path(name), None if quick else KEPT)
    laws = {factor: _laws(factor, sizes, found) for factor, sizes in plan.along.items()}
    fitted = [size for size in plan.sizes if size not in plan.held_out and size.samples > EXACT_UP_TO]
    works = {part: Work.of([WORK[part](s) for s in fitted], [found[s][part] for s in fitted]) for part in PARTS}
    memory = _memory(fitted, found)
    drawn = {count: forked(draws, count) for count in plan.draws}
    by_draws = Law.of(plan.draws, [each["seconds"] for each in drawn.values()])

    def foretold(size: Size) -> Found:
        return {part: work.at(WORK[part](size)) for part, work in works.items()}

    rows = [row for factor, sizes in plan.along.items() for row in _curve(factor, sizes, found, laws=laws[factor])]
    rows += [
        {"what": f"{count} draws", "fit": each["seconds"], "peak GB": each["peak GB"]} for count, each in drawn.items()
    ]
    rows += [{"what": "exponent in draws", "fit": _said(by_draws)}, memory.row]
    checks = [_check(size, found[size], foretold(size), peak=memory.at(size)) for size in plan.held_out]
    rows += [row for check in checks for row in check]
    rows += _composed(found[plan.centre], long)
    step = forked(steps, 8)
    rows.append({"what": f"a step of 128 samples, {step['operations']:.0f} operations", "epoch": step["step"]})
    rows.append({"what": "a step of 8 samples", "epoch": step["small_step"]})
    rows += calculation(
        Measured(
            lambda n, g: foretold(replace(plan.centre, samples=n, genes=g)),
            lambda n, g: memory.at(replace(plan.centre, samples=n, genes=g)),
            step["step"],
            step["small_step"],
            int(step["operations"]),
        )
    )
    worst = max(float(str(row["fit"])) for check in checks for row in check if str(row["what"]).endswith("off by"))
    data = f"simulated compendia, {plan.centre.samples} x {plan.centre.genes} varied, one thread"
    return Result("value", Figure(worst, runs=len(checks)), data, rows)


def _measured(plan: Plan, folder: Path, kept: Path | None) -> tuple[dict[Size, Found], Found]:
    """Every size, once and then again as far as time allows, and the long fit at the centre."""
    began, found = time.monotonic(), dict[Size, Found]()

    def fitted(size: Size, name: str, how: Mapping[str, int]) -> Found:
        at = kept and kept / f"{'-'.join(map(str, vars(size).values()))}-{name}.json"
        if at and at.is_file():
            return json.loads(at.read_text())
        store = folder / str(size.genes)
        if not store.is_dir():
            store.mkdir()
            forked(_pack, Compendium(plan.centre.samples, size.genes), store)
        made = forked(fit, store / "compendium.zarr", size.samples, size.widths, **how)
        print(f"{size}: {made['everything']:.1f} s", file=sys.stderr, flush=True)
        if at:
            at.parent.mkdir(exist_ok=True)
            with writing(at) as draft:
                draft.write_text(json.dumps(made) + "\n")
        return made

    for name in ("once", "twice"):
        for size in plan.sizes:
            if found.keys() >= set(plan.sizes) and time.monotonic() - began > 60 * plan.minutes:
                break
            one = {**fitted(size, name, SHORT), "runs": 1.0}
            found[size] = _smaller(found[size], one) if size in found else one
    return found, fitted(plan.centre, "long", LONG)


def _pack(compendium: Compendium, place: Path) -> Found:
    _packed(compendium, place)
    return {}


def _smaller(one: Found, other: Found) -> Found:
    return {name: min(value, other[name]) for name, value in one.items()} | {"runs": one["runs"] + other["runs"]}


def _laws(factor: str, sizes: Sequence[Size], found: Mapping[Size, Found]) -> dict[str, Law]:
    """The law of each part along a curve, of sizes that are read block by block."""
    fitted = [size for size in sizes if size.samples > EXACT_UP_TO]
    at = [float(getattr(size, factor)) for size in fitted]
    return {part: Law.of(at, [found[size][part] for size in fitted]) for part in PARTS}


@dataclass(frozen=True)
class Memory:
    """Peak bytes: a number, and numbers for each gene and each sample."""

    base: float
    gene: float
    sample: float

    def at(self, size: Size) -> float:
        """Of a size."""
        return self.base + self.gene * size.genes + self.sample * size.samples

    @property
    def row(self) -> dict[str, object]:
        """For the table."""
        said = f"{self.base / 1e9:.2f}, and {self.gene / 1e3:.1f} KB a gene, {self.sample / 1e3:.1f} KB a sample"
        return {"what": "memory", "peak GB": said}


def _memory(sizes: Sequence[Size], found: Mapping[Size, Found]) -> Memory:
    centre = (Size(0, 0).bottleneck, Size(0, 0).wide)
    fitted = [s for s in sizes if (s.bottleneck, s.wide) == centre]
    known = np.array([[1.0, s.genes, s.samples] for s in fitted])
    numbers, *_ = np.linalg.lstsq(known, np.array([1e9 * found[s]["peak GB"] for s in fitted]), rcond=None)
    return Memory(*map(float, numbers))


def _curve(
    factor: str, sizes: Sequence[Size], found: Mapping[Size, Found], *, laws: Mapping[str, Law]
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {
            "what": f"{getattr(size, factor):,} {factor}",
            **_parts(found[size]),
            "clock": found[size]["clock"],
            "peak GB": found[size]["peak GB"],
            "GB read": found[size]["bytes read"] / 1e9,
            "runs": int(found[size]["runs"]),
        }
        for size in sizes
    ]
    return [*rows, {"what": f"exponent in {factor}", **{part: _said(law) for part, law in laws.items()}}]


def _parts(found: Found) -> dict[str, object]:
    return {**{part: found[part] for part in PARTS}, "fit": whole(found)}


def _said(law: Law) -> str:
    return f"{law.exponent:.2f} [{law.low:.2f}, {law.high:.2f}]"


def _check(size: Size, found: Found, foretold: Found, *, peak: float) -> list[dict[str, object]]:
    """Foretold, measured, and the factor between them."""
    said = {**foretold, "fit": whole(foretold), "peak GB": peak / 1e9}
    took = {**found, "fit": whole(found)}
    what = f"held out, {size.samples:,} x {size.genes:,}"
    off = {name: off_by(value, took[name]) for name, value in said.items()}
    return [
        {"what": f"{what}: foretold", **said},
        {"what": f"{what}: measured", **{name: took[name] for name in said}, "clock": found["clock"]},
        {"what": f"{what}: off by", **off},
    ]


def _composed(short: Found, long: Found) -> list[dict[str, object]]:
    said, took = whole(short, epochs=LONG["epochs"]), long["everything"]
    what = f"a {'deep fit' if long['deep'] else 'fit that is PCA'} of {LONG['epochs']} epochs"
    return [
        {"what": f"{what}: foretold", "fit": said},
        {"what": f"{what}: measured", "fit": took, "clock": long["clock"]},
    ]
