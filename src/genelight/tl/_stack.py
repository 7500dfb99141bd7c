"""Ridge regression on several parts of a model at once, each with its penalty, then their best mixture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from ._ridge import PENALTIES, Line, Path, ridge_path, subject_folds, subject_weights

__all__ = ["FOLDS", "Stack", "Teacher", "learn"]

FOLDS = 5

Features = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Teacher:
    """What is to be learned: targets of samples, and whose these are.

    Attributes
    ----------
    y_nt
        Targets, one column each.
    subject_n
        Subjects, as positions.
    seed
        Seed of folds.
    """

    y_nt: np.ndarray
    subject_n: np.ndarray
    seed: int = 0

    def take(self, rows: np.ndarray) -> Teacher:
        """The same on some of the samples."""
        return Teacher(self.y_nt[rows], self.subject_n[rows], self.seed)


@dataclass(frozen=True)
class Stack:
    """A mixture of ridge regressions, one per part, for every target.

    Attributes
    ----------
    paths
        Solutions of each part at every penalty.
    penalty_mt
        Position of the penalty, by part and target.
    share_mt
        Weight of each part, by target; none below zero.
    intercept_t
        What is added.
    """

    paths: Mapping[str, Path]
    penalty_mt: np.ndarray
    share_mt: np.ndarray
    intercept_t: np.ndarray

    def predict(self, features: Features) -> np.ndarray:
        """Predictions, shape ``(n, t)``."""
        total_nt = np.zeros((1, len(self.intercept_t))) + self.intercept_t
        for m, (name, path) in enumerate(self.paths.items()):
            y_npt = path.predict(features[name])
            total_nt = total_nt + self.share_mt[m] * _chosen(y_npt, self.penalty_mt[m])
        return total_nt

    def lines(self) -> dict[str, Line]:
        """The first target's weights on each part that has a say; the intercept stands with the first of them."""
        lines: dict[str, Line] = {}
        intercept = float(self.intercept_t[0])
        for m, (name, path) in enumerate(self.paths.items()):
            share = float(self.share_mt[m, 0])
            if share > 0 or (m == len(self.paths) - 1 and not lines):
                line = path.line(int(self.penalty_mt[m, 0]))
                lines[name] = Line(line.centre_f, share * line.weight_f, share * line.intercept + intercept)
                intercept = 0.0
        return lines


def learn(features: Features, teacher: Teacher, methods: Mapping[str, Sequence[str]]) -> dict[str, Stack]:
    """Learn every target from every method's parts.

    The samples are split by subjects into five folds. A part's penalty is the one with the smallest squared error on
    held-out subjects; the shares of a method's parts are the non-negative least squares of the targets on these
    held-out predictions.

    Parameters
    ----------
    features
        By part, samples in rows.
    teacher
        What to learn.
    methods
        Name of each method and the parts it reads.
    """
    weight_n = subject_weights(teacher.subject_n)
    subjects = len(np.unique(teacher.subject_n))
    fold_n = subject_folds(teacher.subject_n, folds=min(FOLDS, subjects), seed=teacher.seed)
    paths, penalties, inner = {}, {}, {}
    for name in dict.fromkeys(part for parts in methods.values() for part in parts):
        y_npt = _held_out(features[name], teacher.y_nt, weight_n, fold_n=fold_n)
        loss_pt = np.einsum("n,npt->pt", weight_n, (y_npt - teacher.y_nt[:, None]) ** 2)
        penalties[name] = loss_pt.argmin(0)
        inner[name] = _chosen(y_npt, penalties[name])
        paths[name] = ridge_path(features[name], teacher.y_nt, weight_n)
    found = {}
    for method, parts in methods.items():
        share_mt, intercept_t = _mix(np.stack([inner[p] for p in parts]), teacher.y_nt, weight_n)
        penalty_mt = np.stack([penalties[p] for p in parts])
        found[method] = Stack({p: paths[p] for p in parts}, penalty_mt, share_mt, intercept_t)
    return found


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
