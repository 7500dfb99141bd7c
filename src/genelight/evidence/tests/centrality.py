"""How central the genes of a node or module are in a network, and how many of them are in it at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import hypergeom

from .._closeness import means
from .._registry import TESTS, Against, Findings
from .._tested import LEAST_GENES, Items
from .network import compare

__all__ = ["betweenness", "degree", "outside"]


@TESTS.register("betweenness", doi="10.1080/0022250X.2001.9990249")
def betweenness(tested: Items, against: Against) -> Findings | None:
    """Mean share of all shortest paths that pass a gene, larger than for genes of like degree.

    The share as it is: of its logarithm, lists of well-connected genes get p values that are too large (mean z -0.09,
    on seeds kept for that choice). q: over the nodes of a layer; a module is a family of its own. Cost: a pass over
    all edges for each gene of the network, once.
    """
    null = against.null
    if null is None:
        return None
    share_p = null.interactome.betweenness_p
    observed_k = np.array([share_p[genes].mean() for genes in null.genes_k])
    return compare(tested, null, observed_k=observed_k, null_rk=means(share_p, null.orders), sign=1)


@TESTS.register("degree", control=True, doi="10.1126/science.286.5439.509")
def degree(tested: Items, against: Against) -> Findings | None:
    """Mean degree of the genes beside genes drawn without regard to it: how much there is to match.

    Genes are alike in mean and variance where expression is given. No evidence of its own, since well-studied genes
    are well connected: it has a p and no q.
    """
    null = against.null
    if null is None:
        return None
    drawn_rk = means(null.interactome.degree_p, null.of_any_degree)
    found = compare(tested, null, observed_k=null.degree[0], null_rk=drawn_rk, sign=1, at_degree=False)
    return Findings(found.table.assign(q=np.nan), found.about)


@TESTS.register("outside", control=True, doi="10.1186/gb-2010-11-2-r14")
def outside(tested: Items, against: Against) -> Findings | None:
    """Share of the genes that are not in the network, larger than that of all measured genes.

    Exact, by the hypergeometric distribution. It says of how many genes the network tests know nothing; it has a p and
    no q.
    """
    null = against.null
    if null is None:
        return None
    inside_g = null.inside_g
    genes, absent = len(inside_g), int((~inside_g).sum())
    own_k = [k for k, chosen in enumerate(tested.chosen[0]) if len(chosen) >= LEAST_GENES]
    size_k = np.array([len(tested.chosen[0][k]) for k in own_k], dtype=np.int64)
    absent_k = np.array([int((~inside_g[tested.chosen[0][k]]).sum()) for k in own_k], dtype=np.int64)
    share_k, mean = absent_k / size_k, absent / genes
    sd_k = np.sqrt(mean * (1 - mean) / size_k * (genes - size_k) / max(genes - 1, 1))
    effect_k = np.divide(share_k - mean, sd_k, out=np.full(len(own_k), np.nan), where=sd_k > 0)
    table = pd.DataFrame(
        {
            "tested": [tested.names[k] for k in own_k],
            "reference": null.interactome.name,
            "n": size_k,
            "statistic": share_k,
            "effect": effect_k,
            "null_mean": mean,
            "null_sd": sd_k,
            "p": hypergeom.sf(absent_k - 1, genes, absent, size_k),
            "q": np.nan,
            "draws": 0,
            "seed": 0,
        }
    )
    return Findings(table, {"universe": genes, "not in the network": absent})
