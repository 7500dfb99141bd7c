"""On which scale expression values are, told from the values alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["SCALE_NAMES", "Scale", "detect_scale", "find_floor", "floor_among"]

# Each scale in words; pp.prepare takes counts as such, tpm, intensity and linear as linear.
SCALE_NAMES: dict[str, str] = {
    "counts": "counts of reads or molecules, not normalised",
    "tpm": "parts per million of each sample (TPM or CPM), not logged",
    "intensity": "raw intensity, not logged",
    "linear": "amounts with fractions, not logged",
    "log2": "logged",
    "zscore": "standardised",
    "ratio": "ratio to a reference",
    "unknown": "none of the known scales",
}
# Above this no log2 expression value is found: 2^50 is more than any scanner or sequencer gives.
LOG2_CEILING = 50.0
_ROWS, _VALUES = 256, 4_000_000


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
        name, why = _signed(x_mg, v) if low < 0 else _positive(x_mg, v)
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


def _positive(x_mg: np.ndarray, v: np.ndarray) -> Scale:
    zero, high = float((v == 0).mean()), _typical_high(x_mg)
    if bool(np.all(v == np.round(v))):
        return _whole(v, zero)
    if high > 1 and np.all(np.abs(np.nansum(x_mg, 1) / 1e6 - 1) < 0.02):
        return Scale("tpm", "every sample adds up to one million")
    if high > LOG2_CEILING:
        return _amounts(v, zero)
    if float(v.max()) <= 1:
        return Scale("unknown", "fractions from 0 to 1, as methylation or probabilities are")
    mean_g, sd_g = _moments(x_mg, 0)
    if len(x_mg) > 2 and 0.8 < np.median(mean_g) < 1.25 and np.std(mean_g) < np.median(sd_g):
        return Scale("ratio", "genes lie around 1 and differ less than samples do")
    return Scale("log2", _log_evidence(v, high))


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
