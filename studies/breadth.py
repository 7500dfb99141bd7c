"""What more samples and more tissues give: deep, PCA and ICA at 64 nodes, on studies and pathways.

The compendium of 3,218 samples of 64 studies. *Reconstruction*: the five folds of whole studies of the study ``depth``;
models learn from 250, 500, 1,000, 2,000 and all samples of the other folds, drawn at random; from whole studies drawn
until they have 1,000; and from 500 samples of blood alone. R² is that of values in studies left out, each study's mean
taken out of both sides (ICA spans what PCA spans), with an interval by bootstrap over studies. *Nodes*: the studies are
parted into two halves, twice; a model learns from so many samples of either half. A node replicates if the model of
the other half, which shares no study with it, has its like beyond nodes mixed at random (``nodes.reproducibility``, q
of at most 0.05). *Pathways*: the share of Reactome's sets, of 5 to 500 genes, that a node of the model covers: over-
represented among its 150 strongest genes beyond random genes of like mean and variance, q of at most 0.05 over all
pairs of the layer. MultiPLIER (Taroni et al. 2019, doi 10.1016/j.cels.2019.04.003) counted its own latent variables,
which were fitted to pathways: 0.11 of them with 500 samples, 0.27 with 4,000, 0.38 with 32,000; nothing here has seen a
pathway.

The value is what 2,000 samples gain over 500 in the deep model's R² within studies.

What came out. Depth pays more the more samples there are: over PCA +0.009 (0.004, 0.011) with 250, +0.033, +0.049,
+0.062 with 2,000 and +0.066 (0.036, 0.086) with all; PCA itself ends at 0.335 from 2,000 on, the deep model is at 0.397
and 0.401. A thousand samples serve as well as whole studies as one by one. Blood alone serves no other tissue, and a
model of it is PCA. Programmes do not follow: ICA's nodes replicate most and cover most pathways at every size (0.42 to
0.61 and 0.15 to 0.19; 500 samples do nearly what 1,400 do), principal axes least (0.17 to 0.22 and 0.02 to 0.05), the
deep bottleneck stands between (0.31 to 0.52 and 0.10 to 0.15). It had principal axes' figures in a first run of this
study (0.16 to 0.23 and 0.02 to 0.05), for a bottleneck is free to any rotation; varimax was put in because of that, and
changes nothing that is given back. Rotated to independent profiles as ICA's are, codes would no longer be uncorrelated,
and how far a sample lies from what a model knows would depend on the rotation. The rows of reconstruction are of
that first run, of unrotated nodes (whole studies of the second, as are all rows of nodes and pathways: rotated ones).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from anndata import AnnData
from benchmarks._harness import Result
from benchmarks._measure import Figure
from sklearn.model_selection import GroupKFold

from genelight import demo, io, light_up, models, nodes
from genelight.evidence.tests.enrichment import over_representation
from genelight.models import Deep, DeepRecipe
from genelight.nouns import Edges, Model, NodeGenes
from genelight.nouns.model import bottleneck

from .depth import ASKED, COMPENDIUM, DRAWS, FOLDS, _errors, _simulated
from .gradients import ORGANS

SIZES, WIDTHS = (250, 500, 1000, 2000), (512, 64, 2048)
STUDIES_OF, BLOOD = 1000, 500
PARTINGS, TOP, LEVEL = 2, 150, 0.05


def run(*, quick: bool) -> Result:
    adata = _simulated() if quick else io.read(COMPENDIUM, dense=True)
    widths, recipe = ((64, 8, 64), DeepRecipe(epochs=4)) if quick else (WIDTHS, DeepRecipe())
    base = Deep(widths, group="study", recipe=recipe, preparation=ASKED)
    sizes = (100, 300) if quick else SIZES
    rows = list(_reconstruction(base, adata, sizes, folds=2 if quick else FOLDS))
    rows += _nodes(base, adata, sizes, sets=_sets(adata) if quick else demo.sets())
    deep = {(row["learned from"], row["samples"]): row["deep within"] for row in rows if "deep within" in row}
    few, many = (("samples", sizes[0]), ("samples", sizes[-1])) if quick else (("samples", 500), ("samples", 2000))
    data = f"{adata.n_obs} samples x {adata.n_vars} genes of {adata.obs['study'].nunique()} studies"
    return Result("value", Figure(deep[many] - deep[few], None, len(rows)), data, rows)


def _reconstruction(base: Deep, adata: AnnData, sizes: tuple[int, ...], *, folds: int) -> Iterator[dict[str, object]]:
    """R² within studies left out, by how many samples were learned from, and which."""
    study_n = adata.obs["study"].astype(str).to_numpy()
    parts: dict[tuple[str, int], list[pd.DataFrame]] = {}
    for fold, (train, test) in enumerate(GroupKFold(folds, shuffle=True, random_state=0).split(study_n, None, study_n)):
        held_out = adata[test].copy()
        for name, size, rows in _draws(adata, train, sizes, seed=fold):
            model = base.fit(adata[rows].copy())
            parts.setdefault((name, size), []).append(_errors(model, held_out.copy(), f"{name} {size}, fold {fold}"))
    for (name, size), tables in parts.items():
        table = pd.concat(tables, ignore_index=True)
        yield {"learned from": name, "samples": size} | _figures(table)


def _draws(
    adata: AnnData, train: np.ndarray, sizes: tuple[int, ...], *, seed: int
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Name, size and rows of each table to learn from."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(train)
    for size in sizes:
        yield "samples", size, np.sort(order[:size])
    yield "samples", adata.n_obs, train
    study_n = adata.obs["study"].astype(str).to_numpy()
    studies = rng.permutation(np.unique(study_n[train]))
    most = min(STUDIES_OF, 2 * len(train) // 3)
    enough = int(np.searchsorted(np.cumsum([(study_n[train] == s).sum() for s in studies]), most)) + 1
    yield "whole studies", most, train[np.isin(study_n[train], studies[: max(enough, 6)])]
    if "tissue" in adata.obs:
        blood = order[np.isin(adata.obs["tissue"].astype(str).to_numpy()[order], ["blood", *ORGANS["blood"]])]
        yield "blood", BLOOD, np.sort(blood[:BLOOD])


def _figures(table: pd.DataFrame) -> dict[str, object]:
    """R² within studies of PCA and of the model, and the gain with its interval over studies."""
    draws = np.random.default_rng(0).multinomial(len(table), np.full(len(table), 1 / len(table)), DRAWS)
    total_s = table["mean within"].to_numpy()
    left = {name: 1 - table[f"{name} within"].sum() / total_s.sum() for name in ("pca", "by study")}
    gain_s = (table["pca within"] - table["by study within"]).to_numpy()
    low, high = np.quantile((draws @ gain_s) / (draws @ total_s), (0.025, 0.975))
    chosen = table.groupby("part")["is_deep"].first()
    return {
        "PCA within": float(left["pca"]),
        "deep within": float(left["by study"]),
        "gain": float(left["by study"] - left["pca"]),
        "low": float(low),
        "high": float(high),
        "deep": f"{int(chosen.sum())} of {len(chosen)}",
    }


def _nodes(base: Deep, adata: AnnData, sizes: tuple[int, ...], *, sets: Edges) -> Iterator[dict[str, object]]:
    """Nodes found again in studies of the other half, and pathways covered, by samples learned from."""
    study_n = adata.obs["study"].astype(str).to_numpy()
    for parting in range(PARTINGS):
        rng = np.random.default_rng(100 + parting)
        studies = rng.permutation(np.unique(study_n))
        halves = [np.flatnonzero(np.isin(study_n, part)) for part in np.array_split(studies, 2)]
        orders = [rng.permutation(half) for half in halves]
        smallest = min(map(len, halves))
        for size in (*(s for s in sizes if s < smallest), smallest):
            pair = [_read(base, adata[np.sort(order[:size])].copy()) for order in orders]
            for name in pair[0]:
                (one, x_ng), (other, _) = pair[0][name], pair[1][name]
                yield {"parting": parting, "samples": size, "model": name} | _found(one, other, sets=sets, x_ng=x_ng)
            print(parting, size, file=sys.stderr, flush=True)


def _read(base: Deep, learners: AnnData) -> dict[str, tuple[NodeGenes, np.ndarray]]:
    """Nodes of every model of these samples, all by one preparation, and expression."""
    deep = base.fit(learners)
    width = deep.widths[bottleneck(deep)]
    preparation = deep.preparation
    fitted: dict[str, Model] = {
        "deep": deep,
        "PCA": models.PCA(width).fit(learners, preparation=preparation),
        "ICA": models.ICA(width).fit(learners, preparation=preparation),
    }
    x_ng = preparation.restore(deep.prepare(learners))
    return {name: (light_up(model, bottleneck(model)), x_ng) for name, model in fitted.items()}


def _found(one: NodeGenes, other: NodeGenes, *, sets: Edges, x_ng: np.ndarray) -> dict[str, object]:
    # Every half keeps the genes that it has.
    other = _over(other, one)
    again = nodes.reproducibility(one, [other])
    found = over_representation(one, [sets], x_ng=x_ng, n_top=TOP, tests=["hypergeometric_matched"])
    covered = found.table[found.table["q"] <= LEVEL]["reference"].nunique()
    tested = sum(5 <= n <= 500 for n in sets.table[sets.table["target"].isin(one.genes.ids)].groupby("source").size())
    return {
        "nodes": len(one.nodes),
        "replicate": float((again["q"] <= LEVEL).mean()),
        "mean |r|": float(again["reproducibility"].mean()),
        "by chance": float(again["null_mean"].mean()),
        "pathways": covered / tested,
    }


def _sets(adata: AnnData) -> Edges:
    """Sets of genes without meaning."""
    rng = np.random.default_rng(0)
    genes = np.concatenate([rng.choice(adata.var_names, 20, replace=False) for _ in range(20)])
    return Edges(
        "random",
        pd.DataFrame({"source": np.repeat([f"set {i}" for i in range(20)], 20), "target": genes, "weight": 1.0}),
    )


def _over(nodes_: NodeGenes, like: NodeGenes) -> NodeGenes:
    """The same profiles over the genes of another; one that is missing has no response."""
    index_g = like.genes.align(nodes_.genes).index
    values_kg = np.where(index_g >= 0, nodes_.values_kg[:, index_g], 0.0)
    return replace(nodes_, values_kg=values_kg.astype(np.float32), genes=like.genes)
