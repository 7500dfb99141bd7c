"""The noun of tests: one row each, whatever was tested against whatever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from .._core.printed import Card, Printed, leading
from .._core.tables import read_parquet, write_parquet
from ..errors import FormatError
from .labels import reference_label

__all__ = ["EVIDENCE_COLUMNS", "Evidence"]

SIGNIFICANT = 0.05

EVIDENCE_COLUMNS: dict[str, str] = {
    "tested": "object",
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


@dataclass(frozen=True, repr=False)
class Evidence(Printed):
    """Results of tests, one row each.

    Parameters
    ----------
    table
        Columns: ``tested`` (a node, a module or a layer), ``test`` (registered name), ``reference`` (the
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

    def _card(self) -> Card:
        known = self.table.dropna(subset=["q"]).sort_values(["q", "p"], kind="stable")
        tested, tests = (list(self.table[column].unique()) for column in ("tested", "test"))
        best = known.iloc[0] if len(known) else None
        return f"evidence, results of {len(self):,} tests", [
            ("tested", f"{len(tested):,}: {leading(tested)}" if tested else "nothing"),
            ("tests", leading(tests)),
            ("against", f"{self.table['reference'].nunique():,} references"),
            ("found", f"{(known['q'] <= SIGNIFICANT).sum():,} at q <= {SIGNIFICANT}"),
            (
                "first",
                "" if best is None else f"{best['tested']}, {best['test']}: {reference_label(best['reference'])}",
            ),
            ("", "" if best is None else f"effect {best['effect']:.3g}, q = {best['q']:.2g}"),
        ]

    @classmethod
    def join(cls, parts: Sequence[Evidence]) -> Evidence:
        """Stack several; ``about`` keeps each under its test's name."""
        tables = [p.table for p in parts if len(p)]
        empty = pd.DataFrame({c: pd.Series(dtype=t) for c, t in EVIDENCE_COLUMNS.items()})
        about = {name: said for part in parts for name, said in part.about.items()}
        return cls(pd.concat(tables, ignore_index=True) if tables else empty, about)

    def of(self, tested: str) -> pd.DataFrame:
        """Rows of one item, smallest p first."""
        return self.table[self.table["tested"] == tested].sort_values("p", kind="stable")

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
        return cls(*read_parquet(path, kind="evidence", newest=cls.FORMAT))
