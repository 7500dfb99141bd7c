"""Ridge regression on several parts of a model at once, each with its penalty, then their best mixture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import nnls

from ..stats.folds import subject_folds
from ..stats.ridge import PENALTIES, Line, Path, ridge_path
from ..stats.subjects import count_subjects, subject_weights

FOLDS = 5

Features = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Targets:
    """What is to be learned: targets of samples, and whose these are; the seed is that of folds."""

    y_nt: np.ndarray
    subject_n: np.ndarray
    seed: int = 0
    beside_nb: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    """What else is known of these samples, learned to tell the targets by: standardised, 0 where it is missing."""

    @property
    def all_nu(self) -> np.ndarray:
        """All that is learned: the targets, then what stands beside them."""
        return np.hstack([self.y_nt, self.beside_nb]) if self.beside_nb.size else self.y_nt


@dataclass(frozen=True)
class Solved:
    """Ridge regressions on one part, each at its penalty, and what is made of them for the targets.

    Attributes
    ----------
    path
        Solutions at every penalty, for the targets and what stands beside them.
    penalty_u
        Position of the penalty of each.
    blend_ut
        Their weight in each target; the identity where nothing stands beside.
    intercept_t
        What is added.
    """

    path: Path
    penalty_u: np.ndarray
    blend_ut: np.ndarray
    intercept_t: np.ndarray

    def predict(self, f_nf: np.ndarray) -> np.ndarray:
        """Predictions, shape ``(n, t)``."""
        return _chosen(self.path.predict(f_nf), self.penalty_u) @ self.blend_ut + self.intercept_t

    def line(self) -> Line:
        """The first target's weights."""
        weight_f, intercept = np.zeros(len(self.path.centre_f)), float(self.intercept_t[0])
        for u in np.flatnonzero(self.blend_ut[:, 0]):
            line, share = self.path.line(int(self.penalty_u[u]), int(u)), float(self.blend_ut[u, 0])
            weight_f, intercept = weight_f + share * line.weight_f, intercept + share * line.intercept
        return Line(self.path.centre_f, weight_f, intercept)


@dataclass(frozen=True)
class Stack:
    """A mixture of ridge regressions, one per part, for every target.

    Attributes
    ----------
    solved
        What was learned on each part.
    share_mt
        Weight of each part, by target; none below zero.
    intercept_t
        What is added.
    """

    solved: Mapping[str, Solved]
    share_mt: np.ndarray
    intercept_t: np.ndarray

    def predict(self, features: Features) -> np.ndarray:
        """Predictions, shape ``(n, t)``."""
        total_nt = np.zeros((1, len(self.intercept_t))) + self.intercept_t
        for m, (name, solved) in enumerate(self.solved.items()):
            total_nt = total_nt + self.share_mt[m] * solved.predict(features[name])
        return total_nt

    def lines(self) -> dict[str, Line]:
        """The first target's weights on each part that has a say; the intercept stands with the first of them."""
        lines: dict[str, Line] = {}
        intercept = float(self.intercept_t[0])
        for m, (name, solved) in enumerate(self.solved.items()):
            share = float(self.share_mt[m, 0])
            if share > 0 or (m == len(self.solved) - 1 and not lines):
                line = solved.line()
                lines[name] = Line(line.centre_f, share * line.weight_f, share * line.intercept + intercept)
                intercept = 0.0
        return lines


def learn(features: Features, targets: Targets, methods: Mapping[str, Sequence[str]]) -> dict[str, Stack]:
    """Learn every target from every method's parts.

    The samples are split by subjects into five folds. A part's penalty is the one with the smallest squared error on
    held-out subjects; the shares of a method's parts are the non-negative least squares of the targets on these
    held-out predictions. With columns beside the targets, a part's prediction of a target is the mean of its own and of
    a ridge regression of the target on the held-out predictions of itself and of these columns.
    """
    weight_n = subject_weights(targets.subject_n)
    subjects = count_subjects(targets.subject_n)
    fold_n = subject_folds(targets.subject_n, folds=min(FOLDS, subjects), seed=targets.seed)
    solved, inner = {}, {}
    for name in dict.fromkeys(part for parts in methods.values() for part in parts):
        solved[name], inner[name] = _solve(features[name], targets, weight_n, fold_n=fold_n)
    found = {}
    for method, parts in methods.items():
        share_mt, intercept_t = _mix(np.stack([inner[p] for p in parts]), targets.y_nt, weight_n)
        found[method] = Stack({p: solved[p] for p in parts}, share_mt, intercept_t)
    return found


