"""Nodes: light-up, node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from ._shared import File, Layer, ModelFolder, Subject, fresh

commands = typer.Typer()


@commands.command()
def light_up(
    model: ModelFolder,
    layer: Layer,
    out: File,
    rest: Annotated[str, typer.Option(help="other nodes: minimum, mean or zero")] = "minimum",
    level: Annotated[str, typer.Option(help="the lit node: max, +2sd, ...")] = "max",
) -> None:
    """Write what each node of a layer stands for: a value per gene, as Parquet."""
    nodes = gl.light_up(gl.load(model), layer, rest=rest, level=level)
    nodes.save(fresh(out))
    print(f"{out}: {len(nodes.nodes)} nodes x {len(nodes.genes)} genes")


@commands.command()
def node(
    name: Annotated[str, typer.Argument(help="node, such as L2.17")],
    model: ModelFolder,
    table: Annotated[Path | None, typer.Option(help="h5ad file: adds sample columns and neighbours")] = None,
    subject: Subject = None,
    evidence: Annotated[Path | None, typer.Option(help="what assess wrote, such as RUN/06_evidence.parquet")] = None,
) -> None:
    """Print the card of one hidden node: its genes, where it is active, its evidence."""
    adata = None if table is None else gl.read(table, dense=True)
    found = None if evidence is None else gl.Evidence.load(evidence)
    print(gl.tl.node_card(gl.load(model), name, adata=adata, subject=subject, evidence=found).to_text())
