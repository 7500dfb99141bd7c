"""Programmes that an ensemble agrees on: planted ones recovered, false ones, the interferon response; beside PCA, ICA.

Simulated cohorts (60 subjects x 3 visits x 1,000 genes, 8 programmes) vary the size of programmes, their nonlinear
share and cell composition. A model is fitted, ten members are trained on bootstraps of the subjects, and
``nodes.consensus`` gathers each layer's nodes into programmes; those with q <= 0.05 count. PCA and ICA of the width of
the last layer go through the same. What was fixed before the first result was seen:

- a planted programme is detectable if the variance it adds along its own direction, the sum of its squared loadings
  times its linear share over a noise variance near one, is above the edge at which a principal component of that many
  genes and subjects begins to tell it from noise, sqrt(genes / subjects) (Baik, Ben Arous and Péché 2005,
  doi 10.1214/009117905000000233); subjects and not samples, because visits of a subject are alike;
- it is recovered if a consensus programme's absolute values rank its genes above the others with AUROC >= 0.95.

The value is the fraction of detectable programmes that consensus programmes of the last layer recover, over all
cohorts, with its 95% interval over cohorts (bootstrap). ``seeds alone`` repeats the last layer without drawing
subjects: then the noise of the one table counts as reproducible.

What a false programme is was fixed anew after a first run (last width 16) that counted pieces as false and missed its
FDR by them. A consensus programme with q <= 0.05 is true if it recovers a planted programme or a cell type's marker
genes; a piece if it does not, and yet eight or more of its ten strongest genes are in one of them (of 40 genes in
1,000 that has a chance of 3e-10), so that what a reader would say of it holds, if not of the whole; false if it is
neither. ``false`` and ``false share`` count the last kind. Pieces are there because half of a nonlinear programme's
genes follow a product with the next programme and half a switch: two groups of genes, each with a course of its own
(the courses correlate by 0.5), which come back as two programmes, and the whole may then be missed. So ``halves``
counts the pieces that rank one such half above all other genes with AUROC >= 0.95, the bar of a whole, and ``false
share, only halves true`` holds the other pieces for false; ``false share, pieces false`` does so for all of them, and
charges the method with finding what was planted.

These rules and the sets below were fixed with the figures of cohorts of seeds 1 and 2 in view (halves, too: there all
pieces are halves). The figures in the log are of other cohorts, of seeds 11 and 12, seen once, after that; models,
members and draws, those on blood too, are of seeds from 1,000 on. ``quick`` keeps to seed 1.

On blood (influenza; lupus where its file is there) the interferon programme is the consensus programme in whose
values the set ranks highest by AUROC, signs as they are. ``seeds`` counts members whose node in it has an AUROC of at
least 0.9. Two sets: Reactome's interferon alpha/beta signalling holds receptors, phosphatases and the interferons
themselves beside the genes that respond, so the same AUROC of the best supervised answer stands beside it
(``supervised``, a t statistic of the labels that the models never see); Hallmark's interferon alpha response, where
the file is there, holds the responding genes.

Against us (widths 128-64-32, ten members): ICA of the last width recovers as many programmes as the last layer (74 of
80; layers 1 and 2 77), so depth adds none; 21 of the last layer's 103 sure programmes are pieces, each of them a half,
all in the two half nonlinear cohorts, where 10 of 16 programmes are recovered; without drawing subjects 153 of 271
are false. On influenza, 17 subjects, the interferon programme by Hallmark's set is in 8, 8 and 9 of ten members in
layers 1, 2 and 3 (ICA 10, PCA 3), so that the first two fall short of nine; in earlier runs, of other seeds or of an
earlier training, it was in 9, 10 and 10 and in 7, 6 and 9. On lupus it is in nine, ten and ten (ICA 10, PCA 2).
By Reactome's set it is in none, as its supervised AUROC, 0.76 and 0.83, is below the 0.9 asked for. The cohorts of
seeds 1 and 2 had 73 of 80 in the last layer, 22 pieces and as many halves, and none false.

Tried and not kept: programmes with nodes of two members or more (not of most of them). Bootstraps share subjects, so
pairs of members agree on noise now and then: one such pair with q < 0.05 in a cohort with 8 true ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData, read_h5ad
from benchmarks._harness import Result
from benchmarks._measure import Figure
from scipy.stats import rankdata

from genelight import Model, NodeGenes, demo, io, models, nodes, prepare, simulate
from genelight.nodes.consensus import Consensus

SEEDS, FDR, RECOVERED, RESPONDS = 10, 0.05, 0.95, 0.9
DEVELOPED, REPORTED, DRAWS = (1, 2), (11, 12), 1000
SHARED = Path(__file__).parents[2] / "shared" / "data"
REACTOME, HALLMARK = "REACTOME_INTERFERON_ALPHA_BETA_SIGNALING", "HALLMARK_INTERFERON_ALPHA_RESPONSE"


def run(*, quick: bool) -> Result:
    again = _Again(4, 0) if quick else _Again(SEEDS, DRAWS)
    tables = [_cohort(name, adata, again) for name, adata in _cohorts(quick=quick)]
    planted = pd.concat(tables, ignore_index=True)
    last = planted[planted["model"] == "autoencoder L3"]
    counts = last[["recovered", "detectable"]].to_numpy()
    blood = [
        row
        for name, adata, supervised_g in _blood(quick=quick)
        for row in _interferon(name, adata, supervised_g, again=again)
    ]
    data = f"{len(tables)} simulated cohorts, {int(counts[:, 1].sum())} detectable programmes; {again.seeds} members"
    rows = [*_totals(planted), *planted.to_dict("records"), *blood]
    value = float(counts[:, 0].sum() / counts[:, 1].sum())
    return Result("value", Figure(value, _interval(counts), len(tables)), data, rows)


@dataclass(frozen=True)
class _Again:
    """How many members an ensemble has, and the seed of the model, of the first member and of all draws."""

    seeds: int
    seed: int


@dataclass(frozen=True)
class _Found:
    """Consensus programmes of one layer of one kind of model, and the nodes of its members."""

    name: str
    consensus: Consensus
    nodes: list[NodeGenes]

    @property
    def sure(self) -> np.ndarray:
        """Positions of the programmes with q <= FDR."""
        return np.flatnonzero(self.consensus.table["q"] <= FDR)


def _ensembles(adata: AnnData, again: _Again) -> Iterator[_Found]:
    """The autoencoder layer by layer, its last layer without drawing subjects, PCA and ICA of the last width."""
    preparation = prepare(adata)
    model = models.fit(adata, subject="subject", preparation=preparation, seed=again.seed)
    yield from _layers(model, adata, again)
    yield from list(_layers(model, adata, again, resample=False))[-1:]
    width = min(model.widths.values())
    for spec in (models.PCA(width), models.ICA(width)):
        yield from _layers(spec.fit(adata, preparation=preparation), adata, again)


def _layers(model: Model, adata: AnnData, again: _Again, *, resample: bool = True) -> Iterator[_Found]:
    members = models.Ensemble.fit(
        adata, model, seeds=again.seeds, subject="subject", resample=resample, seed=again.seed
    )
    for layer in model.widths:
        lit = [nodes.light_up(member, layer) for member in members]
        yield _Found(
            f"{model.name} {layer}{'' if resample else ', seeds alone'}", nodes.consensus(lit, seed=again.seed), lit
        )


def _auc(values_kg: np.ndarray, inside_g: np.ndarray) -> np.ndarray:
    """AUROC of each row's values for the genes of a set."""
    inside = int(inside_g.sum())
    rank_kg = rankdata(values_kg, axis=1)
    return (rank_kg[:, inside_g].sum(1) - inside * (inside + 1) / 2) / (inside * (len(inside_g) - inside))


