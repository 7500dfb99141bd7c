"""Network localisation of every node with matched draws, against a numpy loop.

1,536 nodes of 200 genes, 1,000 draws each, random genes matched on degree. Ours is the whole call: top genes, bins,
draws, every registered statistic (mean distance, mean of one over it, largest component, density, betweenness, degree,
share outside of the network) and adjusted p values, on distances and betweenness that are there already: both belong
to the network and are found once (its own row). The peer is what one writes with numpy over the same distance matrix:
for each node and draw, choose genes bin by bin and average their distances, that one statistic alone. It is timed on a
few nodes and scaled to all, since every node costs it the same; its null means must agree with ours within the error
of the draws.

The row "matched on expression too" has the same with mean and variance of 100 samples in the match: more and
smaller bins, so less of the work can be shared.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks._harness import Result
from benchmarks._measure import Figure, paired
from benchmarks.distances import string_network
from genelight import evidence
from genelight.evidence.distances import UNREACHABLE, Interactome
from genelight.evidence.tests.network import localise
from genelight.nouns import Evidence, NodeGenes
from genelight.stats.matched import match_bins

GENES, DRAWS = 200, 1000


def run(*, quick: bool) -> Result:
    count, loops = (64, 1) if quick else (1536, 4)
    net = evidence.distances(string_network(quick=quick))
    rng = np.random.default_rng(0)
    values = rng.normal(size=(count, len(net)))
    nodes = NodeGenes(values, tuple(f"L1.{k}" for k in range(count)), net.genes, "L1", "random", "normal")
    started = time.perf_counter()
    most = float(net.betweenness_p.max())
    once = time.perf_counter() - started
    found = localise(nodes, net, n_top=GENES, draws=DRAWS)
    bin_p = match_bins(net.degree_p)
    looped = nodes.top_kn(GENES)[:loops]
    _check(found, _loop(net, bin_p, looped), loops)

    pairs = paired(
        lambda: localise(nodes, net, n_top=GENES, draws=DRAWS), lambda: _loop(net, bin_p, looped), warm=False
    )
    scale = count / loops
    ratios = [theirs * scale / ours for ours, theirs in zip(pairs.ours, pairs.peer, strict=True)]
    rows = pairs.rows("genelight, every statistic", f"numpy loop, one statistic, {loops} nodes")
    rows.append({"what": f"numpy loop scaled to {count} nodes", "seconds": float(np.median(pairs.peer)) * scale})
    x_ng = rng.normal(size=len(net)) + rng.uniform(0.2, 2, len(net)) * rng.normal(size=(100, len(net)))
    started = time.perf_counter()
    localise(nodes, net, n_top=GENES, draws=DRAWS, x_ng=x_ng)
    rows.append({"what": "genelight, matched on expression too", "seconds": time.perf_counter() - started})
    rows.append({"what": f"betweenness of the network, once (largest {most:.3f})", "seconds": once})
    data = f"{count:,} random nodes of {GENES} genes, {DRAWS:,} draws each, {net.name}, {len(net):,} genes"
    return Result("ratio", Figure.of(ratios), data=data, rows=rows, peer="numpy loop", peer_version=np.__version__)


def _loop(net: Interactome, bin_p: np.ndarray, top_kn: np.ndarray) -> np.ndarray:
    """Mean distance of each node's matched draws, shape ``(draws, nodes)``."""
    rng = np.random.default_rng(1)
    members = [np.flatnonzero(bin_p == b) for b in range(bin_p.max() + 1)]
    means = np.empty((DRAWS, len(top_kn)))
    for k, top in enumerate(top_kn):
        count_b = np.bincount(bin_p[top], minlength=len(members))
        for r in range(DRAWS):
            drawn = np.concatenate([rng.choice(m, c, replace=False) for m, c in zip(members, count_b, strict=True)])
            among = net.distance_pp[np.ix_(drawn, drawn)]
            means[r, k] = among[(among > 0) & (among < UNREACHABLE)].mean()
    return means


def _check(found: Evidence, means_rk: np.ndarray, loops: int) -> None:
    rows = found.table[found.table["test"] == "distance"].head(loops)
    error = rows["null_sd"] * np.sqrt(2 / DRAWS)
    apart = np.abs(rows["null_mean"] - means_rk.mean(0)) / error
    if apart.max() > 5:
        msg = f"null means differ from the loop's by up to {apart.max():.1f} standard errors"
        raise ValueError(msg)
