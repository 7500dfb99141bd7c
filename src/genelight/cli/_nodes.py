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
from ._evidence import FeatureGenes
from ._shared import File, Folder, Layer, ModelFolder, Seed, fresh

if TYPE_CHECKING:
    from ..models.ensemble import Ensemble

commands = typer.Typer(rich_help_panel="Nodes")


@command(commands, "genelight light-up --model RUN/03_model --layer L2 --out nodes.parquet")
def light_up(
    model: ModelFolder,
    layer: Layer,
    out: File,
    rest: Annotated[str, typer.Option(help="other nodes: minimum, mean or zero")] = "minimum",
    level: Annotated[str, typer.Option(help="the lit node: max, +2sd, ...")] = "max",
    units: Annotated[str, typer.Option(help="prepared, or natural: log2, M values, as before scaling")] = "prepared",
    block: Annotated[str | None, typer.Option(help="of a model of several blocks: the features of one alone")] = None,
) -> Result:
    """Write what each node of a layer stands for: a value per gene, as Parquet."""
    fresh(out)
    nodes = gl.light_up(gl.load(model), layer, rest=rest, level=level, units=units)
    nodes = nodes if block is None else nodes.block(block)
    nodes.save(out)
    text = f"{out}: {len(nodes.nodes)} nodes x {len(nodes.genes)} genes"
    return Result(text, {"out": out, "nodes": len(nodes.nodes), "genes": len(nodes.genes)})


@command(commands, "genelight ensemble cohort.h5ad --model model --subject patient --out again")
def ensemble(
    cohort: RescaledPeopled,
    model: ModelFolder,
    out: Folder,
    seeds: Annotated[int, typer.Option(help="how many refits; 10 for results to be published")] = 10,
    seed: Seed = 0,
) -> Result:
    """Refit a model on bootstrapped subjects, and say which of its nodes are reproducible."""
    fresh(out)
    trained = gl.load(model)
    refits = gl.models.Ensemble.fit(cohort.genes_of(model), trained, seeds=seeds, subject=cohort.subject, seed=seed)
    scored = pd.concat([_scored(trained, refits, layer, seed=seed) for layer in trained.widths], ignore_index=True)
    with writing(out) as draft:
        refits.save(draft)
        write_plain(draft / "reproducibility.tsv", scored)
    lines = [f"{out}: {seeds} trainings; every node in {out / 'reproducibility.tsv'}"]
    counts = {}
    for layer, part in scored.groupby("layer", sort=False):
        sure = part[part["q"] <= 0.05].sort_values("reproducibility", ascending=False)
        first = f", first {', '.join(sure['node'].head(5))}" if len(sure) else ""
        lines.append(f"{layer}: {len(sure)} of {len(part)} nodes are reproducible with q <= 0.05{first}")
        counts[layer] = {"nodes": len(part), "reproducible": sure["node"].tolist()}
    return Result("\n".join(lines), {"out": out, "trainings": seeds, "layers": counts})


@command(commands, "genelight node L2.17 --model RUN/03_model --table cohort.h5ad")
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
    ensemble: Annotated[Path | None, typer.Option(help="refits of the model, such as RUN/03_ensemble")] = None,
    draw: Annotated[Path | None, typer.Option(help="also draw the card: a .png, .svg or .pdf file")] = None,
    feature_genes: FeatureGenes = None,
) -> Result:
    """Print the card of one hidden node: its genes, where it is active, its evidence."""
    trained, adata = gl.load(model), None
    if table is not None:
        adata = Rescaled(table=table, samples=samples, samples_id=samples_id, scale=scale).genes_of(model)
    fresh(draw)
    layer, scored = name.rpartition(".")[0], None
    others: list[gl.NodeGenes] = []
    if ensemble is not None:
        others = [gl.light_up(member, layer) for member in gl.models.Ensemble.load(ensemble)]
        scored = gl.nodes.reproducibility(gl.light_up(trained, layer), others)
    found = None if evidence is None else gl.Evidence.load(evidence)
    card = gl.nodes.node_card(
        trained,
        name,
        adata=adata,
        subject=subject,
        evidence=found,
        reproducibility=scored,
        others=others,
    )
    if draw is not None:
        from ..pl._picture import save

        save(lambda ax: gl.pl.node(card, ax), draw, size=(9.2, 5.0))
    if feature_genes is None:
        return Result(card.to_text(), asdict(card))
    of = _genes_of(card.genes["gene"], feature_genes)
    lines = [f"  {feature}: {', '.join(genes) or 'no gene'}" for feature, genes in of.items()]
    return Result("\n".join([card.to_text(), "genes of its features", *lines]), {**asdict(card), "feature_genes": of})


@command(commands, "genelight layer-map cohort.h5ad --model model --out map.tsv --draw map.svg")
def layer_map(
    cohort: Rescaled,
    model: ModelFolder,
    out: File,
    draw: Annotated[Path | None, typer.Option(help="also draw the map: a .png, .svg or .pdf file")] = None,
    seed: Seed = 0,
) -> Result:
    """Write how the nodes of each hidden layer feed those of the next ones, as TSV."""
    trained = gl.load(model)
    fresh(out, draw)
    edges = gl.nodes.layer_map(cohort.genes_of(model), trained, seed=seed)
    write_plain(out, edges)
    if draw is not None:
        from ..pl._picture import save

        first = pd.concat([gl.light_up(trained, layer).top(1) for layer in trained.widths])
        nodes = first[first["sign"] == "up"]
        save(lambda ax: gl.pl.layer_map(edges, ax, nodes=nodes), draw, size=(7.0, 6.4))
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


def _genes_of(features: Iterable[str], table: Path) -> dict[str, list[str]]:
    """The genes of each feature, in a table of both."""
    from ..pp.user_table import read_id_table

    rows = read_id_table(table).rows
    pairs = rows.groupby("id")["gene"].agg(list).to_dict()
    return {feature: pairs.get(feature, []) for feature in dict.fromkeys(map(str, features))}


def _scored(model: gl.Model, refits: Ensemble, layer: str, *, seed: int) -> pd.DataFrame:
    """How well the members find the nodes of a layer again."""
    others = [gl.light_up(member, layer) for member in refits]
    return gl.nodes.reproducibility(gl.light_up(model, layer), others, seed=seed)
