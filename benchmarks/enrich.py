"""Over-representation of many gene lists in many gene sets, against gseapy.

1,536 lists of 300 genes in Reactome and GO biological process, 9,273 sets. Ours is the whole call, three times the
work: the genes of largest absolute value, the highest and the lowest, overlaps, exact p values, adjustment over
every pair of list and set, and the rows worth keeping. gseapy is timed on a few lists of the first kind and scaled,
since every list costs it the same. Before timing, its raw p values must agree with ours to 1e-8.

Adjusted values differ on purpose: gseapy adjusts over the sets with an overlap only, ours over every set tested.
The quick run takes fewer lists and the embedded Reactome.
"""

from __future__ import annotations

import numpy as np

from benchmarks._harness import Result
from benchmarks._measure import Figure, paired, require
from benchmarks.distances import SHARED
from genelight import demo, io
from genelight.evidence.tests.enrichment import over_representation
from genelight.nouns import Edges, Evidence, Genes, NodeGenes

GENES = 300
OVERLAPS = ("hypergeometric", "hypergeometric_up", "hypergeometric_down")


def run(*, quick: bool) -> Result:
    version = require("gseapy")
    count, looped = (64, 2) if quick else (1536, 4)
    sets = _all_sets(quick=quick)
    genes = Genes(tuple(sorted(sets.table["target"].unique())))
    values = np.random.default_rng(0).normal(size=(count, len(genes)))
    nodes = NodeGenes(values, tuple(f"L1.{k}" for k in range(count)), genes, "L1", "random", "normal")
    lists = [[genes.ids[i] for i in top] for top in nodes.top_kn(GENES)[:looped]]
    members = {str(name): list(rows) for name, rows in sets.table.groupby("source")["target"]}

    def ours() -> Evidence:
        return over_representation(nodes, [sets], n_top=GENES, min_size=1, max_size=len(genes), tests=OVERLAPS)

    def peer() -> list[object]:
        return [_gseapy(chosen, members, genes) for chosen in lists]

    _check(ours(), peer(), sets.name)
    pairs = paired(ours, peer, runs=3, warm=False)
    scale = count / looped
    ratios = [theirs * scale / mine for mine, theirs in zip(pairs.ours, pairs.peer, strict=True)]
    rows = pairs.rows(f"genelight, three times {count} lists", f"gseapy {version}, {looped} lists")
    rows.append({"what": f"gseapy scaled to {count} lists", "seconds": float(np.median(pairs.peer)) * scale})
    data = f"{count:,} random lists of {GENES} genes, {len(members):,} sets of {sets.name}, universe {len(genes):,}"
    return Result("ratio", Figure.of(ratios), data=data, rows=rows, peer="gseapy", peer_version=version)


def _all_sets(*, quick: bool) -> Edges:
    import pandas as pd

    if quick:
        return demo.sets()
    paths = sorted((SHARED / "gene_sets").glob("*.gmt.gz"))
    chosen = [io.read_sets(p) for p in paths if "reactome" in p.name.lower() or "bp" in p.name.lower()]
    return Edges("Reactome and GO-BP", pd.concat([edges.table for edges in chosen], ignore_index=True))


def _gseapy(chosen: list[str], members: dict[str, list[str]], genes: Genes) -> object:
    import gseapy

    return gseapy.enrich(gene_list=chosen, gene_sets=members, background=list(genes.ids), outdir=None, no_plot=True)


def _check(found: Evidence, results: list[object], name: str) -> None:
    table = found.table[found.table["test"] == "hypergeometric"]
    for k, result in enumerate(results):
        expected = result.results.set_index("Term")["P-value"]  # type: ignore[attr-defined]
        rows = table[table["tested"] == f"L1.{k}"]
        theirs = expected[rows["reference"].str.removeprefix(f"{name}: ")].to_numpy(float)
        worst = float(np.max(np.abs(rows["p"].to_numpy() / theirs - 1)))
        if worst > 1e-8:
            msg = f"p values of list {k} differ from gseapy's by up to {worst:.1g} relative"
            raise ValueError(msg)
