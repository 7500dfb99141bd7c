"""Cohorts, models, further rules and bounds of the study of response to checkpoint inhibitors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats
from scipy.special import expit

import genelight as gl
from genelight.models.fitted_deep import FittedDeep
from genelight.nouns import Edges
from genelight.patients import ResponsePlan
from genelight.patients._response_calibration import beliefs, patient_interval
from genelight.patients._response_cohorts import SIGNATURES, Cohorts, read_cohorts
from genelight.patients._response_judge import Judged, auc_interval, beats, judge, permuted
from genelight.patients._response_programmes import Programmes, effects_of, mean_of, programmes_of
from genelight.patients._response_rules import CHOSEN, SIGNATURE, Bench, auc_t, centred
from genelight.pp import PreparationSettings
from genelight.stats.logistic import fit_logit
from genelight.stats.meta import random_effects

from ._modules import DATA

COMPENDIUM = DATA / "compendium/human_bulk.h5ad"
WORDS = {"SD": "drop", "mixed": "drop"}
MARKERS, LEAST_LEVEL = 30, 3.0
# Published lists, signs as published; the one of TGF-beta in fibroblasts was derived in part on ICB_Mariathasan.
PUBLISHED: dict[str, tuple[float, str]] = {
    "T-cell-inflamed profile (Ayers 2017)": (
        1.0,
        "CCL5 CD27 CD274 CD276 CD8A CMKLR1 CXCL9 CXCR6 HLA-DQA1 HLA-DRB1 HLA-E IDO1 LAG3 NKG7 PDCD1LG2 PSMB10 STAT1 "
        "TIGIT",
    ),
    "B lineage (Becht 2016)": (1.0, "CD79A CD79B MS4A1 CD19 BLK FCRL2 POU2AF1"),
    "lymphoid structures": (1.0, "CCL19 CCL21 CXCL13 CCR7 CXCR5 SELL LAMP3"),
    "antigen presentation": (1.0, "HLA-A HLA-B HLA-C B2M TAP1 TAP2 TAPBP PSMB8 PSMB9"),
    "PD-L1 and PD-L2": (1.0, "CD274 PDCD1LG2"),
    "fibroblast TGF-beta (Mariathasan 2018)": (
        -1.0,
        "ACTA2 ACTG2 ADAM12 ADAM19 CNN1 COL4A1 FSTL3 HSPB1 IGFBP3 PXDC1 SEMA7A SH3PXD2A TAGLN TGFBI TNS1 TPM1",
    ),
    "angiogenesis (McDermott 2018)": (-1.0, "VEGFA KDR ESM1 PECAM1 ANGPTL4 CD34"),
    "myeloid inflammation (McDermott 2018)": (-1.0, "CXCL1 CXCL2 CXCL3 CXCL8 IL6 PTGS2"),
    "mesenchymal (Hugo 2016)": (-1.0, "VIM ZEB1 ZEB2 TWIST1 LOXL2 FAP ROR2 AXL"),
}


@cache
def tumours() -> AnnData:
    """The twelve cohorts."""
    adata = gl.read(COMPENDIUM, dense=True)
    return adata[adata.obs["family"] == "ICB"].copy()


@cache
def model_without_tumours(seed: int = 0) -> FittedDeep:
    """The deep preset on all other studies of the compendium; kept in ``GENELIGHT_STUDY_MODELS`` where that is set."""
    kept = os.environ.get("GENELIGHT_STUDY_MODELS")
    folder = Path(kept) / f"response-deep-{seed}" if kept else None
    if folder and folder.is_dir():
        return gl.load(folder)
    adata = gl.read(COMPENDIUM, dense=True)
    rest = adata[adata.obs["family"] != "ICB"].copy()
    settings = PreparationSettings(scale="log2", normalise="rank", standardise="centre", above_floor=0.0, missing=True)
    model = gl.models.Deep((512, 64, 2048), group="study", preparation=settings, seed=seed).fit(rest)
    if folder:
        model.save(folder)
    return model


def cohorts(*, quick: bool, words: Mapping[str, str] = WORDS) -> Cohorts:
    """Those with three of each class; simulated ones where it is quick."""
    if quick:
        return read_cohorts(simulated(), ResponsePlan())
    return read_cohorts(tumours(), ResponsePlan(by="study", words=words))


def simulated(number: int = 4, patients: int = 24) -> dict[str, AnnData]:
    """Small cohorts in which response goes with the signature."""
    rng = np.random.default_rng(0)
    genes = [*dict.fromkeys(g for ids in SIGNATURES.values() for g in ids), *(f"GENE{i}" for i in range(300))]
    level_g = rng.uniform(2, 12, len(genes))
    found = {}
    for c in range(number):
        drive_n = rng.normal(size=patients)
        x_ng = level_g + rng.normal(0, 0.6, (patients, len(genes)))
        x_ng[:, :9] += drive_n[:, None]
        responded = drive_n + rng.normal(size=patients) > 0
        responded[:3], responded[3:6] = True, False
        obs = pd.DataFrame({"response": np.where(responded, "R", "NR")}, index=[f"s{c}_{i}" for i in range(patients)])
        found[f"cohort {c}"] = AnnData(x_ng.astype(np.float32), obs=obs, var=pd.DataFrame(index=genes))
    return found


def hallmarks(*, quick: bool) -> Edges | None:
    """Hallmark gene sets."""
    return None if quick else gl.io.read_sets(DATA / "gene_sets/hallmark.gmt.gz")


def reference_markers() -> Edges:
    """Of 51 immune cell types and 54 tissues the genes that stand out most, for composition and purity."""
    rows = []
    for name in ("immune_51_celltypes_linear", "gtex_54_tissues_linear"):
        table = pd.read_csv(DATA / f"reference/{name}.csv.gz", index_col=0)
        level = np.log2(table[~table.index.duplicated()] + 1)
        level = level[level.max(axis=1) >= LEAST_LEVEL]
        for kind in level:
            others = level.drop(columns=kind)
            lead = level[kind] - (others.mean(axis=1) + others.max(axis=1)) / 2
            rows += [(str(kind), str(gene), 1.0) for gene in lead.nlargest(MARKERS).index]
    return Edges("reference profiles", pd.DataFrame(rows, columns=["source", "target", "weight"]))


def bench_of(found: Cohorts, programmes: Programmes, y_nt: np.ndarray) -> Bench:
    """As the verb makes it."""
    fixed = {name: mean_of(found.x_ng, found.positions(ids)) for name, ids in SIGNATURES.items()}
    whole_k = ~np.isnan(programmes.f_nk).any(0)
    x_ng = found.x_ng[:, found.common_g]
    return Bench.of(found.cohort_n, y_nt, x_ng=x_ng, f_nk=programmes.f_nk[:, whole_k], fixed=fixed)


def beaten_by_chance(judged: Judged) -> float:
    """Share of permuted responses under which another rule would be recommended."""
    gain_ct = judged.auc[CHOSEN][:, 1:] - judged.auc[SIGNATURE][:, 1:]
    zero = np.zeros(gain_ct.shape[0])
    said = []
    for gain_c in gain_ct.T:
        one = replace(judged, auc={CHOSEN: gain_c[:, None], SIGNATURE: zero[:, None]})
        said.append(beats(one))
    return float(np.mean(said))


def null_of_programmes(found: Cohorts, programmes: Programmes, *, draws: int) -> np.ndarray:
    """P values of programmes under responses permuted within cohorts, shape ``(draws, k)``."""
    y_nt = permuted(found.y_n, found.cohort_n, draws=draws, seed=11)
    p = []
    for t in range(1, draws + 1):
        effect_ck, variance_ck = effects_of(programmes.f_nk, replace(found, y_n=y_nt[:, t]), adjust=(), notes=[])
        p.append(random_effects(effect_ck, variance_ck).p_g)
    return np.array(p)


def published(found: Cohorts) -> dict[str, np.ndarray]:
    """Scores that learn nothing from these cohorts, by name."""
    parts = {SIGNATURE: (1.0, " ".join(SIGNATURES[SIGNATURE])), **PUBLISHED}
    score = {}
    for name, (sign, ids) in parts.items():
        value_n = centred(mean_of(found.x_ng, found.positions(ids.split()))[:, None], found.cohort_n)[:, 0]
        score[name] = sign * value_n / value_n.std()
    score["all published, signs as published"] = np.mean(list(score.values()), axis=0)
    infiltrate = mean_of(found.x_ng, found.positions(("PTPRC", "CD3D", "CD3E", "CD2", "CD53", "LAPTM5", "CD48")))
    bulk_n = centred(infiltrate[:, None], found.cohort_n)[:, 0]
    own_n = score[SIGNATURE]
    score["signature at equal infiltrate"] = own_n - bulk_n * (own_n @ bulk_n) / (bulk_n @ bulk_n)
    standard = centred(np.nan_to_num(found.x_ng[:, found.positions(SIGNATURES[SIGNATURE])]), found.cohort_n)
    score["signature, genes of equal spread"] = (standard / standard.std(0)).mean(1)
    return score


def programmes_by(found: Cohorts, how: str, *, quick: bool) -> Programmes:
    """Programmes of one kind."""
    if how == "reference profiles":
        return programmes_of(found, None, sets=reference_markers(), layer=None)
    if how.startswith(("human", "deep")):
        model = gl.load("human") if how.startswith("human") else model_without_tumours()
        return programmes_of(found, model, sets=hallmarks(quick=quick), layer="L2")
    return programmes_of(found, None, sets=hallmarks(quick=quick), layer=None)


def judged_by(found: Cohorts, programmes: Programmes, *, draws: int) -> tuple[Bench, Judged]:
    """Bench and judgement with permuted responses beside."""
    y_nt = permuted(found.y_n, found.cohort_n, draws=draws, seed=0)
    bench = bench_of(found, programmes, y_nt)
    return bench, judge(bench)


def bootstrapped(value_c: np.ndarray, weight_c: np.ndarray, *, draws: int = 2000) -> tuple[float, float]:
    """95% interval of the weighted mean over bootstraps of cohorts: too narrow with few, see the study's rows."""
    drawn = np.random.default_rng(4).integers(0, len(value_c), (draws, len(value_c)))
    low, high = np.quantile((value_c * weight_c)[drawn].sum(1) / weight_c[drawn].sum(1), (0.025, 0.975))
    return float(low), float(high)


