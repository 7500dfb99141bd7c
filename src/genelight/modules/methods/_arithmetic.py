"""The mean difference of codes, decoded, against decoded random codes."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ...nodes.layers import decode_change
from ...stats.discriminant import Adjustment, groups_of
from ...stats.subjects import weights_under
from .._registry import DERIVATIONS, Question
from ._direction import Direction

ETA = 1.0
DRAWS = 1000


@DERIVATIONS.register("arithmetic", doi="10.1101/2023.10.03.560661")
class Arithmetic(Direction):
    """The decoded mean code difference of cases and controls, in standard deviations of decoded random steps.

    The mean control is moved by eta = 1 times the difference of the mean codes and decoded (de Weerd et al. 2023);
    every gene is compared with what random steps of normal codes, as wide as those of the samples, do to it. With p
    as the share of draws that reach a gene, no p is below one over their number and many genes tie; here the score is
    the change over the standard deviation of the draws, and its normal p is adjusted over all genes:
    ``about["genes_at_q_0.05"]`` says how many stand out.
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        rng = np.random.default_rng(question.seed)
        control_k, _ = self._states(np.ones(int(self._contrast.subject_n.max()) + 1))
        step_bk = rng.standard_normal((DRAWS, len(control_k))) * self._h_nk.std(0)
        rest_bk = np.broadcast_to(control_k, step_bk.shape)
        spread_g = decode_change(self._model, self._layer, rest_bk=rest_bk, change_bk=step_bk).std(0, dtype=np.float64)
        self._sd_g = np.where(spread_g > 0, spread_g, np.inf)
        z_g = self.score(np.ones((1, int(self._contrast.subject_n.max()) + 1), dtype=np.int64))[0]
        q_g = stats.false_discovery_control(2 * stats.norm.sf(np.abs(z_g)))
        self.about = {**self.about, "eta": ETA, "draws": DRAWS, "genes_at_q_0.05": int((q_g <= 0.05).sum())}

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Change of each gene over the standard deviation of random steps, shape ``(b, g)``."""
        states = [self._states(count_s) for count_s in count_bs]
        rest_bk = np.stack([rest for rest, _ in states])
        change_bk = ETA * np.stack([change for _, change in states])
        return decode_change(self._model, self._layer, rest_bk=rest_bk, change_bk=change_bk) / self._sd_g

    def _states(self, count_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean control code and the difference of the means, adjusted for covariates, each ``(k,)``."""
        contrast = self._contrast
        weight_n = weights_under(contrast, count_s)
        group_nd = groups_of(contrast, None)
        adjustment = Adjustment.fit(self._h_nk, group_nd, covariate_nc=contrast.covariate_nc, weight_n=weight_n)
        h_nk = adjustment.apply(self._h_nk, contrast.covariate_nc)
        control_k = (weight_n * contrast.control_n) @ h_nk
        return control_k, (weight_n * contrast.case_n) @ h_nk - control_k
