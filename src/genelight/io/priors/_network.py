"""Networks: undirected pairs of genes with a weight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ...errors import FormatError, InputError, UnknownNameError
from ...nouns import Edges
from .._files import existing, plain_name
from ..id_kinds import check_kind, check_namespace, clean_ids
from ..text._delimited import Dropped, Layout, numbers
from ..text._lines import lines

_WEIGHT = ("weight", "combined_score", "score", "confidence")
# Columns that name their kind of id come first, so that one table may hold several.
_PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "symbol": (("symbol1", "symbol2"), ("preferredName_A", "preferredName_B"), ("gene1", "gene2")),
    "entrez": (("entrez1", "entrez2"), ("gene1", "gene2")),
    "ensembl": (("ensembl1", "ensembl2"), ("gene1", "gene2")),
    "ensp": (("ensp1", "ensp2"), ("protein1", "protein2")),
}
_PLAIN = (("source", "target"), ("protein1", "protein2"), ("node1", "node2"), ("from", "to"), ("a", "b"))


def read_network(
    path: str | Path,
    *,
    cut: float = 0.0,
    ids: str = "symbol",
    name: str | None = None,
    source: str | None = None,
    target: str | None = None,
    weight: str | None = None,
) -> Edges:
    r"""Read an undirected network from CSV, TSV, SIF or GraphML, plain or gzip.

    Columns are told by name: those of STRING's tables (``symbol1, symbol2, combined_score``; ``entrez1``;
    ``protein1``) for the kind of id asked for, else ``source, target, weight``. A file named ``.sif`` has no
    header: ``gene relation gene [gene ...]``. In GraphML a gene is its node's ``name``, where nodes have one, else the
    node's id, and the weight an attribute of edges. Each pair is kept once, ordered, with its largest weight.

    Parameters
    ----------
    path
        The file.
    cut
        Smallest weight to keep, in the file's own units (STRING's ``combined_score`` runs from 0 to 999).
    ids
        Kind of gene id to read: ``"symbol"``, ``"entrez"``, ``"ensembl"`` or ``"ensp"``.
    name
        What to call it in reports, with its version; by default the file's name and the cut.
    source, target, weight
        Columns, where their names do not tell.

    Returns
    -------
    Edges, whose account counts rows, empty ids, self loops, rows below the cut, duplicates and edges.

    Raises
    ------
    ResourceError
        If there is no such file.
    UnknownNameError
        If a named column, or the kind of id, does not exist.
    InputError
        If ids are of another kind than asked for, a cut is asked for without weights, or no edge is left.
    FormatError
        If columns cannot be told, a weight is no number, or the file is damaged.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "toy.csv"
    ...     _ = path.write_text("source,target,weight\nMX1,ISG15,900\nISG15,MX1,950\nMX1,MX1,999\n")
    ...     edges = gl.io.read_network(path, cut=700)
    >>> edges.table.to_dict("records")
    [{'source': 'ISG15', 'target': 'MX1', 'weight': 950.0}]
    >>> edges.account["self loops"], edges.account["duplicates"]
    (1, 1)
    """
    path = existing(Path(path))
    check_namespace(ids)
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if kind == ".sif":
        table, weighted = _read_sif(path), False
    elif kind == ".graphml":
        table, weighted = _read_graphml(path, weight)
    else:
        table, weighted = _read_delimited(path, ids, source=source, target=target, weight=weight)
    if cut > 0 and not weighted:
        msg = f"{path} has no weight column to cut at {cut:g}; name one with weight='...', or leave out cut"
        raise InputError(msg)
    rows = Dropped(table)
    for column in ("source", "target"):
        rows.table[column] = clean_ids(rows.table[column], ids)
    rows.where((rows.table["source"] == "") | (rows.table["target"] == ""), "empty ids")
    check_kind(pd.concat([rows.table["source"], rows.table["target"]]), ids, path)
    edges, account = _undirected(rows, cut)
    if edges.empty:
        counts = ", ".join(f"{n} {reason}" for reason, n in account.items())
        msg = f"{path}: no edge is left ({counts}); lower cut, or check the columns"
        raise InputError(msg)
    return Edges(name or plain_name(path) + (f", weight >= {cut:g}" if cut > 0 else ""), edges, ids, account)


def _read_delimited(
    path: Path, ids: str, *, source: str | None, target: str | None, weight: str | None
) -> tuple[pd.DataFrame, bool]:
    layout = Layout.of(path)
    pairs = [*_PAIRS[ids], *_PLAIN]
    there = next((pair for pair in pairs if layout.usual(pair[:1]) and layout.usual(pair[1:])), None)
    columns = {
        "source": layout.choose("source", source, there[:1] if there else ()),
        "target": layout.choose("target", target, there[1:] if there else ()),
    }
    column = layout.choose("weight", weight, ()) if weight else layout.usual(_WEIGHT)
    if column is None:
        return layout.read(columns).assign(weight=1.0), False
    table = layout.read({**columns, "weight": column})
    table["weight"] = numbers(table["weight"], column, path)
    return table, True


def _read_sif(path: Path) -> pd.DataFrame:
    pairs: list[tuple[str, str]] = []
    with lines(path) as text:
        for number, line in enumerate(text, start=1):
            cells = line.split("\t") if "\t" in line else line.split()
            if len(cells) == 2:
                msg = f"{path}, line {number}: 2 cells ({line.strip()!r}); SIF has gene, relation, gene"
                raise FormatError(msg)
            # A line of one cell is a gene without edges.
            pairs.extend((cells[0], other) for other in cells[2:])
    return pd.DataFrame(pairs, columns=["source", "target"], dtype=object).assign(weight=1.0)


def _read_graphml(path: Path, weight: str | None) -> tuple[pd.DataFrame, bool]:
    import networkx as nx

    try:
        with lines(path) as text:
            graph = nx.parse_graphml("\n".join(text))
    except (nx.NetworkXError, SyntaxError, KeyError, ValueError) as error:
        msg = f"{path} is no readable GraphML ({error}); write it again, or give an edge table"
        raise FormatError(msg) from error
    name = dict(graph.nodes(data="name"))
    ends = [(str(name[a] or a), str(name[b] or b), values) for a, b, values in graph.edges(data=True)]
    table = pd.DataFrame([end[:2] for end in ends], columns=["source", "target"], dtype=object)
    there = list(dict.fromkeys(key for *_, values in ends for key in values))
    if weight is not None and weight not in there:
        raise UnknownNameError("edge attribute", weight, there, where=str(path))
    column = weight or next((key for key in _WEIGHT if key in there), None)
    if column is None:
        return table.assign(weight=1.0), False
    values = pd.Series([end[2].get(column, "") for end in ends], dtype=object).astype(str)
    return table.assign(weight=numbers(values, column, path)), True


def _undirected(rows: Dropped, cut: float) -> tuple[pd.DataFrame, dict[str, int]]:
    rows.where(rows.table["source"] == rows.table["target"], "self loops")
    rows.where(rows.table["weight"].isna(), "without a weight")
    rows.where(rows.table["weight"] < cut, "below the cut")
    source, target = (rows.table[c].to_numpy(object) for c in ("source", "target"))
    swap = source > target
    rows.table = rows.table.assign(source=np.where(swap, target, source), target=np.where(swap, source, target))
    rows.table = rows.table.sort_values(["source", "target", "weight"], ascending=[True, True, False], kind="stable")
    rows.where(rows.table.duplicated(["source", "target"]), "duplicates")
    return rows.table.reset_index(drop=True), {**rows.account, "edges": len(rows.table)}
