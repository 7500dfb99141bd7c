"""Known effects, added to halves of patients that mean nothing: what local false sign rates say, and what is so."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from anndata import AnnData

import genelight as gl

from ._draws import OURS
from ._small import TB, SmallCohort, compendium, contrast_of, lupus, model_without, t_of, tuberculosis

SIZES = (3, 4, 6, 8, 12, 20)


def planted(seeds: range) -> Iterator[dict[str, object]]:
    """A row per model, effect, size and draw of people."""
    one, other = lupus()
    there_g = one.there_g & other.there_g
    people = np.flatnonzero(one.case_n)
    tb = next(cohort for cohort in tuberculosis() if cohort.name == TB[8])
    effects = {"lupus": _standardised(other), "tuberculosis": _standardised(tb)}
    effects |= {f"a third of {name}": effect_g / 3 for name, effect_g in effects.items()}
    names = compendium().var_names
    x_ng = np.where(there_g, np.asarray(one.adata.X[people], dtype=np.float64), np.nan)
    sd_g = x_ng.std(0)
    for without, studies in one.left_out.items():
        model = model_without(studies)
        for effect, truth_g in effects.items():
            for size in SIZES:
                for seed in seeds:
                    rows = np.random.default_rng(seed).permutation(len(people))[: 2 * size]
                    drawn_ng, case_n = x_ng[rows].copy(), np.arange(2 * size) < size
                    drawn_ng[case_n] += truth_g * sd_g
                    part = AnnData(drawn_ng.astype(np.float32), var=pd.DataFrame(index=names))
                    module = gl.disease_module(part, model, contrast=contrast_of(case_n), method=OURS, bootstraps=0)
                    table = module.table.set_index("gene").reindex(names)
                    wrong_g = np.sign(table["score"].to_numpy()) != np.sign(truth_g)
                    known_g = there_g & (truth_g != 0)
                    found = rates(table["lfsr"].to_numpy()[known_g], wrong_g[known_g])
                    yield {"without": without, "effect": effect, "n": size, "draw": seed, **found}


def rates(lfsr_g: np.ndarray, wrong_g: np.ndarray) -> dict[str, float]:
    """What is said and what is found, over all genes and over those whose rate is small."""
    found = {"said": float(lfsr_g.mean()), "wrong": float(wrong_g.mean())}
    for most in (0.05, 0.2):
        small_g = lfsr_g < most
        found |= {f"below {most:.0%}": float(small_g.mean())}
        found |= {f"said {most:.0%}": float(lfsr_g[small_g].mean()) if small_g.any() else np.nan}
        found |= {f"wrong {most:.0%}": float(wrong_g[small_g].mean()) if small_g.any() else np.nan}
    return found


def _standardised(cohort: SmallCohort) -> np.ndarray:
    """Differences of a whole cohort in standard deviations, 0 where it lacks a gene."""
    unit = 1 / cohort.case_n.sum() + 1 / (~cohort.case_n).sum()
    return np.nan_to_num(t_of(cohort.measured_ng, cohort.case_n) * np.sqrt(unit))
