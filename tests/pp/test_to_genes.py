"""From features to genes: that numbers of features decide nothing, and that what is there is found."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom

from genelight import Edges, Genes, Module, NodeGenes, simulate
from genelight.errors import GeneMismatchError
from genelight.evidence import assess, genetic_association
from genelight.pp import to_genes
from genelight.pp.to_genes import gene_means

CPGS = simulate.features("cpg", 40, n_features=6000, seed=3)
PAIRS = Edges("manifest", CPGS.uns["feature_genes"].set_axis(["source", "target"], axis=1).assign(weight=1.0))
FEATURES = Genes(tuple(CPGS.var_names), "cpg")
COUNT = PAIRS.table["target"].value_counts()


def nodes(value_kf: np.ndarray) -> NodeGenes:
    names = tuple(f"L1.{k + 1}" for k in range(len(value_kf)))
    return NodeGenes(value_kf, names, FEATURES, "L1", "toy", "toy")


def tails(value_kg: np.ndarray, member_g: np.ndarray, *, n_top: int = 60) -> np.ndarray:
    """Hypergeometric p of each profile's leading genes in a set."""
    top_kn = np.argsort(-np.abs(value_kg), axis=1)[:, :n_top]
    return hypergeom.sf(member_g[top_kn].sum(1) - 1, len(member_g), member_g.sum(), n_top)


def test_genes_with_many_features_lead_no_list_of_chance():
    # Neighbours go together, as those of one gene do.
    noise_kf = np.random.default_rng(0).normal(size=(120, len(FEATURES)))
    value_kf = noise_kf + 2 * np.repeat(np.random.default_rng(1).normal(size=(120, len(FEATURES) // 5)), 5, axis=1)
    carried = to_genes(nodes(value_kf), PAIRS)
    count_g = COUNT[list(carried.genes.ids)].to_numpy()
    crowded_g = count_g >= np.quantile(count_g, 0.8)
    best = pd.DataFrame(np.abs(value_kf).T, index=CPGS.var_names).loc[PAIRS.table["source"]]
    naive_kg = best.groupby(PAIRS.table["target"].to_numpy()).max().loc[list(carried.genes.ids)].to_numpy().T
    assert (tails(naive_kg, crowded_g) < 0.001).mean() > 0.5
    fair = tails(carried.values_kg, crowded_g)
    assert (fair < 0.05).mean() < 0.1
    through = carried.about["through"]
    assert through["number and strength, before"] > 0.3
    assert abs(through["number and strength, after"]) < 0.05
    assert 0.3 < np.median(fair) < 0.8


def test_scores_are_signed_as_the_strongest_feature_and_zero_where_nothing_is():
    value_kf = np.zeros((2, len(FEATURES)))
    gene = COUNT.index[0]
    features = PAIRS.table.loc[PAIRS.table["target"] == gene, "source"]
    value_kf[0, FEATURES.position[features.iloc[0]]] = -3.0
    carried = to_genes(nodes(value_kf), PAIRS)
    assert carried.of("L1.1").idxmin() == gene
    assert carried.of("L1.1")[gene] < -2
    assert not carried.values_kg[1].any()


def test_a_module_is_one_over_genes_that_crowded_genes_do_not_lead():
    score_f = np.random.default_rng(0).normal(size=len(FEATURES))
    module = Module.from_scores(score_f, FEATURES, size=60, name="ill", method="de", about={"layer": "L1"})
    carried = to_genes(module, PAIRS)
    count_g = COUNT[list(carried.genes.ids)].to_numpy()
    assert (carried.name, carried.method, carried.about["layer"]) == ("ill", "de", "L1")
    np.testing.assert_allclose(carried.score_g(), to_genes(nodes(score_f[None]), PAIRS).values_kg[0])
    reached = set(PAIRS.table.loc[PAIRS.table["source"].isin(module.selected), "target"])
    assert len(carried.selected) == len(reached)
    chosen_g = np.isin(carried.genes.ids, carried.selected)
    assert count_g[chosen_g].mean() < 1.3 * count_g.mean() < count_g[np.isin(carried.genes.ids, list(reached))].mean()
    everything = Module.from_scores(score_f, FEATURES, size=len(FEATURES), name="all", method="de")
    assert len(to_genes(everything, PAIRS).selected) == int(0.2 * len(carried.genes))


def test_what_does_not_lead_to_genes_is_counted_and_several_genes_share_a_feature():
    through = to_genes(nodes(np.random.default_rng(0).normal(size=(1, len(FEATURES)))), PAIRS).about["through"]
    each = PAIRS.table["source"].value_counts()
    assert through["features without a gene"] == len(FEATURES) - len(each)
    assert through["features of several genes"] == (each > 1).sum() > 100
    assert through["features of a gene, most"] == COUNT.max()


def test_a_disease_in_cpgs_is_found_in_sets_networks_and_genetics():
    share = CPGS.var["module"].loc[PAIRS.table["source"]].groupby(PAIRS.table["target"].to_numpy()).mean()
    genes, ill = list(share.index), list(share.index[share > 0.5])
    assert len(ill) > 15
    rng = np.random.default_rng(0)
    signal_f = 3.0 * CPGS.var["module"].to_numpy() + rng.normal(size=len(FEATURES))
    carried = to_genes(nodes(signal_f[None]), PAIRS)
    pairs = [(a, b) for a in genes for b in rng.choice(ill if a in ill else genes, 3, replace=False) if a != b]
    edges = pd.DataFrame(sorted({tuple(sorted(pair)) for pair in pairs}), columns=["source", "target"])
    network = Edges("network", edges.assign(weight=1.0))
    sets = Edges("sets", pd.DataFrame({"source": "ill", "target": ill, "weight": 1.0}))
    found = assess(
        carried, network=network, sets=[sets], n_top=len(ill), draws=199, tests=["hypergeometric", "density"]
    )
    assert found.table.set_index("test")["p"].max() <= 0.005
    p_g = np.where(np.isin(genes, ill), 1e-4, rng.uniform(size=len(genes)))
    gwas = Edges("gwas", pd.DataFrame({"source": "trait", "target": genes, "weight": p_g}))
    assert genetic_association(carried, gwas, n_top=len(ill)).table["p"].min() < 0.01


def test_features_without_a_table_or_with_another_arrays_are_told():
    one = nodes(np.random.default_rng(0).normal(size=(1, len(FEATURES))))
    ring = Edges("STRING", pd.DataFrame({"source": ["TP53", "MX1"], "target": ["MX1", "TP53"], "weight": 1.0}))
    with pytest.raises(GeneMismatchError, match=r"features of kind cpg .* carry them to genes first .*--feature-genes"):
        assess(one, network=ring)
    with pytest.raises(GeneMismatchError, match="leads from 0 of 6000 features to 0 genes"):
        to_genes(one, Edges("450k", PAIRS.table.assign(source="x" + PAIRS.table["source"])))


def test_gene_means_are_those_of_a_loop():
    x = np.random.default_rng(0).normal(size=(4, len(FEATURES)))
    genes = Genes((*COUNT.index[:20], "NONE"))
    got = gene_means(x, FEATURES, PAIRS, genes=genes)
    for column, gene in enumerate(genes.ids[:20]):
        own = [FEATURES.position[f] for f in PAIRS.table.loc[PAIRS.table["target"] == gene, "source"]]
        np.testing.assert_allclose(got[:, column], x[:, own].mean(1))
    assert not got[:, -1].any()