def _aucs(values_kg: np.ndarray, sets_gt: np.ndarray) -> np.ndarray:
    """AUROC of each row's values for the genes of each set, shape ``(k, t)``."""
    auc_kt = np.empty((len(values_kg), sets_gt.shape[1]))
    for t, inside_g in enumerate(sets_gt.T):
        auc_kt[:, t] = _auc(values_kg, inside_g)
    return auc_kt


def _cohorts(*, quick: bool) -> Iterator[tuple[str, AnnData]]:
    kinds: Mapping[str, tuple[simulate.Programmes, simulate.Nuisance]] = {
        "40 genes": (simulate.Programmes(size=40), simulate.Nuisance()),
        "20 genes": (simulate.Programmes(size=20), simulate.Nuisance()),
        "10 genes": (simulate.Programmes(size=10), simulate.Nuisance()),
        "5 genes": (simulate.Programmes(size=5), simulate.Nuisance()),
        "40 genes, half nonlinear": (simulate.Programmes(size=40, nonlinear=0.5), simulate.Nuisance()),
        "40 genes, cell types": (simulate.Programmes(size=40), simulate.Nuisance(composition=1.0)),
    }
    for name, (programmes, nuisance) in list(kinds.items())[: 1 if quick else None]:
        for seed in DEVELOPED[:1] if quick else REPORTED:
            yield f"{name}, seed {seed}", simulate.cohort(programmes=programmes, nuisance=nuisance, seed=seed)


