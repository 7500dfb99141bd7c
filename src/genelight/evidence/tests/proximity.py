"""How near two sets of genes lie to one another in a network."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..._core.checks import check_positive
from ...errors import InputError
from ...nouns import Edges, Evidence, Module, NodeGenes
from ...stats.matched import match_bins, matched_orders
from ...stats.pvalues import adjust, empirical_p
from .._paths import UNREACHABLE
from .._tested import LEAST_GENES, Items, check_shared
from ..distances import Interactome
from .network import as_interactome

__all__ = ["closest", "proximity"]


def proximity(
    one: Module | NodeGenes,
    other: Module | NodeGenes,
    *,
    network: Edges | Interactome,
    n_top: int | str = 150,
    draws: int = 1000,
    seed: int = 0,
) -> Evidence:
    """Test whether the genes of two modules lie nearer to one another than matched random genes do.

    Parameters
    ----------
    one, other
        Two modules, or layers whose nodes are tested each against each.
    network
        A network, best with distances at hand from :func:`distances`.
    n_top
        Genes of a node, or ``"knee"``: as many as stand out in its profile.
    draws
        Random sets for each, matched on degree, drawn from the genes that both sides measured.
    seed
        Seed of the draws.

    Returns
    -------
    Evidence: ``tested`` of `one`, ``reference`` what it is near to, ``statistic`` the mean distance from each gene of
    either side to the closest of the other (0 for a gene that both have), p one-sided towards nearness.

    Raises
    ------
    GeneMismatchError
        If data and network share fewer than ten genes.
    InputError
        If a side has fewer than ten genes in the network, or a setting is out of range.

    References
    ----------
    The closest measure of Guney et al. 2016, doi 10.1038/ncomms10331, taken in both directions.

    Examples
    --------
    >>> import genelight as gl
    >>> lit = gl.light_up(gl.models.PCA(2, subject="subject").fit(gl.demo.cohort()), "PC")
    >>> found = gl.evidence.proximity(lit, lit, network=gl.demo.network(), n_top=30, draws=19)
    >>> found.table["tested"].tolist(), found.table["statistic"].round(1).tolist()
    (['PC.0', 'PC.0', 'PC.1', 'PC.1'], [0.0, 3.1, 3.1, 0.0])
    """
    check_positive(draws=draws)
    net = as_interactome(network)
    sides = [_placed(item, net, n_top=n_top) for item in (one, other)]
    rng = np.random.default_rng(seed)
    drawn = [
        [_matched(genes, pool, net=net, draws=draws, seed=int(rng.integers(2**31))) for _, genes in named]
        for named, pool in sides
    ]
    rows = []
    for (name, genes), null in zip(sides[0][0], drawn[0], strict=True):
        for (target, other_genes), other_null in zip(sides[1][0], drawn[1], strict=True):
            statistic = closest(net.distance_pp, genes, other_genes)
            null_r = np.array([closest(net.distance_pp, a, b) for a, b in zip(null, other_null, strict=True)])
            mean, sd = float(null_r.mean()), float(null_r.std(ddof=1)) if draws > 1 else 0.0
            rows.append(
                {
                    "tested": name,
                    "test": "proximity",
                    "reference": f"{target} in {net.name}",
                    "n": len(genes),
                    "statistic": statistic,
                    "effect": (statistic - mean) / sd if sd > 0 else np.nan,
                    "null_mean": mean,
                    "null_sd": sd,
                    "p": float(empirical_p(np.array([statistic]), null_r[:, None], sign=-1)[0]),
                    "draws": draws,
                    "seed": seed,
                }
            )
    table = pd.DataFrame(rows)
    return Evidence(table.assign(q=adjust(table["p"].to_numpy())), {"proximity": {"network": net.name}})


def closest(distance_pp: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """Mean distance from each gene to the closest of the other side, both ways; genes that no path joins left out."""
    between = distance_pp[np.ix_(one, other)]
    nearest = np.concatenate([between.min(1), between.min(0)]).astype(np.float64)
    reached = nearest[nearest < UNREACHABLE]
    return float(reached.mean()) if len(reached) else float(UNREACHABLE)


def _placed(
    item: Module | NodeGenes, net: Interactome, *, n_top: int | str
) -> tuple[list[tuple[str, np.ndarray]], np.ndarray]:
    """Names and genes in the network of each item, and all measured genes there."""
    tested = Items.of(item, n_top=n_top)
    place_g = check_shared(tested.genes, net.genes, reference=net.name)
    named = []
    for name, chosen in zip(tested.names, tested.chosen[0], strict=True):
        genes = place_g[chosen][place_g[chosen] >= 0]
        if len(genes) < LEAST_GENES:
            msg = f"{name} has {len(genes)} genes in {net.name}, at least {LEAST_GENES} are needed"
            raise InputError(msg)
        named.append((name, genes))
    return named, np.sort(place_g[place_g >= 0])


def _matched(genes: np.ndarray, pool: np.ndarray, *, net: Interactome, draws: int, seed: int) -> np.ndarray:
    """As many random genes of each bin of degree, shape ``(draws, genes)``."""
    bin_u = match_bins(net.degree_p[pool])
    count_b = np.bincount(bin_u[np.searchsorted(pool, genes)], minlength=int(bin_u.max()) + 1)
    members_b = [pool[bin_u == b] for b in range(len(count_b))]
    return matched_orders(members_b, count_b, draws=draws, seed=seed)
