"""Cohorts, models, further rules and bounds of the study of response to checkpoint inhibitors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

import genelight as gl
from genelight.models.deep import FittedDeep
from genelight.nouns import Edges
from genelight.patients import ResponsePlan
from genelight.patients._response_cohorts import SIGNATURES, Cohorts, read_cohorts
from genelight.patients._response_judge import Judged, auc_interval, beats, judge, permuted
from genelight.patients._response_programmes import Programmes, effects_of, mean_of, programmes_of
from genelight.patients._response_rules import CHOSEN, SIGNATURE, Bench, Eigen, Rule, auc_t, centred, rules_of
from genelight.pp import PreparationSettings
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
def model_without_tumours() -> FittedDeep:
    """The deep preset on all other studies of the compendium; kept in ``GENELIGHT_STUDY_MODELS`` where that is set."""
    kept = os.environ.get("GENELIGHT_STUDY_MODELS")
    folder = Path(kept) / "response-deep" if kept else None
    if folder and folder.is_dir():
        return gl.load(folder)
    adata = gl.read(COMPENDIUM, dense=True)
    rest = adata[adata.obs["family"] != "ICB"].copy()
    settings = PreparationSettings(scale="log2", normalise="rank", standardise="centre", above_floor=0.0, missing=True)
    model = gl.models.Deep((512, 64, 2048), group="study", preparation=settings).fit(rest)
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


def cohort_auc(score_n: np.ndarray, y_n: np.ndarray, cohort_n: np.ndarray) -> np.ndarray:
    """By cohort."""
    rows_c = [cohort_n == c for c in range(int(cohort_n.max()) + 1)]
    return np.array([auc_t(score_n[rows][:, None], y_n[rows][:, None])[0] for rows in rows_c])


def robust_scores(bench: Bench) -> Iterator[tuple[str, np.ndarray]]:
    """Two ways to learn what holds in every cohort, on programmes; their one setting is chosen inside the training."""
    cohorts_c = np.arange(bench.cohorts)
    for name, learn, settings in (
        ("group DRO on programmes", group_dro, (0.1, 1.0, 10.0)),
        ("difference less what differs by cohort", stable_direction, (0.3, 1.0, 3.0)),
    ):
        score_n = np.full(len(bench.cohort_n), np.nan)
        for out in cohorts_c:
            rest = [c for c in cohorts_c if c != out]
            inner = []
            for setting in settings:
                value = [cohort_auc_of(bench, learn(bench, [c for c in rest if c != d], setting), d) for d in rest]
                inner.append(np.average(value, weights=[(bench.cohort_n == d).sum() for d in rest]))
            weight_k = learn(bench, rest, settings[int(np.argmax(inner))])
            rows = bench.cohort_n == out
            score_n[rows] = bench.f_nk[rows] @ weight_k
        yield name, score_n


def cohort_auc_of(bench: Bench, weight_k: np.ndarray, c: int) -> float:
    """Of one cohort."""
    rows = bench.cohort_n == c
    return float(auc_t((bench.f_nk[rows] @ weight_k)[:, None], bench.y_nt[rows, :1])[0])


def group_dro(bench: Bench, cohorts_c: Sequence[int], penalty: float) -> np.ndarray:
    """Ridge regression in which the cohort that is fitted worst weighs most (Sagawa et al. 2020)."""
    blocks = [
        (bench.f_nk[r], bench.y_nt[r, 0] - bench.y_nt[r, 0].mean()) for r in (bench.cohort_n == c for c in cohorts_c)
    ]
    share_c = np.full(len(blocks), 1 / len(blocks))
    width = bench.f_nk.shape[1]
    weight_k = np.zeros(width)
    for _ in range(20):
        gram = sum(s * f.T @ f / len(f) for s, (f, _) in zip(share_c, blocks, strict=True))
        right = sum(s * f.T @ y / len(f) for s, (f, y) in zip(share_c, blocks, strict=True))
        weight_k = np.linalg.solve(gram + penalty * np.eye(width), right)
        loss_c = np.array([np.mean((y - f @ weight_k) ** 2) / np.mean(y**2) for f, y in blocks])
        share_c = share_c * np.exp(0.5 * loss_c)
        share_c /= share_c.sum()
    return weight_k


def stable_direction(bench: Bench, cohorts_c: Sequence[int], penalty: float) -> np.ndarray:
    """Mean difference over cohorts through the inverse of how differences vary between cohorts."""
    effect_ck = []
    for c in cohorts_c:
        f_nk, y_n = bench.f_nk[bench.cohort_n == c], bench.y_nt[bench.cohort_n == c, 0]
        effect_ck.append(f_nk[y_n == 1].mean(0) - f_nk[y_n == 0].mean(0))
    effects = np.array(effect_ck)
    spread_kk = np.cov(effects.T)
    scale = float(np.trace(spread_kk)) / len(spread_kk)
    return np.linalg.solve(spread_kk + penalty * scale * np.eye(len(spread_kk)), effects.mean(0))


def learning_curve(bench: Bench, sizes: Sequence[int], *, draws: int) -> Iterator[tuple[int, str, np.ndarray]]:
    """AUC by cohort left out, learned from some of the others only, mean over draws; settings chosen inside them."""
    rng = np.random.default_rng(3)
    rules = {name: r for name, r in rules_of(bench).items() if len(r) > 1}
    for size in sizes:
        value = {name: np.zeros(bench.cohorts) for name in rules}
        for out in range(bench.cohorts):
            rest = [c for c in range(bench.cohorts) if c != out]
            for _ in range(draws):
                some = rng.choice(rest, size, replace=False)
                for name, auc in _learned_from(bench, some, out, rules=rules).items():
                    value[name][out] += auc / draws
        yield from ((size, name, auc_c) for name, auc_c in value.items())


def _learned_from(bench: Bench, some: np.ndarray, out: int, *, rules: Mapping[str, list[Rule]]) -> dict[str, float]:
    inner = {name: np.zeros(len(settings)) for name, settings in rules.items()}
    trainings = [(d, [c for c in some if c != d]) for d in some] if len(some) > 2 else []
    for d, train in trainings:
        for name, r, auc in _aucs(bench, train, d, rules=rules):
            inner[name][r] += auc
    return {n: auc for n, r, auc in _aucs(bench, some, out, rules=rules) if r == int(np.argmax(inner[n]))}


def _aucs(
    bench: Bench, train: Sequence[int], test: int, *, rules: Mapping[str, list[Rule]]
) -> Iterator[tuple[str, int, float]]:
    train_n, rows = np.isin(bench.cohort_n, train), bench.cohort_n == test
    eigen = Eigen(bench, train_n)
    for name, settings in rules.items():
        for r, rule in enumerate(settings):
            yield name, r, float(auc_t(rule.scores(bench, train_n, eigen)[rows, :1], bench.y_nt[rows, :1])[0])


def flipped(bench: Bench, share: float, *, draws: int) -> float:
    """Mean weighted AUC of the signature where a share of the responses is another by mistake."""
    rng = np.random.default_rng(5)
    score_n, y_n = bench.fixed[SIGNATURE], bench.y_nt[:, 0]
    weight_c = np.bincount(bench.cohort_n)
    found = []
    while len(found) < draws:
        wrong = np.where(rng.random(len(y_n)) < share, 1 - y_n, y_n)
        ones_c = np.bincount(bench.cohort_n, wrong)
        if (ones_c > 0).all() and (ones_c < weight_c).all():
            found.append(np.average(cohort_auc(score_n, wrong, bench.cohort_n), weights=weight_c))
    return float(np.mean(found))


def reliability(found: Cohorts) -> float:
    """Of the signature: correlation of halves of its genes within cohorts, stepped up to the whole (Spearman-Brown)."""
    z_ng = centred(np.nan_to_num(found.x_ng[:, found.positions(SIGNATURES[SIGNATURE])]), found.cohort_n)
    whole = range(z_ng.shape[1])
    r = []
    for half in combinations(whole, len(whole) // 2):
        other = [g for g in whole if g not in half]
        r.append(float(np.corrcoef(z_ng[:, list(half)].mean(1), z_ng[:, other].mean(1))[0, 1]))
    return float(np.mean([2 * x / (1 + x) for x in r]))


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


def interval(value_c: np.ndarray, weight_c: np.ndarray) -> tuple[float, float, float]:
    """Weighted mean over cohorts with its 95% interval over bootstraps of them."""
    return auc_interval(value_c, weight_c, seed=0)
