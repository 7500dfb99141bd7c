"""The model that is opened and its baselines: what they are worth, what their nodes are, which of them come back."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ... import models, modules, nodes
from ..._core.disk import writing
from ..._core.tables import write_plain
from ...models.fitted_autoencoder import FittedAutoencoder
from ...nodes.reproduce import match_nodes
from ...nouns import NodeGenes
from ...stats.intervals import r2_interval
from .._reference import folder_of
from ._step import BASELINE, BASELINE_LAYERS, CONTROLS, WEIGHED, Bench, step

ENSEMBLE = "03_ensemble"
NAMED = 10


@step(
    "prepare",
    "preparing",
    depends=lambda bench: [bench.inputs.digest, bench.inputs.preparation.digest],
    outputs=lambda _: ["01_genes.tsv", "02_prepare.json"],
)
def prepare(bench: Bench) -> None:
    """Genes kept, their mean and standard deviation, and all that is needed to prepare other samples alike."""
    preparation = bench.inputs.preparation
    preparation.save(bench.folder / "02_prepare.json")
    columns = {"gene": preparation.genes.ids, "mean": preparation.mean_g, "sd": preparation.sd_g}
    write_plain(bench.folder / "01_genes.tsv", pd.DataFrame(columns))


def _judged_by(bench: Bench) -> Sequence[object]:
    """Model, contrast, and how modules are derived."""
    module = bench.study.module
    return [bench.model_settings, bench.contrast_digest, module.folds, module.size, module.method]


@step(
    "hold_out",
    "training and deriving without held-out subjects",
    after=("prepare",),
    # A model that was given can be read by fewer people than can be held out.
    wanted=lambda bench: bench.inputs.judged,
    depends=_judged_by,
    outputs=lambda _: ["05_held_out.tsv", "05_scores.tsv", "05_r2_by_subject.tsv"],
)
def hold_out(bench: Bench) -> None:
    """What the folds' models and derivations are worth on people they never saw, beside PCA, and PCA weighed alike."""
    settings, inputs = bench.study.module, bench.inputs
    folds = {"autoencoder": bench.folds}
    if inputs.baselined:
        folds[BASELINE] = bench.folds.beside(inputs.baselines[0])
    beside = {WEIGHED: bench.folds.beside_each(models.PCA.weighed_as)} if inputs.reference is None else {}
    held_out = modules.hold_out(
        inputs.adata,
        contrast=inputs.contrast,
        # What reads no codes reads the first model's values, which are on log2 where the model is the study's.
        folds=folds if inputs.reference is None else dict(reversed(folds.items())),
        beside=beside,
        methods=list(dict.fromkeys([bench.method, *CONTROLS, "random"])),
        size=settings.size,
        seed=bench.seed,
    )
    write_plain(bench.folder / "05_held_out.tsv", _short(held_out.table))
    write_plain(bench.folder / "05_scores.tsv", _short(held_out.scores))
    write_plain(bench.folder / "05_r2_by_subject.tsv", held_out.r2_by_subject)


def _short(table: pd.DataFrame) -> pd.DataFrame:
    """Method names as a reader says them: ``direction``, ``direction L2``, ``pca``, ``de``."""
    method = table["method"].str.replace(r"^\w+ pca$", BASELINE, regex=True)
    method = method.str.replace(" autoencoder.", " ", regex=False).str.replace(" autoencoder", "", regex=False)
    return table.assign(method=method)


@step(
    "fit",
    "training on all samples, without labels",
    after=("prepare", "hold_out"),
    depends=lambda bench: [bench.model_settings],
    outputs=lambda bench: ["03_model", *bench.baselines],
)
def fit(bench: Bench) -> None:
    """The model, with what it was worth on held-out subjects beside it, PCA and ICA; a given model is copied."""
    inputs = bench.inputs
    adata, preparation = inputs.adata, inputs.preparation
    if inputs.reference is None:
        model = inputs.spec.fit(adata, preparation=preparation)
        model.about["held_out"] = _reconstruction(bench)
        model.save(bench.folder / "03_model")
    else:
        with writing(bench.folder / "03_model") as draft:
            shutil.copytree(folder_of(bench.study), draft)
    for spec in inputs.baselines if inputs.baselined else ():
        spec.fit(adata, preparation=preparation).save(bench.folder / f"03_{spec.kind}")


def _reconstruction(bench: Bench) -> dict[str, Any]:
    """Held-out R² of the model, PCA of the same bottleneck and PCA weighed alike, with intervals over subjects."""
    by_subject = pd.read_csv(bench.folder / "05_r2_by_subject.tsv", sep="\t")
    table = r2_interval(by_subject, seed=bench.seed)
    figures = table.set_index(["model", "versus"])[["r2", "low", "high"]].T.to_dict("list")
    told: dict[str, Any] = {}
    for name, pair in (
        ("r2", ("autoencoder", "")),
        ("pca_r2", (BASELINE, "")),
        ("difference", ("autoencoder", BASELINE)),
        ("weighed_pca_r2", (WEIGHED, "")),
        ("weighed_difference", ("autoencoder", WEIGHED)),
    ):
        told[name], *told[f"{name}_interval"] = figures[pair]
    return told | {
        "pca_width": min(bench.inputs.widths),
        "subjects": int(by_subject["subject"].nunique()),
        "folds": bench.study.module.folds,
    }


@step(
    "light_up",
    "lighting up every hidden node",
    after=("fit",),
    outputs=lambda bench: [bench.node_file(layer).name for layer in [*bench.layers, *bench.baseline_layers]],
)
def light_up(bench: Bench) -> None:
    """The genes that each node raises and lowers, and each component of PCA and ICA."""
    for model in bench.models():
        for layer in model.widths:
            bench.light_up(model, layer).save(bench.node_file(layer))


def _members_and_programmes(bench: Bench) -> list[str]:
    """The trained members, a row for every node, a row for every programme and its genes by layer."""
    files = [_programme_file(layer) for layer in [*bench.matched_layers, *BASELINE_LAYERS]]
    return [ENSEMBLE, "04_reproducibility.tsv", "04_programmes.tsv", *files]


@step(
    "ensemble",
    "refitting on bootstrapped subjects",
    after=("fit",),
    wanted=lambda bench: bench.refitted,
    depends=lambda bench: [bench.study.model.seeds, bench.seed],
    outputs=_members_and_programmes,
)
def ensemble(bench: Bench) -> None:
    """The model, PCA and ICA refitted on other draws of the subjects: which nodes come back, what they agree on."""
    shutil.rmtree(bench.folder / ENSEMBLE, ignore_errors=True)
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
            members.save(bench.folder / ENSEMBLE)
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