def _cohort(name: str, adata: AnnData, again: _Again) -> pd.DataFrame:
    w_gk, type_gc = adata.varm["programmes"], adata.varm["composition"]
    linear = 1 - adata.uns["simulate"]["programmes"]["nonlinear"]
    edge = np.sqrt(adata.n_vars / adata.obs["subject"].nunique())
    detectable_k = linear * (w_gk**2).sum(0) > edge
    truth_gk = np.hstack([w_gk != 0, type_gc != 0])
    truth_gk = truth_gk[:, truth_gk.any(0)]
    halves_gt = _halves(adata)
    rows = []
    for found in _ensembles(adata, again):
        values_kg = np.abs(found.consensus.nodes.values_kg[found.sure])
        auc_kt = _aucs(values_kg, truth_gk)
        partial_k = auc_kt.max(1, initial=0.0) < RECOVERED
        piece_k = partial_k & _within_one(found, truth_gk)
        half_k = piece_k & (_aucs(values_kg, halves_gt).max(1, initial=0.0) >= RECOVERED)
        best_t = auc_kt[:, : len(detectable_k)].max(0, initial=0.0)
        rows.append(
            {
                "cohort": name,
                "model": found.name,
                "detectable": int(detectable_k.sum()),
                "recovered": int(((best_t >= RECOVERED) & detectable_k).sum()),
                "others found": int(((best_t >= RECOVERED) & ~detectable_k).sum()),
                "reproducible": len(found.sure),
                "false": int((partial_k & ~piece_k).sum()),
                "pieces": int(piece_k.sum()),
                "halves": int(half_k.sum()),
            }
        )
    return pd.DataFrame(rows)


def _halves(adata: AnnData) -> np.ndarray:
    """Genes of each programme with the same nonlinear response, shape ``(g, halves)``; none where all is linear."""
    nonlinear = adata.var[adata.var["response"] != ""]
    name_g = adata.var["programme"] + " " + adata.var["response"]
    return name_g.to_numpy()[:, None] == np.unique(name_g[nonlinear.index])


def _within_one(found: _Found, truth_gk: np.ndarray) -> np.ndarray:
    """Whether at least 8 of the 10 strongest genes of each sure programme are in one planted programme."""
    top_kn = found.consensus.nodes.top_kn(10)[found.sure]
    return truth_gk[top_kn].sum(1).max(1, initial=0) >= 8


def _totals(planted: pd.DataFrame) -> list[dict[str, object]]:
    total = planted.groupby("model", sort=False).sum(numeric_only=True).reset_index()
    total["fraction"] = total["recovered"] / total["detectable"]
    counted = {
        "false share": total["false"],
        "false share, only halves true": total["false"] + total["pieces"] - total["halves"],
        "false share, pieces false": total["false"] + total["pieces"],
    }
    for name, number in counted.items():
        total[name] = number / total["reproducible"].clip(lower=1)
    return [{"cohort": "all", **row} for row in total.to_dict("records")]


