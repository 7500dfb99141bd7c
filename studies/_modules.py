"""Cohorts, disease genes and measures of the study of disease modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse, stats

from genelight import Contrast, Genes, demo, io
from genelight.evidence._matched import matched_moments
from genelight.stats.intervals import weighted_auc
from genelight.stats.matched import match_bins
from genelight.stats.moderated import Design
from genelight.stats.subjects import kinds, weights_under

if TYPE_CHECKING:
    from anndata import AnnData

DATA = Path(__file__).parents[1] / "../shared/data"
TAILS = (0.025, 0.975)
DEFAULT, BASELINES, SAME_ON_PCA = "default", ("de", "pca", "variance", "random"), "joint on PCA"
LEAST_DRAWN = 3
LUPUS = {"case": 'disease == "SLE"', "control": 'disease == "healthy"'}
ILL = {"case": 'condition == "symptomatic" and hours >= 45', "control": "hours == 0"}


def children() -> tuple[AnnData, Contrast]:
    """Paediatric lupus (GSE65391) without technical replicates: the first cohort."""
    adata = io.read(DATA / "sle_blood_GSE65391.h5ad", dense=True)
    adata = adata[adata.obs["set"] != "technical_replicate"].copy()
    return adata, Contrast.of(adata.obs, **LUPUS, subject="subject")


def adults() -> tuple[AnnData, Contrast]:
    """Adult lupus (GSE49454), the patient cut out of the title: the second cohort."""
    adata = io.read(DATA / "sle_blood_GSE49454.h5ad", dense=True)
    return adata, Contrast.of(adata.obs, **LUPUS, subject="Sample_title", subject_pattern="^(.+?)(?:V[0-9]+)?$")


def influenza() -> tuple[AnnData, Contrast]:
    """The embedded influenza challenge: ill from hour 45 on against everybody before."""
    adata = demo.cohort()
    return adata, Contrast.of(adata.obs, **ILL, subject="subject")


def judge(
    scores: Mapping[str, np.ndarray],
    x_ng: np.ndarray,
    *,
    measured_ng: np.ndarray,
    contrast: Contrast,
    count_bs: np.ndarray,
    size: int,
) -> dict[str, dict[str, np.ndarray]]:
    """What other subjects say of gene scores: by measure and method one value per row of counts of these subjects."""
    t_bg = Design.of(measured_ng, contrast).moderated(count_bs).t_bg
    rank_bg = _unit(stats.rankdata(t_bg, axis=1))
    strong_bg = np.zeros(t_bg.shape, dtype=bool)
    np.put_along_axis(strong_bg, np.argpartition(-np.abs(t_bg), size - 1, axis=1)[:, :size], values=True, axis=1)
    found: dict[str, dict[str, np.ndarray]] = {m: {} for m in ("rank concordance", "overlap", "effect", "transfer AUC")}
    for name, score_g in scores.items():
        top = top_genes(score_g, size)
        sign_m = np.sign(score_g[top])
        score_n = x_ng[:, top] @ sign_m
        found["rank concordance"][name] = rank_bg @ _unit(stats.rankdata(score_g))
        found["overlap"][name] = strong_bg[:, top].mean(1)
        found["effect"][name] = t_bg[:, top] @ sign_m / size
        found["transfer AUC"][name] = np.array(
            [weighted_auc(score_n, contrast, weights_under(contrast, count_s)) for count_s in count_bs]
        )
    return found


def top_genes(score_g: np.ndarray, size: int) -> np.ndarray:
    """Positions of the genes with the largest absolute scores."""
    return np.argsort(-np.abs(score_g), kind="stable")[:size]


def compared(values: Mapping[str, np.ndarray]) -> dict[str, object]:
    """Values, and the default less the best baseline and less t with paired 95% intervals; element 0 is the data."""
    best = max(BASELINES, key=lambda name: values[name][0])
    row: dict[str, object] = {name: float(values[name][0]) for name in (DEFAULT, *BASELINES, SAME_ON_PCA)}
    row["best"] = best
    for baseline, heads in ((best, ("gain", "low", "high")), ("de", ("over de", "de low", "de high"))):
        gain_b = values[DEFAULT] - values[baseline]
        row |= dict(zip(heads, map(float, (gain_b[0], *np.nanquantile(gain_b[1:], TAILS))), strict=True))
    return row


def with_data(count_bs: np.ndarray) -> np.ndarray:
    """Draws of subjects below a first row that has everyone once."""
    return np.vstack((np.ones((1, count_bs.shape[1]), dtype=np.int64), count_bs))


def drawable(contrast: Contrast, count_bs: np.ndarray) -> np.ndarray:
    """Which draws have three different subjects of either group, boolean, shape ``(b,)``."""
    kind_s = kinds(contrast)
    drawn_bs = count_bs > 0
    return np.all([(drawn_bs & ((kind_s & bit) > 0)).sum(1) >= LEAST_DRAWN for bit in (1, 2)], axis=0)


def spread_out(value_e: np.ndarray, enough_b: np.ndarray) -> np.ndarray:
    """Values of the draws that were enough, NaN at the others, shape ``(b,)``."""
    value_b = np.full(len(enough_b), np.nan)
    value_b[enough_b] = value_e
    return value_b


def mean_of(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over parts, leaving out NaN; NaN where there is nothing else."""
    stack = np.stack(parts)
    there = np.isfinite(stack)
    count_b = there.sum(0)
    return np.divide(np.where(there, stack, 0.0).sum(0), count_b, out=np.full(len(count_b), np.nan), where=count_b > 0)


