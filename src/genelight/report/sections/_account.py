"""The data: who is in which group, by the columns of the sample table, and what became of the genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .._words import number, numeric
from ._section import Section

if TYPE_CHECKING:
    import pandas as pd

    from .._read import Run

GROUPS = ("case", "control", "neither")
LEVELS, COLUMNS = 8, 16
LABELS = {
    "samples": "samples read",
    "genes_read": "genes read",
    "genes_incomplete": "dropped: values missing",
    "genes_constant": "dropped: the same in every sample",
    "genes_on_floor": "dropped: on the chip's floor in most samples",
    "genes_less_variable": "dropped: less variable than asked",
    "genes_kept": "genes kept",
}


class Account(Section):
    """Samples and genes, counted."""

    name = "account"
    anchor = "data"
    label = "Data"
    empty: ClassVar[Any] = {"genes": [], "groups": [], "columns": []}

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any]:
        """Counts by group; no sample is named."""
        found: dict[str, Any] = run.prepare.get("account", {})
        many = run.words["many"]
        genes = [
            {"what": LABELS.get(k, k.replace("_", " ")).replace("genes", many), "value": v}
            for k, v in found.items()
            if v is not None
        ]
        table = run.table("02_samples.tsv", ("number", "sample_id", "subject_id", "contrast_group"))
        if table is None:
            return {"genes": genes, "groups": [], "columns": []}
        parts = {g: p for g in GROUPS if len(p := table[table["contrast_group"] == g])}
        groups = [{"group": g, "samples": len(p), "subjects": p["subject_id"].nunique()} for g, p in parts.items()]
        subjects = table["subject_id"].nunique()
        columns = [_column(run, parts, name) for name in table.columns[4:] if _countable(table[name], subjects)]
        return {"genes": genes, "groups": groups, "columns": columns[:COLUMNS]}

    def missing(self, found: Any) -> dict[str, str]:
        """The table of samples."""
        return {} if found["groups"] else {"account": "The run has no table of samples (02_samples.tsv)."}


def _countable(values: pd.Series, subjects: int) -> bool:
    """A column of few levels, or a number that is not each subject's own."""
    distinct = values.nunique()
    if distinct < 2:
        return False
    if numeric(values):
        return distinct not in (subjects, len(values)) or bool((values.dropna() != values.dropna().round()).any())
    return distinct <= LEVELS


def _column(run: Run, parts: dict[str, pd.DataFrame], name: str) -> dict[str, Any]:
    rows = {group: part[name] for group, part in parts.items()}
    counted = all(map(numeric, rows.values()))
    return {"column": run.visible(name), "cells": [_numbers(v) if counted else _levels(run, v) for v in rows.values()]}


def _numbers(values: pd.Series) -> str:
    kept = values.dropna()
    if not len(kept):
        return "–"
    digits = 0 if bool((kept == kept.round()).all()) else 1
    low, middle, high = (number(float(v), digits) for v in (kept.min(), kept.median(), kept.max()))
    lost = f"; {values.isna().sum()} unknown" if values.isna().any() else ""
    return f"{middle} ({low} to {high}){lost}"


def _levels(run: Run, values: pd.Series) -> str:
    counts = values.astype("string").fillna("unknown").value_counts()
    return ", ".join(f"{run.visible(str(level))} {n}" for level, n in counts.items())
