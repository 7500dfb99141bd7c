"""Which gene an id stands for: the frozen table that ships with the package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any

import pandas as pd

from .._core.tables import read_parquet
from ..errors import UnknownNameError

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
    >>> from genelight.io.id_table import IdTable
    >>> table = IdTable.shipped()
    >>> print(table)
    gene id table 1 (org.Hs.eg.db 3.16.0 + STRING v12 proteins; NCBI Gene, 2022-Sep12)
    >>> table.entrez_of("ensembl")["ENSG00000141510"]
    (7157,)
    """

    rows: pd.DataFrame
    about: dict[str, Any]
    _by_kind: dict[str, dict[str, tuple[int, ...]]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _names: dict[str, dict[int, str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @staticmethod
    @lru_cache(maxsize=1)
    def shipped() -> IdTable:
        """The table that comes with the package; read once."""
        with resources.as_file(resources.files("genelight.io") / "data" / "genes.parquet") as path:
            rows, about = read_parquet(path, kind="gene id table", newest=_FORMAT)
        return IdTable(rows, about)

    def __str__(self) -> str:
        return f"gene id table {_FORMAT} ({self.about['name']}; {self.about['genes']})"

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of id it holds."""
        return tuple(self.rows["kind"].cat.categories)

    def entrez_of(self, kind: str) -> Mapping[str, tuple[int, ...]]:
        """Entrez ids by id: several where an id stands for several genes.

        Raises
        ------
        UnknownNameError
            If the table holds no such kind.
        """
        if kind not in self.kinds:
            raise UnknownNameError("kind of gene id", kind, self.kinds, where=str(self))
        if kind not in self._by_kind:
            rows = self.rows[self.rows["kind"] == kind]
            self._by_kind[kind] = _gathered(rows["id"], rows["entrez"])
        return self._by_kind[kind]

    @cached_property
    def any_case(self) -> Mapping[str, tuple[int, ...]]:
        """Entrez ids by symbol or, where no symbol fits, alias; both in upper case."""
        symbols, aliases = (
            _gathered((i.upper() for i in ids for _ in ids[i]), (gene for genes in ids.values() for gene in genes))
            for ids in (self.entrez_of("symbol"), self.entrez_of("alias"))
        )
        return {**aliases, **symbols}

    @cached_property
    def genes(self) -> frozenset[int]:
        """Every Entrez id it knows."""
        return frozenset(gene for genes in self.entrez_of("symbol").values() for gene in genes)

    def names(self, to: str) -> Mapping[int, str]:
        """The preferred id of kind `to` by Entrez id."""
        if to not in self._names:
            self._names[to] = self._name(to)
        return self._names[to]

    def _name(self, to: str) -> dict[int, str]:
        if to == "entrez":
            return {gene: str(gene) for gene in self.genes}
        names: dict[int, str] = {}
        for name, genes in self.entrez_of(to).items():
            # A symbol that several genes share (transfer RNAs) names none of them.
            for gene in genes if to != "symbol" or len(genes) == 1 else ():
                names.setdefault(gene, name)
        return names


def _gathered(ids: Iterable[str], genes: Iterable[int]) -> dict[str, tuple[int, ...]]:
    gathered: dict[str, tuple[int, ...]] = {}
    for name, gene in zip(ids, genes, strict=True):
        known = gathered.get(name, ())
        gathered[name] = known if gene in known else (*known, int(gene))
    return gathered
