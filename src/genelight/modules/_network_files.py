"""A module's network in the formats that other programs read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._core.disk import writing
from .._core.tables import plain_text, write_plain

__all__ = ["WRITERS"]

_CX2_TYPE = {"O": "string", "U": "string", "f": "double", "i": "integer"}


def _graphml(path: Path, nodes: pd.DataFrame, edges: pd.DataFrame, name: str) -> None:  # noqa: PLR0917 - one shape
    import networkx as nx

    graph = nx.Graph(name=plain_text(name))
    for row in _plain(nodes):
        graph.add_node(row.pop("gene"), **row)
    for row in _plain(edges):
        graph.add_edge(row["source"], row["target"], weight=row["weight"])
    with writing(path) as draft:
        nx.write_graphml(graph, draft)


def _cx2(path: Path, nodes: pd.DataFrame, edges: pd.DataFrame, name: str) -> None:  # noqa: PLR0917 - one shape
    """Cytoscape exchange format, version 2.0."""
    number = {plain_text(gene): i for i, gene in enumerate(nodes["gene"])}
    renamed = nodes.rename(columns={"gene": "name"})
    declared = {column: {"d": _CX2_TYPE[renamed[column].to_numpy().dtype.kind]} for column in renamed}
    content: list[dict[str, Any]] = [
        {"CXVersion": "2.0", "hasFragments": False},
        {
            "metaData": [
                {"name": "attributeDeclarations", "elementCount": 1},
                {"name": "networkAttributes", "elementCount": 1},
                {"name": "nodes", "elementCount": len(nodes)},
                {"name": "edges", "elementCount": len(edges)},
            ]
        },
        {
            "attributeDeclarations": [
                {
                    "networkAttributes": {"name": {"d": "string"}},
                    "nodes": declared,
                    "edges": {"weight": {"d": "double"}},
                }
            ]
        },
        {"networkAttributes": [{"name": name}]},
        {"nodes": [{"id": i, "v": row} for i, row in enumerate(_plain(renamed))]},
        {
            "edges": [
                {"id": i, "s": number[row["source"]], "t": number[row["target"]], "v": {"weight": row["weight"]}}
                for i, row in enumerate(_plain(edges))
            ]
        },
        {"status": [{"success": True}]},
    ]
    with writing(path) as draft:
        draft.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _gmt(path: Path, nodes: pd.DataFrame, edges: pd.DataFrame, name: str) -> None:  # noqa: ARG001, PLR0917
    """One set per role and per part."""
    sets = {role: list(group["gene"]) for role, group in nodes.groupby("role", sort=False)}
    inside = nodes[nodes["part"] > 0]
    sets |= {f"part {part}": list(group["gene"]) for part, group in inside.groupby("part")}
    lines = ("\t".join(map(plain_text, (str(key), name, *genes))) + "\n" for key, genes in sets.items())
    with writing(path) as draft:
        draft.write_text("".join(lines), encoding="utf-8")


def _tsv(path: Path, nodes: pd.DataFrame, edges: pd.DataFrame, name: str) -> None:  # noqa: ARG001, PLR0917
    write_plain(path, nodes)


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain Python values; what is missing is left out."""
    rows = []
    for record in table.to_dict("records"):
        values = {str(key): value.item() if isinstance(value, np.generic) else value for key, value in record.items()}
        # XML knows no control characters, and no name needs them.
        values = {key: plain_text(value) if isinstance(value, str) else value for key, value in values.items()}
        rows.append({key: value for key, value in values.items() if value == value})  # noqa: PLR0124 - NaN
    return rows


Writer = Callable[[Path, pd.DataFrame, pd.DataFrame, str], None]
WRITERS: dict[str, Writer] = {".graphml": _graphml, ".cx2": _cx2, ".gmt": _gmt, ".tsv": _tsv}
