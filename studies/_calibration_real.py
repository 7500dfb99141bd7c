"""Blocks of the study ``calibration`` that draw labels of real cohorts anew, cheap ones first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import _calibration_claims as claims
from . import _calibration_labels as labels
from . import _calibration_reports as whole
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
    fewer = 3 if quick else 40
    every = tuple(COHORTS) if DATA.is_dir() and not quick else ("influenza",)
    several = VISITS if len(every) > 1 else ("influenza",)
    blocks: dict[str, Callable[[], Rows]] = {
        "mixed models": partial(claims.mixed, 2000 if quick else 10_000),
        "medians": partial(claims.medians, 500 if quick else 5000),
    }
    blocks |= {f"mixed models, {c}": partial(claims.mixed_real, c, draws) for c in several}
    blocks |= {f"medians, {c}": partial(claims.medians_real, c, 20 * draws) for c in several}
    if len(every) > 1:
        blocks["severity by part"] = whole.severity_by_part
    blocks |= {f"association, {c}": partial(claims.associations, c, 2 * draws) for c in every}
    blocks |= {f"consensus, {c}": partial(claims.agreed, c, draws) for c in every}
    for cohort in every:
        blocks |= {
            f"severity, {cohort}": partial(whole.severity_of_nothing, cohort, fewer),
            f"permutation tests, {cohort}": partial(covariance.label_rows, cohort, draws),
            f"stability, {cohort}": partial(labels.supported, cohort, 10, draws),
        }
    if len(every) > 1:
        for pair, size, many in ((LUPUS, 40, 2 * draws), (TB, 15, 2 * draws), (LUPUS, 10, draws)):
            blocks[f"preserved, {pair}, {size}"] = partial(covariance.preserved, pair, size, many)
        for pair, size in ((LUPUS, 10), (LUPUS, 20), (LUPUS, 40), (TB, 15)):
            truly = partial(covariance.preserved, pair, size, 20, truly=True)
            blocks[f"truly preserved, {pair}, {size}"] = truly
        for size in (6, 10, 20):
            blocks[f"truly supported, lupus, children, {size}"] = partial(labels.truly_supported, size, 20)
    blocks["reports"] = partial(whole.reports, 2 if quick else 40)
    for cohort in every:
        costly = draws if cohort in ("influenza", "lupus, children") else fewer
        blocks |= {
            f"discoveries at 6, {cohort}": partial(labels.discoveries, cohort, 6, draws),
            f"discoveries at 20, {cohort}": partial(labels.discoveries, cohort, 20, draws),
            f"pathways, {cohort}": partial(claims.pathways, cohort, 20, costly),
            f"reversal, {cohort}": partial(claims.reversals, cohort, costly if cohort == "influenza" else fewer),
            f"coherence, {cohort}": partial(claims.coherent, cohort, costly),
        }
    return blocks
