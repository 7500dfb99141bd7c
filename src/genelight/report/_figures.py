"""Which pictures the page has, with a caption to read and a description for those who cannot see them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from .. import pl
from ._evidence import leading_node, module_sets, module_subject
from ._read import CONTROLS
from ._words import number, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._read import Run

__all__ = ["figures"]

Figure = dict[str, str]
WIDTH = 4.8
LEAD = 20


def figures(run: Run, summary: Mapping[str, Any]) -> dict[str, Figure]:
    """Every figure that the run has the data for, by name."""
    drawn: dict[str, Figure] = {}
    for draw in (_module, _pathways, _nodes, _node, _layers, _held_out, _scores, _history):
        drawn.update(draw(run, summary))
    return drawn


def _figure(
    draw: Callable[[Any], object], *, name: str, caption: str, alt: str, height: float, width: float = WIDTH
) -> dict[str, Figure]:
    return {name: {"svg": pl.svg(draw, name=name, alt=alt, size=(width, height)), "caption": caption}}


def _module(run: Run, summary: Mapping[str, Any]) -> dict[str, Figure]:
    module, found = run.module, summary["module"]
    if module is None or not found["genes"]:
        return {}
    n = min(LEAD, found["size"])
    first = found["genes"][0]
    return _figure(
        lambda ax: pl.module(module, ax, n=n),
        name="module",
        caption=f"The {n} strongest genes of the module, by absolute score. Beside each bar: how often subject "
        "bootstraps select the gene.",
        alt=f"Bars of the {n} strongest genes, longest for {first['gene']} with a score of {number(first['score'])}.",
        height=0.6 + 0.2 * n,
    )


def _pathways(run: Run, summary: Mapping[str, Any]) -> dict[str, Figure]:
    evidence, subject = module_sets(run), module_subject(run)
    if not summary["module"] or not summary["module"]["pathways"]:
        return {}
    n = min(10, len(summary["module"]["pathways"]))
    top = summary["module"]["pathways"][0]
    return _figure(
        lambda ax: pl.gene_sets(evidence, subject, ax, n=n),
        name="pathways",
        caption=f"The {n} gene sets with the smallest q among all tested. Faint bars have a q above 0.05.",
        alt=f"Bars of -log10 q for {n} gene sets; the longest is {top['name']}.",
        height=0.6 + 0.36 * n,
    )


def _nodes(run: Run, summary: Mapping[str, Any]) -> dict[str, Figure]:
    if not summary["nodes"]:
        return {}
    table = pd.DataFrame(summary["nodes"])[["node", "layer", "effect", "q"]].astype({"effect": float, "q": float})
    order = {layer: i for i, layer in enumerate(run.nodes["layer"].unique())} if run.nodes is not None else {}
    table = table.sort_values("layer", key=lambda c: c.map(order), kind="stable")
    strong = int((table["q"] <= 0.05).sum())
    return _figure(
        lambda ax: pl.nodes(table, ax),
        name="nodes",
        caption="Every hidden node, one dot each: how far cases lie from controls on it, subjects weighted equally. "
        "Faint dots have a q above 0.05; the strongest of each layer is named.",
        alt=f"One strip of dots per layer; {strong} of {len(table)} nodes differ between the groups at a q of 0.05.",
        height=0.7 + 0.75 * table["layer"].nunique(),
    )


def _node(run: Run, summary: Mapping[str, Any]) -> dict[str, Figure]:
    name = (leading_node(summary["nodes"]) or {"node": ""})["node"]
    lit = next((lit for la, lit in run.node_genes.items() if la not in CONTROLS and name in lit.nodes), None)
    if lit is None:
        return {}
    values = lit.of(name)
    n = min(LEAD, len(values))
    return _figure(
        lambda ax: pl.node(lit, name, ax, n=n),
        name="node",
        caption=f"What node {name} stands for: the genes that it raises and lowers most when it is lit.",
        alt=f"Bars of {n} genes for node {name}, from {values.index[0]} (raised most) to {values.index[-1]} "
        "(lowered most).",
        height=0.6 + 0.2 * n,
    )


def _layers(_: Run, summary: Mapping[str, Any]) -> dict[str, Figure]:
    if not summary["layers"]:
        return {}
    table = pd.DataFrame([row for row in summary["layers"] if row["main"]])
    top = table.iloc[int(table["share"].argmax())]
    rows = len(table) + table["layer"].nunique()
    return _figure(
        lambda ax: pl.layers(table, ax),
        name="layers",
        caption="Share of each layer's nodes whose strongest genes hang together in the network, or gather in a gene "
        "set, with a q of 0.05 or less. PCA and ICA components are held to the same tests.",
        alt=f"Bars by layer; the longest is {top['layer']} in {top['kind']} with {percent(top['share'])}.",
        height=0.9 + 0.17 * rows + 0.15 * table["kind"].nunique(),
    )


def _held_out(run: Run, summary: Mapping[str, Any]) -> dict[str, Figure]:
    captions = {
        "auc": "How well each method's score tells cases from controls among subjects it never saw. Dashed: chance.",
        "replication": "How well each method's gene scores agree with the held-out subjects' own mean differences. "
        "Dashed: no agreement.",
        "r2": "Share of held-out expression that the model and PCA of the same width reconstruct.",
    }
    drawn: dict[str, Figure] = {}
    table = run.held_out
    for metric, caption in captions.items():
        rows = [r for r in summary["held_out"]["methods"] if r["metric"] == metric]
        if table is None or not rows:
            continue
        best = max(rows, key=lambda r: r["mean"])
        own = run.about.get("model", "autoencoder") if metric == "r2" else run.method
        drawn |= _figure(
            partial(pl.held_out, table, metric=metric, highlight=own),
            name=metric,
            caption=f"{caption} Small dots are folds, large dots their mean.",
            alt=f"Dots for {len(rows)} methods; the best mean is {number(best['mean'])} by {best['label']}.",
            height=0.7 + 0.27 * len(rows),
        )
    return drawn


def _scores(run: Run, summary: Mapping[str, Any]) -> dict[str, Figure]:
    found, table = summary["scores"], run.scores
    if found is None or table is None:
        return {}
    rows = table[table["method"] == found["method"]]
    medians = " and ".join(f"{number(g['median'])} in {g['group']}" for g in found["groups"])
    return _figure(
        lambda ax: pl.scores(rows, ax),
        name="scores",
        caption="Score of every sample from models that never saw its subject, over boxes of quartiles.",
        alt=f"Dots and boxes by group; the median score is {medians}.",
        height=3.2,
    )


def _history(run: Run, _: Mapping[str, Any]) -> dict[str, Figure]:
    table = run.history
    if table is None or len(table) < 2 or len(table.columns) < 2:
        return {}
    return _figure(
        lambda ax: pl.history(table, ax),
        name="history",
        caption="The course of training, epoch by epoch.",
        alt=f"Lines over {len(table)} epochs.",
        height=2.6,
    )
