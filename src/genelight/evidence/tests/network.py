"""Whether the genes of a node or module lie close together in a network, and how central they are in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import hypergeom

from ...nouns import Edges, Evidence, Module, NodeGenes
from ...stats.pvalues import adjust, empirical_p
from .._closeness import components, components_of, means
from .._registry import TESTS, Against, Findings, run_tests
from .._tested import LEAST_GENES, Items
from ..distances import Interactome, distances
from ..nulls import MatchedNull, matched_null

__all__ = [
    "as_interactome",
    "betweenness",
    "component",
    "degree",
    "density",
    "distance",
    "efficiency",
    "localise",
    "outside",
]


def as_interactome(network: Edges | Interactome) -> Interactome:
    """The network with its distances, searched now unless they are there already."""
    return network if isinstance(network, Interactome) else distances(network)


def localise(
    node_genes: NodeGenes | Module,
    interactome: Edges | Interactome,
    *,
    n_top: int | str = 150,
    draws: int = 1000,
    x_ng: np.ndarray | None = None,
    tests: Sequence[str] | None = None,
    seed: int = 0,
) -> Evidence:
    """Test whether each item's genes lie closer together in a network than matched random genes.

    Runs every registered test on networks. Random genes come from the measured genes that are in the
    network, matched gene by gene on degree and, with `x_ng`, on mean and variance of expression.

    Parameters
    ----------
    node_genes
        A layer's node profiles (each node's `n_top` genes of largest absolute value are tested), or a
        module (its selected genes).
    interactome
        A network, best with distances at hand from :func:`distances`.
    n_top
        Genes of a node, or ``"knee"``: as many as stand out in its profile, 10 to 500. Those not in the network are
        left out; ``n`` of a row says how many remain. Nodes that keep fewer than ten are not tested and are counted
        in ``about``.
    draws
        Matched draws for each item.
    x_ng
        Prepared expression, columns in the order of the item's genes.
    tests
        Names of the tests to run, by default all that are registered.
    seed
        Seed of the draws.

    Returns
    -------
    Evidence, one row for each item and test: ``effect`` is ``(statistic - null_mean) / null_sd``, NaN
    where the null never varies; p is one-sided towards closeness; q is adjusted over the nodes of the layer.

    Raises
    ------
    GeneMismatchError
        If data and network share fewer than ten genes.
    InputError
        If a setting is out of range or `x_ng` does not fit.

    Notes
    -----
    1,536 nodes of 200 genes with 1,000 draws each take seconds: see ``python -m benchmarks localise``.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from genelight.nouns import Genes
    >>> from genelight.nouns import Edges, NodeGenes
    >>> from genelight.evidence.tests.network import localise
    >>> names = tuple(f"G{i}" for i in range(200))
    >>> ring = pd.DataFrame({"source": names, "target": names[1:] + names[:1], "weight": 1.0})
    >>> values = np.zeros((1, 200))
    >>> values[0, 20:40] = 1.0  # twenty neighbours on the ring
    >>> node = NodeGenes(values, ("L1.1",), Genes(names), "L1", "toy", "toy")
    >>> found = localise(node, Edges("ring", ring), n_top=20, draws=99)
    >>> found.table.loc[found.table["test"] == "distance", ["n", "statistic", "p"]].round(2).values.tolist()
    [[20.0, 7.0, 0.01]]
    """
    tested = Items.of(node_genes, n_top=n_top)
    network = as_interactome(interactome)
    null = matched_null(tested, network, draws=draws, x_ng=x_ng, seed=seed)
    return run_tests(tested, Against(null, seed=seed), tests=tests)


@TESTS.register("distance", doi="10.1038/ncomms10331")
def distance(tested: Items, against: Against) -> Findings | None:
    """Mean shortest distance between the genes, shorter than by chance.

    The mean is over the pairs that are joined by a path; where none is, it is one edge more than the
    longest shortest path of the network. q: over the nodes of a layer; a module is a family of its own.
    """
    return _close(tested, against.null, "distance", sign=-1)


@TESTS.register("efficiency", doi="10.1103/PhysRevLett.87.198701")
def efficiency(tested: Items, against: Against) -> Findings | None:
    """Mean of one over the distance between the genes, larger than by chance.

    It is one over the harmonic mean of the distances; pairs that no path joins count as 0. q: over the nodes of a
    layer; a module is a family of its own.
    """
    return _close(tested, against.null, "efficiency", sign=1)


@TESTS.register("component", doi="10.1126/science.1257601")
def component(tested: Items, against: Against) -> Findings | None:
    """Genes in the largest component that the genes form among themselves, more than by chance.

    q: over the nodes of a layer; a module is a family of its own. Sizes are whole numbers, so ties make p
    conservative.
    """
    null = against.null
    if null is None:
        return None
    observed_k = components_of(null.interactome, null.genes_k)
    null_rk = components(null.interactome, null.orders.cut())
    return _compare(tested, null, observed_k=observed_k, null_rk=null_rk, sign=1)


@TESTS.register("density", doi="10.1126/science.1257601")
def density(tested: Items, against: Against) -> Findings | None:
    """Share of the pairs of genes that are joined by an edge, larger than by chance.

    q: over the nodes of a layer; a module is a family of its own.
    """
    return _close(tested, against.null, "density", sign=1)


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
    return _compare(tested, null, observed_k=observed_k, null_rk=means(share_p, null.orders), sign=1)


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
    found = _compare(tested, null, observed_k=null.degree[0], null_rk=drawn_rk, sign=1, at_degree=False)
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


def _close(tested: Items, null: MatchedNull | None, statistic: str, *, sign: int) -> Findings | None:
    if null is None:
        return None
    observed_k, null_rk = getattr(null.observed, statistic)[:, 0], getattr(null.drawn, statistic)
    return _compare(tested, null, observed_k=observed_k, null_rk=null_rk, sign=sign)


def _compare(
    tested: Items,
    null: MatchedNull,
    *,
    observed_k: np.ndarray,
    null_rk: np.ndarray,
    sign: int,
    at_degree: bool = True,
) -> Findings:
    """Set each item's statistic against that of its draws, these brought to its own degree unless told not to."""
    if at_degree:
        mean_k, rest_rk = _at_degree(null, null_rk)
    else:
        mean_k, rest_rk = null_rk.mean(0), null_rk - null_rk.mean(0)
    sd_k = rest_rk.std(0, ddof=1) if len(null_rk) > 1 else np.zeros(null_rk.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        effect_k = np.where(sd_k > 0, (observed_k - mean_k) / sd_k, np.nan)
    p_k = empirical_p(observed_k, rest_rk + mean_k, sign=sign)
    family_k = tested.family_k[null.item_k]
    table = pd.DataFrame(
        {
            "tested": [tested.names[k] for k in null.item_k],
            "reference": null.interactome.name,
            "n": [len(genes) for genes in null.genes_k],
            "statistic": observed_k,
            "effect": effect_k,
            "null_mean": mean_k,
            "null_sd": sd_k,
            "p": p_k,
            "q": _adjust_within(p_k, family_k),
            "draws": len(null_rk),
            "seed": null.seed,
        }
    )
    about = {
        "network": null.interactome.name,
        "genes measured": len(tested.genes),
        "universe": len(null.pool_u),
        "bins": len(null.orders.start_b) - 1,
        "tested": len(tested),
        "too few genes in network": len(tested) - len(null.item_k),
        "tests adjusted over": {str(f): int((family_k == f).sum()) for f in dict.fromkeys(family_k)},
    }
    return Findings(table, about)


def _at_degree(null: MatchedNull, null_rk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is expected of genes with the item's own mean degree, and how the draws differ from it.

    Genes of one bin are not of one degree: what a difference in mean degree changes, a straight line through the
    draws, is taken off item and draws alike.
    """
    own_k, drawn_rk = null.degree
    mean_k, null_k = drawn_rk.mean(0), null_rk.mean(0)
    lean_rk = drawn_rk - mean_k
    spread_k = (lean_rk**2).sum(0)
    slope_k = np.divide(
        (lean_rk * (null_rk - null_k)).sum(0), spread_k, out=np.zeros_like(spread_k), where=spread_k > 0
    )
    return null_k + slope_k * (own_k - mean_k), null_rk - null_k - slope_k * lean_rk


def _adjust_within(p_k: np.ndarray, family_k: np.ndarray) -> np.ndarray:
    q_k = np.empty_like(p_k)
    for family in dict.fromkeys(family_k):
        of_family = family_k == family
        q_k[of_family] = adjust(p_k[of_family])
    return q_k
