"""Response to checkpoint inhibitors on whole cohorts left out: what beats the signature of six genes, if anything.

Twelve cohorts of the compendium, biopsies taken before treatment (melanoma, lung, kidney, bladder, colon, pancreas,
glioblastoma): R against NR (in one cohort Yes against No), 296 patients; stable and mixed disease left out. Every rule
is learned on the other cohorts, and every setting, and the choice among rules, on cohorts inside that side. AUC is
taken within the cohort and weighted by size; intervals are percentiles of 2,000 bootstraps over cohorts, gains over the
signature are paired; p by responses permuted within cohorts, the whole procedure repeated. ``programmes``: 50 Hallmark
sets and three signatures, with the 64 nodes of a deep model's bottleneck: ``human``, which has seen these biopsies
without response, or ``deep without``, the same preset trained on the other studies of the compendium.

The value is the AUC of what is chosen among all, programmes of the model that has not seen these cohorts. Bars set
beforehand: 0.65, and more than the signature by an interval above zero. Neither is met: inside the training cohorts
nothing ever beat the signature by its standard error, so it is chosen for every cohort left out, and the product
recommends it. What could hold 0.634 down: not cohorts that differ (no variance of its AUC between them beyond chance),
little of its genes' noise (0.640 without), more of responses called wrongly (each 5% cost 0.02). Ridge on genes and PCA
do not rise from 2 to 11 cohorts; ridge on programmes rises from 0.50 to 0.59 and is still rising, but it is what
differs most between cohorts. The bar lies inside the interval: with twelve cohorts a gain of 0.02 cannot be seen.

``slope`` is that of calibration, by the other cohorts and after ten local patients (or half of the cohort).
The second holds the cohorts' shares of responders too, which need no score: scores of noise have a slope far above
zero as well, and net benefit over treating all or none is mostly that share. It is no evidence for the score.
``null``: responses permuted within cohorts: mean AUC, share of programmes with p up to 0.05 and 0.01, and how often
another rule than the signature would have been recommended. ``curve``: learned from 2 to 11 cohorts. ``bound``: what
could hold the figure down: the variance of the signature's AUC between cohorts, labels that are wrong (what it falls to
where 5% or 10% more are), and noise of the six genes themselves (reliability of halves, and the AUC that a signature
without it would have, both classes normal).

Tried, each a row here (``tried``), none chosen on what is reported: programmes of 105 reference profiles (composition
of 51 immune cell types, and tissues, for purity) in place of the Hallmark sets; the signature at equal infiltrate;
published lists with the signs of their papers, singly and as a plain mean (one of them was derived in part on
ICB_Mariathasan); group DRO (the worst cohort weighs most); the mean difference through the inverse of how differences
vary by cohort; genes of the signature with equal spread; stable disease as no response. Looked at before on the same
cohorts, and not repeated here: ridge on genes at five penalties (0.49 to 0.54), means of genes or sets chosen by random
effects (0.52 to 0.59, of ten leading immune cell types 0.63), Reactome (0.48 to 0.55), and the six genes with their
neighbours by co-expression in 522 other tumours (0.60 to 0.62; the sum with the signature 0.63): none above the
signature, and so no setting of the product was chosen by them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np
from benchmarks._harness import Result
from benchmarks._measure import Figure
from scipy import stats

from genelight.patients._response_calibration import calibrate, slopes
from genelight.patients._response_cohorts import SIGNATURES, Cohorts, cohort_sizes
from genelight.patients._response_judge import Judged, between, random_auc
from genelight.patients._response_programmes import Programmes, effects_of, joined
from genelight.patients._response_rules import CHOSEN, SIGNATURE, Bench

from ._response import (
    beaten_by_chance,
    cohort_auc,
    cohorts,
    flipped,
    interval,
    judged_by,
    learning_curve,
    null_of_programmes,
    programmes_by,
    published,
    reliability,
    robust_scores,
)

KINDS = ("deep without these cohorts", "human", "sets alone")
PERMUTATIONS, NULL_DRAWS, CURVE_DRAWS, FLIPS = 200, 100, 3, 200
CURVE = (2, 3, 5, 8, 11)
Row = dict[str, object]


def run(*, quick: bool) -> Result:
    began = time.monotonic()
    found = cohorts(quick=quick)
    kinds = KINDS[-1:] if quick else KINDS
    draws = 9 if quick else PERMUTATIONS
    rows: list[Row] = []
    first: tuple[Bench, Judged, Programmes] | None = None
    for kind in kinds:
        programmes = programmes_by(found, kind, quick=quick)
        bench, judged = judged_by(found, programmes, draws=draws)
        rows += list(_methods(kind, bench=bench, judged=judged, found=found))
        first = first or (bench, judged, programmes)
        print(f"{kind}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    bench, judged, programmes = first or (bench, judged, programmes)
    rows += list(_by_cohort(judged, found))
    rows += list(_calibration(judged, found))
    rows += list(_null(judged, found, programmes, draws=5 if quick else NULL_DRAWS))
    rows += list(_programmes(found, programmes))
    print(f"null: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    rows += list(_tried(bench, judged, found, quick=quick))
    print(f"tried: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    rows += list(_curve(bench, judged, sizes=(2, 3) if quick else CURVE, draws=1 if quick else CURVE_DRAWS))
    rows += list(_bounds(bench, judged, found, draws=10 if quick else FLIPS))
    value, low, high = interval(judged.auc[CHOSEN][:, 0], judged.weight_c)
    data = f"{len(found.y_n)} patients of {len(found.names)} cohorts, {int(found.y_n.sum())} responders"
    return Result("value", Figure(value, (low, high), runs=len(found.names)), data, rows)


def _methods(kind: str, *, bench: Bench, judged: Judged, found: Cohorts) -> Iterator[Row]:
    sizes = cohort_sizes(found)
    reference_c = judged.auc[SIGNATURE][:, 0]
    for method, auc_ct in judged.auc.items():
        mean_t = judged.weight_c @ auc_ct
        row = _row(f"rules, programmes of {kind}", method, auc_c=auc_ct[:, 0], reference_c=reference_c, judged=judged)
        tau2, p = between(auc_ct[:, 0], sizes)
        yield row | {"p": float(np.mean(mean_t >= mean_t[0])), "sd between": tau2**0.5, "p between": p}
    random_cd = random_auc(bench, genes=len(SIGNATURES[SIGNATURE]), seed=0)
    yield _row(
        f"rules, programmes of {kind}", "random genes", auc_c=random_cd.mean(1), reference_c=reference_c, judged=judged
    )


def _row(what: str, name: str, *, auc_c: np.ndarray, reference_c: np.ndarray, judged: Judged) -> Row:
    value, low, high = interval(auc_c, judged.weight_c)
    gain, gain_low, gain_high = interval(auc_c - reference_c, judged.weight_c)
    return {
        "what": what,
        "rule": name,
        "AUC": value,
        "low": low,
        "high": high,
        "gain": gain,
        "gain low": gain_low,
        "gain high": gain_high,
    }


def _by_cohort(judged: Judged, found: Cohorts) -> Iterator[Row]:
    for c, row in enumerate(cohort_sizes(found).itertuples()):
        for method in (SIGNATURE, "ridge on genes", "signature and stable programmes", CHOSEN):
            rule = judged.chosen[method][c]
            said = f"{rule.method} {rule.setting or ''}".strip() if method == CHOSEN else ""
            yield {
                "what": f"{row.cohort}, {row.responders} of {row.samples}",
                "rule": method,
                "AUC": float(judged.auc[method][c, 0]),
                "chosen": said,
            }


def _calibration(judged: Judged, found: Cohorts) -> Iterator[Row]:
    for method in (SIGNATURE, "ridge on genes", CHOSEN):
        given = {"y_n": found.y_n, "cohort_n": found.cohort_n, "local": 10, "seed": 0}
        made = calibrate(judged.score[method], judged.inner[method], **given)
        for how, told in slopes(made, found.y_n, found.cohort_n, seed=0).items():
            yield {
                "what": f"slope, {how}",
                "rule": method,
                "slope": told["slope"],
                "low": told["low"],
                "high": told["high"],
                "Brier": told["brier"],
            }


def _null(judged: Judged, found: Cohorts, programmes: Programmes, *, draws: int) -> Iterator[Row]:
    for method in (SIGNATURE, "ridge on genes", "ridge on programmes", "signature and stable programmes", CHOSEN):
        mean_t = judged.weight_c @ judged.auc[method][:, 1:]
        yield {"what": "null", "rule": method, "AUC": float(mean_t.mean()), "sd": float(mean_t.std())}
    yield {"what": "null, another rule recommended", "rule": CHOSEN, "share": beaten_by_chance(judged)}
    p = null_of_programmes(found, programmes, draws=draws)
    for level in (0.05, 0.01):
        yield {"what": f"null, programmes with p up to {level}", "share": float((p <= level).mean())}
    least = np.array([stats.false_discovery_control(row[~np.isnan(row)]).min() for row in p])
    yield {"what": "null, draws with any q up to 0.05", "share": float((least <= 0.05).mean())}


def _programmes(found: Cohorts, programmes: Programmes) -> Iterator[Row]:
    table = joined(*effects_of(programmes.f_nk, found, adjust=(), notes=[]), programmes)
    for row in table.head(12).itertuples():
        yield {
            "what": "programme",
            "rule": f"{row.name} ({row.genes})" if str(row.name).startswith("L2") else row.name,
            "effect": row.effect,
            "low": row.low,
            "high": row.high,
            "q": row.q,
            "I2": row.i2,
        }


def _tried(bench: Bench, judged: Judged, found: Cohorts, *, quick: bool) -> Iterator[Row]:
    reference_c = judged.auc[SIGNATURE][:, 0]
    scores = dict(published(found)) if not quick else {}
    scores |= dict(robust_scores(bench))
    for name, score_n in scores.items():
        if name != SIGNATURE:
            auc_c = cohort_auc(score_n, found.y_n, found.cohort_n)
            yield _row("tried", name, auc_c=auc_c, reference_c=reference_c, judged=judged)
    if quick:
        return
    _, other = judged_by(found, programmes_by(found, "reference profiles", quick=False), draws=0)
    for method in ("ridge on programmes", "signature and stable programmes", CHOSEN):
        yield _row(
            "tried, reference profiles", method, auc_c=other.auc[method][:, 0], reference_c=reference_c, judged=judged
        )
    stable = cohorts(quick=False, words={"SD": "NR", "mixed": "drop"})
    _, with_stable = judged_by(stable, programmes_by(stable, "sets alone", quick=False), draws=0)
    own_c = with_stable.auc[SIGNATURE][:, 0]
    for method in (SIGNATURE, "ridge on genes", "signature and stable programmes", CHOSEN):
        yield _row(
            "tried, stable disease as no response",
            method,
            auc_c=with_stable.auc[method][:, 0],
            reference_c=own_c,
            judged=with_stable,
        )


def _curve(bench: Bench, judged: Judged, *, sizes: tuple[int, ...], draws: int) -> Iterator[Row]:
    one = bench.observed
    reference_c = judged.auc[SIGNATURE][:, 0]
    for size, name, auc_c in learning_curve(one, sizes, draws=draws):
        yield _row(f"curve, {size} cohorts", name, auc_c=auc_c, reference_c=reference_c, judged=judged)


def _bounds(bench: Bench, judged: Judged, found: Cohorts, *, draws: int) -> Iterator[Row]:
    auc_c = judged.auc[SIGNATURE][:, 0]
    tau2, p = between(auc_c, cohort_sizes(found))
    yield {"what": "bound, between cohorts", "rule": SIGNATURE, "sd between": tau2**0.5, "p between": p}
    for share in (0.05, 0.1):
        yield {
            "what": f"bound, {share:.0%} of labels wrong",
            "rule": SIGNATURE,
            "AUC": flipped(bench, share, draws=draws),
        }
    told = reliability(found)
    own = float(judged.weight_c @ auc_c)
    without = float(stats.norm.cdf(stats.norm.ppf(own) / told**0.5))
    yield {"what": "bound, without noise of its genes", "rule": SIGNATURE, "reliability": told, "AUC": without}
