"""The derivation that replicates best between halves of the subjects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from ...stats.subjects import half_counts
from .._registry import DERIVATIONS, Derivation, Question
from ._reference import Reference

CANDIDATES = ("joint", "de")
IN_WORDS = {
    "joint": "joint (the model and the genes together)",
    "de": "de (differential expression, the genes by themselves)",
}
PAIRS = 15
MAJORITY = 0.75


@DERIVATIONS.register("auto")
class Auto:
    """``reference`` through a model of many studies; else ``joint``, unless ``de`` replicates better between halves.

    A model that knows how its samples vary within groups (:func:`genelight.models.learn_within`) is a reference, whose
    say fades by itself as the cohort grows. With any other, nearly always the cohort's own:

    Subjects are split into halves fifteen times. Each candidate scores the genes on one half, and its replication is
    the rank correlation of these scores with moderated t on the other half, averaged over both ways round. ``de``
    takes the place of ``joint`` when its mean replication is higher and it wins in at least three quarters of the
    splits: then the model adds nothing to the genes by themselves, and the module says so.
    ``about["replication"]`` has both figures, ``about["because"]`` the reason in words. The model has seen all
    samples, unlabelled, and layer and penalty are settled on all subjects, so the comparison leans towards ``joint``,
    and leaving it means something. :func:`genelight.modules.hold_out` trains anew on each part and leans to neither.
    In ``python -m studies disease_modules`` neither is shown to beat a PCA of the same cohort.
    """

    reads_codes: ClassVar[bool] = True
    about: Mapping[str, Any]
    _derivation: Derivation

    def __init__(self, question: Question) -> None:
        if "within" in getattr(question.model, "about", {}):
            reference = Reference(question)
            self._derivation, self.columns = reference, reference.columns
            self.about = {**reference.about, "chosen": "reference"}
            return
        derivations = {name: DERIVATIONS[name](question) for name in CANDIDATES}
        replication = _replication(question, derivations)
        chosen = _choose(replication)
        self._derivation = derivations[chosen]
        mean = {name: float(np.mean(r_p)) if len(r_p) else None for name, r_p in replication.items()}
        self.about = {
            **self._derivation.about,
            "chosen": chosen,
            "replication": mean,
            "because": _because(chosen, mean),
        }

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Scores of the chosen derivation, shape ``(b, g)``."""
        return self._derivation.score(count_bs)


def _replication(question: Question, derivations: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Rank correlation of each candidate on one half with t on the other, by split; empty if halves are too small."""
    count_bs = half_counts(question.contrast, pairs=PAIRS, seed=question.seed)
    if not len(count_bs):
        return {name: np.empty(0) for name in derivations}
    t_bg = question.design.moderated(count_bs).t_bg
    # Rows 2p and 2p + 1 are the two halves of split p.
    other_bg = stats.rankdata(t_bg.reshape(PAIRS, 2, -1)[:, ::-1].reshape(t_bg.shape), axis=1)
    found = {}
    for name, derivation in derivations.items():
        rank_bg = stats.rankdata(derivation.score(count_bs), axis=1)
        found[name] = _row_correlation(rank_bg, other_bg).reshape(PAIRS, 2).mean(1)
    return found


def _because(chosen: str, mean: Mapping[str, float | None]) -> str:
    """Why it was chosen, in a sentence."""
    default, plain = (IN_WORDS[name] for name in CANDIDATES)
    together, alone = (mean[name] for name in CANDIDATES)
    if together is None or alone is None:
        return f"{default}, as halves of so few subjects cannot be compared"
    figures = f"{together:.3f} with the model, {alone:.3f} without"
    if chosen == CANDIDATES[0]:
        better = "which does not favour the genes alone clearly" if alone > together else "so the model is kept"
        return (
            f"{default}: scores replicate between halves of the subjects at a rank correlation of {figures}, {better}"
        )
    return (
        f"{plain}: they replicate better between halves of the subjects, at a rank correlation of "
        f"{figures}, so the module is theirs and the model has no say in it"
    )


def _row_correlation(a_bg: np.ndarray, b_bg: np.ndarray) -> np.ndarray:
    a_bg, b_bg = a_bg - a_bg.mean(1, keepdims=True), b_bg - b_bg.mean(1, keepdims=True)
    size_b = np.sqrt((a_bg**2).sum(1) * (b_bg**2).sum(1))
    # A half that cannot tell the groups from a covariate has no ranks.
    return np.divide((a_bg * b_bg).sum(1), size_b, out=np.zeros(len(a_bg)), where=size_b > 0)


def _choose(replication: Mapping[str, np.ndarray]) -> str:
    (default, own), (plain, other) = replication.items()
    better = len(own) and np.mean(other > own) >= MAJORITY and other.mean() > own.mean()
    return plain if better else default
