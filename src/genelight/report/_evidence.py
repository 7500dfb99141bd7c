"""Evidence arranged for reading: by kind, best per item, counted per layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ..nouns import Evidence
from ..nouns.evidence import EVIDENCE_COLUMNS
from ..nouns.labels import set_label, short_name
from ._read import CONTROLS
from ._words import known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._read import Run

SIGNIFICANT = 0.05
PLAIN, MATCHED = "hypergeometric", "hypergeometric_matched"


def by_kind(run: Run) -> pd.DataFrame:
    """The evidence table with further columns.

    ``collection`` (or network); ``disease`` for known disease genes and ``is_set`` for other gene sets;
    ``main``: each item's first calibrated test of each collection, on which alone sentences rest. Rows without a q
    are left out: they are no evidence.
    """
    if run.evidence is None or not len(run.evidence):
        flags = {"disease": bool, "is_set": bool, "main": bool}
        return pd.DataFrame(columns=[*EVIDENCE_COLUMNS, "collection", *flags]).astype(flags)
    table = run.evidence.table.dropna(subset="q").copy()
    parts = table["reference"].astype(str).str.partition(": ")
    table["collection"], table["disease"] = parts[0], _is_disease(run, table["reference"])
    table["is_set"] = (parts[1] != "") & ~table["disease"]
    counts = counted(run, table)
    first = table[counts].groupby(["collection", "tested"])["test"].transform("first")
    table["main"] = counts & (table["test"] == first.reindex(table.index))
    return table


def counted(run: Run, table: pd.DataFrame) -> pd.Series:
    """Rows on which a sentence may rest: those of tests that the evidence does not call uncalibrated."""
    facts = {} if run.evidence is None else run.evidence.about
    doubtful = [test for test, found in facts.items() if isinstance(found, dict) and found.get("calibrated") is False]
    return ~table["test"].isin(doubtful)


def _is_disease(run: Run, reference: pd.Series) -> pd.Series:
    """Which references are disease genes that the study named under ``[[genetics]]``."""
    entries = run.study.get("genetics", [])
    asked = [(e.get("name"), str(e.get("disease"))) for e in entries if isinstance(e, dict)]
    unnamed = tuple(f": {disease}" for name, disease in asked if name is None)
    return reference.isin([f"{name}: {disease}" for name, disease in asked]) | reference.str.endswith(unnamed)


def module_sets(run: Run) -> Evidence:
    """The evidence on gene sets alone, without known disease genes."""
    table = by_kind(run)
    return Evidence(table[table["is_set"]])


def best(table: pd.DataFrame) -> pd.DataFrame:
    """Each item's row with the smallest q, indexed by item."""
    return table.sort_values(["q", "p"], kind="stable").drop_duplicates("tested").set_index("tested")


def tested_module(run: Run) -> str:
    """The name under which the evidence knows the module; empty if it does not."""
    if run.evidence is None or run.module is None:
        return ""
    known = set(run.evidence.table["tested"])
    names = (f"{run.module.name} [{run.module.method}]", run.method, run.module.method, run.module.name)
    return next((name for name in names if name in known), "")


def set_rows(table: pd.DataFrame, tested: str, *, n: int) -> list[dict[str, Any]]:
    """The `n` gene sets with the smallest q of one item by the main test, as records."""
    rows = table[(table["tested"] == tested) & table["is_set"] & table["main"]]
    rows = rows.sort_values(["q", "p"], kind="stable").head(n)
    return [set_record(row) for _, row in rows.iterrows()]


def set_record(row: pd.Series) -> dict[str, Any]:
    """One test of a gene set, its name made readable; without an overlap where the statistic is no count."""
    collection, name = set_label(row["reference"])
    return {
        "collection": collection,
        "name": name,
        "reference": row["reference"],
        "test": row["test"],
        "overlap": row["statistic"] if float(row["statistic"]).is_integer() else None,
        "genes": row["n"],
        "expected": row["null_mean"],
        "effect": row["effect"],
        "p": row["p"],
        "q": row["q"],
    }


def layer_nodes(run: Run) -> dict[str, list[str]]:
    """Nodes of every layer, the model's own layers first, controls last."""
    found: dict[str, list[str]] = {}
    if run.nodes is not None:
        found = {str(la): list(part["node"]) for la, part in run.nodes.groupby("layer", sort=False)}
    for layer, lit in run.node_genes.items():
        found.setdefault(layer, list(lit.nodes))
    own = in_order(la for la in found if la not in run.baselines)
    return {la: found[la] for la in [*own, *(la for la in run.baselines if la in found)]}


def in_order(layers: Iterable[str]) -> list[str]:
    """Layers from input to output, ``L9`` before ``L10``, however a table has them."""
    return sorted(layers, key=lambda layer: (len(layer), layer))


def layer_shares(
    table: pd.DataFrame, nodes: Mapping[str, Sequence[str]], *, baselines: Mapping[str, str]
) -> list[dict[str, Any]]:
    """For every test and layer, how many of the layer's nodes have a q of 0.05 or less."""
    collections = list(dict.fromkeys(table["collection"]))
    short = [short_name(c) for c in collections]
    kind = {c: s if short.count(s) == 1 else c for c, s in zip(collections, short, strict=True)}
    return [
        {"kind": kind[collection], **_share(rows, layer, names=names), "control": layer in baselines}
        for (collection, _), rows in table.groupby(["collection", "test"], sort=False)
        for layer, names in nodes.items()
        if rows["tested"].isin(names).any()
    ]


def _share(rows: pd.DataFrame, layer: str, *, names: Sequence[str]) -> dict[str, Any]:
    passed = rows.loc[rows["q"] <= SIGNIFICANT, "tested"]
    significant = int(passed[passed.isin(names)].nunique())
    return {
        "test": rows["test"].iloc[0],
        "main": bool(rows["main"].iloc[0]),
        "layer": CONTROLS.get(layer, layer),
        "nodes": len(names),
        "significant": significant,
        "share": significant / len(names),
    }


def leading_node(nodes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The usable node with the largest share of the module, or without shares the largest effect."""
    usable = [n for n in nodes if known(n["effect"]) and not n["state"]]
    sharing = [n for n in usable if known(n["share"])]
    if sharing:
        return max(sharing, key=lambda n: n["share"])
    return max(usable, key=lambda n: abs(n["effect"]), default=None)
