"""The nouns that the rooms exchange. All are frozen; those that reach a disk carry a format version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from .errors import FormatError, InputError, UnknownNameError
from .genes import Genes
from .module import Module
from .provenance import digest
from .tables import read_parquet, write_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

__all__ = ["EVIDENCE_COLUMNS", "CodeRange", "Edges", "Evidence", "Model", "Module", "NodeGenes", "Stored"]


@dataclass(frozen=True)
class Edges:
    """One table for networks, gene sets and disease genes: ``source, target, weight``.

    A network has a gene in both columns; gene sets have the set in ``source`` and its member in
    ``target``; disease genes have the disease in ``source`` and the gene in ``target``.

    Parameters
    ----------
    name
        What it is called in reports, with its version: ``"STRING v12 physical, score >= 900"``.
    table
        Columns ``source`` (str), ``target`` (str), ``weight`` (float, 1 where there is none).
    namespace
        Kind of gene id, as in :class:`Genes`.
    account
        What reading it dropped or collapsed, in counts.
    """

    name: str
    table: pd.DataFrame
    namespace: str = "symbol"
    account: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        absent = [c for c in ("source", "target", "weight") if c not in self.table]
        if absent:
            msg = f"{self.name}: an edge table needs the columns source, target, weight; {', '.join(absent)} not found"
            raise InputError(msg)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def digest(self) -> str:
        """Identity of the content."""
        return digest(self.namespace, self.table.to_csv(index=False).encode())


@dataclass(frozen=True)
class CodeRange:
    """What each node of one layer does over the training samples; every array has shape ``(k,)``.

    `low` and `high` are the 1st and the 99th percentile, which no single sample decides.
    """

    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, h_nk: np.ndarray) -> CodeRange:
        """Summary of codes of shape ``(n, k)``."""
        # A few nodes at a time, since quantiles take two more copies in double precision.
        parts = (np.asarray(h_nk[:, i : i + 8], dtype=np.float64) for i in range(0, h_nk.shape[1], 8))
        figures = [(h.min(0), h.max(0), h.mean(0), h.std(0), *np.quantile(h, (0.01, 0.99), axis=0)) for h in parts]
        return cls(*(np.concatenate(each) for each in zip(*figures, strict=True)))


@runtime_checkable
class Stored(Protocol):
    """A table too large for memory, such as :class:`genelight.io.Store`."""

    def tables(self) -> Iterator[tuple[int, AnnData]]:
        """All samples in order: the position of the first of each block, and the block."""
        ...


@runtime_checkable
class Model(Protocol):
    """What every model offers: gene space in, codes of a named layer out, and back.

    Arrays in gene space are prepared values (see :func:`genelight.pp.prepare`), samples in rows,
    columns in the order of ``genes``.
    """

    @property
    def name(self) -> str:
        """Short name for tables: ``"autoencoder"``, ``"pca"``."""
        ...

    @property
    def genes(self) -> Genes:
        """Input genes, in order."""
        ...

    @property
    def widths(self) -> Mapping[str, int]:
        """Hidden layers from input to output: ``{"L1": 128, "L2": 64, "L3": 32}``."""
        ...

    @property
    def digest(self) -> str:
        """Identity of the weights and genes."""
        ...

    def prepare(self, adata: AnnData) -> np.ndarray:
        """Prepared values of any table of samples, shape ``(n, g)``: aligned, scaled as in training."""
        ...

    def encode(self, x_ng: np.ndarray, layer: str) -> np.ndarray:
        """Codes of `layer`, shape ``(n, k)``."""
        ...

    def decode(self, h_nk: np.ndarray, layer: str) -> np.ndarray:
        """Gene values, shape ``(n, g)``, from codes of `layer`."""
        ...

    def code_range(self, layer: str) -> CodeRange:
        """Range of each node of `layer` over the training samples."""
        ...


@dataclass(frozen=True)
class NodeGenes:
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


EVIDENCE_COLUMNS: dict[str, str] = {
    "subject": "object",
    "test": "object",
    "reference": "object",
    "n": "int64",
    "statistic": "float64",
    "effect": "float64",
    "null_mean": "float64",
    "null_sd": "float64",
    "p": "float64",
    "q": "float64",
    "draws": "int64",
    "seed": "int64",
}


@dataclass(frozen=True)
class Evidence:
    """Results of tests, one row each.

    Parameters
    ----------
    table
        Columns: ``subject`` (a node, a module or a layer), ``test`` (registered name), ``reference`` (the
        network, or ``"collection: set"``), ``n`` (genes that entered), ``statistic``, ``effect`` (z against
        the null, or fold enrichment), ``null_mean``, ``null_sd``, ``p`` (one-sided towards more biology),
        ``q`` (Benjamini-Hochberg over the family that the test's docstring names; NaN where a test says what others
        are to be read against and is no evidence itself), ``draws`` (0 where the null is exact), ``seed``.
    about
        Universe size, coverage of the reference, family sizes.
    """

    table: pd.DataFrame
    about: Mapping[str, Any] = field(default_factory=dict)

    FORMAT: ClassVar[int] = 1

    def __post_init__(self) -> None:
        absent = [c for c in EVIDENCE_COLUMNS if c not in self.table]
        if absent:
            msg = f"evidence needs the columns {', '.join(EVIDENCE_COLUMNS)}; {', '.join(absent)} not found"
            raise FormatError(msg)
        table = self.table[list(EVIDENCE_COLUMNS)].astype(EVIDENCE_COLUMNS).reset_index(drop=True)
        object.__setattr__(self, "table", table)

    def __len__(self) -> int:
        return len(self.table)

    @classmethod
    def join(cls, parts: Sequence[Evidence]) -> Evidence:
        """Stack several; ``about`` keeps each under its test's name."""
        tables = [p.table for p in parts if len(p)]
        empty = pd.DataFrame({c: pd.Series(dtype=t) for c, t in EVIDENCE_COLUMNS.items()})
        about: dict[str, Any] = {}
        for part in parts:
            about.update(part.about)
        return cls(pd.concat(tables, ignore_index=True) if tables else empty, about)

    def of(self, subject: str) -> pd.DataFrame:
        """Rows of one subject, smallest p first."""
        return self.table[self.table["subject"] == subject].sort_values("p", kind="stable")

    def save(self, path: Path) -> None:
        """Write as Parquet."""
        write_parquet(path, self.table, kind="evidence", version=self.FORMAT, about=dict(self.about))

    @classmethod
    def load(cls, path: Path) -> Evidence:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged or of another kind.
        """
        table, about = read_parquet(path, kind="evidence", newest=cls.FORMAT)
        return cls(table, about)
