"""Nodes: light-up, ensemble, node, layer-map."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

import genelight as gl

from .._core.disk import writing
from .._core.tables import write_plain
from ._genes import read_as
from ._shared import File, Folder, Layer, ModelFolder, Seed, Subject, Table, fresh

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
def ensemble(
    table: Table,
    model: ModelFolder,
    out: Folder,
    seeds: Annotated[int, typer.Option(help="how many trainings, 10 for a figure")] = 10,
    subject: Subject = None,
    seed: Seed = 0,
) -> None:
    """Train a model again on redrawn subjects, and say which of its nodes come back."""
    folder, trained = fresh(out), gl.load(model)
    again = gl.models.fit_ensemble(read_as(model, table), trained, seeds=seeds, subject=subject, seed=seed)
    scored = gl.nodes.reproducible_nodes(trained, _lit(trained, again, trained.widths), seed=seed)
    with writing(folder) as draft:
        again.save(draft)
        write_plain(draft / "reproducibility.tsv", scored)
    print(f"{out}: {seeds} trainings; every node in {out / 'reproducibility.tsv'}")
    for layer, part in scored.groupby("layer", sort=False):
        sure = part[part["q"] <= 0.05].sort_values("reproducibility", ascending=False)
        first = f", first {', '.join(sure['node'].head(5))}" if len(sure) else ""
        print(f"{layer}: {len(sure)} of {len(part)} nodes come back with q <= 0.05{first}")


@commands.command()
def node(
    name: Annotated[str, typer.Argument(help="node, such as L2.17")],
    model: ModelFolder,
    table: Annotated[Path | None, typer.Option(help="h5ad file: adds sample columns and neighbours")] = None,
    subject: Subject = None,
    evidence: Annotated[Path | None, typer.Option(help="what assess wrote, such as RUN/06_evidence.parquet")] = None,
    ensemble: Annotated[Path | None, typer.Option(help="the model trained again, such as RUN/03_ensemble")] = None,
    draw: Annotated[Path | None, typer.Option(help="also draw the card: a .png, .svg or .pdf file")] = None,
) -> None:
    """Print the card of one hidden node: its genes, where it is active, its evidence."""
    trained, adata = gl.load(model), None if table is None else read_as(model, table)
    picture = None if draw is None else fresh(draw)
    layer, lit, scored = name.rpartition(".")[0], {}, None
    if ensemble is not None:
        lit = _lit(trained, gl.models.load_ensemble(ensemble), [layer])
        scored = gl.nodes.reproducible_nodes(trained, lit)
    found = None if evidence is None else gl.Evidence.load(evidence)
    card = gl.nodes.node_card(
        trained,
        name,
        adata=adata,
        subject=subject,
        evidence=found,
        reproducibility=scored,
        others=lit.get(layer, ()),
    )
    if picture is not None:
        gl.pl.save(lambda ax: gl.pl.node(card, ax), picture, size=(9.2, 5.0))
    print(card.to_text())


@commands.command()
def layer_map(
    table: Table,
    model: ModelFolder,
    out: File,
    draw: Annotated[Path | None, typer.Option(help="also draw the map: a .png, .svg or .pdf file")] = None,
    seed: Seed = 0,
) -> None:
    """Write how the nodes of each hidden layer feed those of the next ones, as TSV."""
    trained, path = gl.load(model), fresh(out)
    picture = None if draw is None else fresh(draw)
    edges = gl.nodes.layer_map(trained, read_as(model, table), seed=seed)
    write_plain(path, edges)
    if picture is not None:
        first = pd.concat([gl.nodes.top_genes(gl.light_up(trained, layer), n=1) for layer in trained.widths])
        nodes = first[first["sign"] == "up"]
        gl.pl.save(lambda ax: gl.pl.layer_map(edges, ax, nodes=nodes), picture, size=(7.0, 6.4))
    for (source, target), part in edges.groupby(["source_layer", "target_layer"], sort=False):
        beyond = int((part["q"] <= 0.05).sum()), int((part["q_direction"] <= 0.05).sum())
        print(f"{source} to {target}: of {len(part)} connections {beyond[0]} are stronger than shuffled ones, ", end="")
        print(f"{beyond[1]} than an input of random direction (q <= 0.05)")


def _lit(model: gl.Model, again: gl.models.Ensemble, layers: Iterable[str]) -> dict[str, list[gl.NodeGenes]]:
    """Light-up of layers in every member; a layer that the model does not have is an error of its own."""
    return {layer: [gl.light_up(part, layer) for part in (model, *again)][1:] for layer in layers}
