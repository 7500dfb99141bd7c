"""What the cohorts span: axes of their genes, and how far off the patients of a cohort lie that was left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..nouns.model import Applicability

__all__ = ["Domain", "domain_of"]

MOST_AXES, SHARE = 16, 4
LEAST = 0.01


@dataclass(frozen=True)
class Domain:
    """Of genes that all cohorts have.

    Attributes
    ----------
    centre_g, axis_gk
        Mean of the cohorts' means, and principal axes.
    known
        How far off patients of cohorts left out lie.
    inside_n
        Whether each patient was inside what the other cohorts span.
    """

    centre_g: np.ndarray
    axis_gk: np.ndarray
    known: Applicability
    inside_n: np.ndarray


def domain_of(x_ng: np.ndarray, cohort_n: np.ndarray) -> Domain:
    """Learn it, and judge every cohort by the others."""
    off_n2 = np.empty((len(x_ng), 2))
    # As many axes with a cohort left out as with all, for distances along more of them are longer.
    axes = max(1, min(MOST_AXES, (len(x_ng) - int(np.bincount(cohort_n).max())) // SHARE))
    for c in np.unique(cohort_n):
        rows = cohort_n == c
        off_n2[rows] = _distances(x_ng[rows], _span(x_ng[~rows], axes))
    inside_n = np.empty(len(x_ng), dtype=bool)
    for c in np.unique(cohort_n):
        rows = cohort_n == c
        known = Applicability("genes", np.zeros(1), np.eye(1), *np.sort(off_n2[~rows], axis=0).T)
        inside_n[rows] = known.inside(*off_n2[rows].T)
    centre_g, axis_gk, whiten_k = _span(x_ng, axes)
    error_s, distance_s = np.sort(off_n2, axis=0).T
    known = Applicability("genes", np.zeros(len(whiten_k)), np.diag(whiten_k), error_s, distance_s)
    return Domain(centre_g, axis_gk, known, inside_n)


def _span(x_ng: np.ndarray, axes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    centre_g = x_ng.mean(0, dtype=np.float64)
    z_ng = x_ng - centre_g
    value_n, left_nn = np.linalg.eigh(z_ng @ z_ng.T)
    kept = min(axes, int((value_n > 1e-8 * value_n[-1]).sum()))
    value_k = value_n[-kept:]
    axis_gk = z_ng.T @ left_nn[:, -kept:] / np.sqrt(value_k)
    return centre_g, axis_gk, np.sqrt(len(x_ng) / value_k)


def _distances(x_ng: np.ndarray, span: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    centre_g, axis_gk, whiten_k = span
    z_ng = x_ng - centre_g
    h_nk = z_ng @ axis_gk
    error_n = ((z_ng**2).sum(1) - (h_nk**2).sum(1)) / z_ng.shape[1]
    return np.column_stack((error_n, np.linalg.norm(h_nk * whiten_k, axis=1)))
