"""Rules that tell responders from others, learned on some cohorts; many permuted responses are learned at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..stats.intervals import auc_of_each

SIGNATURE, CHOSEN = "interferon-gamma signature", "chosen among all"
RIDGE, AXES, MIXED = (1.0, 10.0, 100.0), (4, 16, 64), ((3, 0.5), (10, 0.5), (10, 1.0))
LEAST_Z, MOST_COORDINATES = 1.0, 512


@dataclass(frozen=True)
class Bench:
    """What rules learn from; everything has its cohort's mean taken out, no response enters.

    Attributes
    ----------
    cohort_n
        Cohort of each patient.
    y_nt
        Response, and beside it permuted ones.
    z_ng
        Genes that all cohorts have.
    f_nk
        Programmes, in standard deviations within cohorts.
    fixed
        Scores that learn nothing, by name, in standard deviations within cohorts.
    sides
        Genes and programmes in at most 512 coordinates, in which a patient has mean squared length one.
    """

    cohort_n: np.ndarray
    y_nt: np.ndarray
    z_ng: np.ndarray
    f_nk: np.ndarray
    fixed: Mapping[str, np.ndarray]
    sides: Mapping[str, np.ndarray]

    @classmethod
    def of(
        cls,
        cohort_n: np.ndarray,
        y_nt: np.ndarray,
        *,
        x_ng: np.ndarray,
        f_nk: np.ndarray,
        fixed: Mapping[str, np.ndarray],
    ) -> Bench:
        """Take cohorts' means out, and multiply out what is learned from."""
        z_ng = centred(x_ng, cohort_n)
        f_nk = _unit(centred(f_nk, cohort_n))
        scores = {name: _unit(centred(score_n[:, None], cohort_n))[:, 0] for name, score_n in fixed.items()}
        sides = {name: _side(a_nf) for name, a_nf in (("genes", z_ng), ("programmes", f_nk)) if a_nf.shape[1]}
        return cls(cohort_n, y_nt, z_ng, f_nk, scores, sides)

    @property
    def observed(self) -> Bench:
        """Without the permuted responses."""
        return replace(self, y_nt=self.y_nt[:, :1])

    @property
    def cohorts(self) -> int:
        """How many there are."""
        return int(self.cohort_n.max()) + 1


@dataclass(frozen=True)
class Rule:
    """A way to score, with one setting of it.

    Attributes
    ----------
    method
        Its name in tables.
    kind
        ``"fixed"``, ``"ridge"``, ``"axes"`` or ``"mixed"``.
    reads
        A fixed score's name, or ``"genes"`` or ``"programmes"``.
    setting
        Penalty, number of axes, or number of programmes and their share.
    """

    method: str
    kind: str
    reads: str
    setting: tuple[float, ...] = ()

    def scores(self, bench: Bench, train_n: np.ndarray, eigen: Eigen) -> np.ndarray:
        """Scores of all patients, learned from some; shape ``(n, t)``, or ``(n, 1)`` of what learns nothing.

        In standard deviations of those that it was learned from, so that scores of several trainings compare.
        """
        score_nt = self.raw(bench, train_n, eigen)
        sd_t = score_nt[train_n].std(0)
        return score_nt / np.where(sd_t > 0, sd_t, np.inf)

    def raw(self, bench: Bench, train_n: np.ndarray, eigen: Eigen) -> np.ndarray:
        """The same on a scale of its own."""
        if self.kind == "fixed":
            return bench.fixed[self.reads][:, None]
        if self.kind == "mixed":
            weight_kt = self.programme_weights(bench, train_n)
            part_nt = bench.f_nk @ weight_kt
            sd_t = part_nt[train_n].std(0)
            share_t = self.setting[1] / np.where(sd_t > 0, sd_t, np.inf)
            return np.asarray(bench.fixed[SIGNATURE][:, None] + share_t * part_nt)
        side_nr = bench.sides[self.reads]
        return np.asarray(side_nr @ (side_nr[train_n].T @ self.dual(bench, train_n, eigen)))

    def dual(self, bench: Bench, train_n: np.ndarray, eigen: Eigen) -> np.ndarray:
        """Weight of each training patient, shape ``(m, t)``."""
        value_r, axis_mr = eigen.of(self.reads)
        target_mt = centred(bench.y_nt[train_n], bench.cohort_n[train_n])
        if self.kind == "ridge":
            shrunk_r = 1.0 / (value_r + self.setting[0])
        else:
            kept = int(min(self.setting[0], len(value_r)))
            shrunk_r = np.where(np.arange(len(value_r)) >= len(value_r) - kept, 1.0 / np.maximum(value_r, 1e-9), 0.0)
        return np.asarray(axis_mr @ (shrunk_r[:, None] * (axis_mr.T @ target_mt)))

    def programme_weights(self, bench: Bench, train_n: np.ndarray) -> np.ndarray:
        """Of the mixture: plus or minus one for the programmes that stay furthest from zero without any one cohort."""
        z_kt = worst_z(bench, train_n)
        top = int(self.setting[0])
        order_kt = np.argsort(np.argsort(-np.abs(z_kt), axis=0, kind="stable"), axis=0)
        return np.where((order_kt < top) & (np.abs(z_kt) >= LEAST_Z), np.sign(z_kt), 0.0)


