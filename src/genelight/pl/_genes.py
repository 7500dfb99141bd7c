"""Genes by their score: those of a module, those of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import UnknownNameError
from ..nouns import NodeGenes
from ._style import ACCENT, DOWN, INK, TEAL, UP, axes_or_new, bars, dress, note

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

    from ..nouns import Module


def module(module: Module, ax: Axes | None = None, *, n_top: int = 20) -> Axes:
    """Leading genes of a module as bars, with how often subject bootstraps select each.

    Parameters
    ----------
    module
        The module; its first `n_top` genes by absolute score are drawn.
    ax
        Where to draw; a new figure otherwise.
    n_top
        How many genes.

    Returns
    -------
    The axes. Bars to the right are up in cases. Cost: that of drawing `n_top` bars.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from genelight import pl
    >>> from genelight.nouns import Genes
    >>> from genelight.nouns import Module
    >>> scores = np.array([0.5, -2.0, 1.0])
    >>> m = Module.from_scores(scores, Genes(("A", "B", "C")), size=2, name="sick against well", method="t")
    >>> [t.get_text() for t in pl.module(m, Figure().subplots(), n_top=2).get_yticklabels()]
    ['B', 'C']
    """
    ax = axes_or_new(ax, size=(4.8, 0.6 + 0.2 * n_top))
    head = module.table.head(n_top)
    _signed_bars(ax, head.set_index("gene")["score"], colours=(UP, DOWN))
    for row, (score, frequency) in enumerate(zip(head["score"], head["frequency"], strict=True)):
        if np.isfinite(frequency):
            note(ax, f"{frequency:.0%}", (score, row), right=score >= 0)
    ax.margins(x=0.14)
    ax.set_xlabel("score (right of zero: up in cases)")
    return ax


def node_genes(nodes: NodeGenes | AnnData, node: str, ax: Axes | None = None, *, n_top: int = 20) -> Axes:
    """The genes a node raises most and lowers most.

    Parameters
    ----------
    nodes
        What the nodes of one layer stand for; or a table that :func:`genelight.nodes.annotate` wrote it into.
    node
        Its name, ``"L2.17"``.
    ax
        Where to draw; a new figure otherwise.
    n_top
        How many genes in all, half of them from either end.

    Returns
    -------
    The axes; bars in units of prepared expression.

    Raises
    ------
    UnknownNameError
        If there is no such node, or the table holds none.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from genelight import pl
    >>> from genelight.nouns import Genes
    >>> from genelight.nouns import NodeGenes
    >>> lit = NodeGenes(np.array([[1.0, -1.0, 0.2]]), ("L1.0",), Genes(("A", "B", "C")), "L1", "pca", "light_up")
    >>> [t.get_text() for t in pl.node_genes(lit, "L1.0", Figure().subplots(), n_top=2).get_yticklabels()]
    ['A', 'B']
    """
    values = nodes.of(node) if isinstance(nodes, NodeGenes) else _annotated(nodes, node)
    n_top = min(n_top, len(values))
    ends = pd.concat([values.iloc[: n_top - n_top // 2], values.iloc[len(values) - n_top // 2 :]])
    ax = axes_or_new(ax, size=(4.8, 0.6 + 0.2 * n_top))
    _signed_bars(ax, ends, colours=(ACCENT, TEAL))
    ax.set_xlabel("change of the gene when the node is lit")
    ax.set_title(node, loc="left", color=INK, parse_math=False)
    return ax


def _annotated(adata: AnnData, node: str) -> pd.Series:
    """Values of one node by gene, strongest first, out of the table's own slots."""
    layer, _, place = node.rpartition(".")
    key = f"lightup_{layer}"
    if key not in adata.varm:
        raise UnknownNameError("slot of varm", key, adata.varm, where="the table; write it with gl.nodes.annotate")
    values_gk = np.asarray(adata.varm[key])
    if place not in map(str, range(values_gk.shape[1])):
        raise UnknownNameError("node", node, [f"{layer}.{k}" for k in range(values_gk.shape[1])])
    values = pd.Series(values_gk[:, int(place)], index=list(adata.var_names), name=node)
    return values.dropna().sort_values(ascending=False, kind="stable")


def _signed_bars(ax: Axes, values: pd.Series, *, colours: tuple[str, str]) -> None:
    bars(ax, [str(g) for g in values.index], list(values), colours=[colours[int(v < 0)] for v in values])
    ax.axvline(0, color=INK, linewidth=0.8)
    dress(ax, grid="x")
