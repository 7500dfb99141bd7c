"""On which scale expression values are, told from the values alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

__all__ = ["LOG2_CEILING", "SCALE_NAMES", "Scale", "detect_scale", "find_floor", "floor_among", "levels"]

# Each scale in words; pp.prepare takes counts as such, tpm, intensity and linear as linear.
SCALE_NAMES: dict[str, str] = {
    "counts": "counts of reads or molecules, not normalised",
    "tpm": "parts per million of each sample (TPM or CPM), not logged",
    "intensity": "raw intensity, not logged",
    "linear": "amounts with fractions, not logged",
    "log2": "logged",
    "ln": "natural logarithm of amounts plus one",
    "scores": "normal scores of the ranks within each sample",
    "ranks": "ranks within each sample",
    "zscore": "standardised",
    "ratio": "ratio to a reference",
    "unknown": "none of the known scales",
}
# Above this no log2 expression value is found: 2^50 is more than any scanner or sequencer gives.
LOG2_CEILING = 50.0
_ROWS, _VALUES = 256, 4_000_000
_SCANNER_TOP, _LN_CEILING = 65_535.0, 21.0
_FEWEST_RANKS, _MOST_RANKED, _SCORE_ERROR = 20, 16, 0.06
_LOWEST_AMOUNTS, _WHOLE = 2.4, 0.02
_FEWEST_LEVELS, _APART, _TIMES_WITHIN = 6, 1.0, 4.0


class Scale(NamedTuple):
    """A scale, and what in the values speaks for it.

    Attributes
    ----------
    name
        One of ``SCALE_NAMES``.
    evidence
        What was seen, in words, for a person to judge.
    """

    name: str
    evidence: str


def detect_scale(x_ng: Any) -> Scale:
    """Tell counts, TPM, raw intensity, log2, z-scores and ratios apart.

    Parameters
    ----------
    x_ng
        Samples x genes: a NumPy array, a SciPy sparse matrix, or anything that gives its rows by a list of
        positions (an HDF5 dataset, a backed AnnData's ``X``). Missing and infinite values are passed over.

    Returns
    -------
    Scale
        With ``name`` ``"unknown"`` where the values speak for nothing.

    Notes
    -----
    Judged on up to 256 samples, evenly spaced, and about four million values, always the same ones: half a second
    and 150 MB at most. Natural and decimal logarithms are called ``"log2"``; where the highest value is low for
    log2, the evidence says so.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.io.scales import detect_scale
    >>> detect_scale(np.random.default_rng(0).negative_binomial(2, 0.01, (5, 100))).name
    'counts'
    """
    x_mg = _some_rows(x_ng)
    v = x_mg[np.isfinite(x_mg)]
    if not v.size:
        return Scale("unknown", "no value is a finite number")
    low, high = float(v.min()), float(v.max())
    seen = f"values from {low:g} to {high:g}, median {float(np.median(v)):g}"
    if low == high:
        return Scale("unknown", f"every value is {low:g}")
    with np.errstate(invalid="ignore", over="ignore"):
        name, why = _ranked(x_mg) or (_signed(x_mg, v) if low < 0 else _positive(x_mg, v))
    return Scale(name, f"{seen}; {why}")


def find_floor(x_ng: Any) -> tuple[float, float] | None:
    """The value on which more than 1% of all sit while fewer than 5% lie below it, and the share that sits there.

    Zero counts are one, and arrays that their vendor's software floored have one. Judged on the samples that
    :func:`detect_scale` looks at; None where there is no floor.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.io.scales import find_floor
    >>> find_floor(np.array([[0.0, 0.0, 3.5, 1.25], [0.0, 2.5, 7.0, 4.0]]))
    (0.0, 0.375)
    """
    x_mg = _some_rows(x_ng)
    return floor_among(x_mg[np.isfinite(x_mg)])


def floor_among(v: np.ndarray) -> tuple[float, float] | None:
    """As :func:`find_floor`, judged on just these values."""
    if not v.size:
        return None
    values, counts = np.unique(v, return_counts=True)
    most = int(np.argmax(counts))
    # Values rounded to one decimal sit on their most frequent one too, but as many lie below it as above.
    is_floor = counts[most] > max(1, 0.01 * v.size) and counts[:most].sum() < 0.05 * v.size
    return (float(values[most]), float(counts[most] / v.size)) if is_floor else None


def _ranked(x_mg: np.ndarray) -> Scale | None:
    """Ranks and normal scores, which every sample has the same of."""
    if x_mg.shape[1] < _FEWEST_RANKS:
        return None
    for x_g in x_mg[:_MOST_RANKED]:
        v = np.sort(x_g[np.isfinite(x_g)])
        if len(v) < _FEWEST_RANKS or v[0] == v[-1]:
            return None
        share = (pd.Series(v).rank().to_numpy() - 0.5) / len(v)
        ranks = bool(abs(v.sum() / (len(v) * (len(v) + 1) / 2) - 1) < 1e-9 and v[0] > 0 and v[-1] <= len(v))
        # Blom's, Tukey's and van der Waerden's scores differ by less than this but in the outermost ones.
        inner = (share > 0.01) & (share < 0.99)
        scores = bool(np.abs(v - ndtri(share))[inner].max(initial=1.0 if not inner.any() else 0.0) < _SCORE_ERROR)
        if not ranks and not scores:
            return None
    if ranks:
        return Scale("ranks", "the values of every sample add up as ranks from 1 to their number do")
    return Scale("scores", "the values of every sample are the normal scores of their ranks")


def _natural(x_mg: np.ndarray) -> str:
    """What tells a natural logarithm from one to base 2: amounts that are whole, or add up alike, under one of them."""
    some = x_mg[:_MOST_RANKED]
    if float(np.nanmax(some)) > _LN_CEILING:
        return ""
    by_e, by_2 = np.expm1(some), np.exp2(some) - 1
    spread_e, spread_2 = (np.nansum(a, 1).std() / max(1e-300, np.nansum(a, 1).mean()) for a in (by_e, by_2))
    total = float(np.nansum(by_e, 1).mean())
    if len(some) > 2 and spread_e < 0.002 and spread_2 > 5 * spread_e + 0.005:
        return f"e^x - 1 adds up to {total:,.0f} in every sample, 2^x - 1 does not"
    above = some[np.isfinite(some) & (some > 0)]
    # The lowest amounts alone: of larger ones, rounding decides what is whole.
    low = np.unique(np.round(above[above < _LOWEST_AMOUNTS], 3))
    whole_e, whole_2 = (
        float(np.mean(np.abs(a - np.round(a)) < _WHOLE)) if len(a) else 0.0 for a in (np.expm1(low), np.exp2(low) - 1)
    )
    if len(low) > 5 and whole_e > 0.9 and whole_2 < 0.5:
        return "e^x - 1 gives whole numbers, 2^x - 1 does not"
    return ""


def levels(x_ng: Any) -> str:
    """What is odd about the samples' levels, in words: two groups far apart, as of two scanners; empty for nothing.

    Judged on log2 medians of the values above a sample's lowest, of up to 256 samples.
    """
    x_mg = _some_rows(x_ng)
    if len(x_mg) < _FEWEST_LEVELS:
        return ""
    with np.errstate(invalid="ignore"):
        v = x_mg if np.nanmax(x_mg, initial=0) <= LOG2_CEILING else np.log2(np.where(x_mg > 0, x_mg, np.nan) + 1)
        usable = v > np.nanmin(v, axis=1, keepdims=True)
    median_m = np.array([np.median(row[use]) if use.any() else np.nan for row, use in zip(v, usable, strict=True)])
    there = np.flatnonzero(np.isfinite(median_m))
    order = there[np.argsort(median_m[there], kind="stable")]
    if len(order) < _FEWEST_LEVELS:
        return ""
    least = max(2, len(order) // 10)
    gaps = np.diff(median_m[order])
    inner = gaps[least - 1 : len(gaps) - least + 1]
    cut = least + int(np.argmax(inner))
    low, high = median_m[order[:cut]], median_m[order[cut:]]
    apart = float(np.median(high) - np.median(low))
    within = float(np.median(np.abs(np.concatenate((low - np.median(low), high - np.median(high))))))
    if apart < _APART or apart < _TIMES_WITHIN * within:
        return ""
    return (
        f"samples fall into two groups whose medians differ by {apart:.1f} log2 ({len(low)} and {len(high)} of those "
        "looked at): two batches, or two scales; compare them before anything is learned from both"
    )


def _signed(x_mg: np.ndarray, v: np.ndarray) -> Scale:
    below = float((v < 0).mean())
    if bool(np.all(v == np.round(v))):
        return Scale("unknown", f"whole numbers, {below:.0%} below zero, as counts never are")
    if _typical_high(x_mg) > LOG2_CEILING:
        return Scale(
            "intensity", f"{below:.1%} below zero and far above {LOG2_CEILING:g}, as after a background taken off"
        )
    mean_m, sd_m = _moments(x_mg, 1)
    if np.all(np.abs(mean_m) < 0.02) and np.all(np.abs(sd_m - 1) < 0.02):
        return Scale("zscore", "every sample has mean 0 and standard deviation 1")
    mean_g, sd_g = _moments(x_mg, 0)
    between, within = float(np.std(mean_g)), float(np.median(sd_g))
    if between < within or (within == 0 and 0.25 < below < 0.75):
        if np.median(np.abs(mean_g)) < 0.2 and np.mean(np.abs(sd_g - 1) < 0.25) > 0.8:
            return Scale("zscore", "most genes have mean 0 and standard deviation 1")
        return Scale(
            "ratio", f"{below:.0%} below zero; genes differ less ({between:.2g}) than samples do ({within:.2g})"
        )
    return Scale("log2", f"{below:.1%} below zero; genes differ more ({between:.2g}) than samples do ({within:.2g})")


def _positive(x_mg: np.ndarray, v: np.ndarray) -> Scale:  # noqa: PLR0911 - one scale after the other
    zero, high = float((v == 0).mean()), _typical_high(x_mg)
    if bool(np.all(v == np.round(v))):
        return _whole(v, zero)
    sums = np.nansum(x_mg, 1)
    if high > 1 and np.all(np.abs(sums / 1e6 - 1) < 0.02):
        return Scale("tpm", "every sample adds up to one million")
    if high > LOG2_CEILING and len(sums) > 2 and sums.min() > 0.5e6 and sums.max() < 1.02e6 and v.min() == 0:
        return Scale("tpm", f"samples add up to {sums.min():,.0f} to {sums.max():,.0f}, as parts per million do")
    if high > LOG2_CEILING:
        return _amounts(v, zero)
    if float(v.max()) <= 1:
        return Scale("unknown", "fractions from 0 to 1, as methylation or probabilities are")
    mean_g, sd_g = _moments(x_mg, 0)
    if len(x_mg) > 2 and 0.8 < np.median(mean_g) < 1.25 and np.std(mean_g) < np.median(sd_g):
        return Scale("ratio", "genes lie around 1 and differ less than samples do")
    natural = _natural(x_mg)
    if natural:
        return Scale("ln", natural)
    tpm = np.nansum(np.exp2(x_mg) - 1, 1)
    million = bool(high <= LOG2_CEILING and np.all(np.abs(tpm / 1e6 - 1) < 0.02))
    return Scale("log2", _log_evidence(v, high) + "; 2^x - 1 adds up to one million, as TPM do" * million)


def _amounts(v: np.ndarray, zero: float) -> Scale:
    above = v[v > 0]
    whole = float((above == np.round(above)).mean())
    if whole > 0.5:
        return Scale("counts", f"{whole:.0%} of the values above zero are whole, as in estimated counts")
    if zero < 0.01:
        return Scale("intensity", f"fractions, far above {LOG2_CEILING:g}, {zero:.1%} exactly zero")
    return Scale("linear", f"fractions, far above {LOG2_CEILING:g}, {zero:.0%} exactly zero, as FPKM or averages")


def _whole(v: np.ndarray, zero: float) -> Scale:
    high = float(v.max())
    if high <= 1:
        return Scale("unknown", "only 0 and 1")
    top = int((v == _SCANNER_TOP).sum())
    # A single count may be as high by chance.
    if (high == _SCANNER_TOP and (top > 1 or zero < 0.01)) or (
        zero < 0.001 and _SCANNER_TOP / 2 < high <= _SCANNER_TOP and float(np.quantile(v, 0.01)) > 5
    ):
        return Scale("intensity", f"whole numbers up to {high:,.0f}, {top} on the top of a 16-bit scanner (65,535)")
    if zero == 0 and float(np.quantile(v, 0.01)) >= 16 and high > 1000:
        return Scale("intensity", "whole numbers without a low one, as an image scanner gives and counts do not")
    return Scale("counts", f"whole numbers, none below zero, {zero:.0%} exactly zero")


def _log_evidence(v: np.ndarray, high: float) -> str:
    why = f"fractions, a sample's highest is {high:.3g}"
    outliers = int((v > LOG2_CEILING).sum())
    if outliers:
        return f"{why}, but {outliers} of {v.size} values lie above {LOG2_CEILING:g}"
    return why + (", low for log2: natural or decimal logarithm?" if high < 7 else "")


def _typical_high(x_mg: np.ndarray) -> float:
    """Highest value of the median sample, which one damaged sample does not decide."""
    usable = np.where(np.isfinite(x_mg), x_mg, -np.inf)
    return float(np.median(usable.max(1)))


def _moments(x_mg: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation along an axis over the finite values, lines without any left out."""
    finite = np.isfinite(x_mg)
    some = finite.any(axis)
    x = np.where(finite, x_mg, 0.0)
    count = np.maximum(finite.sum(axis, keepdims=True), 1)
    mean = x.sum(axis, keepdims=True) / count
    sd = np.sqrt((np.where(finite, x - mean, 0.0) ** 2).sum(axis) / count.squeeze(axis))
    return mean.squeeze(axis)[some], sd[some]


def _some_rows(x_ng: Any) -> np.ndarray:
    """Evenly spaced samples as a dense float64 array, few enough to judge quickly."""
    n, g = x_ng.shape
    count = int(min(n, _ROWS, max(8, _VALUES // max(1, g))))
    rows = np.unique(np.linspace(0, n - 1, count).astype(int)) if count else np.arange(0)
    some = x_ng if len(rows) == n and isinstance(x_ng, np.ndarray) else x_ng[rows]
    dense = some.toarray() if hasattr(some, "toarray") else some
    return np.asarray(dense, dtype=np.float64).reshape(len(rows), g)