def disease_genes(genes: Genes) -> dict[str, np.ndarray]:
    """Which genes each collection names for systemic lupus, by name of the collection, boolean."""
    symbol = _symbols()
    mesh = io.read_sets(DATA / "disease_genes/mesh_disease_genes_entrez.tsv.gz", ids="entrez").table
    gwas = pd.read_csv(DATA / "disease_genes/gwas_catalog_2015_gene_associations.tsv.gz", sep="\t")
    curated = pd.read_csv(DATA / "disease_genes/disgenet_v3_curated.tsv.gz", sep="\t", dtype=str)
    name = "lupus erythematosus, systemic"
    collections = {
        "MeSH": {symbol.get(entrez, "") for entrez in mesh.loc[mesh["source"].str.lower() == name, "target"]},
        "DisGeNET": set(curated.loc[curated["diseaseName"].str.lower() == name, "geneSymbol"]),
        "GWAS": set(gwas.loc[gwas["doid_name"] == "systemic lupus erythematosus", "symbol"]),
    }
    ids = np.asarray(genes.ids, dtype=object)
    return {collection: np.isin(ids, list(members)) for collection, members in collections.items()}


def matched_excess(x_ng: np.ndarray, member_sg: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """Overlaps of gene lists ``(b, size)`` with sets, in standard deviations over what matched genes have, ``(b, s)``.

    The null draws as many genes from each bin of mean and variance of expression; its moments are exact.
    """
    bin_g = match_bins(np.ones(x_ng.shape[1]), x_nu=x_ng, most_parts=10)
    bins = int(bin_g.max()) + 1
    drawn_kb = np.stack([np.bincount(bin_g[genes], minlength=bins) for genes in lists])
    member_sb = np.stack([np.bincount(bin_g[member], minlength=bins) for member in member_sg])
    mean_ks, sd_ks = matched_moments(np.bincount(bin_g), drawn_kb, sparse.csr_matrix(member_sb))
    overlap_ks = np.stack([member_sg[:, genes].sum(1) for genes in lists])
    return (overlap_ks - mean_ks) / sd_ks


def _symbols() -> dict[str, str]:
    table = pd.read_csv(
        DATA / "disease_genes/stargeo_49_diseases_zscore.csv.gz", usecols=["mygene_entrez", "symbol"], dtype=str
    )
    return dict(zip(table["mygene_entrez"], table["symbol"], strict=True))


def _unit(rank: np.ndarray) -> np.ndarray:
    centred = rank - rank.mean(-1, keepdims=True)
    return centred / np.linalg.norm(centred, axis=-1, keepdims=True)
