"""Is a matrix on the scale it is said to be on, and how it comes to log2."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import InputError, UnknownNameError

__all__ = ["SCALES", "check_scale", "to_log2"]

# Above this no log2 expression value is found: 2^50 is more than any scanner or sequencer gives.
_LOG2_CEILING = 50.0


def _counts(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    """log2 of counts per million + 1."""
    total_n1 = x_ng.sum(1, keepdims=True) if total_n is None else np.asarray(total_n)[:, None]
    return np.log2(x_ng * (1e6 / np.maximum(total_n1, 1.0)) + 1.0)


def _linear(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    """log2(x + 1) of intensities, TPM or FPKM."""
    del total_n
    return np.log2(x_ng + 1.0)


def _log2(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    del total_n
    return x_ng


def _ln(x_ng: np.ndarray, total_n: np.ndarray | None) -> np.ndarray:
    """A natural logarithm to base 2."""
    del total_n
    return x_ng / np.log(2.0)


SCALES: dict[str, Callable[[np.ndarray, np.ndarray | None], np.ndarray]] = {
    "log2": _log2,
    "counts": _counts,
    "linear": _linear,
    "ln": _ln,
}


def to_log2(x_ng: np.ndarray, scale: str, *, total_n: np.ndarray | None = None) -> np.ndarray:
    """Bring values of a named scale to log2; `total_n` are the samples' depths where columns were left out."""
    return SCALES[scale](x_ng, total_n)


def check_scale(x_ng: np.ndarray, scale: str) -> None:
    """Stop when the values contradict the scale they are said to be on.

    Parameters
    ----------
    x_ng
        Values as found in the file.
    scale
        ``"log2"``; ``"ln"`` (natural logarithm); ``"counts"`` (whole numbers, not normalised); ``"linear"``
        (intensities, TPM, FPKM).

    Raises
    ------
    UnknownNameError
        If there is no such scale.
    InputError
        If the values do not fit it; says which scale they look like.
    """
    if scale not in SCALES:
        raise UnknownNameError("scale", scale, SCALES)
    if not x_ng.size:
        return
    high = float(np.fmax.reduce(x_ng, axis=None))
    if scale in ("log2", "ln"):
        if high > _LOG2_CEILING:
            low = float(np.fmin.reduce(x_ng, axis=None))
            whole = bool(np.all(x_ng == np.round(x_ng)))
            likely = "counts" if whole and low >= 0 else "linear"
            msg = (
                f"the values go from {low:g} to {high:g}{', all whole numbers' if whole else ''}, "
                f"so they are not {scale}; they look like scale = '{likely}': say so (--scale {likely})"
            )
            raise InputError(msg)
        return
    low = float(x_ng.min())
    if low < 0:
        msg = f"scale = '{scale}' cannot have values below zero (lowest {low:g}); logged data are scale = 'log2'"
        raise InputError(msg)
    if scale == "counts" and not np.all(x_ng == np.round(x_ng)):
        msg = f"scale = 'counts' needs whole numbers, but values from {low:g} to {high:g} have fractions; use 'linear'"
        raise InputError(msg)
    # Sample by sample, so that the company a sample comes in decides nothing.
    high = float(x_ng.max(1).min())
    if scale == "linear" and high <= _LOG2_CEILING:
        msg = f"scale = 'linear' but a sample's highest value is {high:g}, as in logged data; use scale = 'log2'"
        raise InputError(msg)
