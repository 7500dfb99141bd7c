"""Blocks of the study ``calibration`` that draw labels of real cohorts anew, cheap ones first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import _calibration_claims as claims
from . import _calibration_labels as labels
from . import _real_covariance as covariance
from ._blocks import Rows
from ._cohorts import COHORTS
from ._modules import DATA

__all__ = ["real_blocks"]

VISITS = ("influenza", "lupus, children", "TB_GSE19435")
TB, LUPUS = "tuberculosis, GSE107991 to GSE107992", "lupus, children to adults"


def real_blocks(*, quick: bool) -> dict[str, Callable[[], Rows]]:
    """By name; the quick ones, and those of a place without the public files, need the embedded data alone."""
    draws = 3 if quick else 100
    every = tuple(COHORTS) if DATA.is_dir() and not quick else ("influenza",)
    several = VISITS if len(every) > 1 else ("influenza",)
    blocks: dict[str, Callable[[], Rows]] = {
        "mixed models": partial(claims.mixed, 2000 if quick else 10_000),
        "medians": partial(claims.medians, 500 if quick else 5000),
    }
    blocks |= {f"mixed models, {c}": partial(claims.mixed_real, c, draws) for c in several}
    blocks |= {f"medians, {c}": partial(claims.medians_real, c, 20 * draws) for c in several}
    for cohort in every:
        blocks |= {
            f"discoveries at 6, {cohort}": partial(labels.discoveries, cohort, 6, 2 * draws),
            f"discoveries at 20, {cohort}": partial(labels.discoveries, cohort, 20, 2 * draws),
            f"permutation tests, {cohort}": partial(covariance.label_rows, cohort, 2 * draws),
            f"association, {cohort}": partial(claims.associations, cohort, 2 * draws),
        }
    if len(every) > 1:
        for pair, sizes in ((LUPUS, (10, 40)), (TB, (15,))):
            for size in sizes:
                blocks[f"preserved, {pair}, {size}"] = partial(covariance.preserved, pair, size, 4 * draws)
                truly = partial(covariance.preserved, pair, size, 20, truly=True)
                blocks[f"truly preserved, {pair}, {size}"] = truly
        blocks[f"truly preserved, {LUPUS}, 20"] = partial(covariance.preserved, LUPUS, 20, 20, truly=True)
    for cohort in every:
        blocks |= {
            f"pathways, {cohort}": partial(claims.pathways, cohort, 20, draws),
            f"stability, {cohort}": partial(labels.supported, cohort, 10, draws),
            f"consensus, {cohort}": partial(claims.agreed, cohort, draws),
            f"reversal, {cohort}": partial(claims.reversals, cohort, draws),
            f"coherence, {cohort}": partial(claims.coherent, cohort, draws),
        }
    return blocks
