"""Folds of subjects, each a fold per subject or sample: samples of one subject never part.

Each way of dealing has its own random numbers, on which figures that were published rest; so none stands for another.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from .subjects import group_sizes, numbered

__all__ = ["cut_folds", "folds_of", "leave_out", "parts", "round_folds", "spread_folds", "subject_folds"]


def folds_of(kind_s: np.ndarray, *, folds: int, seed: int) -> np.ndarray:
    """Fold of each subject, shape ``(s,)``: every kind of subject is spread evenly over the folds.

    Raises
    ------
    InputError
        If a fold would be left without a case or without a control.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(kind_s))
    # Cases only, both, controls only, neither: the subjects of either group stand side by side.
    order = order[np.argsort(np.array([3, 0, 2, 1])[kind_s[order]], kind="stable")]
    fold_s = np.empty(len(kind_s), dtype=np.int64)
    fold_s[order] = np.arange(len(order)) % folds
    for role, subjects in zip(("case", "control"), group_sizes(kind_s), strict=True):
        if subjects < folds:
            msg = (
                f"the {role} group has {subjects} subjects and a fold never splits a subject, so one of {folds} folds "
                f"would have no {role}; use at most folds={subjects}"
            )
            raise InputError(msg)
    return fold_s


def subject_folds(subject_n: np.ndarray, *, folds: int, seed: int) -> np.ndarray:
    """Fold of each sample, shape ``(n,)``: subjects are shuffled, then dealt by how many samples they have.

    Dealt from the largest on, always to the fold with the fewest samples, so that folds are of about one size.
    """
    position_n = numbered(subject_n)[1]
    count_s = np.bincount(position_n)
    order = np.random.default_rng(seed).permutation(len(count_s))
    order = order[np.argsort(-count_s[order], kind="stable")]
    fold_s, size_f = np.empty(len(count_s), dtype=np.int64), np.zeros(folds, dtype=np.int64)
    for s in order:
        fold_s[s] = np.argmin(size_f)
        size_f[fold_s[s]] += count_s[s]
    return fold_s[position_n]


def round_folds(subject_n: Any, *, folds: int, seed: int) -> np.ndarray:
    """Fold of each sample, shape ``(n,)``: every fold has as many subjects, to one more or less, dealt in rounds.

    Examples
    --------
    >>> import numpy as np
    >>> np.bincount(round_folds(np.arange(11), folds=5, seed=0))
    array([3, 2, 2, 2, 2])
    """
    subjects, position_n = numbered(subject_n)
    fold_s = np.random.default_rng(seed).permutation(np.arange(len(subjects)) % folds)
    return np.asarray(fold_s[position_n])


def cut_folds(subject_n: Any, *, folds: int, seed: int) -> np.ndarray:
    """Fold of each sample, shape ``(n,)``: subjects are shuffled, then cut into parts of as many subjects.

    The folds of scikit-learn's ``GroupKFold(folds, shuffle=True, random_state=seed)``, to the sample.

    Raises
    ------
    InputError
        If there are fewer than two folds, or fewer subjects than folds.

    Examples
    --------
    >>> cut_folds(["a", "a", "b", "c"], folds=3, seed=0)
    array([2, 2, 1, 0])
    """
    subjects, position_n = numbered(subject_n)
    _check_folds(folds, len(subjects))
    fold_s = np.empty(len(subjects), dtype=np.int64)
    for fold, part in enumerate(np.array_split(_legacy(seed).permutation(len(subjects)), folds)):
        fold_s[part] = fold
    return fold_s[position_n]


def spread_folds(class_s: Any, *, folds: int, seed: int) -> np.ndarray:
    """Fold of each subject, shape ``(s,)``: every class of subjects is spread evenly over the folds.

    The folds of scikit-learn's ``StratifiedKFold(folds, shuffle=True, random_state=seed)``, to the subject.

    Raises
    ------
    InputError
        If there are fewer than two folds, or a class has fewer subjects than folds.

    Examples
    --------
    >>> spread_folds(["a", "a", "b", "b"], folds=2, seed=0)
    array([1, 0, 0, 1])
    """
    _, first_c, position_s = np.unique(np.asarray(class_s), return_index=True, return_inverse=True)
    # Classes in order of appearance.
    class_of_s = np.argsort(np.argsort(first_c))[position_s]
    classes, ordered_s = len(first_c), np.sort(class_of_s)
    _check_folds(folds, int(np.bincount(class_of_s).min()))
    count_fc = np.array([np.bincount(ordered_s[fold::folds], minlength=classes) for fold in range(folds)])
    rng, fold_s = _legacy(seed), np.empty(len(class_of_s), dtype=np.int64)
    for c in range(classes):
        dealt = np.arange(folds).repeat(count_fc[:, c])
        rng.shuffle(dealt)
        fold_s[class_of_s == c] = dealt
    return fold_s


def leave_out(subject_n: Any, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the samples of four fifths of the subjects, and of the fifth (rounded up) that is left out.

    The split of scikit-learn's ``GroupShuffleSplit(1, test_size=0.2, random_state=seed)``, to the sample.

    Raises
    ------
    InputError
        If there are fewer than two subjects.

    Examples
    --------
    >>> leave_out(["a", "b", "b", "c"], seed=0)
    (array([0, 1, 2]), array([3]))
    """
    subjects, position_n = numbered(subject_n)
    _check_folds(2, len(subjects))
    out_n = np.isin(position_n, _legacy(seed).permutation(len(subjects))[: int(np.ceil(0.2 * len(subjects)))])
    return np.flatnonzero(~out_n), np.flatnonzero(out_n)


def parts(fold_n: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions of the samples outside and inside of each fold, in order of the folds."""
    return [(np.flatnonzero(fold_n != fold), np.flatnonzero(fold_n == fold)) for fold in range(int(fold_n.max()) + 1)]


def _check_folds(folds: int, most: int) -> None:
    if not 2 <= folds <= most:
        msg = f"{most} subjects do not make {folds} folds; use fewer folds (2 or more) or name another subject"
        raise InputError(msg)


def _legacy(seed: int) -> np.random.RandomState:
    """The generator that scikit-learn draws from, whose numbers NumPy holds for ever."""
    return np.random.RandomState(seed)
