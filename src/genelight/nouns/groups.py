"""The noun of patient groups: where they lie in a layer's codes, how stable they are, or that there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .._core.printed import Card, Printed, leading
from .._core.tables import read_parquet, write_parquet
from ..errors import FormatError
from .model import Applicability

__all__ = ["Groups"]

SAME = 0.05


@dataclass(frozen=True, repr=False)
class Groups(Printed):
    """Patient groups, or the answer that there are none.

    Parameters
    ----------
    centres
        Groups in rows by name (``"A"``, ...), axes of `about["axes"]` in columns: the mean of its subjects. One row
        where there are no stable groups.
    members
        One row per subject: ``subject``, ``group``, ``confidence`` (how often it falls together with its own group,
        less how often with the next).
    stability
        One row per number of groups tried: ``groups``, ``statistic`` (share of pairs of
        subjects that fall together neither nearly always nor nearly never; low is stable),
        ``null_mean``, ``null_sd``, ``z``, ``p`` (over all numbers tried).
    described
        What goes with the groups: ``kind`` (``"programme"``, ``"column"``), ``name``, ``test``, ``effect``,
        ``highest``, ``p``, ``q``.
    about
        Layer, model's digest, settings, ``axes``, ``centre`` and ``spread`` of the subjects, ``applicability``; of
        several cohorts ``cohort``, the column, and ``cohorts``: whether each falls into the groups by itself.
    """

    centres: pd.DataFrame
    members: pd.DataFrame
    stability: pd.DataFrame
    described: pd.DataFrame
    about: Mapping[str, Any] = field(default_factory=dict)

    FORMAT: ClassVar[int] = 1

    @property
    def found(self) -> int:
        """How many stable groups there are; 0 for none."""
        return len(self.centres) if len(self.centres) > 1 else 0

    @property
    def verdict(self) -> str:
        """The answer in words."""
        best = self.stability.sort_values("p").iloc[0]
        if not self.found:
            return f"no stable groups (best of {len(self.stability)} numbers tried: p = {best['p']:.2g})"
        said = f"{self.found} stable groups (p = {best['p']:.2g})"
        judged = [row for row in self.about.get("cohorts", ()) if row["p"] is not None]
        if judged:
            same = sum(row["p"] <= SAME for row in judged)
            said += f"; {same} of {len(judged)} cohorts fall into them by themselves (p <= {SAME:g})"
        return said

    @property
    def layer(self) -> str:
        """The layer whose codes they are in."""
        return str(self.about["layer"])

    @property
    def applicability(self) -> Applicability:
        """What the model has seen."""
        return Applicability.of(self.about["applicability"])

    def _card(self) -> Card:
        sizes = self.members["group"].value_counts().sort_index() if self.found else ()
        known = self.described[self.described["q"] <= SAME] if len(self.described) else self.described
        return "patient groups", [
            ("answer", self.verdict if len(self.stability) else ""),
            ("subjects", f"{len(self.members):,}"),
            ("sizes", ", ".join(f"{name} {count}" for name, count in dict(sizes).items())),
            ("layer", f"{self.about.get('layer', '')} of {self.about.get('model_digest', 'a model')}"),
            ("go with", leading(list(known["name"])) if len(known) else ""),
        ]

    def assign(self, h_nk: np.ndarray) -> tuple[list[str], np.ndarray]:
        """Group of each sample by its codes, and the probability of that group among all, shape ``(n,)``.

        Of groups over several cohorts the codes must have the mean of their own cohort taken out.

        A Gaussian around every centre with the spread of the subjects within groups; no name and NaN without groups.
        """
        if not self.found:
            return [""] * len(h_nk), np.full(len(h_nk), np.nan)
        axes_ka = np.asarray(self.about["axes"])
        a_na = (h_nk - np.asarray(self.about["centre"])) @ axes_ka
        share_g = np.asarray(self.about["shares"])
        off_nga = (a_na[:, None] - self.centres.to_numpy()) / np.asarray(self.about["spread"])
        log_ng = np.log(share_g) - 0.5 * (off_nga**2).sum(2)
        log_ng -= log_ng.max(1, keepdims=True)
        p_ng = np.exp(log_ng) / np.exp(log_ng).sum(1, keepdims=True)
        best_n = p_ng.argmax(1)
        return [str(self.centres.index[g]) for g in best_n], p_ng.max(1)

    def save(self, path: Path) -> None:
        """Write as Parquet; subjects as numbers, so that the file can leave the hospital."""
        members = self.members.assign(subject=np.arange(1, len(self.members) + 1))
        tables = {"members": members, "stability": self.stability, "described": self.described}
        stored = {name: table.to_json(orient="split", double_precision=15) for name, table in tables.items()}
        write_parquet(
            path, self.centres, kind="groups", version=self.FORMAT, about={**stored, "about": dict(self.about)}
        )

    @classmethod
    def load(cls, path: Path) -> Groups:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged or of another kind.
        """
        from io import StringIO

        centres, stored = read_parquet(path, kind="groups", newest=cls.FORMAT)
        try:
            names = ("members", "stability", "described")
            tables = {name: pd.read_json(StringIO(stored[name]), orient="split", precise_float=True) for name in names}
            return cls(centres, about=stored["about"], **tables)
        except (KeyError, TypeError, ValueError) as error:
            msg = f"{path} was changed after it was written: {error!r}"
            raise FormatError(msg) from error
