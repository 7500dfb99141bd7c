"""Numbers, weights, draws and shuffled labels of subjects: samples of one subject never part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import optimize, sparse, special

from ..nouns import Contrast

__all__ = [
    "Labels",
    "bootstrap_counts",
    "count_subjects",
    "group_sizes",
    "half_counts",
    "indexed",
    "kinds",
    "numbered",
    "redrawn",
    "rows_of_subjects",
    "subject_means",
    "subject_shares",
    "subject_weights",
    "weights_under",
]

LEAST_HALF = 2
# Berrett et al. found 50 rounds enough for up to 1,000 subjects.
ROUNDS = 50
PENALTY = 0.1


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


def by_appearance(subject_n: Any) -> np.ndarray:
    """Number of each sample's subject, shape ``(n,)``, in the order in which subjects first appear.

    Examples
    --------
    >>> by_appearance(["b", "a", "b"])
    array([0, 1, 0])
    """
    _, first_s, position_n = np.unique(np.asarray(subject_n), return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first_s))[position_n]


def some_subjects(subject_n: np.ndarray, *, samples: int, least: int, seed: int) -> np.ndarray:
    """Whether each sample is of the subjects drawn: as many as have about `samples`, and at least `least`."""
    position_n = numbered(subject_n)[1]
    count_s = np.bincount(position_n)
    order = np.random.default_rng(seed).permutation(len(count_s))
    return np.isin(position_n, order[: max(least, int(np.searchsorted(count_s[order].cumsum(), samples)))])


def one_of_each(subject_n: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Position of one sample of each subject, drawn, in order of the subjects' names."""
    order = rng.permutation(len(subject_n))
    return np.array([order[rows[0]] for rows in rows_of_subjects(subject_n[order])])


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


