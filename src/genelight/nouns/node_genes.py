"""The noun that says what each hidden node of a layer stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .._core.checks import check_positive
from .._core.printed import Card, Printed
from .._core.tables import read_parquet, write_parquet
from ..errors import InputError, UnknownNameError
from .genes import Genes

__all__ = ["NodeGenes"]

# How many nodes a card shows, and how many genes of either sign.
SHOWN, NAMED = 3, 5


@dataclass(frozen=True, repr=False)
class NodeGenes(Printed):
    """What each hidden node of a layer stands for: one signed value per gene.

    Parameters
    ----------
    values_kg
        Shape ``(k, g)``, in units of prepared expression (standard deviations under z-scoring).
    nodes
        Node names, ``"L2.17"``; length k.
    genes
        Column order.
    layer
        Layer name.
    source
        Name of the model: ``"autoencoder"``, ``"pca"``.
    method
        Name of the attribution method.
    about
        Settings and the model's digest.
    """

    values_kg: np.ndarray
    nodes: tuple[str, ...]
    genes: Genes
    layer: str
    source: str
    method: str
    about: Mapping[str, Any] = field(default_factory=dict)

    FORMAT: ClassVar[int] = 1

    def __post_init__(self) -> None:
        expected = (len(self.nodes), len(self.genes))
        if self.values_kg.shape != expected:
            msg = (
                f"values_kg has shape {self.values_kg.shape}, but there are {expected[0]} nodes and {expected[1]} genes"
            )
            raise InputError(msg)

    def _card(self) -> Card:
        shown = [(node, self._said(k)) for k, node in enumerate(self.nodes[:SHOWN])]
        return f"genes of {len(self.nodes):,} nodes, layer {self.layer}", [
            ("model", f"{self.source} {self.about.get('model', '')}"),
            ("method", self.method),
            ("genes", f"{len(self.genes):,} by {self.genes.namespace}"),
            *shown,
            ("next", "of(node), top(10), frame()"),
        ]

    def _said(self, k: int) -> str:
        """The genes that a node raises and lowers most, in words."""
        order_g = np.argsort(-self.values_kg[k], kind="stable")
        value_g = self.values_kg[k, order_g]
        sides = (("up", order_g[value_g > 0]), ("down", order_g[value_g < 0][::-1]))
        told = [
            f"{word} {', '.join(self.genes.ids[g] for g in side_g[:NAMED])}" for word, side_g in sides if len(side_g)
        ]
        return "; ".join(told) or "moves no gene"

    def of(self, node: str) -> pd.Series:
        """Values of one node by gene, strongest first.

        Raises
        ------
        UnknownNameError
            If there is no such node; names the range.
        """
        if node not in self.nodes:
            where = f"layer {self.layer} ({self.nodes[0]} to {self.nodes[-1]})"
            raise UnknownNameError("node", node, self.nodes, where=where)
        values = pd.Series(self.values_kg[self.nodes.index(node)], index=list(self.genes.ids), name=node)
        return values.sort_values(ascending=False)

    def top_kn(self, n: int, *, sign: int = 0) -> np.ndarray:
        """Gene positions of each node's `n` strongest genes, shape ``(k, n)``, strongest first.

        Parameters
        ----------
        n
            How many; capped at the number of genes.
        sign
            0 by absolute value, 1 the highest, -1 the lowest.
        """
        n = min(n, len(self.genes))
        key = -np.abs(self.values_kg) if sign == 0 else -sign * self.values_kg
        part = np.argpartition(key, n - 1, axis=1)[:, :n]
        order = np.argsort(np.take_along_axis(key, part, 1), axis=1, kind="stable")
        return np.take_along_axis(part, order, 1)

    def top(self, n: int = 10) -> pd.DataFrame:
        """The genes that each node raises most and lowers most.

        Parameters
        ----------
        n
            How many genes at most of either sign; a gene that a node raises is never among those it lowers.

        Returns
        -------
        Columns ``node``, ``sign`` (``"up"`` or ``"down"``), ``rank`` (from 1), ``gene``, ``value``; dead nodes have no
        row.

        Raises
        ------
        InputError
            If `n` is not above zero.

        Examples
        --------
        >>> import genelight as gl
        >>> model = gl.models.PCA(4).fit(gl.demo.cohort())
        >>> table = gl.light_up(model, "PC").top(3)
        >>> len(table), list(table.columns)
        (24, ['node', 'sign', 'rank', 'gene', 'value'])
        """
        check_positive(n=n)
        ids = np.asarray(self.genes.ids, dtype=object)
        parts = []
        for sign, word in ((1, "up"), (-1, "down")):
            top_kn = self.top_kn(n, sign=sign)
            value_kn = np.take_along_axis(self.values_kg, top_kn, 1)
            row, column = np.nonzero(sign * value_kn > 0)
            columns = {
                "node": np.asarray(self.nodes, dtype=object)[row],
                "sign": word,
                "rank": column + 1,
                "gene": ids[top_kn[row, column]],
                "value": value_kn[row, column].astype(np.float64),
                "position": row,
            }
            parts.append(pd.DataFrame(columns))
        table = pd.concat(parts).sort_values("position", kind="stable", ignore_index=True)
        return table.drop(columns="position")

    @property
    def blocks(self) -> tuple[str, ...]:
        """Blocks of a joined table that the genes are of; none of any other table."""
        spaces = [part.partition("=") for part in self.genes.namespace.split(",") if "=" in part]
        return tuple(name for name, _, _ in spaces)

    def block(self, name: str) -> NodeGenes:
        """The same nodes over the features of one block, under their own names.

        Raises
        ------
        UnknownNameError
            If there is no such block.
        """
        if name not in self.blocks:
            raise UnknownNameError("block", name, self.blocks, where=f"layer {self.layer}")
        start = f"{name}:"
        mine = [i for i, gene in enumerate(self.genes.ids) if gene.startswith(start)]
        spaces = dict(part.split("=", 1) for part in self.genes.namespace.split(","))
        genes = Genes(tuple(self.genes.ids[i].removeprefix(start) for i in mine), spaces[name])
        return replace(self, values_kg=self.values_kg[:, mine], genes=genes, about={**self.about, "block": name})

    def frame(self) -> pd.DataFrame:
        """Genes in rows, nodes in columns."""
        return pd.DataFrame(self.values_kg.T, index=pd.Index(self.genes.ids, name="gene"), columns=list(self.nodes))

    def save(self, path: Path) -> None:
        """Write as Parquet, genes in rows."""
        about = {
            "layer": self.layer,
            "source": self.source,
            "method": self.method,
            "namespace": self.genes.namespace,
            "about": dict(self.about),
        }
        write_parquet(path, self.frame().astype(np.float32), kind="node genes", version=self.FORMAT, about=about)

    @classmethod
    def load(cls, path: Path) -> NodeGenes:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged or of another kind.
        """
        table, about = read_parquet(path, kind="node genes", newest=cls.FORMAT)
        genes = Genes(tuple(table.index), about["namespace"])
        values = np.ascontiguousarray(table.to_numpy(np.float32).T)
        return cls(
            values, tuple(table.columns), genes, about["layer"], about["source"], about["method"], about["about"]
        )