def missed(sizes_c2: np.ndarray, cohorts: int, *, between: float, draws: int) -> tuple[float, float]:
    """How often 95% intervals miss the mean AUC of cohorts like these: by Student's t, and by bootstrap.

    Normal scores whose difference has mean 0.48 (an AUC of 0.63) and this standard deviation between cohorts.
    """
    rng = np.random.default_rng((10, cohorts))
    truth = float(stats.norm.cdf((0.48 + between * rng.normal(size=200_000)) / np.sqrt(2)).mean())
    by_t = by_bootstrap = 0
    for _ in range(draws):
        value, weight = [], []
        for ones, zeros in sizes_c2[rng.choice(len(sizes_c2), cohorts, replace=cohorts > len(sizes_c2))]:
            y_n = np.r_[np.ones(ones), np.zeros(zeros)]
            score_n = rng.normal(size=len(y_n)) + (0.48 + between * rng.normal()) * y_n
            value.append(auc_t(score_n[:, None], y_n[:, None])[0])
            weight.append(float(len(y_n)))
        value_c, weight_c = np.array(value), np.array(weight)
        low, high = auc_interval(value_c, weight_c)[1:]
        by_t += not low <= truth <= high
        low, high = bootstrapped(value_c, weight_c, draws=500)
        by_bootstrap += not low <= truth <= high
    return by_t / draws, by_bootstrap / draws


