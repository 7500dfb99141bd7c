"""Patients: how severely the cohort is affected, its groups, and where the most severe patients stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ... import pl
from ...nouns import Groups, Severity
from ...pl._samples import patients
from .._read import KEY
from .._words import number
from ._section import Figure, Section, figure

if TYPE_CHECKING:
    from .._read import Run

COLUMNS = ("patient", "sample", "measure", "score", "low", "high", "group", "confidence")
METHODS = {"severity": "this score", "signature": "interferon genes", "pca": "PCA", "genes": "all genes"}
METRICS = {"spearman": "Spearman correlation", "auc": "AUC", "concordance": "concordance"}
DESCRIBED, GENES = 5, 6


class Patients(Section):
    """The cohort, then patient by patient; patients have numbers unless ids are asked for."""

    name = "patients"
    anchor = "patients"
    label = "Patients"
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """Figures beside baselines, calibration, groups, and the most severe patients."""
        table, score = run.table("07_patients.tsv", COLUMNS), run.noun("07_severity.parquet", Severity.load)
        if table is None or score is None:
            return None
        about = score.about
        figures = score.figures.assign(label=score.figures["method"].map(METHODS))
        return {
            "measure": run.visible(score.measure),
            "hazard": about.get("hazard"),
            "learned": bool(len(score.residuals)),
            **{name: about[name] for name in ("samples", "subjects", "coverage", "refitted")},
            "metric": METRICS.get(about["metric"], about["metric"]),
            "figures": figures.to_dict("records"),
            "under_called": about.get("under_called"),
            "coverage_by": {name: about.get(f"coverage_by_{name}", []) for name in ("score", "measure")},
            "calibration": score.calibration.to_dict("records"),
            "groups": _groups(run),
            "named": run.show_ids,
            "most_severe": _most_severe(run, table),
        }

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """The calibration curve, and the cohort in order."""
        table, score = run.table("07_patients.tsv", COLUMNS), run.noun("07_severity.parquet", Severity.load)
        if found is None or table is None or score is None:
            return {}
        own = found["figures"][0]
        curve = figure(
            lambda ax: pl.calibration(score, ax),
            name="calibration",
            caption="Held-out scores in fifths, and the measure there with its 95% interval over subjects.",
            alt=f"A curve of five points; {own['metric']} on held-out subjects is {number(own['value'])}.",
            height=3.4,
            table=score.calibration,
        )
        first = found["most_severe"]
        cohort = figure(
            lambda ax: patients(_highest(table), ax, marked=[row["name"] for row in first]),
            name="cohort",
            caption="Every patient’s highest held-out score, and the interval of its measure where the "
            "score has one; an interval stays within what was measured in the cohort.",
            alt=f"{first[0]['others'] + 1} patients in ascending order, the highest at {number(first[0]['score'])}.",
            height=3.2,
            width=8.4,
            table=_highest(table)[["score", "low", "high"]],
        )
        return curve | cohort


def _groups(run: Run) -> dict[str, Any] | None:
    """The verdict, and what goes with the groups if there are any."""
    found = run.noun("07_groups.parquet", Groups.load)
    if found is None:
        return None
    members = [
        {"group": name, "subjects": len(part), "confidence": part["confidence"].median()}
        for name, part in (found.members.groupby("group") if found.found else ())
    ]
    described = found.described.groupby("kind", sort=False).head(DESCRIBED) if found.found else found.described.head(0)
    return {
        "verdict": found.verdict,
        "found": found.found,
        "members": members,
        "described": described.to_dict("records"),
        "explain": found.about["explain"],
        "explained": found.about["explained"],
    }


def _highest(table: pd.DataFrame) -> pd.DataFrame:
    """Each patient's sample with the highest score, the highest patient first."""
    return table.dropna(subset="score").sort_values("score", ascending=False, kind="stable").drop_duplicates("patient")


def _most_severe(run: Run, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Where each stands, what drives the score, and what is uncertain about it."""
    drivers = run.table("07_drivers.tsv", ("patient", "rank", "gene", "part"))
    highest = _highest(table)
    shown = 0 if drivers is None else drivers["patient"].nunique()
    rows = []
    for place, row in enumerate(highest.head(shown).to_dict("records"), start=1):
        others = highest.loc[highest["patient"] != row["patient"], "score"]
        rows.append(
            {
                "name": _name(run, int(row["patient"])),
                **{name: row[name] for name in ("measure", "score", "low", "high", "confidence")},
                "group": row["group"] if isinstance(row["group"], str) else None,
                "place": place,
                "others": len(others),
                "inside": int(others.between(row["low"], row["high"]).sum()) if pd.notna(row["low"]) else None,
                "genes": _genes(drivers, row["patient"]),
            }
        )
    return rows


def _genes(drivers: pd.DataFrame | None, patient: int) -> list[dict[Any, Any]]:
    """The first genes that drive a patient's score."""
    if drivers is None:
        return []
    return drivers.loc[drivers["patient"] == patient, ["gene", "part"]].head(GENES).to_dict("records")


def _name(run: Run, patient: int) -> str:
    """A number, or the id where it was asked for."""
    key = run.table(KEY, ("patient", "subject_id")) if run.show_ids else None
    return str(patient) if key is None else str(key.loc[key["patient"] == patient, "subject_id"].iloc[0])
