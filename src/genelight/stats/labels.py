"""Labels shuffled over whole subjects, and only between subjects whose covariates make them as likely to be cases."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, special

from ..nouns import Contrast
from .subjects import kinds, subject_means

__all__ = ["Labels"]

# Berrett et al. found 50 rounds enough for up to 1,000 subjects.
ROUNDS = 50
PENALTY = 0.1


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
        Groups of each subject, as :func:`genelight.stats.subjects.kinds` has them: where draws start from.
    logit_s
        Log odds of being a case, by covariates; zero without.
    swap_s
        Chance that a subject in both groups swaps them.
    even
        Whether there are no covariates.

    References
    ----------
    Winkler et al. 2014, doi 10.1016/j.neuroimage.2014.01.060; Berrett et al. 2020, doi 10.1111/rssb.12340.
    """

    contrast: Contrast
    kind_s: np.ndarray
    logit_s: np.ndarray
    swap_s: np.ndarray
    even: bool

    @classmethod
    def of(cls, contrast: Contrast, rng: np.random.Generator) -> Labels:
        """Fit the odds, and walk away from the labels as they are, so that they are one draw among the others."""
        kind_s = kinds(contrast)
        if contrast.covariate_nc is None:
            return cls(contrast, kind_s, np.zeros(len(kind_s)), np.full(len(kind_s), 0.5), even=True)
        logit_s, step_s = _logits(contrast, kind_s)
        at_first = cls(contrast, kind_s, logit_s, special.expit(-step_s), even=False)
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
        if self.even:
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
