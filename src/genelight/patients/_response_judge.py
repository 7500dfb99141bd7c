"""Rules judged on cohorts left out, and what holds them down: few cohorts, that they differ, noise, wrong responses.

Whatever is chosen is chosen on cohorts inside the training side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from .._core.progress import progress
from ..stats.intervals import jackknife_interval
from ..stats.meta import random_effects
from ..stats.subjects import permuted_within
from ._response_cohorts import SIGNATURES, Cohorts, cohort_sizes
from ._response_rules import CHOSEN, SIGNATURE, Bench, Eigen, Rule, auc_t, centred, rules_of

RANDOM = 200
SIZES, MOST_OUT = (2, 3, 5, 8, 13, 21, 34), 12
WRONG, FLIPS = (0.05, 0.1), 100


@dataclass(frozen=True)
class Judged:
    """What every method makes of every cohort left out.

    Attributes
    ----------
    auc
        By method, shape ``(c, t)``: cohort left out, response and permuted ones.
    score
        By method the scores of patients when their cohort was left out, shape ``(n,)``.
    inner
        By method, for each cohort left out, the scores of the others when each of them was left out as well, shape
        ``(c, n)``; NaN for its own.
    chosen
        By method, the rule for each cohort left out; the last one is that with no cohort left out.
    weight_c
        Share of each cohort's patients.
    """

    auc: Mapping[str, np.ndarray]
    score: Mapping[str, np.ndarray]
    inner: Mapping[str, np.ndarray]
    chosen: Mapping[str, tuple[Rule, ...]]
    weight_c: np.ndarray


def judge(bench: Bench) -> Judged:
    """Leave each cohort out, and each two: the second of two chooses between settings for the first."""
    rules = rules_of(bench)
    flat = [rule for settings in rules.values() for rule in settings]
    c_all, targets, n = bench.cohorts, bench.y_nt.shape[1], len(bench.cohort_n)
    one = np.full((len(flat), c_all, targets), np.nan)
    two = np.full((len(flat), c_all, c_all, targets), np.nan)
    score_one = np.full((len(flat), n), np.nan)
    score_two = np.full((len(flat), c_all, n), np.nan)
    plans = [*combinations(range(c_all), 1), *combinations(range(c_all), 2)]
    with progress("leaving cohorts out", len(plans)) as step:
        for out in plans:
            train_n = ~np.isin(bench.cohort_n, out)
            eigen = Eigen(bench, train_n)
            for r, rule in enumerate(flat):
                score_nt = rule.scores(bench, train_n, eigen)
                for c in out:
                    rows = bench.cohort_n == c
                    value_t = auc_t(score_nt[rows], bench.y_nt[rows])
                    if len(out) == 1:
                        one[r, c], score_one[r, rows] = value_t, score_nt[rows, 0]
                    else:
                        first = out[0] if c == out[1] else out[1]
                        two[r, first, c], score_two[r, first, rows] = value_t, score_nt[rows, 0]
            step()
    return _chosen(bench, rules, one=one, two=two, scores=(score_one, score_two))


def _chosen(
    bench: Bench,
    rules: Mapping[str, list[Rule]],
    *,
    one: np.ndarray,
    two: np.ndarray,
    scores: tuple[np.ndarray, np.ndarray],
) -> Judged:
    """Settings of every method by the inner cohorts, then the method; the signature wins unless it is beaten there."""
    flat = [rule for settings in rules.values() for rule in settings]
    cohorts, weight_c = bench.cohorts, np.bincount(bench.cohort_n) / len(bench.cohort_n)
    # The last row: no cohort left out, chosen by all.
    inner_rcdt = np.concatenate([two, one[:, None]], axis=1)
    share_cd = np.vstack([np.where(np.eye(cohorts, dtype=bool), 0.0, weight_c), weight_c])
    share_cd /= share_cd.sum(1, keepdims=True)
    mean_rct = np.einsum("rcdt,cd->rct", np.nan_to_num(inner_rcdt), share_cd)
    signature = next(r for r, rule in enumerate(flat) if rule.method == SIGNATURE)
    gain_rct = mean_rct - mean_rct[signature]
    off_rcdt = np.nan_to_num(inner_rcdt - inner_rcdt[signature]) - gain_rct[:, :, None]
    se_rct = np.sqrt(np.einsum("rcdt,cd->rct", off_rcdt**2, share_cd**2))
    pick: dict[str, np.ndarray] = {}
    at = 0
    for method, settings in rules.items():
        pick[method] = at + np.argmax(mean_rct[at : at + len(settings)], axis=0)
        at += len(settings)
    beaten_rct = np.where(gain_rct > se_rct, gain_rct, -np.inf)
    best_ct = np.argmax(beaten_rct, axis=0)
    pick[CHOSEN] = np.where(np.take_along_axis(beaten_rct, best_ct[None], 0)[0] > 0, best_ct, signature)
    score_one, score_two = scores
    auc, score, inner, chosen = {}, {}, {}, {}
    for method, rule_ct in pick.items():
        auc[method] = np.take_along_axis(one, rule_ct[None, :-1], 0)[0]
        rule_c = rule_ct[:, 0]
        score[method] = score_one[rule_c[bench.cohort_n], np.arange(len(bench.cohort_n))]
        inner[method] = np.stack([score_two[rule_c[c], c] for c in range(cohorts)])
        chosen[method] = tuple(flat[r] for r in rule_c)
    return Judged(auc, score, inner, chosen, weight_c)


def random_auc(bench: Bench, *, genes: int, seed: int) -> np.ndarray:
    """AUC of means of as many random genes as the signature has, shape ``(c, draws)``."""
    rng = np.random.default_rng((seed, 5))
    drawn = np.stack([rng.choice(bench.z_ng.shape[1], genes, replace=False) for _ in range(RANDOM)])
    score_nd = np.stack([bench.z_ng[:, some].mean(1) for some in drawn], axis=1)
    y_n1 = bench.y_nt[:, :1]
    rows_c = [bench.cohort_n == c for c in range(bench.cohorts)]
    return np.stack([auc_t(score_nd[rows], np.repeat(y_n1[rows], RANDOM, axis=1)) for rows in rows_c])


def auc_interval(value_c: np.ndarray, weight_c: np.ndarray) -> tuple[float, float, float]:
    """Weighted mean over cohorts, and its 95% interval by Student's t over cohorts."""
    share_c = weight_c / weight_c.sum()
    mean = float(value_c @ share_c)
    return mean, *jackknife_interval(mean, (mean - share_c * value_c) / (1 - share_c))


