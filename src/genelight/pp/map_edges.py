"""Networks, gene sets and disease genes under the names that the data have for their genes."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ..io.id_table import IdTable
from ..nouns import Edges, Genes
from ._pairs import choose, find

__all__ = ["map_edges"]


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
