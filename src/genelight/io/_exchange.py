"""Tables of other tools, and our nouns as those tools write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..errors import FormatError, InputError, UnknownNameError, first_three
from ..nouns import Edges, Genes, Module, NodeGenes

RANKED = ("names", "scores", "logfoldchanges", "pvals", "pvals_adj")
_GENES = ("Genes", "Lead_genes", "lead_genes", "ledge_genes")


class _Asked(NamedTuple):
    """What a reader is told beside the table."""

    name: str
    ids: str
    size: int


def from_table(
    table: pd.DataFrame, tool: str, *, name: str = "", ids: str = "symbol", size: int = 100
) -> Edges | Module | NodeGenes:
    """Take over a table that another tool wrote.

    Parameters
    ----------
    table
        By `tool`: ``"decoupler"``, a net of ``source``, ``target`` and, where there is one, ``weight``; ``"gseapy"``,
        results of enrichr, prerank or gsea with ``Term`` and the genes found; ``"wgcna"``, genes by row with the colour
        of their module (``module`` or ``moduleColors``; a column ``kME`` is their weight); ``"cnmf"``, gene spectra
        with programmes in rows and genes in columns; ``"rank_genes_groups"``, what ``scanpy.get.rank_genes_groups_df``
        gives for one group.
    tool
        Who wrote it.
    name
        What to call it in reports.
    ids
        Kind of gene id in it.
    size
        How many genes a module of ``"rank_genes_groups"`` selects.

    Returns
    -------
    ``"cnmf"`` gives :class:`NodeGenes`, ``"rank_genes_groups"`` a :class:`Module` over the genes that are listed, the
    others :class:`Edges` with the regulator, set or module in ``source`` and the gene in ``target``; WGCNA's grey
    genes, which are in no module, are left out and counted.

    Raises
    ------
    UnknownNameError
        If there is no such tool.
    FormatError
        If the table lacks a column, or is for several groups.

    Examples
    --------
    >>> import pandas as pd
    >>> from genelight import io
    >>> net = pd.DataFrame({"source": ["STAT1", "STAT1"], "target": ["IRF1", "GBP1"], "weight": [1.0, 0.5]})
    >>> edges = io.from_table(net, "decoupler", name="CollecTRI")
    >>> list(edges.table["target"]), list(io.to_table(edges, "decoupler").columns)
    (['IRF1', 'GBP1'], ['source', 'target', 'weight'])
    """
    if tool not in _READ:
        raise UnknownNameError("tool", tool, _READ)
    return _READ[tool](table, _Asked(name or tool, ids, size))


def to_table(found: Edges | Module | NodeGenes, tool: str, *, n_top: int = 100) -> pd.DataFrame:
    """A noun as another tool has its tables.

    Parameters
    ----------
    found
        Edges, a module, or what nodes stand for.
    tool
        As in :func:`from_table`. ``"gseapy"`` gives the ranking that ``gseapy.prerank`` takes, of a module.
    n_top
        Genes of each node, for tools that list members: those with the largest absolute values.

    Returns
    -------
    ``"decoupler"``: ``source``, ``target``, ``weight``, of edges, of the selected genes of a module (weight: score), or
    of each node's `n_top` genes (weight: value). ``"gseapy"``: ``gene``, ``score``, best up first. ``"wgcna"``:
    ``gene``, ``module``, ``kME``, each gene once, at its largest weight. ``"cnmf"``: nodes in rows, genes in columns.
    ``"rank_genes_groups"``: ``group`` and scanpy's five columns, NaN where nothing of the kind is known.

    Raises
    ------
    UnknownNameError
        If there is no such tool.
    InputError
        If that tool has no table for such a noun.

    Examples
    --------
    >>> import genelight as gl
    >>> nodes = gl.light_up(gl.models.PCA(2).fit(gl.demo.cohort()), "PC")
    >>> gl.io.to_table(nodes, "cnmf").shape, len(gl.io.to_table(nodes, "decoupler", n_top=5))
    ((2, 4147), 10)
    """
    if tool not in _READ:
        raise UnknownNameError("tool", tool, _READ)
    writers = {kind: write for (other, kind), write in _WRITE.items() if other == tool}
    for kind, write in writers.items():
        if isinstance(found, kind):
            return write(found, n_top)
    takes = " or ".join(kind.__name__ for kind in writers)
    msg = f"{tool} has no table for {type(found).__name__}; pass {takes}"
    raise InputError(msg)


def _needed(table: pd.DataFrame, columns: tuple[str, ...], tool: str) -> str:
    """The first of `columns` that the table has."""
    found = next((c for c in columns if c in table), None)
    if found is None:
        msg = f"a table of {tool} needs a column {' or '.join(columns)}; it has {first_three(map(str, table.columns))}"
        raise FormatError(msg)
    return found


def _edges(asked: _Asked, rows: pd.DataFrame, *, account: Mapping[str, int] | None = None) -> Edges:
    kept = rows.dropna(subset=["source", "target"]).astype({"source": str, "target": str, "weight": float})
    kept = kept.drop_duplicates(["source", "target"]).reset_index(drop=True)
    return Edges(
        asked.name, kept, asked.ids, {"rows": len(rows), "duplicates": len(rows) - len(kept), **(account or {})}
    )


def _from_decoupler(table: pd.DataFrame, asked: _Asked) -> Edges:
    for column in ("source", "target"):
        _needed(table, (column,), "decoupler")
    return _edges(asked, table[["source", "target"]].assign(weight=table.get("weight", 1.0)))


def _from_gseapy(table: pd.DataFrame, asked: _Asked) -> Edges:
    term, genes = _needed(table, ("Term",), "gseapy"), _needed(table, _GENES, "gseapy")
    rows = table[[term, genes]].set_axis(["source", "target"], axis=1)
    rows = rows.assign(target=rows["target"].fillna("").astype(str).str.split(r"[;,]")).explode("target")
    rows = rows.assign(target=rows["target"].str.strip())
    return _edges(asked, rows[rows["target"] != ""].assign(weight=1.0))


def _from_wgcna(table: pd.DataFrame, asked: _Asked) -> Edges:
    colour = _needed(table, ("module", "moduleColors", "moduleColor", "moduleLabel"), "WGCNA")
    gene = next((c for c in ("gene", "gene_id", "Gene", "geneID") if c in table), None)
    genes = table.index if gene is None else table[gene]
    weight = table["kME"].to_numpy() if "kME" in table else 1.0
    rows = pd.DataFrame({"source": table[colour].astype(str).to_numpy(), "target": list(genes), "weight": weight})
    grey = rows["source"].str.lower().isin(("grey", "gray", "0"))
    return _edges(asked, rows[~grey], account={"in no module": int(grey.sum())})


def _from_cnmf(table: pd.DataFrame, asked: _Asked) -> NodeGenes:
    nodes = tuple(f"{asked.name}.{label}" for label in table.index)
    try:
        values_kg = table.to_numpy(np.float64)
    except (TypeError, ValueError) as error:
        msg = f"gene spectra of cNMF are numbers, programmes in rows and genes in columns: {error}"
        raise FormatError(msg) from error
    return NodeGenes(values_kg, nodes, Genes(tuple(map(str, table.columns)), asked.ids), asked.name, "cnmf", "spectra")


def _from_ranked(table: pd.DataFrame, asked: _Asked) -> Module:
    for column in ("names", "scores"):
        _needed(table, (column,), "rank_genes_groups")
    repeated = table["names"].duplicated()
    if repeated.any():
        msg = (
            f"{int(repeated.sum())} genes stand twice ({first_three(table.loc[repeated, 'names'].astype(str))}); pass "
            "one group: scanpy.get.rank_genes_groups_df(adata, group=...)"
        )
        raise FormatError(msg)
    score_g, genes = table["scores"].to_numpy(np.float64), Genes(tuple(table["names"].astype(str)), asked.ids)
    module = Module.from_scores(score_g, genes, size=asked.size, name=asked.name, method="rank_genes_groups")
    known = {"logfoldchanges": "logfc", "pvals": "p", "pvals_adj": "q"}
    beside = table.astype({"names": str}).set_index("names")[[c for c in known if c in table]].rename(columns=known)
    return Module(module.table.join(beside, on="gene"), asked.name, module.method, genes)


def _net_of_module(module: Module, _: int) -> pd.DataFrame:
    chosen = module.table.loc[module.table["selected"], ["gene", "score"]]
    return chosen.set_axis(["target", "weight"], axis=1).assign(source=module.name)[["source", "target", "weight"]]


def _net_of_nodes(nodes: NodeGenes, n_top: int, *, sign: int = 0) -> pd.DataFrame:
    top_kn = nodes.top_kn(n_top, sign=sign)
    return pd.DataFrame(
        {
            "source": np.repeat(nodes.nodes, top_kn.shape[1]),
            "target": np.asarray(nodes.genes.ids, dtype=object)[top_kn].ravel(),
            "weight": np.take_along_axis(nodes.values_kg, top_kn, 1).ravel().astype(np.float64),
        }
    )


def _ranking(module: Module, _: int) -> pd.DataFrame:
    return module.table[["gene", "score"]].sort_values("score", ascending=False, kind="stable", ignore_index=True)


def _colours(net: pd.DataFrame) -> pd.DataFrame:
    """Each gene once, in the group where its weight is largest."""
    order = net["weight"].abs().sort_values(ascending=False, kind="stable").index
    once = net.loc[order].drop_duplicates("target")[["target", "source", "weight"]]
    return once.set_axis(["gene", "module", "kME"], axis=1).reset_index(drop=True)


def _ranked_module(module: Module, _: int) -> pd.DataFrame:
    table = module.table.sort_values("score", ascending=False, kind="stable", ignore_index=True)
    columns = dict(zip(RANKED, ("gene", "score", "logfc", "p", "q"), strict=True))
    shown = {theirs: table.get(ours, np.nan) for theirs, ours in columns.items()}
    return pd.DataFrame({"group": module.name, **shown}, index=table.index)


def _ranked_nodes(nodes: NodeGenes, n_top: int) -> pd.DataFrame:
    rows = _net_of_nodes(nodes, n_top, sign=1).set_axis(["group", "names", "scores"], axis=1)
    return rows.assign(**dict.fromkeys(RANKED[2:], np.nan))


_READ: Mapping[str, Callable[[pd.DataFrame, _Asked], Any]] = {
    "decoupler": _from_decoupler,
    "gseapy": _from_gseapy,
    "wgcna": _from_wgcna,
    "cnmf": _from_cnmf,
    "rank_genes_groups": _from_ranked,
}
_WRITE: Mapping[tuple[str, type], Callable[[Any, int], pd.DataFrame]] = {
    ("decoupler", Edges): lambda edges, _: edges.table[["source", "target", "weight"]].copy(),
    ("decoupler", Module): _net_of_module,
    ("decoupler", NodeGenes): _net_of_nodes,
    ("gseapy", Module): _ranking,
    ("wgcna", Edges): lambda edges, _: _colours(edges.table),
    ("wgcna", NodeGenes): lambda nodes, n_top: _colours(_net_of_nodes(nodes, n_top)),
    ("cnmf", NodeGenes): lambda nodes, _: nodes.frame().T,
    ("rank_genes_groups", Module): _ranked_module,
    ("rank_genes_groups", NodeGenes): _ranked_nodes,
}
