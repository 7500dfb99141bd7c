"""Numbers, weights, folds and draws of subjects: samples of one subject never part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from ..errors import InputError
from ..nouns import Contrast

__all__ = [
    "bootstrap_counts",
    "count_subjects",
    "folds_of",
    "group_sizes",
    "half_counts",
    "indexed",
    "kinds",
    "numbered",
    "redrawn",
    "rows_of_subjects",
    "subject_folds",
    "subject_means",
    "subject_shares",
    "subject_weights",
    "weights_under",
]

LEAST_HALF = 2


def numbered(subject_n: Any) -> tuple[np.ndarray, np.ndarray]:
    """Names of the subjects in order, shape ``(s,)``, and the position of each sample's among them, shape ``(n,)``.

    Examples
    --------
    >>> numbered(["b", "a", "b"])
    (array(['a', 'b'], dtype='<U1'), array([1, 0, 1]))
    """
    return np.unique(np.asarray(subject_n), return_inverse=True)


def count_subjects(subject_n: Any) -> int:
    """How many different subjects samples are of."""
    return len(numbered(subject_n)[0])


def rows_of_subjects(subject_n: Any) -> list[np.ndarray]:
    """Positions of each subject's samples, in order of name.

    Examples
    --------
    >>> [rows.tolist() for rows in rows_of_subjects(["b", "a", "b"])]
    [[1], [0, 2]]
    """
    position_n = numbered(subject_n)[1]
    order = np.argsort(position_n, kind="stable")
    return np.split(order, np.cumsum(np.bincount(position_n))[:-1])


def redrawn(rows_s: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Samples of as many subjects as there are, drawn with replacement, each with all its samples."""
    return np.concatenate([rows_s[s] for s in rng.integers(0, len(rows_s), len(rows_s))])


def subject_shares(subject_n: np.ndarray) -> np.ndarray:
    """Weights that give every subject the same say; they sum to one."""
    names, position_n = numbered(subject_n)
    return 1.0 / (np.bincount(position_n)[position_n] * len(names))


def subject_weights(subject_n: np.ndarray) -> np.ndarray:
    """One over the root of how many samples the subject has: between samples alike and subjects alike."""
    position_n = numbered(subject_n)[1]
    return np.asarray(1.0 / np.sqrt(np.bincount(position_n)[position_n]))


def indexed(contrast: Contrast) -> Contrast:
    """The contrast's own samples only, with subjects as positions from zero in order of name."""
    part = contrast.take(contrast.used_n)
    return replace(part, subject_n=numbered(part.subject_n)[1])


def kinds(contrast: Contrast) -> np.ndarray:
    """What samples each subject has, shape ``(s,)``: 0 neither, 1 cases, 2 controls, 3 both; needs positions."""
    s = int(contrast.subject_n.max()) + 1
    case_s = np.bincount(contrast.subject_n, contrast.case_n, minlength=s) > 0
    control_s = np.bincount(contrast.subject_n, contrast.control_n, minlength=s) > 0
    return case_s + 2 * control_s


def group_sizes(kind_s: np.ndarray) -> tuple[int, int]:
    """How many subjects have cases, and how many have controls."""
    return int(np.sum((kind_s & 1) > 0)), int(np.sum((kind_s & 2) > 0))


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


def bootstrap_counts(contrast: Contrast, *, draws: int, seed: int, times: int = 1) -> np.ndarray:
    """How often each subject is drawn in each bootstrap, shape ``(b, s)``; `times` as many as there are.

    Subjects are drawn with replacement among those of their kind (cases only, controls only, both), so
    that both groups keep their size and a subject in both moves with all its samples.
    """
    rng = np.random.default_rng(seed)
    kind_s = kinds(contrast)
    count_bs = np.zeros((draws, len(kind_s)), dtype=np.int64)
    for kind in np.unique(kind_s):
        (member,) = np.nonzero(kind_s == kind)
        count_bs[:, member] = rng.multinomial(times * len(member), np.full(len(member), 1 / len(member)), size=draws)
    return count_bs


def half_counts(contrast: Contrast, *, pairs: int, seed: int) -> np.ndarray:
    """Halves of the subjects that share none, zeros and ones, shape ``(2 * pairs, s)``; a pair is two rows on end.

    Subjects of each kind are halved by themselves, an odd one is left out of either half. Without rows where a half
    would have fewer than two subjects of either group.
    """
    rng = np.random.default_rng(seed)
    kind_s = kinds(contrast)
    count_bs = np.zeros((2 * pairs, len(kind_s)), dtype=np.int64)
    for kind in np.unique(kind_s):
        (member,) = np.nonzero(kind_s == kind)
        half = len(member) // 2
        for row in range(0, 2 * pairs, 2):
            drawn = rng.permutation(member)
            count_bs[row, drawn[:half]] = 1
            count_bs[row + 1, drawn[half : 2 * half]] = 1
    smallest = min(group_sizes(kind_s * count_bs[0])) if pairs else 0
    return count_bs if smallest >= LEAST_HALF else count_bs[:0]


def weights_under(contrast: Contrast, count_s: np.ndarray) -> np.ndarray:
    """Sample weights, shape ``(n,)``, when subjects count `count_s` times; each group sums to one."""
    weight = contrast.weight_n() * count_s[contrast.subject_n]
    for mask in (contrast.case_n, contrast.control_n):
        weight[mask] /= weight[mask].sum()
    return weight


def subject_means(x_ng: np.ndarray, mask_n: np.ndarray, subject_n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each subject's samples in `mask_n`, shape ``(s', g)``, and these subjects' positions ``(s',)``."""
    subjects, row, count = np.unique(subject_n[mask_n], return_inverse=True, return_counts=True)
    share_sn = sparse.csr_matrix((1.0 / count[row], (row, np.arange(len(row)))), shape=(len(subjects), len(row)))
    return share_sn @ x_ng[mask_n], subjects
