"""From figures to verdicts: trends over depth with the training as the unit, and the same rules for every claim."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ..nouns.scorecard import VERDICT_COLUMNS, VERDICTS

HOLDS, FAILS, UNSURE = VERDICTS
LEVEL = 0.05
LEAST_CHANGE = 0.1
LEAST_SEEDS = 3
MOST_EXACT = 20_000
CLAIMS: dict[str, int] = {"network": -1, "sets": 1, "label": 1}
"""How each kind of signal should go with depth by the paper: networks first, disease and cell type last."""
DECISIVE = ("share", "silhouette", "probe")


@dataclass(frozen=True)
class Interval:
    """A mean over trainings with its 95% interval by Student's t; NaN where there is one training."""

    value: float
    low: float = math.nan
    high: float = math.nan
    runs: int = 1


@dataclass(frozen=True)
class _Series:
    """One question and measure: excess over chance of every model, seeds by depths; and values as they are."""

    kind: str
    question: str
    measure: str
    excess: dict[str, np.ndarray]
    value_d: np.ndarray
    model: str
    layers: tuple[str, ...]

    @property
    def own_sd(self) -> np.ndarray:
        return self.excess[self.model]

    @property
    def controls(self) -> dict[str, np.ndarray]:
        return {name: values for name, values in self.excess.items() if name != self.model}