def handed_on(value_n: np.ndarray, subject_n: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Values handed to other subjects: each gets those of one other in their order, round and round from any of them.

    A run of visits stays a run, and where all were visited on the same days the start breaks the tie to the day.
    """
    rows_s = rows_of_subjects(subject_n)
    given_n = np.empty_like(value_n)
    for s, other in enumerate(rng.permutation(len(rows_s))):
        theirs = value_n[rows_s[other]]
        given_n[rows_s[s]] = np.resize(np.roll(theirs, rng.integers(len(theirs))), len(rows_s[s]))
    return given_n


def shuffled_within(value_n: np.ndarray, block_n: np.ndarray, *, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of the values, shuffled within blocks, shape ``(draws, n)``: random numbers sorted block by block.

    Examples
    --------
    >>> import numpy as np
    >>> shuffled_within(np.array([1, 2, 8, 9]), np.array([0, 0, 1, 1]), draws=2, rng=np.random.default_rng(0))
    array([[2, 1, 9, 8],
           [1, 2, 8, 9]])
    """
    order = np.argsort(block_n, kind="stable")
    key_bn = rng.random((draws, len(value_n))) + np.searchsorted(np.unique(block_n), block_n)[order]
    out_bn = np.empty((draws, len(value_n)), dtype=value_n.dtype)
    out_bn[:, order] = value_n[order][np.argsort(key_bn, axis=1)]
    return out_bn


def permuted_within(value_n: np.ndarray, block_n: np.ndarray, *, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Columns of the values, permuted within blocks, shape ``(n, draws)``.

    Means what :func:`shuffled_within` means, by other random numbers; logged figures rest on both.
    """
    value_nb = np.repeat(value_n[:, None], draws, axis=1)
    for block in np.unique(block_n):
        rows = np.flatnonzero(block_n == block)
        value_nb[rows] = rng.permuted(value_nb[rows], axis=0)
    return value_nb


@dataclass(frozen=True)
class Labels:
    """How the labels of a contrast could have fallen if they meant nothing, given the covariates.

    A subject in both groups keeps both and swaps them; the others exchange their one label among themselves. Without
    covariates every exchange is as likely as any other. With them a free shuffle would tear the labels from what they
    go with (a batch, an age), and what these do to expression would look like the disease. So two subjects exchange
    labels by the odds that a logistic regression on the covariates gives it: always with even odds within one batch,
    hardly ever where one of them would be a case against all odds. This is permutation within strata (Winkler et al.
    2014) where covariates are classes, and extends to quantities (Berrett et al. 2020). How many are cases, and how
    many samples a subject has, stays.

    Attributes
    ----------
    contrast
        With subjects as positions.
    kind_s
        Groups of each subject, as :func:`kinds` has them: where draws start from.
    logit_s
        Log odds of being a case, by covariates; zero without.
    swap_s
        Chance that a subject in both groups swaps them.

    References
    ----------
    Winkler et al. 2014, doi 10.1016/j.neuroimage.2014.01.060; Berrett et al. 2020, doi 10.1111/rssb.12340.
    """

    contrast: Contrast
    kind_s: np.ndarray
    logit_s: np.ndarray
    swap_s: np.ndarray

    @classmethod
    def of(cls, contrast: Contrast, rng: np.random.Generator) -> Labels:
        """Fit the odds, and walk away from the labels as they are, so that they are one draw among the others."""
        kind_s = kinds(contrast)
        if contrast.covariate_nc is None:
            return cls(contrast, kind_s, np.zeros(len(kind_s)), np.full(len(kind_s), 0.5))
        logit_s, step_s = _logits(contrast, kind_s)
        at_first = cls(contrast, kind_s, logit_s, special.expit(-step_s))
        return replace(at_first, kind_s=at_first._exchanged(rng))

    def draw(self, rng: np.random.Generator) -> Contrast:
        """The contrast with other labels."""
        before_s = kinds(self.contrast)
        flip_s = (before_s == 3) & (rng.random(len(before_s)) < self.swap_s)
        flip_s |= self._exchanged(rng) != before_s
        flip_n = flip_s[self.contrast.subject_n]
        case_n = np.where(flip_n, self.contrast.control_n, self.contrast.case_n)
        control_n = np.where(flip_n, self.contrast.case_n, self.contrast.control_n)
        return replace(self.contrast, case_n=case_n, control_n=control_n)

    def _exchanged(self, rng: np.random.Generator) -> np.ndarray:
        """Kinds with the single labels exchanged, shape ``(s,)``."""
        drawn_s = self.kind_s.copy()
        (single,) = np.nonzero((drawn_s == 1) | (drawn_s == 2))
        if self.contrast.covariate_nc is None:
            drawn_s[single] = rng.permutation(drawn_s[single])
            return drawn_s
        ill_m, logit_m = drawn_s[single] == 1, self.logit_s[single]
        half = len(single) // 2
        for _ in range(ROUNDS):
            order = rng.permutation(len(single))
            one, other = order[:half], order[half : 2 * half]
            gain = (ill_m[one].astype(float) - ill_m[other]) * (logit_m[other] - logit_m[one])
            swap = rng.random(half) < special.expit(gain)
            ill_m[one[swap]], ill_m[other[swap]] = ill_m[other[swap]], ill_m[one[swap]]
        drawn_s[single] = np.where(ill_m, 1, 2)
        return drawn_s


def _logits(contrast: Contrast, kind_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log odds of each subject in one group, and of each in both that its two are as they are, both ``(s,)``.

    One logistic regression: of single labels on covariates, and, conditional on the subject, of pairs on differences.
    A slight ridge keeps it finite where few subjects seem to be told apart.
    """
    covariate_nc = np.asarray(contrast.covariate_nc)
    mean_sc = np.zeros((2, len(kind_s), covariate_nc.shape[1]))
    for side, mask_n in enumerate((contrast.case_n, contrast.control_n)):
        mean, subject = subject_means(covariate_nc, mask_n, contrast.subject_n)
        mean_sc[side, subject] = mean
    both_s, single_s = kind_s == 3, (kind_s == 1) | (kind_s == 2)
    row_sc = np.where(both_s[:, None], mean_sc[0] - mean_sc[1], mean_sc.sum(0))
    spread_c = row_sc.std(0)
    row_sc = np.column_stack((single_s, row_sc / np.where(spread_c > 0, spread_c, 1.0)))
    sign_s = np.where(kind_s == 2, -1.0, 1.0) * (kind_s > 0)
    penalty_c = np.r_[0.0, np.full(row_sc.shape[1] - 1, PENALTY)]

    def loss(slope_c: np.ndarray) -> tuple[float, np.ndarray]:
        margin_s = sign_s * (row_sc @ slope_c)
        value = -special.log_expit(margin_s)[kind_s > 0].sum() + penalty_c @ slope_c**2 / 2
        return value, penalty_c * slope_c - (special.expit(-margin_s) * sign_s) @ row_sc

    slope_c = optimize.minimize(loss, np.zeros(row_sc.shape[1]), jac=True, method="BFGS").x
    logit_s = row_sc @ slope_c
    return np.where(single_s, logit_s, 0.0), np.where(both_s, logit_s, 0.0)
