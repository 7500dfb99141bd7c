"""Response to checkpoint inhibitors on whole cohorts left out: what beats the signature of six genes, if anything.

Twelve cohorts of the compendium, biopsies taken before treatment (melanoma, lung, kidney, bladder, colon, pancreas,
glioblastoma): R against NR (in one cohort Yes against No), 296 patients; stable and mixed disease left out. Every rule
is learned on the other cohorts, and every setting, and the choice among rules, on cohorts inside that side. AUC is
taken within the cohort and weighted by size; intervals are those of Student's t over cohorts (jackknife); ``boot`` and
``gain boot`` have percentiles of 2,000 bootstraps over cohorts, which are too narrow (rows ``interval missed``). Gains
over the signature are paired; p by responses permuted within cohorts, the whole procedure repeated. ``programmes``: 50
Hallmark sets and three signatures, with the 64 nodes of a deep model's bottleneck: ``human``, which has seen these
biopsies without response, or ``deep without``, the same preset trained on the other studies of the compendium.

The value is the AUC of what is chosen among all, programmes of the model that has not seen these cohorts. Bars set
beforehand: 0.65, and more than the signature by an interval above zero. Neither is met: inside the training cohorts
nothing ever beat the signature by its standard error, so it is chosen for every cohort left out, and the product
recommends it. What could hold 0.634 down: not cohorts that differ (no variance of its AUC between them beyond chance),
little of its genes' noise (0.640 without), more of responses called wrongly (each 5% cost 0.02). Ridge on genes and PCA
do not rise from 2 to 11 cohorts; ridge on programmes rises from 0.54 to 0.58, but it is what differs most between
cohorts. The bar lies inside the interval: with twelve cohorts a gain of 0.02 cannot be seen.

``decision``: net benefit of treating from a threshold on, after ten local patients, beside treating all, treating none
and the local share of responders alone. ``declined``: patients for whom the other cohorts hold nobody like them.

``slope`` is that of calibration, by the other cohorts and after ten local patients (or half of the cohort).
The second holds the cohorts' shares of responders too, which need no score: scores of noise have a slope far above
zero as well, and net benefit over treating all or none is mostly that share. It is no evidence for the score.
``interval missed``: cohorts of these sizes, simulated. Student's t misses 4.5 to 7% where it says 5; a bootstrap of 3,
4, 6 and 12 cohorts 24 to 27, 20, 14 and 8 to 10%. A patient's interval of 90% (``sd`` is its mean width there) misses
the true probability in 3 to 13% of patients. ``null``: responses permuted within cohorts: mean AUC, share of
programmes with p up to 0.05 and 0.01, and how often another rule than the signature would have been recommended.
``curve``: learned from 2 to 11 cohorts. ``bound``: what could hold the figure down: the variance of the signature's
AUC between cohorts, labels that are wrong (what it falls to where 5% or 10% more are), and noise of the six genes
themselves (reliability of halves, and the AUC that a signature without it would have, both classes normal).

Tried, each a row here (``tried``), none chosen on what is reported: programmes of 105 reference profiles (51 immune
cell types, 54 tissues) in place of the Hallmark sets; the signature at equal infiltrate (seven genes of all leukocytes;
the purity of a tumour is not estimated, from no copy number, mutation or pathologist: only infiltrate and reference
profiles); published lists with the signs of their papers, singly and as a plain mean (one of them was derived in part
on ICB_Mariathasan), and learned with no sign turned; group DRO (the worst cohort weighs most); the mean difference
through the inverse of how differences vary by cohort; codes learned against a network that tells the cohort (a linear
one is at chance, cohorts' means are out); nodes that two further seeds find again (all 64 are kept, so being found
again decided nothing here) and that are present within four fifths of the training cohorts; programmes and signature at
equal composition (three axes of the reference profiles); genes of the signature with equal spread; stable disease as no
response. Looked at before on the same cohorts, and not repeated here: ridge on genes at five penalties (0.49 to 0.54),
means of genes or sets chosen by random effects (0.52 to 0.59, of ten leading immune cell types 0.63), Reactome (0.48 to
0.55), and the six genes with their neighbours by co-expression in 522 other tumours (0.60 to 0.62; the sum with the
signature 0.63): none above the signature, and so no setting of the product was chosen by them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np
from benchmarks._harness import Result
from benchmarks._measure import Figure
from scipy import stats

from genelight.patients._applicability import domain_of
from genelight.patients._response_calibration import calibrate, slopes
from genelight.patients._response_cohorts import SIGNATURES, Cohorts, cohort_sizes
from genelight.patients._response_judge import (
    Judged,
    auc_interval,
    between,
    bounds_of,
    cohort_auc,
    learning_curve,
    random_auc,
)
from genelight.patients._response_programmes import Programmes, effects_of, joined
from genelight.patients._response_rules import CHOSEN, SIGNATURE, Bench
from genelight.patients.response import _calibrated, _decision, _declined, _without_score

from ._response import (
    PUBLISHED,
    beaten_by_chance,
    bootstrapped,
    cohorts,
    judged_by,
    missed,
    model_without_tumours,
    null_of_programmes,
    patients_missed,
    programmes_by,
    published,
)
from ._travels import (
    Sides,
    at_equal_composition,
    nested,
    only_what_is_present,
    present,
    ridge,
    robust_scores,
    seen_again,
    signature_first,
)

KINDS = ("deep without these cohorts", "human", "sets alone")
PERMUTATIONS, NULL_DRAWS, CURVE_DRAWS, INTERVALS, SEEDS = 200, 100, 3, 1000, 3
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
    rows += list(_worth(judged, found))
    rows += list(_refused(found))
    rows += list(_null(judged, found, programmes, draws=5 if quick else NULL_DRAWS))
    rows += list(_programmes(found, programmes))
    print(f"null: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    rows += list(_tried(bench, judged, found, quick=quick))
    print(f"tried: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    rows += list(_curve(bench, judged, sizes=(2, 3) if quick else CURVE, draws=1 if quick else CURVE_DRAWS))
    rows += list(_bounds(bench, judged, found))
    rows += list(_missed(found, draws=20 if quick else INTERVALS))
    value, low, high = auc_interval(judged.auc[CHOSEN][:, 0], judged.weight_c)
    data = f"{len(found.y_n)} patients of {len(found.names)} cohorts, {int(found.y_n.sum())} responders"
    return Result("value", Figure(value, (low, high), runs=len(found.names)), data, rows)


def _methods(kind: str, *, bench: Bench, judged: Judged, found: Cohorts) -> Iterator[Row]:
    sizes = cohort_sizes(found)
    reference_c = judged.auc[SIGNATURE][:, 0]
    for method, auc_ct in judged.auc.items():
        mean_t = judged.weight_c @ auc_ct
        row = _row(f"rules, programmes of {kind}", method, auc_c=auc_ct[:, 0], reference_c=reference_c, judged=judged)
        tau2, p = between(auc_ct[:, 0], sizes)
        boot = bootstrapped(auc_ct[:, 0], judged.weight_c)
        row |= {"boot low": boot[0], "boot high": boot[1]}
        boot = bootstrapped(auc_ct[:, 0] - reference_c, judged.weight_c)
        row |= {"gain boot low": boot[0], "gain boot high": boot[1]}
        yield row | {"p": float(np.mean(mean_t >= mean_t[0])), "sd between": tau2**0.5, "p between": p}
    random_cd = random_auc(bench, genes=len(SIGNATURES[SIGNATURE]), seed=0)
    yield _row(
        f"rules, programmes of {kind}", "random genes", auc_c=random_cd.mean(1), reference_c=reference_c, judged=judged
    )


def _row(what: str, name: str, *, auc_c: np.ndarray, reference_c: np.ndarray, judged: Judged) -> Row:
    value, low, high = auc_interval(auc_c, judged.weight_c)
    gain, gain_low, gain_high = auc_interval(auc_c - reference_c, judged.weight_c)
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
        for how, told in slopes(made, found.y_n, found.cohort_n).items():
            yield {
                "what": f"slope, {how}",
                "rule": method,
                "slope": told["slope"],
                "low": told["low"],
                "high": told["high"],
                "Brier": told["brier"],
            }


def _worth(judged: Judged, found: Cohorts) -> Iterator[Row]:
    made = {name: _calibrated(judged, name, found, local=10, seed=0) for name in (CHOSEN, SIGNATURE)}
    table = _decision(made, CHOSEN, found.y_n, flat=_without_score(found, local=10, seed=0))
    for row in table.itertuples():
        yield {
            "what": f"decision, treated from {row.threshold:g}",
            "rule": CHOSEN,
            "net benefit": row.rule,
            "treat all": row.treat_all,
            "treat none": row.treat_none,
            "local share": row.local_share,
        }


def _refused(found: Cohorts) -> Iterator[Row]:
    domain = domain_of(found.x_ng[:, found.common_g], found.cohort_n)
    yield {"what": "declined, all patients", "share": float(1 - domain.inside_n.mean())}
    for name, share in zip(found.names, _declined(domain, found), strict=True):
        yield {"what": f"declined, {name}", "share": float(share)}


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
    scores = {} if quick else dict(published(found))
    signed = None if quick else signature_first(scores, list(PUBLISHED))
    scores |= dict(robust_scores(bench, signed))
    if not quick:
        scores |= dict(_reproducible(bench, found))
    for name, score_n in scores.items():
        if name != SIGNATURE:
            auc_c = cohort_auc(score_n, found.y_n, found.cohort_n)
            yield _row("tried", name, auc_c=auc_c, reference_c=reference_c, judged=judged)
    if quick:
        return
    profiles = programmes_by(found, "reference profiles", quick=False)
    _, other = judged_by(found, profiles, draws=0)
    equal = Programmes(
        tuple(f"set {k}" for k in range(bench.f_nk.shape[1])),
        ("",) * bench.f_nk.shape[1],
        {},
        at_equal_composition(bench.f_nk, profiles, found.cohort_n),
    )
    _, at_equal = judged_by(found, equal, draws=0)
    score_n = at_equal_composition(bench.fixed[SIGNATURE][:, None], profiles, found.cohort_n)[:, 0]
    auc_c = cohort_auc(score_n, found.y_n, found.cohort_n)
    yield _row("tried", "signature at equal composition", auc_c=auc_c, reference_c=reference_c, judged=judged)
    for what, told in (("reference profiles", other), ("programmes at equal composition", at_equal)):
        for method in ("ridge on programmes", "signature and stable programmes", CHOSEN):
            auc_c = told.auc[method][:, 0]
            yield _row(f"tried, {what}", method, auc_c=auc_c, reference_c=reference_c, judged=judged)
    yield from _stable_disease()


def _reproducible(bench: Bench, found: Cohorts) -> Iterator[tuple[str, np.ndarray]]:
    """Nodes that other seeds find again, and that are present within cohorts."""
    model = model_without_tumours()
    programmes = programmes_by(found, "deep without these cohorts", quick=False)
    node_k = np.array([name.startswith("L2.") for name in programmes.names])
    again_k = seen_again(model, [model_without_tumours(seed) for seed in range(1, SEEDS)], "L2")
    there_ck = present(found, model, "L2")
    nodes = Sides(programmes.f_nk[:, node_k], bench)
    yield f"ridge on {int(node_k.sum())} nodes", nested(nodes, ridge)
    kept = Sides(programmes.f_nk[:, node_k][:, again_k], bench)
    yield f"ridge on the {int(again_k.sum())} nodes that other seeds find again", nested(kept, ridge)
    learn = only_what_is_present(there_ck[:, again_k])
    yield "the same, those present in four fifths of the training cohorts", nested(kept, learn)


def _stable_disease() -> Iterator[Row]:
    """Stable disease as no response."""
    found = cohorts(quick=False, words={"SD": "NR", "mixed": "drop"})
    _, judged = judged_by(found, programmes_by(found, "sets alone", quick=False), draws=0)
    own_c = judged.auc[SIGNATURE][:, 0]
    for method in (SIGNATURE, "ridge on genes", "signature and stable programmes", CHOSEN):
        auc_c = judged.auc[method][:, 0]
        yield _row("tried, stable disease as no response", method, auc_c=auc_c, reference_c=own_c, judged=judged)


def _curve(bench: Bench, judged: Judged, *, sizes: tuple[int, ...], draws: int) -> Iterator[Row]:
    reference_c = judged.auc[SIGNATURE][:, 0]
    for size, name, auc_c in learning_curve(bench.observed, sizes, draws=draws, seed=3):
        yield _row(f"curve, {size} cohorts", name, auc_c=auc_c, reference_c=reference_c, judged=judged)


def _bounds(bench: Bench, judged: Judged, found: Cohorts) -> Iterator[Row]:
    for row in bounds_of(bench, judged, found, seed=0).itertuples():
        told = {"AUC": row.auc} if row.bound != "cohorts that differ" else {"sd between": row.value, "p between": row.p}
        told |= {"reliability": row.value} if "noise" in row.bound else {}
        yield {"what": f"bound, {row.bound}", "rule": SIGNATURE, **told}


def _missed(found: Cohorts, *, draws: int) -> Iterator[Row]:
    """How often intervals miss what they are of, in simulated cohorts."""
    sizes_c2 = cohort_sizes(found)[["responders", "others"]].to_numpy()
    for between_sd in (0.0, 0.4):
        for number in (3, 4, 6, 12):
            by_t, by_bootstrap = missed(sizes_c2, number, between=between_sd, draws=draws)
            what = f"95% interval missed, {number} cohorts, effects {between_sd} apart"
            yield {"what": what, "rule": "Student's t", "share": by_t}
            yield {"what": what, "rule": "bootstrap", "share": by_bootstrap}
    for number in (3, 6, 11):
        for how, given in (
            ("one patient", {"local": 0, "alone": True}),
            ("a cohort's patients", {"local": 0, "alone": False}),
            ("ten local patients", {"local": 10, "alone": False}),
        ):
            share, width = patients_missed(number, draws=draws, **given)
            yield {
                "what": f"90% interval of a patient missed, {number} cohorts",
                "rule": how,
                "share": share,
                "sd": width,
            }