def _solve(
    f_nf: np.ndarray, targets: Targets, weight_n: np.ndarray, *, fold_n: np.ndarray
) -> tuple[Solved, np.ndarray]:
    """Learn on one part; beside it the held-out predictions of the targets, shape ``(n, t)``."""
    y_all_nu, count = targets.all_nu, targets.y_nt.shape[1]
    y_nu, penalty_u = _best(_held_out(f_nf, y_all_nu, weight_n, fold_n=fold_n), y_all_nu, weight_n)
    path = ridge_path(f_nf, y_all_nu, weight_n)
    blend_ut, intercept_t = np.eye(y_all_nu.shape[1], count), np.zeros(count)
    if y_all_nu.shape[1] == count:
        return Solved(path, penalty_u, blend_ut, intercept_t), y_nu
    held_out_nt = y_nu[:, :count].copy()
    unit_t = np.maximum(targets.y_nt.std(0), 1e-12)
    for t in range(count):
        own_n1 = targets.y_nt[:, [t]]
        told_nb = np.column_stack([y_nu[:, t] / unit_t[t], y_nu[:, count:]])
        second_n1, (penalty,) = _best(_held_out(told_nb, own_n1, weight_n, fold_n=fold_n), own_n1, weight_n)
        line = ridge_path(told_nb, own_n1, weight_n).line(int(penalty))
        # Half of each, as the second alone follows the columns' noise; see the log of the study ``severity``.
        blend_ut[t, t] = (1 + line.weight_f[0] / unit_t[t]) / 2
        blend_ut[count:, t] = line.weight_f[1:] / 2
        intercept_t[t] = (line.intercept - line.centre_f @ line.weight_f) / 2
        held_out_nt[:, t] = (held_out_nt[:, t] + second_n1[:, 0]) / 2
    return Solved(path, penalty_u, blend_ut, intercept_t), held_out_nt


def _best(y_npt: np.ndarray, y_nt: np.ndarray, weight_n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predictions at each target's best penalty ``(n, t)``, and its position ``(t,)``."""
    loss_pt = np.einsum("n,npt->pt", weight_n, (y_npt - y_nt[:, None]) ** 2)
    penalty_t = loss_pt.argmin(0)
    return _chosen(y_npt, penalty_t), penalty_t


def _held_out(f_nf: np.ndarray, y_nt: np.ndarray, weight_n: np.ndarray, *, fold_n: np.ndarray) -> np.ndarray:
    y_npt = np.empty((len(f_nf), len(PENALTIES), y_nt.shape[1]))
    for fold in np.unique(fold_n):
        train, test = fold_n != fold, fold_n == fold
        y_npt[test] = ridge_path(f_nf[train], y_nt[train], weight_n[train]).predict(f_nf[test])
    return y_npt


def _mix(y_mnt: np.ndarray, y_nt: np.ndarray, weight_n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the parts ``(m, t)`` and intercepts ``(t,)``."""
    share_n = weight_n / weight_n.sum()
    mean_mt, mean_t = np.einsum("n,mnt->mt", share_n, y_mnt), share_n @ y_nt
    root_n = np.sqrt(share_n)[:, None]
    share_mt = np.empty(mean_mt.shape)
    for t in range(y_nt.shape[1]):
        a_nm = root_n * (y_mnt[:, :, t].T - mean_mt[:, t])
        share_mt[:, t] = nnls(a_nm, (root_n[:, 0] * (y_nt[:, t] - mean_t[t])))[0]
    return share_mt, mean_t - (share_mt * mean_mt).sum(0)


def _chosen(y_npt: np.ndarray, penalty_t: np.ndarray) -> np.ndarray:
    return np.take_along_axis(y_npt, penalty_t[None, None, :], axis=1)[:, 0]
