"""Small cohorts drawn from larger ones, and what each method scores their genes with: the loop that studies share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

import genelight as gl
from genelight.models.linear import FittedLinear
from genelight.stats.moderated import Design

from ._small import WIDTHS, SmallCohort, compendium, contrast_of, model_without, t_of

OURS, T = "reference", "t"
OWN = 8
GENERIC = 0.8


@dataclass(frozen=True)
class Trial:
    """One draw from a cohort, through a model without some studies.

    Attributes
    ----------
    studies
        Those that the model has not seen.
    drawn
        Samples, by position.
    specific_g
        Genes that the cohort has, without the fifth that changes most often in any disease.
    scores
        By method, shape ``(g,)`` in the compendium's order.
    module
        Ours.
    place
        Cohort, model, size and draw, for a row.
    """

    studies: tuple[str, ...]
    model: FittedLinear
    drawn: np.ndarray
    specific_g: np.ndarray
    scores: dict[str, np.ndarray]
    module: gl.Module
    place: dict[str, object]


def trials(cohort: SmallCohort, sizes: tuple[int, ...], draws: Callable[[int], int]) -> Iterator[Trial]:
    """Every model, size and draw of a cohort; `draws` says how many of a size."""
    for without, studies in cohort.left_out.items():
        generic_g = generic(studies)
        specific_g = cohort.there_g & (generic_g < np.nanquantile(generic_g[cohort.there_g], GENERIC))
        model = model_without(studies)
        for size in sizes:
            for seed in range(draws(size)):
                drawn = cohort.draw(size, seed)
                scores, module = _scores(cohort, drawn, model=model, generic_g=generic_g)
                place: dict[str, object] = {"cohort": cohort.name, "without": without, "n": size, "draw": seed}
                yield Trial(studies, model, drawn, specific_g, scores, module, place)


def _scores(
    cohort: SmallCohort, drawn: np.ndarray, *, model: FittedLinear, generic_g: np.ndarray
) -> tuple[dict[str, np.ndarray], gl.Module]:
    """Scores of the genes by each method, in the compendium's order, and our module."""
    case_n = cohort.case_n[drawn]
    of = cohort.adata.obs["study"].to_numpy()[drawn] if cohort.name == "pooled" else None
    contrast, part = contrast_of(case_n, of), cohort.adata[drawn].copy()
    module = gl.disease_module(part, model, contrast=contrast, method=OURS, bootstraps=0)
    place = compendium().var_names.get_indexer(list(model.genes.ids))
    t_g = t_of(cohort.measured_ng[drawn], case_n, of)
    x_ng = np.asarray(part.X, dtype=np.float64)
    design = Design.of(np.nan_to_num(x_ng), contrast)
    change_g = design.moderated().effect_bg[0]
    z_ng = np.nan_to_num((x_ng - x_ng.mean(0)) / np.maximum(x_ng.std(0), 1e-9))
    own_gk = np.linalg.svd(z_ng, full_matrices=False)[2][: min(OWN, len(drawn) - 2)].T
    found = {T: t_g, OURS: placed(module.score_g(), compendium().var_names.get_indexer(list(module.genes.ids)))}
    for width in WIDTHS:
        basis_gk = placed(model.basis_gk[:, :width], place)
        found[f"PCA {width} + t"] = unit(basis_gk @ (basis_gk.T @ change_g)) + unit(t_g)
    found["own PCA + t"] = unit(own_gk @ (own_gk.T @ np.nan_to_num(t_g))) + unit(t_g)
    found["variance"] = x_ng.std(0)
    found["generic"] = generic_g
    return found, module


def placed(value_g: np.ndarray, place: np.ndarray) -> np.ndarray:
    full = np.zeros((compendium().n_vars, *value_g.shape[1:]))
    full[place] = value_g
    return full


def unit(value_g: np.ndarray) -> np.ndarray:
    return value_g / np.sqrt(np.nanmean(value_g**2))


@cache
def _contrasts() -> dict[str, np.ndarray]:
    """Absolute t of every study of the compendium with two groups, by study."""
    obs, found = compendium().obs, {}
    x_ng = np.asarray(compendium().X, dtype=np.float64)
    sides = {"group": ("disease", "control"), "response": ("R", "NR"), "tb_status": ("PTB", "Control")}
    for study in sorted(set(obs["study"].astype(str))):
        for column, (case, control) in sides.items():
            chosen = (obs["study"].astype(str) == study).to_numpy()
            ill, well = ((obs[column].astype(str) == label).to_numpy() & chosen for label in (case, control))
            if min(ill.sum(), well.sum()) >= 4:
                rows = np.flatnonzero(ill | well)
                found[study] = np.abs(t_of(x_ng[rows], ill[rows]))
    return found


@cache
def generic(left_out: tuple[str, ...]) -> np.ndarray:
    """How far up genes stand on average in the contrasts of studies that are not left out, 0 to 1, shape ``(g,)``."""
    ranks = [pd.Series(t_g).rank(pct=True) for study, t_g in _contrasts().items() if study not in left_out]
    return pd.concat(ranks, axis=1).mean(axis=1).fillna(0.0).to_numpy()