class Eigen:
    """Axes of the training patients, each side taken apart once."""

    def __init__(self, bench: Bench, train_n: np.ndarray) -> None:
        self._bench, self._train_n = bench, train_n
        self._found: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def of(self, reads: str) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues in ascending order, and vectors."""
        if reads not in self._found:
            self._found[reads] = _eigen(self._bench.sides[reads][self._train_n])
        return self._found[reads]


def rules_of(bench: Bench) -> dict[str, list[Rule]]:
    """Every method with its settings."""
    rules = {name: [Rule(name, "fixed", name)] for name in bench.fixed}
    rules["PCA of genes"] = [Rule("PCA of genes", "axes", "genes", (axes,)) for axes in AXES]
    rules["ridge on genes"] = [Rule("ridge on genes", "ridge", "genes", (r,)) for r in RIDGE]
    if "programmes" in bench.sides:
        rules["ridge on programmes"] = [Rule("ridge on programmes", "ridge", "programmes", (r,)) for r in RIDGE]
        rules["signature and stable programmes"] = [
            Rule("signature and stable programmes", "mixed", "programmes", setting) for setting in MIXED
        ]
    return rules


def worst_z(bench: Bench, train_n: np.ndarray) -> np.ndarray:
    """Of each programme the z of its difference when the cohort is left out that speaks for it most, ``(k, t)``.

    Zero where another sign is found without some cohort: stable is what no single cohort carries.
    """
    numerator, weight = [], []
    for c in np.unique(bench.cohort_n[train_n]):
        rows = train_n & (bench.cohort_n == c)
        y_nt, f_nk = bench.y_nt[rows], bench.f_nk[rows]
        ones_t = y_nt.sum(0)
        zeros_t = len(y_nt) - ones_t
        effect_kt = f_nk.T @ (y_nt / ones_t - (1 - y_nt) / zeros_t)
        weight_t = ones_t * zeros_t / len(y_nt)
        numerator.append(weight_t * effect_kt)
        weight.append(weight_t)
    if len(weight) == 1:  # nothing is stable over one
        return np.zeros(numerator[0].shape)
    sum_kt, sum_t = np.sum(numerator, axis=0), np.sum(weight, axis=0)
    without = np.stack([(sum_kt - n) / np.sqrt(sum_t - w) for n, w in zip(numerator, weight, strict=True)])
    low_kt, high_kt = without.min(0), without.max(0)
    return np.where(low_kt > 0, low_kt, np.where(high_kt < 0, high_kt, 0.0))


def auc_t(score_nt: np.ndarray, y_nt: np.ndarray) -> np.ndarray:
    """AUC of each column, shape ``(t,)``; a score of one column is held against every response."""
    return auc_of_each(score_nt.T, y_nt.T)


def centred(a_nf: np.ndarray, cohort_n: np.ndarray) -> np.ndarray:
    """Less each cohort's mean."""
    b_nf = np.array(a_nf, dtype=np.float64)
    for c in np.unique(cohort_n):
        b_nf[cohort_n == c] -= b_nf[cohort_n == c].mean(0)
    return b_nf


def _unit(a_nf: np.ndarray) -> np.ndarray:
    sd_f = a_nf.std(0)
    return np.asarray(a_nf / np.where(sd_f > 1e-9, sd_f, np.inf))


def _side(a_nf: np.ndarray) -> np.ndarray:
    """Coordinates along the leading axes: all of them up to 512 patients or features, else an approximation."""
    a_nf = a_nf * np.sqrt(len(a_nf) / max(float(np.einsum("nf,nf->", a_nf, a_nf)), 1e-12))
    if a_nf.shape[1] <= min(len(a_nf), MOST_COORDINATES):
        return a_nf
    value_r, axis_nr = _eigen(a_nf)
    return np.asarray(axis_nr[:, -MOST_COORDINATES:] * np.sqrt(value_r[-MOST_COORDINATES:]))


def _eigen(a_mr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of the products of patients in ascending order, and vectors, through the smaller side."""
    if len(a_mr) <= a_mr.shape[1]:
        value_r, axis_mr = np.linalg.eigh(a_mr @ a_mr.T)
        kept = value_r > 1e-10 * value_r[-1]
        return value_r[kept], axis_mr[:, kept]
    value_r, axes_rr = np.linalg.eigh(a_mr.T @ a_mr)
    kept = value_r > 1e-10 * value_r[-1]
    return value_r[kept], a_mr @ axes_rr[:, kept] / np.sqrt(value_r[kept])
