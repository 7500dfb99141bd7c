"""Ordered gene lists, the only place where gene columns are realigned, and what links genes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from .._core.printed import Card, Printed, leading
from .._core.provenance import digest
from ..errors import GeneMismatchError, InputError, first_three

__all__ = ["Alignment", "Edges", "Genes", "check_coverage"]


@dataclass(frozen=True, repr=False)
class Alignment(Printed):
    """Where the genes of one list stand in another.

    Attributes
    ----------
    index
        For each wanted gene its position in the other list, -1 where it is missing; shape ``(g,)``.
    found, missing, extra
        Counts: wanted and there, wanted and not there, there and not wanted.
    missing_ids
        The wanted ids that are not there, in order.
    weighted
        Share of the wanted genes' weight that was found; of their number where they have none.
    """

    index: np.ndarray
    found: int
    missing: int
    extra: int
    missing_ids: tuple[str, ...]
    weighted: float

    @property
    def fraction(self) -> float:
        """Share of the wanted genes that were found."""
        return self.found / max(1, self.found + self.missing)

    def _card(self) -> Card:
        return f"alignment of {len(self.index):,} genes with another list", [
            ("found", f"{self.found:,}, with {self.weighted:.1%} of the weight"),
            ("missing", f"{self.missing:,}: {leading(self.missing_ids)}" if self.missing else "none"),
            ("not used", f"{self.extra:,}"),
        ]

    def __str__(self) -> str:
        text = f"{self.found} genes found, {self.missing} missing, {self.extra} not used"
        return text + (f" (missing: {first_three(self.missing_ids)})" if self.missing else "")


@dataclass(frozen=True, repr=False)
class Genes(Printed):
    """An ordered list of unique gene ids in one namespace.

    Parameters
    ----------
    ids
        Unique, non-empty ids.
    namespace
        Kind of id: ``"symbol"``, ``"entrez"``, ``"ensembl"`` or ``"ensp"``.

    Raises
    ------
    InputError
        If ids repeat or are empty.

    Examples
    --------
    >>> from genelight.nouns import Genes
    >>> Genes(("IFI44L", "MX1", "TP53")).align(["MX1", "OAS1", "IFI44L"]).index
    array([ 2,  0, -1])
    """

    ids: tuple[str, ...]
    namespace: str = "symbol"

    def __post_init__(self) -> None:
        ids = tuple(str(i) for i in self.ids)
        object.__setattr__(self, "ids", ids)
        empty = sum(1 for i in ids if not i or i == "nan")
        if empty:
            msg = f"{empty} of {len(ids)} gene ids are empty; drop those columns first"
            raise InputError(msg)
        if len(set(ids)) != len(ids):
            repeated = sorted(i for i, n in Counter(ids).items() if n > 1)
            msg = (
                f"{len(repeated)} gene ids occur more than once ({first_three(repeated)}); "
                "keep one column per gene, for example adata[:, ~adata.var_names.duplicated()]"
            )
            raise InputError(msg)

    def __len__(self) -> int:
        return len(self.ids)

    def _card(self) -> Card:
        return f"{len(self):,} genes by {self.namespace}", [("first", leading(self.ids)), ("digest", self.digest)]

    @cached_property
    def position(self) -> dict[str, int]:
        """Map from id to position."""
        return {gene: i for i, gene in enumerate(self.ids)}

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with any id, the order or the namespace."""
        text = "\n".join((self.namespace, *self.ids))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def align(self, other: Genes | Iterable[str], *, weight_g: np.ndarray | None = None) -> Alignment:
        """Where each of these genes stands in `other`.

        Parameters
        ----------
        other
            The gene list that another table has; ids are unique.
        weight_g
            What each of these genes counts for, such as its variance; by default all the same.

        Raises
        ------
        GeneMismatchError
            If `other` is a `Genes` of another namespace.
        """
        if isinstance(other, Genes):
            if other.namespace != self.namespace:
                msg = (
                    f"ids of two kinds: {self.namespace} ({first_three(self.ids)}) and {other.namespace} "
                    f"({first_three(other.ids)}); map one to the other first"
                )
                raise GeneMismatchError(msg)
            position = other.position
        else:
            position = {str(gene): i for i, gene in enumerate(other)}
        index = np.fromiter((position.get(g, -1) for g in self.ids), dtype=np.int64, count=len(self))
        missing = tuple(g for g, i in zip(self.ids, index, strict=True) if i < 0)
        found = len(self) - len(missing)
        weight_g = np.ones(len(self)) if weight_g is None else weight_g
        weighted = float(weight_g[index >= 0].sum() / weight_g.sum()) if len(self) else 0.0
        return Alignment(index, found, len(missing), len(position) - found, missing, weighted)


def check_coverage(alignment: Alignment, *, least: int, what: str, reference: str) -> None:
    """Stop when two gene lists share fewer than `least` genes.

    Raises
    ------
    GeneMismatchError
        If fewer are shared.
    """
    if alignment.found >= least:
        return
    msg = (
        f"{what} and {reference} share {alignment.found} genes, fewer than {least} "
        f"(not found: {first_three(alignment.missing_ids)}); check that both use the same kind of gene id"
    )
    raise GeneMismatchError(msg)


@dataclass(frozen=True, repr=False)
class Edges(Printed):
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

    Examples
    --------
    >>> import genelight as gl, pandas as pd
    >>> table = pd.DataFrame({"source": ["IFIT1", "MX1"], "target": ["ISG15", "ISG15"], "weight": [1.0, 0.7]})
    >>> edges = gl.Edges("two interactions", table)
    >>> len(edges), edges.namespace
    (2, 'symbol')
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

    def _card(self) -> Card:
        source, target = (self.table[end].unique() for end in ("source", "target"))
        weight = self.table["weight"]
        return self.name, [
            ("edges", f"{len(self):,}"),
            ("from", f"{len(source):,}: {leading(source.tolist())}"),
            ("to", f"{len(target):,}: {leading(target.tolist())} ({self.namespace})"),
            ("weights", f"{weight.min():.3g} to {weight.max():.3g}" if weight.min() < weight.max() else ""),
            ("account", ", ".join(f"{what} {count}" for what, count in self.account.items())),
        ]

    @property
    def digest(self) -> str:
        """Identity of the content."""
        return digest(self.namespace, self.table.to_csv(index=False).encode())
