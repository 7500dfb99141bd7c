"""All-pairs shortest-path distances of an interaction network, against igraph.

STRING v10 at a combined score of 700, its largest component: 12,697 proteins. Ours is timed from the edge table
(ids turned to numbers, duplicates dropped, components labelled) to the finished matrix of bytes; igraph from its
finished graph to its lists. Before timing, both must agree in every distance. The quick run takes the embedded
STRING v12 network instead.

Wider words were tried: 256 bits a node are as fast as 512, 1,024 are slower, and half of the time went into
turning bits into bytes one by one, which eight at a time through a table of 256 words halved.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks._harness import Result
from benchmarks._measure import paired, require
from genelight import demo, evidence, io
from genelight.nouns import Edges

SHARED = Path(__file__).parents[1] / "../shared/data"


def string_network(*, quick: bool) -> Edges:
    """STRING v10 at 700, or the embedded network."""
    if quick:
        return demo.network()
    return io.read_network(SHARED / "networks/string_v10_symbols.csv.gz", cut=700, name="STRING v10 at 700")


def run(*, quick: bool) -> Result:
    version = require("igraph")
    import igraph

    edges = _largest_component(string_network(quick=quick))
    net = evidence.distances(edges)
    ends = [net.genes.position[g] for column in ("source", "target") for g in edges.table[column]]
    graph = igraph.Graph(n=len(net), edges=np.reshape(ends, (2, -1)).T)
    peer = np.array(graph.distances())
    if not np.array_equal(peer, net.distance_pp):
        msg = f"igraph differs in {int((peer != net.distance_pp).sum())} distances"
        raise ValueError(msg)
    del peer
    pairs = paired(lambda: evidence.distances(edges), graph.distances, runs=3, warm=False)
    rows = [*pairs.rows("genelight", f"igraph {version}"), {"what": "distances that differ", "count": 0}]
    data = f"{net.name}, {len(net):,} genes in its largest component, {net.account['edges']:,} edges"
    return Result("ratio", pairs.ratio, data=data, rows=rows, peer="igraph", peer_version=version)


def _largest_component(edges: Edges) -> Edges:
    net = evidence.distances(edges)
    inside = {gene for gene, part in zip(net.genes.ids, net.component_p, strict=True) if part == 0}
    return Edges(edges.name, edges.table[edges.table["source"].isin(inside)], edges.namespace)
