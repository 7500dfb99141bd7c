"""What nodes and modules stand for: compared between groups, tested against network, sets and chance, by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ... import evidence, models, nodes
from ..._core.provenance import write_json
from ..._core.tables import write_plain
from ...evidence.tests.enrichment import over_representation
from ...nodes.cards import node_cards
from ...nodes.reproduce import rank_nodes
from ...nouns import Evidence, Model, Module
from .._features import Through
from .._readings import CONTROLS, expression, readings
from ._model import ENSEMBLE
from ._step import MODULE, Bench, step

CARDS, CARD_GENES, SIGNIFICANT = 6, 10, 0.05
BETWEEN = ("04_layer_map.tsv", "04_layer_likeness.tsv")


@step(
    "nodes",
    "comparing nodes between cases and controls",
    after=("fit", "light_up", "ensemble", "derive"),
    depends=lambda bench: [bench.contrast_digest, bench.study.data.subject],
    outputs=lambda bench: ["04_nodes.tsv", "04_cards.json", *(BETWEEN if len(bench.layers) > 1 else ())],
)
def compare_nodes(bench: Bench) -> None:
    """Activity of every node by group, ranked, cards of the first, and how layers go together if there are several."""
    model = bench.models()[0]
    module = Module.load(bench.folder / MODULE)
    scored = None
    if bench.refitted:
        scored = pd.read_csv(bench.folder / "04_reproducibility.tsv", sep="\t", keep_default_na=False, na_values=[""])
        scored = scored[scored["layer"].isin(bench.matched_layers)]
    table = _activity(bench, model, module=module, scored=scored)
    write_plain(bench.folder / "04_nodes.tsv", table)
    cards = _cards(bench, model, table=table, scored=scored)
    write_json(bench.folder / "04_cards.json", {"format": 1, "cards": cards})
    if len(bench.layers) > 1:
        edges = nodes.layer_map(bench.inputs.adata, model)
        called = edges[["q", "q_direction"]].min(axis=1) <= SIGNIFICANT
        write_plain(bench.folder / BETWEEN[0], edges[called])
        write_plain(bench.folder / BETWEEN[1], nodes.layer_likeness(bench.inputs.adata, model))


def _activity(bench: Bench, model: Model, *, module: Module, scored: pd.DataFrame | None) -> pd.DataFrame:
    table = nodes.node_activity(bench.inputs.adata, model, contrast=bench.inputs.contrast)
    table["share"] = table["node"].map(dict(module.about.get("node_share", {})))
    ids = np.asarray(bench.inputs.preparation.genes.ids, dtype=object)
    lit = bench.node_genes(bench.layers)
    table["top_genes"] = [",".join(ids[top]) for nodes in lit for top in nodes.top_kn(5, sign=1)]
    if scored is None:
        return table
    return rank_nodes(scored, table.merge(scored[["node", "support", "members"]], on="node"))


def _cards(bench: Bench, model: Model, *, table: pd.DataFrame, scored: pd.DataFrame | None) -> list[dict[str, object]]:
    """Cards of the first usable nodes; of those whose place in the table rests on effect alone, by effect."""
    usable = table[table["state"] == ""]
    if scored is None:
        usable = usable.iloc[np.argsort(-usable["effect"].abs().to_numpy(), kind="stable")]
    members = models.Ensemble.load(bench.folder / ENSEMBLE) if scored is not None else ()
    cards = node_cards(
        model,
        list(usable["node"].head(CARDS)),
        adata=bench.inputs.persons,
        subject=bench.study.data.subject,
        reproducibility=scored,
        lit={
            layer: [bench.light_up(each, layer) for each in (model, *members)]
            for layer in (bench.matched_layers if scored is not None else bench.layers)
        },
        n_top=CARD_GENES,
    )
    return [card.to_record() for card in cards]


def _tested_by(bench: Bench) -> Sequence[object]:
    """Network, sets and settings of the tests."""
    return [bench.inputs.priors, bench.contrast_digest, bench.study.tests.model_dump(mode="json"), bench.seed]


@step(
    "assess",
    "testing nodes and modules",
    after=("light_up", "derive"),
    wanted=lambda bench: bench.inputs.network is not None or bool(bench.inputs.sets),
    depends=_tested_by,
    outputs=lambda _: ["06_evidence.parquet"],
)
def assess(bench: Bench) -> None:
    """Every calibrated test over nodes, components and modules; of modules the other overlaps too, for the tables."""
    # Overlaps are matched on mean and variance of log2 expression.
    settings, log2_ng = bench.study.tests, bench.known_ng()
    found_modules = bench.carried(bench.modules())
    found = evidence.assess(
        [*bench.carried(bench.node_genes([*bench.layers, *bench.baseline_layers])), *found_modules],
        network=bench.interactome,
        sets=bench.inputs.sets,
        n_top=settings.n_top,
        draws=settings.draws,
        x_ng=evidence.Compared(log2_ng, bench.inputs.contrast),
        seed=bench.seed,
    )
    if bench.inputs.sets:
        others = [name for name in evidence.TESTS if not evidence.TESTS.entry(name).calibrated]
        counted = over_representation(
            found_modules, bench.inputs.sets, n_top=settings.n_top, x_ng=log2_ng, tests=others
        )
        found = Evidence.join([found, counted])
    found.save(bench.folder / "06_evidence.parquet")


def _asked_by(bench: Bench) -> Sequence[object]:
    """Columns, network, sets and settings of the tests."""
    asked = bench.study.scorecard
    settings = [] if asked is None else [asked.model_dump(mode="json")]
    return [*settings, bench.inputs.priors, bench.study.tests.model_dump(mode="json"), bench.seed]


@step(
    "scorecard",
    "asking every layer and its controls what they hold",
    after=("fit", "light_up", "ensemble"),
    wanted=lambda bench: bench.study.scorecard is not None,
    depends=_asked_by,
    outputs=lambda _: ["07_scorecard.parquet"],
)
def scorecard(bench: Bench) -> None:
    """The layers of every training and controls of the same widths, asked the same; one training leaves claims open."""
    asked, adata = bench.study.scorecard, bench.inputs.adata
    if asked is None:
        return
    trained = _trained(bench)
    samples = evidence.Samples(adata.obs, asked.labels, asked.batch, bench.study.data.subject)
    read = readings(adata, trained, controls=asked.controls or CONTROLS, lit=bench.lit, seed=bench.seed)
    through = bench.inputs.through
    evidence.scorecard(
        read if through is None else _over_genes(read, through),
        samples if asked.labels or asked.batch else None,
        network=bench.interactome,
        sets=bench.inputs.sets,
        x_ng=expression(trained[0], adata) if through is None else bench.known_ng(),
        n_top=bench.study.tests.n_top,
        draws=bench.study.tests.draws,
        seed=bench.seed,
    ).save(bench.folder / "07_scorecard.parquet")


def _over_genes(read: Sequence[evidence.Reading], through: Through) -> list[evidence.Reading]:
    """The same, carried to genes; a layer that stands at several depths stays one."""
    carried = {id(nodes): through.carry(nodes) for nodes in {id(r.nodes): r.nodes for r in read}.values()}
    return [replace(r, nodes=carried[id(r.nodes)]) for r in read]


def _trained(bench: Bench) -> list[Model]:
    if bench.study.model.seeds:
        return list(models.Ensemble.load(bench.folder / ENSEMBLE))
    return [models.load(bench.folder / "03_model")]
