"""Features other than genes: gaps that lie low filled in, and lists of CpGs carried to genes, beside simpler ways.

``gaps``: simulated proteins and metabolites (``simulate.features``, 80 samples, 400 features, five seeds) whose missing
values are known. Filled by genelight (the mean that the sample's other features let expect, lowered by the slope of
detection times the variance), by the same taken as at random, by each feature's mean, and by its mean less 1.8 standard
deviations (a down-shift as of Perseus, Tyanova et al. 2016, doi 10.1038/nmeth.3901). ``rmse`` and ``bias`` are in log2.

``genes``: profiles of chance over 6,000 CpGs in which five neighbours go together, 400 of them, carried to genes by
``pp.to_genes``, or each gene given its strongest CpG; ``p < 0.05`` is the share of profiles whose 60 leading
genes hold more of the fifth of genes with most CpGs than a hypergeometric test of 5% allows.

The value is the largest over kinds of ours over the best other way's root mean square error: below one it pays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from benchmarks._harness import Result
from benchmarks._measure import Figure
from scipy.stats import hypergeom

from genelight import Edges, Genes, NodeGenes, prepare, simulate
from genelight.models.reference.missing import training_values
from genelight.pp import to_genes

KINDS = ("protein", "metabolite")
SAMPLES, FEATURES, SEEDS, CPGS, PROFILES, TOP = 80, 400, 5, 6000, 400, 60
OURS = "lowered by what detection says"


def run(*, quick: bool) -> Result:
    seeds = range(1 if quick else SEEDS)
    rows = [row for kind in KINDS for row in _gaps(kind, seeds)]
    ratio = {
        kind: next(row["rmse"] for row in rows if row["data"] == kind and row["way"] == OURS)
        / min(row["rmse"] for row in rows if row["data"] == kind and row["way"] != OURS)
        for kind in KINDS
    }
    rows += list(_genes(60 if quick else PROFILES))
    data = f"simulated: {SAMPLES} samples x {FEATURES} features, {len(seeds)} seeds; {CPGS} CpGs"
    return Result("value", Figure(max(ratio.values()), None, runs=len(seeds)), data, rows)


def _gaps(kind: str, seeds: range) -> Iterator[dict[str, object]]:
    """How far filled values lie from what was there, by each way, over all seeds."""
    errors: dict[str, list[np.ndarray]] = {}
    missing = []
    for seed in seeds:
        adata = simulate.features(kind, SAMPLES, n_features=FEATURES, seed=seed)
        preparation = prepare(adata, scale="linear", features=kind)
        columns = [adata.var_names.get_loc(feature) for feature in preparation.genes.ids]
        y_ng, truth_ng = np.log2(adata.X[:, columns]), adata.layers["log2"][:, columns]
        gap_ng = np.isnan(y_ng)
        seen_g, sd_g = np.nanmean(y_ng, 0), np.nanstd(y_ng, 0)
        at_random = replace(preparation, mean_g=seen_g, sd_g=sd_g, censored_g=None)
        ways = {
            OURS: preparation.restore(training_values(preparation, adata)),
            "taken as at random": at_random.restore(training_values(at_random, adata)),
            "mean": np.where(gap_ng, seen_g, y_ng),
            "mean less 1.8 sd": np.where(gap_ng, seen_g - 1.8 * sd_g, y_ng),
        }
        missing.append(gap_ng.mean())
        for way, filled_ng in ways.items():
            errors.setdefault(way, []).append((filled_ng - truth_ng)[gap_ng])
    for way, parts in errors.items():
        error = np.concatenate(parts)
        yield {
            "data": kind,
            "way": way,
            "missing": float(np.mean(missing)),
            "rmse": float(np.sqrt((error**2).mean())),
            "bias": float(error.mean()),
        }


def _genes(profiles: int) -> Iterator[dict[str, object]]:
    """How often lists of chance lead to genes with many CpGs."""
    cpgs = simulate.features("cpg", 40, n_features=CPGS, seed=3)
    pairs = cpgs.uns["feature_genes"].set_axis(["source", "target"], axis=1).assign(weight=1.0)
    rng = np.random.default_rng(0)
    value_kf = rng.normal(size=(profiles, CPGS)) + 2 * np.repeat(rng.normal(size=(profiles, CPGS // 5)), 5, axis=1)
    names = tuple(f"N{k}" for k in range(profiles))
    nodes = NodeGenes(value_kf, names, Genes(tuple(cpgs.var_names), "cpg"), "L1", "chance", "chance")
    carried = to_genes(nodes, Edges("manifest", pairs))
    genes = list(carried.genes.ids)
    count_g = pairs["target"].value_counts()[genes].to_numpy()
    crowded_g = count_g >= np.quantile(count_g, 0.8)
    strongest = pd.DataFrame(np.abs(value_kf).T, index=cpgs.var_names).loc[pairs["source"]]
    naive_kg = strongest.groupby(pairs["target"].to_numpy()).max().loc[genes].to_numpy().T
    for way, value_kg in (("ranked among genes with as many", np.abs(carried.values_kg)), ("strongest CpG", naive_kg)):
        top_kn = np.argsort(-value_kg, axis=1)[:, :TOP]
        p_k = hypergeom.sf(crowded_g[top_kn].sum(1) - 1, len(genes), crowded_g.sum(), TOP)
        shares = {f"p < {level}": float((p_k < level).mean()) for level in (0.05, 0.001)}
        yield {"data": "cpg, to genes", "way": way, "genes": len(genes), **shares}
