"""The noun of programmes that differ between groups of visits, or change over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .._core.tables import read_tsv, write_tsv

__all__ = ["Changes", "ranked"]


@dataclass(frozen=True)
class Changes:
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


def ranked(rows: Sequence[Mapping[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """Rows of :class:`Changes` with their false discovery rates, the smallest p first."""
    # In a function, as in every room that reads and prepares: it takes a second and 50 MB.
    from scipy.stats import false_discovery_control

    table = pd.DataFrame(rows, columns=["name", "effect", "low", "high", "p"])
    known = table["p"].notna()
    table["q"] = np.nan
    table.loc[known, "q"] = false_discovery_control(table.loc[known, "p"])
    return table.sort_values("p", kind="stable", ignore_index=True)
