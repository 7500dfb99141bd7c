"""The noun of everything that links genes: networks, gene sets, disease genes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from .._core.provenance import digest
from ..errors import InputError

__all__ = ["Edges"]


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
