"""What holds a rule down: how few cohorts it learned from, cohorts that differ, noise of genes, wrong responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from .._core.progress import progress
from ._response_cohorts import SIGNATURES, Cohorts, cohort_sizes
from ._response_judge import Judged, auc_interval, between
from ._response_rules import SIGNATURE, Bench, Eigen, Rule, auc_t, centred, rules_of

__all__ = ["bounds_of", "cohort_auc", "curve_of", "learning_curve"]

SIZES, MOST_OUT = (2, 3, 5, 8, 13, 21, 34), 12
WRONG, FLIPS = (0.05, 0.1), 100


def curve_of(bench: Bench, judged: Judged, *, seed: int) -> pd.DataFrame:
    """AUC of what is learned, by how many cohorts it was learned from: ``cohorts``, ``method``, ``auc``, interval.

    The signature, which learns nothing, stands beside it on the same cohorts.
    """
    sizes = [size for size in SIZES if size < bench.cohorts - 1] + [bench.cohorts - 1]
    found = list(learning_curve(bench.observed, sizes, draws=1, seed=seed))
    out_c = np.isfinite(found[0][2])
    found += [(size, SIGNATURE, judged.auc[SIGNATURE][:, 0]) for size in sizes]
    rows = [(size, method, *auc_interval(auc_c[out_c], judged.weight_c[out_c])) for size, method, auc_c in found]
    return pd.DataFrame(rows, columns=["cohorts", "method", "auc", "low", "high"])


def learning_curve(
    bench: Bench, sizes: Sequence[int], *, draws: int, seed: int
) -> Iterator[tuple[int, str, np.ndarray]]:
    """AUC by cohort left out, learned from some of the others only, mean over draws; settings chosen inside them.

    Of more than twelve cohorts twelve are left out, drawn by lot; the others are NaN.
    """
    rng = np.random.default_rng((seed, 8))
    rules = {name: r for name, r in rules_of(bench).items() if len(r) > 1}
    outs = np.sort(rng.permutation(bench.cohorts)[:MOST_OUT])
    value = {(size, name): np.full(bench.cohorts, np.nan) for size in sizes for name in rules}
    with progress("learning from fewer cohorts", len(sizes) * len(outs)) as step:
        for size in sizes:
            for out in outs:
                rest = np.flatnonzero(np.arange(bench.cohorts) != out)
                drawn = [rng.choice(rest, size, replace=False) for _ in range(draws if size < len(rest) else 1)]
                found = [_learned_from(bench, some, out, rules=rules) for some in drawn]
                for name in rules:
                    value[size, name][out] = float(np.mean([auc[name] for auc in found]))
                step()
    yield from ((size, name, auc_c) for (size, name), auc_c in value.items())


def bounds_of(bench: Bench, judged: Judged, found: Cohorts, *, seed: int) -> pd.DataFrame:
    """What could hold the signature's AUC down: ``bound``, ``auc`` with or without it, ``value`` and ``p`` of its own.

    The variance of its AUC between cohorts beyond chance (``value`` is the standard deviation); what it would be
    without noise of its genes, both classes normal (``value`` is the reliability of the signature); and what it falls
    to where further responses were called wrongly.
    """
    auc_c = judged.auc[SIGNATURE][:, 0]
    own = float(judged.weight_c @ auc_c)
    tau2, p = between(auc_c, cohort_sizes(found))
    told = reliability(found)
    without = float(stats.norm.cdf(stats.norm.ppf(np.clip(own, 1e-6, 1 - 1e-6)) / told**0.5)) if told > 0 else np.nan
    rows: list[tuple[str, float, float, float]] = [
        ("cohorts that differ", own, float(tau2**0.5), p),
        ("noise of the signature's genes", without, told, np.nan),
    ]
    for share in WRONG:
        auc = flipped(bench, share, draws=FLIPS, seed=seed)
        rows.append((f"{share:.0%} of responses called wrongly", auc, share, np.nan))
    return pd.DataFrame(rows, columns=["bound", "auc", "value", "p"])


def cohort_auc(score_n: np.ndarray, y_n: np.ndarray, cohort_n: np.ndarray) -> np.ndarray:
    """By cohort."""
    rows_c = [cohort_n == c for c in range(int(cohort_n.max()) + 1)]
    return np.array([auc_t(score_n[rows][:, None], y_n[rows][:, None])[0] for rows in rows_c])


def flipped(bench: Bench, share: float, *, draws: int, seed: int) -> float:
    """Mean weighted AUC of the signature where a share of the responses is another by mistake."""
    rng = np.random.default_rng((seed, 9))
    score_n, y_n = bench.fixed[SIGNATURE], bench.y_nt[:, 0]
    weight_c = np.bincount(bench.cohort_n)
    found: list[float] = []
    while len(found) < draws:
        wrong = np.where(rng.random(len(y_n)) < share, 1 - y_n, y_n)
        ones_c = np.bincount(bench.cohort_n, wrong)
        if (ones_c > 0).all() and (ones_c < weight_c).all():
            found.append(float(np.average(cohort_auc(score_n, wrong, bench.cohort_n), weights=weight_c)))
    return float(np.mean(found))


def reliability(found: Cohorts) -> float:
    """Of the signature: correlation of halves of its genes within cohorts, stepped up to the whole (Spearman-Brown)."""
    z_ng = centred(np.nan_to_num(found.x_ng[:, found.positions(SIGNATURES[SIGNATURE])]), found.cohort_n)
    whole = range(z_ng.shape[1])
    r = []
    for half in combinations(whole, len(whole) // 2):
        other = [g for g in whole if g not in half]
        r.append(float(np.corrcoef(z_ng[:, list(half)].mean(1), z_ng[:, other].mean(1))[0, 1]))
    return float(np.mean([2 * x / (1 + x) for x in r]))


def _learned_from(bench: Bench, some: np.ndarray, out: int, *, rules: Mapping[str, list[Rule]]) -> dict[str, float]:
    inner = {name: np.zeros(len(settings)) for name, settings in rules.items()}
    trainings = [(d, [c for c in some if c != d]) for d in some] if len(some) > 2 else []
    for d, train in trainings:
        for name, r, auc in _aucs(bench, train, d, rules=rules):
            inner[name][r] += auc
    return {n: auc for n, r, auc in _aucs(bench, some, out, rules=rules) if r == int(np.argmax(inner[n]))}


def _aucs(
    bench: Bench, train: Sequence[int] | np.ndarray, test: int, *, rules: Mapping[str, list[Rule]]
) -> Iterator[tuple[str, int, float]]:
    train_n, rows = np.isin(bench.cohort_n, train), bench.cohort_n == test
    eigen = Eigen(bench, train_n)
    for name, settings in rules.items():
        for r, rule in enumerate(settings):
            yield name, r, float(auc_t(rule.scores(bench, train_n, eigen)[rows, :1], bench.y_nt[rows, :1])[0])
