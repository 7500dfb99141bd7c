"""Nodes: light-up, ensemble, node, layer-map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

import genelight as gl

from .._core.disk import writing
from .._core.tables import write_plain
from ._cohort import Rescaled, RescaledPeopled
from ._command import Result, command
from ._shared import File, Folder, Layer, ModelFolder, Seed, fresh

if TYPE_CHECKING:
    from ..models.ensemble import Ensemble

commands = typer.Typer()
ROOM = "Nodes"


@command(commands, room=ROOM, example="genelight light-up --model RUN/03_model --layer L2 --out nodes.parquet")
def light_up(
    model: ModelFolder,
    layer: Layer,
    out: File,
    rest: Annotated[str, typer.Option(help="other nodes: minimum, mean or zero")] = "minimum",
    level: Annotated[str, typer.Option(help="the lit node: max, +2sd, ...")] = "max",
) -> Result:
    """Write what each node of a layer stands for: a value per gene, as Parquet."""
    target = fresh(out)
    nodes = gl.light_up(gl.load(model), layer, rest=rest, level=level)
    nodes.save(target)
    text = f"{out}: {len(nodes.nodes)} nodes x {len(nodes.genes)} genes"
    return Result(text, {"out": out, "nodes": len(nodes.nodes), "genes": len(nodes.genes)})


@command(commands, room=ROOM, example="genelight ensemble cohort.h5ad --model model --subject patient --out again")
def ensemble(
    cohort: RescaledPeopled,
    model: ModelFolder,
    out: Folder,
    seeds: Annotated[int, typer.Option(help="how many refits; 10 for results to be published")] = 10,
    seed: Seed = 0,
) -> Result:
    """Refit a model on bootstrapped subjects, and say which of its nodes are reproducible."""
    folder, trained = fresh(out), gl.load(model)
    again = gl.models.fit_ensemble(cohort.genes_of(model), trained, seeds=seeds, subject=cohort.subject, seed=seed)
    scored = gl.nodes.reproducible_nodes(*_lit(trained, again, trained.widths), seed=seed)
    with writing(folder) as draft:
        again.save(draft)
        write_plain(draft / "reproducibility.tsv", scored)
    lines = [f"{out}: {seeds} trainings; every node in {out / 'reproducibility.tsv'}"]
    counts = {}
    for layer, part in scored.groupby("layer", sort=False):
        sure = part[part["q"] <= 0.05].sort_values("reproducibility", ascending=False)
        first = f", first {', '.join(sure['node'].head(5))}" if len(sure) else ""
        lines.append(f"{layer}: {len(sure)} of {len(part)} nodes are reproducible with q <= 0.05{first}")
        counts[layer] = {"nodes": len(part), "reproducible": sure["node"].tolist()}
    return Result("\n".join(lines), {"out": out, "trainings": seeds, "layers": counts})


@command(commands, room=ROOM, example="genelight node L2.17 --model RUN/03_model --table cohort.h5ad")
def node(
    name: Annotated[str, typer.Argument(help="node, such as L2.17")],
    model: ModelFolder,
    table: Annotated[Path | None, typer.Option(help="expression table: adds sample columns and neighbours")] = None,
    samples: Annotated[Path | None, typer.Option(help="its sample sheet: CSV, TSV or Excel")] = None,
    samples_id: Annotated[str | None, typer.Option(help="the sheet's column of sample names")] = None,
    scale: Annotated[
        str | None, typer.Option(help="scale of the table where it is not the model's: log2, counts or linear")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="sample column: whose sample it is; a subject is never split")
    ] = None,
    evidence: Annotated[Path | None, typer.Option(help="what assess wrote, such as RUN/06_evidence.parquet")] = None,
    ensemble: Annotated[Path | None, typer.Option(help="the model trained again, such as RUN/03_ensemble")] = None,
    draw: Annotated[Path | None, typer.Option(help="also draw the card: a .png, .svg or .pdf file")] = None,
) -> Result:
    """Print the card of one hidden node: its genes, where it is active, its evidence."""
    trained, adata = gl.load(model), None
    if table is not None:
        adata = Rescaled(table=table, samples=samples, samples_id=samples_id, scale=scale).genes_of(model)
    picture = None if draw is None else fresh(draw)
    layer, scored = name.rpartition(".")[0], None
    others: dict[str, list[gl.NodeGenes]] = {}
    if ensemble is not None:
        own, others = _lit(trained, gl.models.load_ensemble(ensemble), [layer])
        scored = gl.nodes.reproducible_nodes(own, others)
    found = None if evidence is None else gl.Evidence.load(evidence)
    card = gl.nodes.node_card(
        trained,
        name,
        adata=adata,
        subject=subject,
        evidence=found,
        reproducibility=scored,
        others=others.get(layer, ()),
    )
    if picture is not None:
        gl.pl.save(lambda ax: gl.pl.node(card, ax), picture, size=(9.2, 5.0))
    return Result(card.to_text(), asdict(card))


@command(commands, room=ROOM, example="genelight layer-map cohort.h5ad --model model --out map.tsv --draw map.svg")
def layer_map(
    cohort: Rescaled,
    model: ModelFolder,
    out: File,
    draw: Annotated[Path | None, typer.Option(help="also draw the map: a .png, .svg or .pdf file")] = None,
    seed: Seed = 0,
) -> Result:
    """Write how the nodes of each hidden layer feed those of the next ones, as TSV."""
    trained, path = gl.load(model), fresh(out)
    picture = None if draw is None else fresh(draw)
    edges = gl.nodes.layer_map(cohort.genes_of(model), trained, seed=seed)
    write_plain(path, edges)
    if picture is not None:
        first = pd.concat([gl.nodes.top_genes(gl.light_up(trained, layer), n=1) for layer in trained.widths])
        nodes = first[first["sign"] == "up"]
        gl.pl.save(lambda ax: gl.pl.layer_map(edges, ax, nodes=nodes), picture, size=(7.0, 6.4))
    lines, pairs = [], []
    for (source, target), part in edges.groupby(["source_layer", "target_layer"], sort=False):
        stronger, directed = int((part["q"] <= 0.05).sum()), int((part["q_direction"] <= 0.05).sum())
        lines.append(
            f"{source} to {target}: of {len(part)} connections {stronger} are stronger than shuffled ones, {directed} "
            "than an input of random direction (q <= 0.05)"
        )
        pairs.append(
            {"source": source, "target": target, "connections": len(part), "q": stronger, "direction": directed}
        )
    return Result("\n".join(lines), {"out": out, "layers": pairs})


def _lit(
    model: gl.Model, again: Ensemble, layers: Iterable[str]
) -> tuple[dict[str, gl.NodeGenes], dict[str, list[gl.NodeGenes]]]:
    """Light-up of layers in the model, and in every member."""
    own = {layer: gl.light_up(model, layer) for layer in layers}
    return own, {layer: [gl.light_up(member, layer) for member in again] for layer in own}
