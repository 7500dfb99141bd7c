"""The noun that scores how severely a sample is affected: linear heads, and how far off they are on unseen subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .._core.printed import Card, Printed
from .._core.tables import read_parquet, write_parquet
from ..errors import FormatError, InputError
from .model import Applicability

__all__ = ["GENES", "Severity", "bounds"]

GENES = "genes"
"""Name of the part that reads prepared genes instead of a layer's codes."""


@dataclass(frozen=True, repr=False)
class Severity(Printed):
    """A severity score, frozen: what it reads, how it weighs it, and how far off it was on subjects it had not seen.

    Parameters
    ----------
    heads
        One row per feature: ``part`` (a layer, or ``"genes"``), ``feature`` (node or gene), ``centre``, ``weight`` (in
        units of the measure per unit of the feature). The score is ``intercept`` plus the sum of weight times
        (value - centre).
    intercept
        Score of a sample at the centre.
    held_out
        The samples it was made from, each scored when its subject was held out: ``sample``, ``subject``, ``fold``,
        ``measure``, ``score``, ``low``, ``high``. Ids leave memory only as numbers: see :meth:`save`.
    figures
        How well it and each baseline do there: ``method``, ``metric`` (``"spearman"``, ``"auc"`` or
        ``"concordance"``), ``value``, ``low``, ``high`` (95% interval over subjects), ``r2``, ``coverage`` of the
        intervals, ``p`` (measures permuted over subjects; NaN where none were drawn).
    residuals
        What intervals are made of: ``residual`` (measure less score, over the spread expected at that score),
        ``part`` (of the scores, from the lowest, where there are subjects for several), ``weight`` (subjects alike;
        sums to one in a part), ``effective`` (how many independent ones a part's are worth). Empty without a measure.
    calibration
        Fifths of the score: ``score``, ``measure`` (means, subjects alike), ``low``, ``high``, ``samples``.
    about
        Measure, model's digest, settings; ``coverage_by_score`` and ``coverage_by_measure``, how often intervals hold
        in fifths, and ``under_called``, in words, where the most severe lie above theirs; ``spread`` (base, slope and
        least of the absolute residual to expect at a score), ``edges`` between the parts of the scores, ``range`` of
        the measure, ``applicability`` (the domain that the model
        has seen).
    """

    heads: pd.DataFrame
    intercept: float
    held_out: pd.DataFrame
    figures: pd.DataFrame
    residuals: pd.DataFrame
    calibration: pd.DataFrame
    about: Mapping[str, Any] = field(default_factory=dict)

    FORMAT: ClassVar[int] = 1
    COLUMNS: ClassVar[tuple[str, ...]] = ("part", "feature", "centre", "weight")

    def __post_init__(self) -> None:
        absent = [c for c in self.COLUMNS if c not in self.heads]
        if absent:
            msg = f"a severity needs the columns {', '.join(self.COLUMNS)}; {', '.join(absent)} not found"
            raise FormatError(msg)

    @property
    def measure(self) -> str:
        """What the score is an estimate of, in words."""
        return str(self.about["measure"])

    @property
    def shown(self) -> str:
        """What stands in ``measure`` of ``held_out`` and ``calibration``, in words."""
        return str(self.about.get("shown", self.measure))

    @property
    def applicability(self) -> Applicability:
        """What the model has seen."""
        return Applicability.of(self.about["applicability"])

    @property
    def parts(self) -> list[str]:
        """What it reads, ``"genes"`` and layers."""
        return list(dict.fromkeys(self.heads["part"]))

    def _card(self) -> Card:
        about, figures = self.about, self.figures
        reads = ", ".join(f"{part} ({len(self.head(part)):,})" for part in self.parts)
        low, high = about.get("range", ("", ""))
        return f"severity score of {about.get('measure', 'what it was learned from')}", [
            ("reads", reads),
            ("model", f"{about.get('model', '')} {about.get('model_digest', '')}"),
            ("made from", f"{len(self.held_out):,} samples of {self.held_out['subject'].nunique():,} subjects"),
            ("held out", _figure(figures.iloc[0]) if len(figures) else "not measured"),
            ("beside", "; ".join(_figure(row) for _, row in figures[1:3].iterrows())),
            ("measure", f"{low:.3g} to {high:.3g}" if len(self.residuals) and "range" in about else ""),
            ("mind", str(about.get("under_called") or "")),
        ]

    def head(self, part: str) -> pd.DataFrame:
        """The rows of one part, in the order of the part's features."""
        return self.heads[self.heads["part"] == part]

    def score(self, features: Mapping[str, np.ndarray]) -> np.ndarray:
        """Scores, shape ``(n,)``, from the values of each part's features, each of shape ``(n, f)``."""
        total_n: np.ndarray | float = self.intercept
        for part in self.parts:
            head = self.head(part)
            weight_f = head["weight"].to_numpy()
            total_n = total_n + features[part] @ weight_f.astype(np.float32) - head["centre"].to_numpy() @ weight_f
        return np.asarray(total_n, dtype=np.float64)

    def interval(self, score_n: np.ndarray, *, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Bounds between which the measure lies for this share of new subjects' samples; NaN without a measure.

        They stay within the measure's range, and are that range where there are too few subjects to say more.

        Raises
        ------
        InputError
            If `coverage` is not between 0 and 1.
        """
        if not len(self.residuals):
            return np.full(len(score_n), np.nan), np.full(len(score_n), np.nan)
        edges = self.about.get("edges", ())
        low_n, high_n = bounds(score_n, self.residuals, spread=self.about["spread"], edges=edges, coverage=coverage)
        return np.clip(low_n, *self.about["range"]), np.clip(high_n, *self.about["range"])

    def with_intervals(self, *, coverage: float) -> Severity:
        """The same with ``low`` and ``high`` beside every held-out score.

        Raises
        ------
        InputError
            If `coverage` is not between 0 and 1.
        """
        low_n, high_n = self.interval(self.held_out["score"].to_numpy(), coverage=coverage)
        return replace(self, held_out=self.held_out.assign(low=low_n, high=high_n))

    def save(self, path: Path) -> None:
        """Write as Parquet; samples and subjects as numbers, so that the file can leave the hospital."""
        held_out = self.held_out.assign(
            sample=np.arange(1, len(self.held_out) + 1), subject=pd.factorize(self.held_out["subject"])[0] + 1
        )
        tables = {"held_out": held_out, "figures": self.figures}
        tables |= {"residuals": self.residuals, "calibration": self.calibration}
        about = {
            "intercept": self.intercept,
            "about": dict(self.about),
            **{name: _columns(table) for name, table in tables.items()},
        }
        write_parquet(path, self.heads, kind="severity", version=self.FORMAT, about=about)

    @classmethod
    def load(cls, path: Path) -> Severity:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged or of another kind.
        """
        heads, stored = read_parquet(path, kind="severity", newest=cls.FORMAT)
        try:
            names = ("held_out", "figures", "residuals", "calibration")
            tables = {name: _table(stored[name]) for name in names}
            return cls(heads, float(stored["intercept"]), about=stored["about"], **tables)
        except (KeyError, TypeError, ValueError) as error:
            msg = f"{path} was changed after it was written: {error!r}"
            raise FormatError(msg) from error


def bounds(
    score_n: np.ndarray,
    residuals: pd.DataFrame,
    *,
    spread: Sequence[float],
    edges: Sequence[float] = (),
    coverage: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds at each score, from its part's residuals in units of the spread expected there.

    Infinite where there are too few to bound so much: fewer than 2 / (1 - coverage) less one.

    Raises
    ------
    InputError
        If `coverage` is not between 0 and 1.
    """
    base, slope, least = spread
    expected_n = np.maximum(base + slope * score_n, least)
    part_n, low_n, high_n = np.searchsorted(edges, score_n), np.empty(len(score_n)), np.empty(len(score_n))
    for part in range(len(edges) + 1):
        here = part_n == part
        own = residuals[residuals["part"] == part] if len(edges) else residuals
        below, above = _quantiles(own, coverage)
        low_n[here], high_n[here] = below * expected_n[here], above * expected_n[here]
    return score_n + low_n, score_n + high_n


def _quantiles(residuals: pd.DataFrame, coverage: float) -> tuple[float, float]:
    """Residuals that a new subject's stays between; the new subject itself may lie beyond all others."""
    if not 0 < coverage < 1:
        msg = f"coverage = {coverage} must lie between 0 and 1, for example 0.9"
        raise InputError(msg)
    table = residuals.sort_values("residual")
    value = table["residual"].to_numpy()
    # A new sample's own place among the others, as in conformal prediction.
    mine = 1.0 / (1.0 + float(residuals["effective"].iloc[0]))
    share = np.cumsum(table["weight"].to_numpy()) * (1.0 - mine)
    tail = (1.0 - coverage) / 2.0
    if tail < mine:
        return -np.inf, np.inf
    above = value[min(int(np.searchsorted(share, 1.0 - tail - 1e-12)), len(value) - 1)]
    falling = np.cumsum(table["weight"].to_numpy()[::-1]) * (1.0 - mine)
    below = value[::-1][min(int(np.searchsorted(falling, 1.0 - tail - 1e-12)), len(value) - 1)]
    return float(below), float(above)


def _figure(row: pd.Series) -> str:
    """How well one method does, in words."""
    return f"{row['method']}: {row['metric']} {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def _columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    """A small table as JSON: NaN as null."""
    return {str(name): [None if pd.isna(v) else v for v in column.tolist()] for name, column in table.items()}


def _table(columns: dict[str, list[Any]]) -> pd.DataFrame:
    table = pd.DataFrame(columns)
    nothing = [name for name, column in table.items() if column.isna().all()]
    return table.astype(dict.fromkeys(nothing, np.float64))
