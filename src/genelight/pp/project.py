"""How tables, and what is known of genes, come to the names that a model or the data have for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ..io.id_kinds import detect_ids
from ..io.id_table import IdTable
from ..nouns import Edges, Genes
from ._pairs import choose, find, labels
from .features import GENES, kind_of, told_by_ids
from .map_ids import IdMap
from .preparation import Preparation

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["map_edges", "map_for", "map_where_needed"]

# A stored map fits a file that has this share of the columns it was learned from.
LEAST_SHARED = 0.8


def map_where_needed(adata: AnnData, *, to: str | Genes = "symbol", table: str | Path | None = None) -> IdMap | None:
    """A map to genes of one kind for a table whose columns are of another; None where they are of that kind.

    Columns that look like no known kind, or like features that are no genes, are left as they are.

    Parameters
    ----------
    adata
        Samples x columns.
    to
        Kind of id that is wanted, or a list of genes of one kind.
    table
        A user's table, for probes; with one, columns are always mapped.

    Raises
    ------
    InputError
        As :func:`map_ids` does.
    """
    kind = detect_ids(adata.var_names).kind
    if table is None and told_by_ids(adata.var_names) != GENES:
        return None
    if table is None and kind in (to.namespace if isinstance(to, Genes) else to, "unknown"):
        return _by_other_names(adata, to) if isinstance(to, Genes) and kind != "unknown" else None
    return IdMap.of(adata, to=to, table=table)


def _by_other_names(adata: AnnData, to: Genes) -> IdMap | None:
    """A map for a table that calls some genes of a list by older or newer names; None where it finds no more."""
    there = to.align(adata.var_names.unique())
    if not there.missing:
        return None
    id_map = IdMap.of(adata, to=to)
    return id_map if id_map.pairs["target"].nunique() > there.found else None


def map_for(
    adata: AnnData,
    preparation: Preparation,
    *,
    ids: str = "auto",
    collapse: str = "highest_mean",
    several: str = "drop",
    table: str | Path | None = None,
) -> IdMap | None:
    """How the columns of a table become a model's genes; None where all of them are there under their names.

    A table of the platform that the model was trained on is mapped as that one was, column by column; any other anew.

    Parameters
    ----------
    adata
        Samples x columns.
    preparation
        The model's.
    ids, collapse, several, table
        As in :func:`map_ids`.

    Raises
    ------
    InputError
        As :func:`map_ids` does.
    """
    if not kind_of(preparation.settings).genes:
        return None
    if table is None and adata.var_names.is_unique and not preparation.genes.align(adata.var_names).missing:
        return None
    stored = preparation.id_map
    if stored is not None and table is None and ids in ("auto", stored.account["ids"]):
        shared = stored.pairs["source"].isin(labels(adata.var_names)).mean()
        if shared >= LEAST_SHARED:
            return stored
    return IdMap.of(adata, to=preparation.genes, ids=ids, collapse=collapse, several=several, table=table)


def map_edges(edges: Edges, genes: Genes, *, network: bool = False) -> Edges:
    """Give the genes of a network, of sets or of diseases the names that a table has for them.

    Data, networks and sets are named at different times: RIGI in one was DDX58 in another. Ids go the way of
    :func:`map_ids`: first by the name itself, then by the gene that both stand for.

    Parameters
    ----------
    edges
        Genes in ``target``, in a network in ``source`` too.
    genes
        Those of the data.
    network
        Whether ``source`` holds genes.

    Returns
    -------
    Edges with a gene's name in the data where it has one, else as it was. The account counts ``ids renamed``; pairs
    that become the same are one, with the largest weight, and a gene's edge to itself is dropped.

    Raises
    ------
    InputError
        If there is no table for ids of that kind.

    Notes
    -----
    Cost: a look-up of each id, about a second for 20,000.

    Examples
    --------
    >>> import pandas as pd
    >>> import genelight as gl
    >>> table = pd.DataFrame({"source": ["antiviral"], "target": ["RIGI"], "weight": [1.0]})
    >>> mapped = gl.pp.map_edges(gl.Edges("sets", table), gl.Genes(("DDX58", "MX1")))
    >>> list(mapped.table["target"]), mapped.account
    (['DDX58'], {'ids renamed': 1})
    """
    columns = ["source", "target"] if network else ["target"]
    ids = pd.unique(pd.concat([edges.table[column] for column in columns]))
    known = set(genes.ids)
    absent = [str(i) for i in ids if i not in known]
    if not absent:
        return edges
    pairs = find(absent, edges.namespace, to=genes, shipped=IdTable.shipped(), own=None)
    kept, _ = choose(pairs, absent, several="drop")
    named = {absent[c]: gene for c, gene in zip(kept["column"], kept["target"], strict=True)}
    if not named:
        return edges
    table = edges.table.assign(**{c: edges.table[c].map(lambda i: named.get(i, i)) for c in columns})
    if network:
        table = table[table["source"] != table["target"]]
        swap = table["source"] > table["target"]
        table.loc[swap, ["source", "target"]] = table.loc[swap, ["target", "source"]].to_numpy()
    table = table.sort_values("weight", ascending=False, kind="stable").drop_duplicates(["source", "target"])
    account = {**edges.account, "ids renamed": len(named)}
    return replace(edges, table=table.sort_index().reset_index(drop=True), account=account, namespace=genes.namespace)
