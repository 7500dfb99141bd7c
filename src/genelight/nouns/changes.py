"""The noun of programmes that differ between groups of visits, or change over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .._core.printed import Card, Printed
from .._core.tables import read_tsv, write_tsv

__all__ = ["Changes", "ranked"]

SIGNIFICANT, SHOWN = 0.05, 3


@dataclass(frozen=True, repr=False)
class Changes(Printed):
    """Programmes that differ or change.

    Attributes
    ----------
    table
        One row per programme: ``name``, ``effect`` (in standard deviations of the programme), ``low``, ``high`` (95%),
        ``p``, ``q`` (Benjamini-Hochberg over the rows), smallest p first.
    about
        Question, numbers of samples and subjects, ``warning``.
    """

    table: pd.DataFrame
    about: Mapping[str, Any] = field(default_factory=dict)

    FORMAT: ClassVar[int] = 1

    def _card(self) -> Card:
        known, about = self.table[self.table["q"] <= SIGNIFICANT], self.about
        counted = [f"{about[what]:,} {what}" for what in ("samples", "subjects", "genes") if what in about]
        return f"changes: {about.get('question', '')}", [
            ("tested", f"{len(self.table):,}, {len(known):,} of them at q <= {SIGNIFICANT}"),
            *((str(row["name"]), _said(row)) for _, row in self.table.head(SHOWN).iterrows()),
            ("of", ", ".join(counted)),
            ("layer", str(about.get("layer") or "")),
            ("mind", str(about.get("warning") or "")),
        ]

    def save(self, path: Path) -> None:
        """Write as TSV under one comment line."""
        write_tsv(path, self.table, kind="changes", version=self.FORMAT, about=dict(self.about))

    @classmethod
    def load(cls, path: Path) -> Changes:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged or of another kind.
        """
        return cls(*read_tsv(path, kind="changes", newest=cls.FORMAT, text=("name",)))


def _said(row: pd.Series) -> str:
    return f"{row['effect']:+.2f} ({row['low']:.2f} to {row['high']:.2f}), q = {row['q']:.2g}"


def ranked(rows: Sequence[Mapping[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """Rows of :class:`Changes` with their false discovery rates, the smallest p first."""
    # In a function, as in every room that reads and prepares: it takes a second and 50 MB.
    from scipy.stats import false_discovery_control

    table = pd.DataFrame(rows, columns=["name", "effect", "low", "high", "p"])
    known = table["p"].notna()
    table["q"] = np.nan
    table.loc[known, "q"] = false_discovery_control(table.loc[known, "p"])
    return table.sort_values("p", kind="stable", ignore_index=True)