def _interval(counts: np.ndarray, *, draws: int = 2000) -> tuple[float, float]:
    rows = np.random.default_rng(0).integers(0, len(counts), (draws, len(counts)))
    drawn = counts[rows].sum(1)
    drawn = drawn[drawn[:, 1] > 0]
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(low), float(high)


def _blood(*, quick: bool) -> Iterator[tuple[str, AnnData, np.ndarray]]:
    """Name, cohort, and t of every gene between ill and well samples, for comparison only."""
    flu = demo.cohort()
    ill = (flu.obs["condition"] == "symptomatic") & (flu.obs["hours"] >= 45)
    yield "influenza", flu, _t(flu, ill, flu.obs["hours"] <= 0)
    path = SHARED / "sle_blood_GSE65391.h5ad"
    if quick or not path.exists():
        return
    lupus = read_h5ad(path)
    lupus = lupus[lupus.obs["set"] != "technical_replicate"].copy()
    yield "lupus", lupus, _t(lupus, lupus.obs["disease"] == "SLE", lupus.obs["disease"] == "healthy")


def _t(adata: AnnData, case_n: pd.Series, control_n: pd.Series) -> np.ndarray:
    """Welch's t of every gene, 0 where a gene does not vary."""
    case_ng, control_ng = (np.asarray(adata.X[mask.to_numpy()], dtype=np.float64) for mask in (case_n, control_n))
    error_g = np.sqrt(case_ng.var(0, ddof=1) / len(case_ng) + control_ng.var(0, ddof=1) / len(control_ng))
    gap_g = case_ng.mean(0) - control_ng.mean(0)
    return np.divide(gap_g, error_g, out=np.zeros_like(gap_g), where=error_g > 1e-9)


def _sets() -> dict[str, set[str]]:
    table = demo.sets().table
    path = SHARED / "gene_sets" / "hallmark.gmt.gz"
    if path.exists():
        table = pd.concat([table, io.read_sets(path).table])
    wanted = table[table["source"].isin([REACTOME, HALLMARK])]
    return {str(name): set(part["target"]) for name, part in wanted.groupby("source", sort=False)}


def _interferon(name: str, adata: AnnData, supervised_g: np.ndarray, *, again: _Again) -> Iterator[dict[str, object]]:
    for found in _ensembles(adata, again):
        nodes, table = found.consensus.nodes, found.consensus.table
        for collection, genes in _sets().items():
            inside_g = np.isin(nodes.genes.ids, list(genes))
            there_g = supervised_g[adata.var_names.get_indexer(list(nodes.genes.ids))]
            auc_k = _auc(nodes.values_kg, inside_g)
            best = int(np.argmax(auc_k)) if len(auc_k) else None
            which = f"{name}, {collection.split('_')[0].capitalize()}"
            row: dict[str, object] = {"cohort": which, "model": found.name}
            row |= {"reproducible": len(found.sure), "supervised": float(_auc(there_g[None], inside_g)[0])}
            if best is not None:
                row |= {"AUROC": float(auc_k[best]), **table.loc[best, ["support", "q"]].to_dict()}
                row["seeds"] = int((_member_auc(found, nodes.nodes[best], inside_g) >= RESPONDS).sum())
            yield row


def _member_auc(found: _Found, programme: str, inside_g: np.ndarray) -> np.ndarray:
    """AUROC of the set in each member's node of a programme, sign aligned."""
    rows = found.consensus.members.loc[lambda table: table["programme"] == programme]
    nodes = [found.nodes[m] for m in rows["member"]]
    values = [part.values_kg[part.nodes.index(n)] for part, n in zip(nodes, rows["node"], strict=True)]
    return _auc(rows["sign"].to_numpy()[:, None] * np.stack(values), inside_g)
