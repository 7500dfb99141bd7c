"""A network and gene sets that know the planted programmes of a simulated cohort."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._core.checks import check_positive
from ..errors import InputError
from ..nouns import Edges

if TYPE_CHECKING:
    from anndata import AnnData


def network(adata: AnnData, *, links: int = 4, within: float = 0.15, seed: int = 0) -> Edges:
    r"""Simulate an interaction network in which planted programmes lie close together.

    The background grows by preferential attachment: genes join in random order, each with `links` edges to
    different genes already there, chosen in proportion to their degree, which gives degrees with a tail
    :math:`P(d) \sim d^{-3}`. On top, each pair of genes of one programme is linked with probability `within`,
    so a programme's genes gain ``within * (size - 1)`` edges each, about 6 by default beside 8: a test of
    closeness has to match on degree, as with real networks, where studied genes have more known partners.

    Parameters
    ----------
    adata
        From :func:`cohort`: genes, and ``varm["programmes"]``.
    links
        Edges that each gene brings; the background's mean degree is about twice that.
    within
        Probability of an edge inside a programme, from 0 (no truth planted) to 1.
    seed
        Of all draws.

    Returns
    -------
    Edges
        Undirected, each edge once, no loops, weight 1.

    Raises
    ------
    InputError
        If there are no programmes, too few genes for `links`, or `within` is no probability.

    Notes
    -----
    Time grows with the number of edges: 20,000 genes take about a second.

    References
    ----------
    Barabási and Albert (1999), doi 10.1126/science.286.5439.509.

    Examples
    --------
    >>> from genelight import simulate
    >>> simulate.network(simulate.cohort(20)).table.columns.tolist()
    ['source', 'target', 'weight']
    """
    loadings_gk = _loadings(adata)
    check_positive(links=links)
    if links >= adata.n_vars:
        msg = f"links = {links} needs more than {adata.n_vars} genes"
        raise InputError(msg)
    if not 0 <= within <= 1:
        msg = f"within = {within} must be from 0 to 1"
        raise InputError(msg)
    grow, plant = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    parts = [grow.permutation(adata.n_vars)[_attach(grow, adata.n_vars, links)]]
    for members in (np.flatnonzero(column) for column in loadings_gk.T):
        i, j = np.triu_indices(len(members), 1)
        chosen = plant.random(len(i)) < within
        parts.append(np.column_stack([members[i[chosen]], members[j[chosen]]]))
    pairs = np.unique(np.sort(np.concatenate(parts), axis=1), axis=0)
    genes = adata.var_names.to_numpy(dtype=object)
    table = pd.DataFrame({"source": genes[pairs[:, 0]], "target": genes[pairs[:, 1]], "weight": 1.0})
    return Edges(f"simulated network, {links} links, {within:g} within programmes", table)


def sets(
    adata: AnnData, *, n_random: int = 200, purity: float = 0.8, sizes: tuple[int, int] = (10, 300), seed: int = 0
) -> Edges:
    """Simulate a collection of gene sets: one per planted programme, blurred, and many at random.

    A programme's set has as many genes as the programme; a share `purity` of them, drawn at random, are the
    programme's and the others any outside it, as curated pathways miss members and hold strangers. The sizes
    of random sets are log-uniform between `sizes` (both included, capped at the number of genes).

    Parameters
    ----------
    adata
        From :func:`cohort`: genes, and ``varm["programmes"]``.
    n_random
        Number of random sets.
    purity
        Share of true members, 0 to 1.
    sizes
        Smallest and largest random set.
    seed
        Of all draws.

    Returns
    -------
    Edges
        ``source`` is the set (``"programme P1"``, ``"random 001"``), ``target`` its member, weight 1.

    Raises
    ------
    InputError
        If there are no programmes, `purity` is no share, or `sizes` are not in order.

    Examples
    --------
    >>> from genelight import simulate
    >>> edges = simulate.sets(simulate.cohort(20), n_random=50)
    >>> edges.table["source"].nunique()
    58
    """
    loadings_gk = _loadings(adata)
    if not 0 <= purity <= 1:
        msg = f"purity = {purity} must be from 0 to 1"
        raise InputError(msg)
    if not 1 <= sizes[0] <= sizes[1] or n_random < 0:
        msg = (
            f"n_random = {n_random} and sizes = {sizes}: give a count, and sizes from small to large such as (10, 300)"
        )
        raise InputError(msg)
    blur, draw = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    members = {f"programme P{k + 1}": _blurred(blur, column != 0, purity) for k, column in enumerate(loadings_gk.T)}
    low, high = np.log([sizes[0], sizes[1] + 1])
    for number, size in enumerate(np.exp(draw.uniform(low, high, n_random)).astype(int), start=1):
        members[f"random {number:03d}"] = draw.permutation(adata.n_vars)[:size]
    genes = adata.var_names.to_numpy(dtype=object)
    table = pd.DataFrame(
        {
            "source": np.repeat(list(members), [len(m) for m in members.values()]).astype(object),
            "target": genes[np.concatenate(list(members.values()))],
            "weight": 1.0,
        }
    )
    return Edges(f"simulated sets, {loadings_gk.shape[1]} programmes and {n_random} random", table)


def _attach(rng: np.random.Generator, n: int, links: int) -> np.ndarray:
    """Edges of a preferential-attachment graph of `n` nodes, shape ``(edges, 2)``.

    Every node stands in `ends` once per edge it has, so a uniform draw from it is in proportion to degree.
    """
    ends = np.empty(2 * n * links, dtype=np.int64)
    edges = np.empty(((n - links) * links, 2), dtype=np.int64)
    used = made = 0
    targets = np.arange(links)
    for node in range(links, n):
        edges[made : made + links] = np.column_stack([np.full(links, node), targets])
        ends[used : used + links], ends[used + links : used + 2 * links] = node, targets
        made, used = made + links, used + 2 * links
        chosen: set[int] = set()
        while len(chosen) < links:
            chosen.update(ends[rng.integers(used, size=links - len(chosen))].tolist())
        targets = np.array(sorted(chosen))
    return edges


def _blurred(rng: np.random.Generator, inside_g: np.ndarray, purity: float) -> np.ndarray:
    """Positions of a set as large as the programme, of which a share `purity` is inside it."""
    inside, outside = rng.permutation(np.flatnonzero(inside_g)), rng.permutation(np.flatnonzero(~inside_g))
    kept = round(purity * len(inside))
    return np.sort(np.concatenate([inside[:kept], outside[: len(inside) - kept]]))


def _loadings(adata: AnnData) -> np.ndarray:
    if "programmes" not in adata.varm:
        msg = 'varm["programmes"] not found; pass a table from simulate.cohort'
        raise InputError(msg)
    return np.asarray(adata.varm["programmes"])
