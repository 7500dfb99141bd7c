"""Evidence: assess."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from ._shared import File, Seed, fresh

commands = typer.Typer()


@commands.command()
def assess(
    subject: Annotated[Path, typer.Argument(help="what light-up (.parquet) or disease-module (.tsv) wrote")],
    out: File,
    network: Annotated[str, typer.Option(help="edge table, 'embedded' or 'none'")] = "embedded",
    sets: Annotated[str, typer.Option(help="GMT file, 'embedded' or 'none'")] = "embedded",
    cut: Annotated[float, typer.Option(help="smallest weight of the network to keep")] = 0.0,
    seed: Seed = 0,
) -> None:
    """Test nodes or a module against a network and gene sets, each with its null."""
    tested = gl.Module.load(subject) if subject.suffix == ".tsv" else gl.NodeGenes.load(subject)
    ids = tested.genes.namespace
    edges = None if network == "none" else _network(network, cut, ids)
    collections = [] if sets == "none" else [_sets(sets, ids)]
    evidence = gl.assess(tested, network=edges, sets=collections, seed=seed)
    evidence.save(fresh(out))
    print(f"{out}: {len(evidence)} results, {int((evidence.table['q'] <= 0.05).sum())} with q <= 0.05")


def _network(name: str, cut: float, ids: str) -> gl.Edges:
    return gl.demo.network() if name == "embedded" else gl.io.read_network(name, cut=cut, ids=ids)


def _sets(name: str, ids: str) -> gl.Edges:
    return gl.demo.sets() if name == "embedded" else gl.io.read_sets(name, ids=ids)
