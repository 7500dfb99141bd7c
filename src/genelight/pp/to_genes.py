"""From features that are no genes to genes, so that networks, gene sets and genetics can be asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from scipy.special import ndtri

from ..errors import GeneMismatchError, InputError, first_three
from ..nouns import Edges, Genes, Module, NodeGenes
from ..stats.matched import match_bins
from .user_table import read_id_table

__all__ = ["Pairs", "gene_means", "to_genes"]

T = TypeVar("T", bound=NodeGenes | Module)

LEAST_GENES = 10
LEAST_ALIKE = 50  # genes of like numbers of features that one is ranked among
MOST_OF_A_MODULE = 0.2  # share of the genes that a module carried to them selects


@dataclass(frozen=True)
class Pairs:
    """Features and their genes, sorted by gene.

    Attributes
    ----------
    genes
        Those that a feature leads to.
    feature_e, start_g, count_g
        Features as positions, those of each gene from ``start_g`` on, ``count_g`` of them.
    account
        What was found, in counts.
    """

    genes: Genes
    feature_e: np.ndarray
    start_g: np.ndarray
    count_g: np.ndarray
    account: Mapping[str, Any]

    @classmethod
    def of(cls, features: Genes, edges: Edges) -> Pairs:
        """Pairs of a table whose features were measured.

        Raises
        ------
        GeneMismatchError
            If fewer than ten genes are reached; shows ids of both sides.
        """
        table = edges.table[["source", "target"]].dropna().astype(str).drop_duplicates()
        place_e = table["source"].map(features.position)
        found = table[place_e.notna()]
        genes, gene_e = np.unique(found["target"].to_numpy(dtype=str), return_inverse=True)
        if len(genes) < LEAST_GENES:
            msg = (
                f"{edges.name} leads from {found['source'].nunique()} of {len(features)} features to {len(genes)} "
                f"genes, at least {LEAST_GENES} are needed; measured are {first_three(features.ids)}, the table has "
                f"{first_three(table['source'].unique())}: give the table of the array or the database that the "
                "features are of"
            )
            raise GeneMismatchError(msg)
        order = np.argsort(gene_e, kind="stable")
        feature_e = place_e.dropna().to_numpy(np.int64)[order]
        count_g = np.bincount(gene_e)
        each_f = np.bincount(feature_e, minlength=len(features))
        account = {
            "table": edges.name,
            "features": len(features),
            "features without a gene": int((each_f == 0).sum()),
            "features of several genes": int((each_f > 1).sum()),
            "genes": len(genes),
            "features of a gene, median": float(np.median(count_g)),
            "features of a gene, most": int(count_g.max()),
        }
        start_g = np.concatenate([[0], np.cumsum(count_g)[:-1]])
        return cls(Genes(tuple(genes), edges.namespace), feature_e, start_g, count_g, account)


def to_genes(tested: T, feature_genes: Edges | str | Path) -> T:
    """Carry nodes, or a module, from features to genes, so that no gene leads for having many features.

    A gene's strongest feature speaks for it. Of many features one is strong by chance, so genes are ranked among
    those with about as many features (bins by number, at least fifty genes each), and the rank becomes a normal score,
    signed as the feature. What is chance for the features is so chance for the genes, however features of a gene go
    together, and every test of genes can be run on what comes back.

    Parameters
    ----------
    tested
        A layer's node profiles or a module over features: CpGs, proteins, metabolites, microRNAs.
    feature_genes
        Features in ``source``, genes in ``target``; a feature may have several genes, a gene several features. Or the
        path of a table with a column of features and one of their genes, such as an array's manifest.

    Returns
    -------
    What was given, over the genes that a feature leads to, in normal scores; ``about["through"]`` has the account:
    features without a gene and of several, and how far numbers of features went with being strong before (Spearman
    correlation, mean over nodes) and after. A module selects the genes of largest score: as many as its selected
    features lead to, a fifth of all genes at most.

    Raises
    ------
    GeneMismatchError
        If the features lead to fewer than ten genes.
    InputError
        If a profile has missing values.
    FormatError
        If a file's columns of features and genes cannot be told.

    Notes
    -----
    That gene sets of genes with many CpGs come out of any list of CpGs: Geeleher et al. 2013, doi
    10.1093/bioinformatics/btt311; Phipson et al. 2016 (gometh), doi 10.1093/bioinformatics/btv560, weigh genes by
    their numbers, which here are matched. The same of targets of microRNAs: Bleazard et al. 2015, doi
    10.1093/bioinformatics/btv023. Genes that share all of their features have the same score and are no evidence of
    their own.

    Examples
    --------
    >>> import genelight as gl
    >>> cpgs = gl.simulate.features("cpg", n_features=2000)
    >>> nodes = gl.light_up(gl.models.PCA(4).fit(cpgs), "PC")
    >>> pairs = cpgs.uns["feature_genes"].set_axis(["source", "target"], axis=1).assign(weight=1.0)
    >>> genes = gl.pp.to_genes(nodes, gl.Edges("manifest", pairs))
    >>> genes.nodes == nodes.nodes, len(genes.genes) < len(nodes.genes)
    (True, True)
    """
    nodes, edges = _profiles(tested), _edges(feature_genes)
    pairs = Pairs.of(nodes.genes, edges)
    if not np.isfinite(nodes.values_kg).all():
        msg = "a profile has NaN or infinite values; light the layer up again"
        raise InputError(msg)
    bin_g = match_bins(pairs.count_g, least=min(LEAST_ALIKE, len(pairs.genes)))
    value_kg = np.stack([_scores(profile_f, pairs, bin_g) for profile_f in np.asarray(nodes.values_kg, np.float64)])
    strongest_kg = np.abs(_strongest(nodes.values_kg, pairs))
    through = {
        **pairs.account,
        "number and strength, before": _mean_correlation(strongest_kg, pairs.count_g),
        "number and strength, after": _mean_correlation(np.abs(value_kg), pairs.count_g),
    }
    if isinstance(tested, Module):
        return cast("T", _module(tested, value_kg[0], pairs, through=through))
    return cast("T", replace(nodes, values_kg=value_kg, genes=pairs.genes, about={**nodes.about, "through": through}))


def gene_means(x_nf: np.ndarray, features: Genes, feature_genes: Edges | str | Path, *, genes: Genes) -> np.ndarray:
    """Each gene's mean over its features in samples, shape ``(n, g)``; 0 for genes that have none here.

    Raises
    ------
    GeneMismatchError
        As :func:`to_genes`.
    """
    pairs = Pairs.of(features, _edges(feature_genes))
    mean_ng = np.add.reduceat(x_nf[:, pairs.feature_e], pairs.start_g, axis=1) / pairs.count_g
    index_g = genes.align(pairs.genes.ids).index
    return np.where(index_g >= 0, mean_ng[:, index_g], 0.0)


def _edges(feature_genes: Edges | str | Path) -> Edges:
    return feature_genes if isinstance(feature_genes, Edges) else read_id_table(feature_genes).edges


def _profiles(tested: NodeGenes | Module) -> NodeGenes:
    if isinstance(tested, NodeGenes):
        return tested
    name = f"{tested.name} [{tested.method}]"
    return NodeGenes(tested.score_g()[None], (name,), tested.genes, name, "module", tested.method)


def _module(module: Module, score_g: np.ndarray, pairs: Pairs, *, through: Mapping[str, Any]) -> Module:
    chosen_f = np.isin(np.asarray(module.genes.ids, dtype=object), module.selected)
    reached = int(np.logical_or.reduceat(chosen_f[pairs.feature_e], pairs.start_g).sum())
    return Module.from_scores(
        score_g,
        pairs.genes,
        size=min(reached, int(MOST_OF_A_MODULE * len(pairs.genes))),
        name=module.name,
        method=module.method,
        about={**module.about, "through": {**through, "features of the module": int(chosen_f.sum())}},
    )


def _strongest(value_kf: np.ndarray, pairs: Pairs) -> np.ndarray:
    """The value of each gene's feature of largest absolute value, shape ``(k, g)``."""
    value_ke = np.asarray(value_kf, dtype=np.float64)[:, pairs.feature_e]
    high_kg = np.maximum.reduceat(value_ke, pairs.start_g, axis=1)
    low_kg = np.minimum.reduceat(value_ke, pairs.start_g, axis=1)
    return np.where(high_kg >= -low_kg, high_kg, low_kg)


def _scores(profile_f: np.ndarray, pairs: Pairs, bin_g: np.ndarray) -> np.ndarray:
    """Normal scores of the ranks of genes among those of like numbers of features, signed, shape ``(g,)``."""
    from scipy.stats import rankdata

    strongest_g = _strongest(profile_f[None], pairs)[0]
    score_g = np.zeros(len(strongest_g))
    for b in range(int(bin_g.max()) + 1):
        alike = np.flatnonzero(bin_g == b)
        place = (rankdata(np.abs(strongest_g[alike])) - 0.5) / len(alike)
        score_g[alike] = ndtri((1 + place) / 2)
    return score_g * np.sign(strongest_g)


def _mean_correlation(strength_kg: np.ndarray, count_g: np.ndarray) -> float:
    from scipy.stats import spearmanr

    if not np.ptp(count_g):
        return 0.0
    each = [float(spearmanr(strength_g, count_g).statistic) for strength_g in strength_kg if np.ptp(strength_g)]
    return float(np.mean(each)) if each else 0.0
