"""The strongest genes of nodes, up and down apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .._core.checks import check_positive
from ..nouns import NodeGenes

__all__ = ["top_genes"]


def top_genes(nodes: NodeGenes, *, n: int = 10) -> pd.DataFrame:
    """The genes that each node raises most and lowers most.

    Parameters
    ----------
    nodes
        What the nodes of a layer stand for.
    n
        How many genes at most of either sign; a gene that a node raises is never among those it lowers.

    Returns
    -------
    Columns ``node``, ``sign`` (``"up"`` or ``"down"``), ``rank`` (from 1), ``gene``, ``value``; dead nodes have no row.

    Raises
    ------
    InputError
        If `n` is not above zero.

    Examples
    --------
    >>> import genelight as gl
    >>> model = gl.models.PCA(4).fit(gl.demo.cohort())
    >>> table = gl.nodes.top_genes(gl.nodes.light_up(model, "PC"), n=3)
    >>> len(table), list(table.columns)
    (24, ['node', 'sign', 'rank', 'gene', 'value'])
    """
    check_positive(n=n)
    ids = np.asarray(nodes.genes.ids, dtype=object)
    parts = []
    for sign, word in ((1, "up"), (-1, "down")):
        top_kn = nodes.top_kn(n, sign=sign)
        value_kn = np.take_along_axis(nodes.values_kg, top_kn, 1)
        row, column = np.nonzero(sign * value_kn > 0)
        columns = {
            "node": np.asarray(nodes.nodes, dtype=object)[row],
            "sign": word,
            "rank": column + 1,
            "gene": ids[top_kn[row, column]],
            "value": value_kn[row, column].astype(np.float64),
            "position": row,
        }
        parts.append(pd.DataFrame(columns))
    table = pd.concat(parts).sort_values("position", kind="stable", ignore_index=True)
    return table.drop(columns="position")