def patients_missed(cohorts: int, *, local: int, alone: bool, draws: int, coverage: float = 0.9) -> tuple[float, float]:
    """How often a patient's interval misses the true probability, and its mean width, in simulated cohorts.

    A score of slope 0.5 (its standard deviation 0.3 between cohorts), the log odds of response with a standard
    deviation of 0.6 and the mean of scores with one of 0.5 between cohorts of 25: about what the twelve have.
    """
    rng = np.random.default_rng((11, local, alone))
    out, width = [], []
    for _ in range(draws):
        slope_c, odds_c = 0.5 + 0.3 * rng.normal(size=cohorts + 1), -0.4 + 0.6 * rng.normal(size=cohorts + 1)
        mean_c, cohort_n = 0.5 * rng.normal(size=cohorts + 1), np.repeat(np.arange(cohorts + 1), 25)
        score_n = mean_c[cohort_n] + rng.normal(size=len(cohort_n))
        true_n = expit(odds_c[cohort_n] + slope_c[cohort_n] * (score_n - mean_c[cohort_n]))
        y_n = (rng.random(len(true_n)) < true_n).astype(float)
        mine = cohort_n == cohorts
        within_n = score_n - np.array([score_n[cohort_n == c].mean() for c in cohort_n])
        line = beliefs(within_n[~mine], y_n[~mine], cohort_n[~mine]).prior
        means_c = np.array([score_n[cohort_n == c].mean() for c in range(cohorts)])
        centre, variance = (means_c.mean(), means_c.var(ddof=1)) if alone else (score_n[mine].mean(), 0.0)
        known = np.flatnonzero(mine)[:local]
        if local:
            centre = score_n[known].mean()
            line, variance = fit_logit(score_n[known] - centre, y_n[known], prior=line), 0.0
        new = np.flatnonzero(mine)[local:]
        told = patient_interval(line, score_n[new] - centre, variance=float(variance), coverage=coverage)
        out.append(np.mean((true_n[new] < told[1]) | (true_n[new] > told[2])))
        width.append(np.mean(told[2] - told[1]))
    return float(np.mean(out)), float(np.mean(width))