def beats(judged: Judged) -> bool:
    """Whether what was chosen gains on the signature over cohorts by more than the interval of 95% allows."""
    gain_c = judged.auc[CHOSEN][:, 0] - judged.auc[SIGNATURE][:, 0]
    return auc_interval(gain_c, judged.weight_c)[1] > 0


def between(value_c: np.ndarray, cohorts: pd.DataFrame) -> tuple[float, float]:
    """Variance of a method's AUC between cohorts beyond that of chance, and the p of Cochran's Q.

    References
    ----------
    Hanley and McNeil 1982 on the variance of an AUC, doi 10.1148/radiology.143.1.7063747.
    """
    ones_c, zeros_c = cohorts["responders"].to_numpy(float), cohorts["others"].to_numpy(float)
    a = float(value_c @ (ones_c + zeros_c) / (ones_c + zeros_c).sum())
    first, second = a / (2 - a), 2 * a**2 / (1 + a)
    spread_c = a * (1 - a) + (ones_c - 1) * (first - a**2) + (zeros_c - 1) * (second - a**2)
    fit = random_effects(value_c[:, None], (spread_c / (ones_c * zeros_c))[:, None])
    return float(fit.tau2_g[0]), float(fit.heterogeneity_p_g[0])


def permuted(y_n: np.ndarray, cohort_n: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Response, and beside it response permuted within every cohort, shape ``(n, 1 + draws)``."""
    rng = np.random.default_rng((seed, 1))
    return np.column_stack([y_n, permuted_within(y_n, cohort_n, draws=draws, rng=rng)])


def weights_of(rule: Rule, bench: Bench) -> tuple[np.ndarray, np.ndarray]:
    """Of the rule learned on all cohorts, weights of the genes in ``z_ng`` and of the programmes in ``f_nk``."""
    every_n = np.ones(len(bench.cohort_n), dtype=bool)
    weight_g, weight_k = np.zeros(bench.z_ng.shape[1]), np.zeros(bench.f_nk.shape[1])
    if rule.kind == "mixed":
        weight_k = rule.programme_weights(bench, every_n)[:, 0]
        sd = float((bench.f_nk @ weight_k).std())
        weight_k = weight_k * (rule.setting[1] / sd if sd > 0 else 0.0)
    elif rule.kind != "fixed":
        first = bench.observed
        dual_n = rule.dual(first, every_n, Eigen(first, every_n))[:, 0]
        source = bench.z_ng if rule.reads == "genes" else bench.f_nk
        scale = len(source) / max(float(np.einsum("nf,nf->", source, source)), 1e-12)
        line_f = scale * (source.T @ dual_n)
        weight_g, weight_k = (line_f, weight_k) if rule.reads == "genes" else (weight_g, line_f)
    return weight_g, weight_k


def spread_of(rule: Rule, bench: Bench) -> float:
    """Standard deviation of the rule's own scores within cohorts, learned on all of them."""
    first = bench.observed
    every_n = np.ones(len(bench.cohort_n), dtype=bool)
    sd = float(rule.raw(first, every_n, Eigen(first, every_n)).std())
    return sd if sd > 0 else 1.0


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
