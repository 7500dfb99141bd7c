"""Which gene an id stands for: the frozen table that ships with the package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any

import pandas as pd

from .._core.errors import UnknownNameError
from .._core.tables import read_parquet

__all__ = ["IdTable"]

_FORMAT = 1



@dataclass(frozen=True)
class IdTable:
    """A frozen table of ids and the genes they stand for.

    Parameters
    ----------
    rows
        Columns ``kind`` (``"symbol"``, ``"alias"``, ``"ensembl"``, ...), ``id``, ``entrez``; where a gene has
        several ids of a kind, they stand in order of preference.
    about
        Sources, versions, licences and digests.

    Examples
    --------
    >>> from genelight.pp import IdTable
    >>> table = IdTable.shipped()
    >>> print(table)
    gene id table 1 (org.Hs.eg.db 3.16.0 + STRING v12 proteins; NCBI Gene, 2022-Sep12)
    >>> table.entrez_of("ensembl").loc["ENSG00000141510"]
    np.int32(7157)
    """

    rows: pd.DataFrame
    about: dict[str, Any]

    @staticmethod
    @lru_cache(maxsize=1)
    def shipped() -> IdTable:
        """The table that comes with the package; read once."""
        with resources.as_file(resources.files("genelight.pp") / "data" / "genes.parquet") as path:
            rows, about = read_parquet(path, kind="gene id table", newest=_FORMAT)
        return IdTable(rows, about)

    def __str__(self) -> str:
        return f"gene id table {_FORMAT} ({self.about['name']}; {self.about['genes']})"

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of id it holds."""
        return tuple(self.rows["kind"].cat.categories)

    def entrez_of(self, kind: str) -> pd.Series:
        """Entrez ids by id, repeated where an id stands for several genes.

        Raises
        ------
        UnknownNameError
            If the table holds no such kind.
        """
        if kind not in self.kinds:
            raise UnknownNameError("kind of gene id", kind, self.kinds, where=str(self))
        if kind not in self._by_kind:
            rows = self.rows[self.rows["kind"] == kind]
            self._by_kind[kind] = pd.Series(rows["entrez"].to_numpy(), index=pd.Index(rows["id"].to_numpy()))
        return self._by_kind[kind]

    @cached_property
    def _by_kind(self) -> dict[str, pd.Series]:
        return {}

    @cached_property
    def genes(self) -> pd.Index:
        """Every Entrez id it knows."""
        return pd.Index(self.entrez_of("symbol").unique())

    def names(self, to: str) -> pd.Series:
        """The preferred id of kind `to` by Entrez id."""
        if to == "entrez":
            return pd.Series(self.genes.astype(str), index=self.genes)
        ids = self.entrez_of(to)
        by_gene = pd.Series(ids.index.to_numpy(), index=ids.to_numpy())
        by_gene = by_gene[~by_gene.index.duplicated()]
        # A symbol that several genes share (transfer RNAs) names none of them.
        return by_gene[~by_gene.duplicated(keep=False)] if to == "symbol" else by_gene