def verdicts(table: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Decide for every question whether its signal goes with depth as claimed, and whether it exceeds the controls."""
    rows = []
    for series in _series(table):
        rows.append(_trend(series, seed=seed))
        rows.append(_above(series))
    return pd.DataFrame(rows, columns=list(VERDICT_COLUMNS))


def _series(table: pd.DataFrame) -> Iterator[_Series]:
    decided = table[table["kind"].isin(CLAIMS) & table["measure"].isin(DECISIVE)]
    for key, rows in decided.groupby(["kind", "question", "measure"], sort=False):
        kind, question, measure = (str(part) for part in key)
        excess = {}
        for model, part in rows.assign(excess=rows["value"] - rows["null"]).groupby("model", sort=False):
            wide = part.pivot_table(index="seed", columns="depth", values="excess").dropna()
            if len(wide):
                excess[str(model)] = wide.to_numpy()
        own = rows[~rows["control"]].sort_values("depth", kind="stable")
        model = str(own["model"].iloc[0]) if len(own) else ""
        if model in excess:
            value_d = own.groupby("depth")["value"].mean().to_numpy()
            layers = tuple(dict.fromkeys(own["layer"]))
            yield _Series(kind, question, measure, excess, value_d, model, layers)


def _trend(series: _Series, *, seed: int) -> dict[str, object]:
    """Whether the signal falls or rises with depth as claimed, and more so than in every control of as many layers."""
    sign = CLAIMS[series.kind]
    own_s = change(series.own_sd) if len(series.layers) > 1 else np.full(len(series.own_sd), np.nan)
    own = interval(own_s)
    same = {n: change(v) for n, v in series.controls.items() if v.shape[1] == len(series.layers) > 1}
    name, gap = _nearest(own_s, same, sign=sign)
    p = trend_p(series.own_sd, sign=sign, seed=seed) if len(series.layers) > 1 else float("nan")
    smallest = LEAST_CHANGE * float(np.abs(series.own_sd.mean(0)).max())
    if len(series.layers) < 3 or own.runs < LEAST_SEEDS:
        verdict = UNSURE
        why = f"trainings: {own.runs} of {len(series.layers)} layers, {LEAST_SEEDS} of three are needed"
    elif p <= LEVEL and _lower(own, sign) > 0:
        verdict, why = _against(name, gap, sign=sign, least=smallest)
    elif _upper(own, sign) < smallest:
        verdict, why = FAILS, f"the change is less than a tenth of the strongest layer's signal, p {p:.2g}"
    else:
        verdict, why = UNSURE, f"the interval over trainings holds both, p {p:.2g}"
    claim = "falls with depth" if sign < 0 else "rises with depth"
    where = ", ".join(f"{layer} {value:.3g}" for layer, value in zip(series.layers, series.value_d, strict=True))
    sentence = f"{series.question} ({series.measure}) {claim}: {verdict}; {where}; {why}."
    return _record(series, claim, own=own, p=p, nearest=(name, gap), verdict=verdict, sentence=sentence)


def _above(series: _Series) -> dict[str, object]:
    """Whether the layers hold more than every control of the same widths does."""
    own_s = series.own_sd.mean(1)
    own = interval(own_s)
    name, gap = _nearest(own_s, {n: v.mean(1) for n, v in series.controls.items()}, sign=1)
    if own.runs < LEAST_SEEDS:
        verdict, why = UNSURE, f"{own.runs} trainings, {LEAST_SEEDS} are needed"
    elif _upper(own, 1) <= 0:
        verdict, why = FAILS, "the layers hold no more than chance"
    else:
        verdict, why = _against(name, gap, sign=1, least=LEAST_CHANGE * float(np.abs(series.own_sd.mean(0)).max()))
    claim = "above every control"
    sentence = f"{series.question} ({series.measure}) {claim}: {verdict}; {own.value:.3g} more than chance; {why}."
    return _record(series, claim, own=own, p=float("nan"), nearest=(name, gap), verdict=verdict, sentence=sentence)


def _against(name: str, gap: Interval, *, sign: int, least: float) -> tuple[str, str]:
    """Whether the model goes further than the control that comes nearest, by enough to speak of."""
    if not name:
        return UNSURE, "there is no control to compare with"
    says = f"{sign * gap.value:+.3g} beside {name}"
    if sign * gap.value <= 0 or _upper(gap, sign) < least:
        return FAILS, f"{says}, which does as much"
    if _lower(gap, sign) > 0 and sign * gap.value >= least:
        return HOLDS, f"{says}, the nearest control"
    return UNSURE, f"{says}, within what trainings differ by"


def _nearest(own_s: np.ndarray, controls: dict[str, np.ndarray], *, sign: int) -> tuple[str, Interval]:
    """The control that the model exceeds least, by the near end of the interval."""
    gaps = {name: contrast(own_s, other_s) for name, other_s in controls.items()}
    if not gaps:
        return "", Interval(float("nan"))
    name = min(gaps, key=lambda n: _lower(gaps[n], sign) if gaps[n].runs > 1 else sign * gaps[n].value)
    return name, gaps[name]


def _lower(found: Interval, sign: int) -> float:
    return found.low if sign > 0 else -found.high


def _upper(found: Interval, sign: int) -> float:
    return found.high if sign > 0 else -found.low


def _record(
    series: _Series,
    claim: str,
    *,
    own: Interval,
    p: float,
    nearest: tuple[str, Interval],
    verdict: str,
    sentence: str,
) -> dict[str, object]:
    name, gap = nearest
    return {
        "kind": series.kind,
        "question": series.question,
        "measure": series.measure,
        "claim": claim,
        "value": own.value,
        "low": own.low,
        "high": own.high,
        "p": p,
        "seeds": own.runs,
        "control": name,
        "difference": gap.value,
        "difference_low": gap.low,
        "difference_high": gap.high,
        "verdict": verdict,
        "sentence": sentence,
    }


def change(value_sd: np.ndarray) -> np.ndarray:
    """Change from the first layer to the last along the straight line through all, for each seed, shape ``(s,)``.

    Examples
    --------
    >>> import numpy as np
    >>> change(np.array([[0.2, 0.1, 0.0], [0.1, 0.3, 0.1]])).round(3)
    array([-0.2,  0. ])
    """
    depth_d = np.arange(value_sd.shape[1]) - (value_sd.shape[1] - 1) / 2
    return np.asarray(value_sd @ depth_d / (depth_d @ depth_d) * (len(depth_d) - 1))


def trend_p(value_sd: np.ndarray, *, sign: int, draws: int = 9999, seed: int = 0) -> float:
    """One-sided p of the mean change, layers exchanged within each seed; exact where there are few ways to do so.

    Nodes of one training share its accidents, so a training counts once, whatever the number of its nodes.

    Examples
    --------
    >>> import numpy as np
    >>> round(trend_p(np.array([[0.3, 0.2, 0.1]] * 3), sign=-1) * 6**3)
    1
    """
    seeds, depths = value_sd.shape
    orders = np.array(list(itertools.permutations(range(depths))))
    # Change of each seed under each order of its layers; the first order is the one observed.
    change_so = np.stack([change(value_sd[:, order]) for order in orders], axis=1) * sign
    observed = change_so[:, 0].sum()
    if len(orders) ** seeds <= MOST_EXACT:
        total = np.zeros(1)
        for row in change_so:
            total = np.add.outer(total, row).ravel()
        return float(np.mean(total >= observed - 1e-12))
    rng = np.random.default_rng(seed)
    picks = rng.integers(len(orders), size=(draws, seeds))
    total = change_so[np.arange(seeds), picks].sum(1)
    return float((1 + (total >= observed - 1e-12).sum()) / (1 + draws))


def interval(value_s: np.ndarray) -> Interval:
    """Mean and interval over trainings."""
    runs = len(value_s)
    mean = float(np.mean(value_s))
    if runs < 2:
        return Interval(mean, runs=runs)
    half = float(stats.t.ppf(0.975, runs - 1) * np.std(value_s, ddof=1) / math.sqrt(runs))
    return Interval(mean, mean - half, mean + half, runs)


def contrast(one_s: np.ndarray, other_s: np.ndarray) -> Interval:
    """Difference of two means over trainings, by Welch's t; one that was trained once is taken as fixed."""
    difference = float(np.mean(one_s) - np.mean(other_s))
    errors = [(np.var(v, ddof=1) / len(v), len(v) - 1) for v in (one_s, other_s) if len(v) > 1]
    variance = float(sum(e for e, _ in errors))
    if not errors:
        return Interval(difference)
    if variance == 0:
        return Interval(difference, difference, difference, len(one_s))
    df = variance**2 / sum(e**2 / d for e, d in errors)
    half = float(stats.t.ppf(0.975, df) * math.sqrt(variance))
    return Interval(difference, difference - half, difference + half, len(one_s))
