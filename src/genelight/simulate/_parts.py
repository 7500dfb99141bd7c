"""The parts that a simulated cohort is the sum of; each draws from a generator of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ._switch import switch

__all__ = ["CELL_TYPES", "batches", "cells", "genes", "people", "repeated", "responses"]

SUBJECT_SHARE = 0.5  # of the variance of activities, cell types and noise, what visits of a subject have in common
CELL_TYPES = ("neutrophil", "lymphocyte", "monocyte", "platelet")
CELL_FRACTIONS = (0.55, 0.30, 0.10, 0.05)


def people(rng: np.random.Generator, n_subjects: int, visits: int) -> pd.DataFrame:
    """One row per sample: whose, which visit, condition, age, sex, severity."""
    subject_n = np.repeat(np.arange(n_subjects), visits)
    case_j = rng.permutation(n_subjects) < n_subjects // 2
    age_j = rng.integers(18, 71, n_subjects)
    female_j = rng.random(n_subjects) < 0.5
    severity_n = np.maximum(0, 1 + 0.5 * repeated(rng, subject_n, 1)[:, 0]) * case_j[subject_n]
    width = max(3, len(str(n_subjects)))
    names = [f"S{j + 1:0{width}d}" for j in range(n_subjects)]
    visit_n = np.tile(np.arange(1, visits + 1), n_subjects)
    columns = {
        "subject": pd.Categorical(np.array(names)[subject_n]),
        "visit": visit_n,
        "condition": pd.Categorical(np.where(case_j, "case", "control")[subject_n], ["control", "case"]),
        "age": age_j[subject_n],
        "sex": pd.Categorical(np.where(female_j, "female", "male")[subject_n]),
        "severity": severity_n,
    }
    index = [f"{names[j]}_V{v}" for j, v in zip(subject_n, visit_n, strict=True)]
    return pd.DataFrame(columns, index=pd.Index(index))


def genes(
    rng: np.random.Generator, n_genes: int, *, number: int, size: int, diseased: int
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Loadings ``(g, number)``, marker genes of cell types ``(g, types)`` as 0 and 1, and the gene table."""
    mean_g = 6 + 6 * rng.beta(1.3, 2.2, n_genes)
    sd_g = rng.uniform(0.25, 0.75, n_genes)
    strength_g = rng.uniform(0.6, 0.9, n_genes) * np.where(rng.random(n_genes) < 0.2, -1, 1)
    # Genes in random order fall into groups of one size: the programmes, then the markers of each cell type.
    group_g = rng.permutation(n_genes) // size
    w_gk = strength_g[:, None] * (group_g[:, None] == np.arange(number))
    type_gc = (group_g[:, None] == number + np.arange(len(CELL_TYPES))).astype(float)
    names = np.array([*(f"P{k + 1}" for k in range(number)), ""], dtype=object)
    columns = {
        "programme": names[np.minimum(group_g, number)],
        "module": group_g < diseased,
        "mean": mean_g,
        "sd": sd_g,
    }
    width = max(4, len(str(n_genes)))
    return w_gk, type_gc, pd.DataFrame(columns, index=pd.Index([f"G{g + 1:0{width}d}" for g in range(n_genes)]))


def repeated(rng: np.random.Generator, subject_n: np.ndarray, columns: int) -> np.ndarray:
    """Standard normal values, shape ``(n, columns)``, that correlate by SUBJECT_SHARE within a subject."""
    own_jc = rng.standard_normal((subject_n[-1] + 1, columns))
    visit_nc = rng.standard_normal((len(subject_n), columns))
    return np.sqrt(SUBJECT_SHARE) * own_jc[subject_n] + np.sqrt(1 - SUBJECT_SHARE) * visit_nc


def responses(
    rng: np.random.Generator, a_nk: np.ndarray, w_gk: np.ndarray, *, nonlinear: float
) -> tuple[np.ndarray, np.ndarray]:
    """What programmes do to genes, in the genes' standard deviations, shape ``(n, g)``, and who follows a product."""
    partner_nk = np.roll(a_nk, -1, axis=1)
    product_nk = a_nk * partner_nk if a_nk.shape[1] > 1 else (a_nk**2 - 1) / np.sqrt(2)
    product_g = rng.random(len(w_gk)) < 0.5
    response_ng = np.where(product_g, product_nk @ w_gk.T, switch(a_nk, 1.0) @ w_gk.T)
    return np.sqrt(1 - nonlinear) * (a_nk @ w_gk.T) + np.sqrt(nonlinear) * response_ng, product_g


def batches(
    rng: np.random.Generator, case_n: np.ndarray, *, n_genes: int, number: int, confounding: float
) -> tuple[np.ndarray, np.ndarray]:
    """Batch of each sample, and standard normal shifts ``(n, g)`` with mean 0 over batches."""
    batch_n = np.empty(len(case_n), dtype=int)
    for group_n in (case_n, ~case_n):
        batch_n[group_n] = rng.permutation(group_n.sum()) % number
    # A confounded control goes to the first half of the batches, a confounded case to the second.
    half = max(1, number // 2)
    own_n = np.where(case_n, number - 1 - batch_n % half, batch_n % half)
    batch_n = np.where(rng.random(len(case_n)) < confounding, own_n, batch_n)
    shift_bg = rng.standard_normal((number, n_genes))
    return batch_n, (shift_bg - shift_bg.mean(0))[batch_n]


def cells(
    rng: np.random.Generator, subject_n: np.ndarray, *, case_n: np.ndarray, confounding: float
) -> tuple[np.ndarray, np.ndarray]:
    """Cell-type fractions and their standardised logs, both of shape ``(n, cell types)``."""
    raised_nc = repeated(rng, subject_n, len(CELL_TYPES))
    raised_nc[:, 0] += 1.5 * confounding * case_n
    fraction_nc = np.array(CELL_FRACTIONS) * np.exp(0.4 * raised_nc)
    fraction_nc /= fraction_nc.sum(1, keepdims=True)
    log_nc = np.log(fraction_nc)
    return fraction_nc, (log_nc - log_nc.mean(0)) / log_nc.std(0)
