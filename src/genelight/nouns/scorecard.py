"""The noun that says what each layer holds, beside its controls, and what that decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from .._core.printed import Card, Printed, leading
from .._core.tables import read_parquet, records, write_parquet
from ..errors import FormatError

__all__ = ["SCORE_COLUMNS", "VERDICTS", "VERDICT_COLUMNS", "Scorecard"]

VERDICTS = ("holds", "does not hold", "cannot tell here")

SCORE_COLUMNS: dict[str, str] = {
    "kind": "object",
    "question": "object",
    "measure": "object",
    "model": "object",
    "control": "bool",
    "layer": "object",
    "depth": "int64",
    "width": "int64",
    "seed": "int64",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "null": "float64",
    "p": "float64",
}
VERDICT_COLUMNS: dict[str, str] = {
    "kind": "object",
    "question": "object",
    "measure": "object",
    "claim": "object",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "p": "float64",
    "seeds": "int64",
    "control": "object",
    "difference": "float64",
    "difference_low": "float64",
    "difference_high": "float64",
    "verdict": "object",
    "sentence": "object",
}


@dataclass(frozen=True, repr=False)
class Scorecard(Printed):
    """What each layer of a model holds, beside the controls, and a verdict on every claim.

    Parameters
    ----------
    table
        One row for each question, measure, model, layer and seed. ``kind`` is ``network``, ``sets``, ``label``,
        ``batch`` or ``column``; ``question`` names the network, collection or column; ``measure`` what ``value``
        is; ``low`` and ``high`` its 95% interval over nodes, where there is one; ``null`` what chance gives; ``p``
        the permutation p value, where there is one.
    verdicts
        One row for each claim: the model's ``value`` (the change from the first layer to the last, or the mean over
        layers) with its interval over seeds, the ``control`` that comes nearest and the ``difference`` to it, the
        ``verdict`` (one of :data:`VERDICTS`) and a ``sentence``.
    about
        Sizes, settings, and what was left out.
    """

    table: pd.DataFrame
    verdicts: pd.DataFrame
    about: Mapping[str, Any] = field(default_factory=dict)

    FORMAT: ClassVar[int] = 1

    def __post_init__(self) -> None:
        for name, table, columns in (
            ("table", self.table, SCORE_COLUMNS),
            ("verdicts", self.verdicts, VERDICT_COLUMNS),
        ):
            absent = [c for c in columns if c not in table]
            if absent:
                msg = f"a scorecard's {name} needs the columns {', '.join(columns)}; {', '.join(absent)} not found"
                raise FormatError(msg)
            object.__setattr__(self, name, table[list(columns)].astype(columns).reset_index(drop=True))

    def _card(self) -> Card:
        said = self.verdicts.groupby("verdict", sort=False)["claim"]
        return f"scorecard of {len(self.layers)} layers", [
            ("layers", leading(self.layers)),
            ("controls", leading(self.controls)),
            ("asked", leading(list(self.table["question"].unique()))),
            ("seeds", f"{self.table['seed'].nunique()}"),
            *((str(verdict), f"{len(claims)}: {leading(list(claims.unique()), n=3)}") for verdict, claims in said),
        ]

    @property
    def layers(self) -> list[str]:
        """The model's layers, from the input on."""
        own = self.table[~self.table["control"]].sort_values("depth", kind="stable")
        return list(dict.fromkeys(own["layer"]))

    @property
    def controls(self) -> list[str]:
        """Names of the controls."""
        return list(dict.fromkeys(self.table.loc[self.table["control"], "model"]))

    def means(self) -> pd.DataFrame:
        """Mean over seeds for each question, measure, model and layer: columns ``value`` and ``null``."""
        by = ["kind", "question", "measure", "model", "control", "layer", "depth", "width"]
        return self.table.groupby(by, sort=False, as_index=False)[["value", "null"]].mean()

    def save(self, path: Path) -> None:
        """Write as Parquet, the verdicts in its stamp."""
        about = {"about": dict(self.about), "verdicts": records(self.verdicts)}
        write_parquet(path, self.table, kind="scorecard", version=self.FORMAT, about=about)

    @classmethod
    def load(cls, path: Path) -> Scorecard:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged or of another kind.
        """
        table, stamp = read_parquet(path, kind="scorecard", newest=cls.FORMAT)
        verdicts = pd.DataFrame(stamp["verdicts"], columns=list(VERDICT_COLUMNS))
        return cls(table, verdicts, stamp["about"])
