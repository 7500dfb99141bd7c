"""The noun of response to a treatment over several cohorts: programmes, predictors, and one that is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .._core.printed import Card, Printed
from .._core.tables import read_parquet, records, write_parquet
from ..errors import FormatError
from .model import Applicability

__all__ = ["PROGRAMME", "Response"]

PROGRAMME = "programme"
"""Part of a rule that reads programmes; the other is ``"genes"``."""
TABLES = ("cohorts", "programmes", "effects", "methods", "held_out", "calibration", "decision", "interaction")
LATER = ("curve", "bounds")
"""Tables that the first files lack."""


@dataclass(frozen=True, repr=False)
class Response(Printed):
    """Response to a treatment, as several cohorts tell it, each judged by what was learned from the others.

    Attributes
    ----------
    cohorts
        One row each: ``cohort``, ``samples``, ``responders``, ``others``, and the AUC of every method on it when it
        was left out; then ``declined``, the share of its patients that the others had not seen the like of.
    programmes
        One row each: ``name``, ``genes``; ``effect`` (responders less others in standard deviations within cohorts,
        Hedges' g), ``low``, ``high`` (95%), ``p``, ``q``; ``tau2``, ``i2`` (heterogeneity between cohorts),
        ``cohorts``; ``least`` and ``most``, the effect without each cohort in turn; ``same_sign``, whether these
        agree.
    effects
        ``name``, ``cohort``, ``effect``, ``se``.
    methods
        One row each: ``method``; ``auc`` on cohorts left out, weighted by size, with ``low`` and ``high`` (95%,
        jackknife and Student's t over cohorts); ``gain`` over the signature with ``gain_low`` and ``gain_high``; ``p``
        (response permuted within cohorts); ``tau2``, the variance of its AUC between cohorts beyond that of chance.
    held_out
        ``sample``, ``cohort``, ``responded``, ``score``, ``probability``, ``local`` (the same after some patients of
        the cohort recalibrated it), ``inside``.
    calibration
        ``which`` (as learned, or recalibrated locally), ``from``, ``to``, ``probability``, ``share``, ``samples``.
    decision
        ``threshold``; net benefit of ``rule``, ``signature``, ``treat_all``, ``treat_none``, and of ``local_share``,
        which knows a cohort's share of responders and nothing of a patient.
    interaction
        As `programmes`, of the difference between treated and untreated; empty where there are no two arms.
    heads
        The frozen rule: ``part`` (``"genes"`` or ``"programme"``), ``feature``, ``centre``, ``weight``, and of genes
        ``axis1``, ... of the domain.
    about
        Rule, settings, sentences, domain, calibration; what was dropped.
    curve
        ``cohorts``, ``method``; ``auc`` on cohorts left out, learned from so many of the others, ``low``, ``high``;
        with the signature, which learns nothing, on the same cohorts.
    bounds
        What could hold the signature down: ``bound``, ``auc`` with or without it, ``value`` and ``p`` of its own.
    """

    cohorts: pd.DataFrame
    programmes: pd.DataFrame
    effects: pd.DataFrame
    methods: pd.DataFrame
    held_out: pd.DataFrame
    calibration: pd.DataFrame
    decision: pd.DataFrame
    interaction: pd.DataFrame
    heads: pd.DataFrame
    about: Mapping[str, Any] = field(default_factory=dict)
    curve: pd.DataFrame = field(default_factory=pd.DataFrame)
    bounds: pd.DataFrame = field(default_factory=pd.DataFrame)

    FORMAT: ClassVar[int] = 1

    @property
    def rule(self) -> str:
        """The rule that is recommended, and frozen here."""
        return str(self.about["rule"])

    @property
    def verdict(self) -> str:
        """What was found, in sentences."""
        return " ".join(self.about["sentences"].values())

    def _card(self) -> Card:
        said, best = self.about["sentences"], self.methods.set_index("method").to_dict("index")[self.rule]
        declined = 1.0 - self.held_out["inside"].mean()
        auc = f"{best['auc']:.3f} ({best['low']:.3f} to {best['high']:.3f})"
        rows = [
            ("patients", f"{self.about['responders']} responders of {self.about['samples']}"),
            ("rule", f"{self.rule}, AUC {auc} on cohorts left out"),
            *((label, said[label]) for label in ("programmes", "calibration", "arms")),
            ("declined", f"{declined:.0%} of the patients, for the other cohorts hold nobody like them"),
        ]
        return f"response in {len(self.cohorts)} cohorts", rows

    def weights(self, part: str) -> pd.DataFrame:
        """What the rule reads of one part."""
        return self.heads[(self.heads["part"] == part) & (self.heads["weight"] != 0)]

    def domain(self) -> tuple[pd.DataFrame, Applicability]:
        """What the cohorts span: genes with ``centre`` and axes, and how far off cohorts lie that are left out."""
        genes = self.heads[self.heads["part"] == "genes"]
        return genes, Applicability.of(self.about["domain"])

    def save(self, path: Path) -> None:
        """Write as Parquet; samples as numbers, so that the file can leave the hospital."""
        held_out = self.held_out.assign(sample=np.arange(1, len(self.held_out) + 1))
        stored: dict[str, Any] = {
            name: _columns(getattr(self, name)) for name in (*TABLES, *LATER) if name != "held_out"
        }
        stored |= {"held_out": _columns(held_out), "about": dict(self.about)}
        write_parquet(path, self.heads, kind="response", version=self.FORMAT, about=stored)

    @classmethod
    def load(cls, path: Path) -> Response:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged or of another kind.
        """
        heads, stored = read_parquet(path, kind="response", newest=cls.FORMAT)
        try:
            names = [*TABLES, *(name for name in LATER if name in stored)]
            tables = {name: pd.DataFrame(stored[name]["rows"], columns=stored[name]["columns"]) for name in names}
            return cls(heads=heads, about=stored["about"], **{name: _numbers(table) for name, table in tables.items()})
        except (KeyError, TypeError, ValueError) as error:
            msg = f"{path} was changed after it was written: {error!r}"
            raise FormatError(msg) from error


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    return {"columns": [str(name) for name in table], "rows": records(table)}


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """With missing values as NaN again where all others are numbers."""
    for name, column in table.items():
        if column.dtype == object and all(isinstance(v, int | float | None) for v in column):
            table[name] = column.astype(np.float64)
    return table
