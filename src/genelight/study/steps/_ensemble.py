"""Which nodes are reproducible when the models are refitted, and the programmes that trainings agree on."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import pandas as pd

from ... import models, nodes
from ..._core.tables import write_plain
from ...models.autoencoder import FittedAutoencoder
from ...nodes.reproduce import match_nodes
from ...nouns import NodeGenes
from ._step import BASELINE_LAYERS, Bench, Step

__all__ = ["Ensemble"]

NAMED = 10
FOLDER = "03_ensemble"


class Ensemble(Step):
    """The model, PCA and ICA, each trained again on other draws of the subjects."""

    name = "ensemble"
    says = "refitting on bootstrapped subjects"
    after = ("fit",)

    def wanted(self, bench: Bench) -> bool:
        """Unless the study has seeds = 0, or was given a trained model, which is not trained again."""
        return bench.refitted

    def depends(self, bench: Bench) -> Sequence[object]:
        """How many, and from which seed."""
        return [bench.study.model.seeds, bench.seed]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """The trained members, a row for every node, a row for every programme and its genes by layer."""
        files = [_programme_file(layer) for layer in [*bench.matched_layers, *BASELINE_LAYERS]]
        return [FOLDER, "04_reproducibility.tsv", "04_programmes.tsv", *files]

    def work(self, bench: Bench) -> None:
        """Train, match, gather."""
        shutil.rmtree(bench.folder / FOLDER, ignore_errors=True)
        scored, agreed = [], []
        for model in bench.models():
            members = models.Ensemble.fit(
                bench.inputs.adata,
                model,
                seeds=bench.study.model.seeds,
                subject=bench.study.data.subject,
                subject_pattern=bench.study.data.subject_pattern,
                seed=bench.seed,
            )
            if isinstance(model, FittedAutoencoder):
                members.save(bench.folder / FOLDER)
            layers = [layer for layer in model.widths if layer in {*bench.matched_layers, *BASELINE_LAYERS}]
            own = {layer: bench.light_up(model, layer) for layer in layers}
            others = {layer: [bench.light_up(member, layer) for member in members] for layer in layers}
            scored += [nodes.reproducibility(own[layer], others[layer], seed=bench.seed) for layer in layers]
            agreed += [_programmes(bench, own[layer], others[layer]) for layer in own]
        write_plain(bench.folder / "04_reproducibility.tsv", pd.concat(scored, ignore_index=True))
        write_plain(bench.folder / "04_programmes.tsv", pd.concat(agreed, ignore_index=True))


def _programme_file(layer: str) -> str:
    return f"04_programmes_{layer}.parquet"


def _programmes(bench: Bench, own: NodeGenes, lit: Sequence[NodeGenes]) -> pd.DataFrame:
    """Consensus of one layer, each programme with the model's own node that is most like it."""
    found = nodes.consensus(lit, seed=bench.seed)
    found.nodes.save(bench.folder / _programme_file(own.layer))
    table = found.table.rename(columns={"node": "programme"})
    table.insert(0, "layer", own.layer)
    table["members"] = len(lit)
    if len(table):
        nearest = match_nodes(found.nodes, own)
        table["node"], table["likeness"] = nearest["match"], nearest["correlation"]
    else:
        table["node"], table["likeness"] = "", 0.0
    genes = found.nodes.top(NAMED)
    for sign in ("up", "down"):
        names = genes[genes["sign"] == sign].groupby("node")["gene"].agg(",".join)
        table[sign] = table["programme"].map(names).fillna("")
    return table
