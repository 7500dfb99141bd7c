"""Response over cohorts as a page, and a page for new patients: one file each that loads nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from .._core.tables import records
from ..pl._response import SIGNATURE, auc_by_cohort, decision, forest, learning, one_forest, probabilities
from ._render import page, scripted
from ._words import plain
from .sections._section import figure

if TYPE_CHECKING:
    from ..nouns import Response

MOST_PROGRAMMES, MOST_PATIENTS, NEAREST = 30, 20, 8
SCRIPTS = ("page", "served", "plot", "tables", "forest", "response")
LABELS = {
    "recommend": "Which rule",
    "heterogeneity": "Between cohorts",
    "curve": "More cohorts",
    "bounds": "What bounds it",
    "programmes": "Programmes",
    "calibration": "Probabilities",
    "decision": "Beside the local share",
    "arms": "Prognostic or predictive",
    "declined": "Declined",
}


class Page(NamedTuple):
    """The same as a page and as JSON."""

    html: str
    json: str


def response_page(found: Response) -> Page:
    """Everything that was found, with the table by cohort and the pictures."""
    methods = [name for name in found.methods["method"] if name in found.cohorts]
    summary = {
        "title": f"Response in {len(found.cohorts)} cohorts",
        "samples": found.about["samples"],
        "responders": found.about["responders"],
        "rule": found.rule,
        "sentences": [{"label": LABELS[key], "text": text} for key, text in found.about["sentences"].items() if text],
        "methods": records(found.methods),
        "by_cohort": {"names": methods, "rows": records(found.cohorts)},
        "programmes": records(found.programmes.head(MOST_PROGRAMMES)),
        "of_programmes": len(found.programmes),
        "interaction": records(found.interaction.head(MOST_PROGRAMMES)),
        "slopes": found.about["slopes"],
        "curve": records(found.curve),
        "bounds": records(found.bounds),
        "settings": {key: found.about[key] for key in ("adjusted", "words", "before", "treated", "local", "seed")},
        "dropped": found.about["dropped"],
        "notes": found.about["notes"],
    }
    summary = plain(summary)
    text = json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    figures = _figures(found)
    numbers = {name: f["csv"] for name, f in figures.items()}
    script = scripted(SCRIPTS, plain({"figures": numbers, "forest": _forests(found)}))
    return Page(page("response.html.j2", {**summary, "figures": figures, **script}), text)


def patient_pages(found: Response, tables: Mapping[str, pd.DataFrame], about: Mapping[str, Any]) -> str:
    """A section for each new patient: probability with interval, drivers, programmes, what is not known."""
    patients = []
    fifths = found.calibration[found.calibration["which"] == "as learned"]
    for row in records(tables["scores"].head(MOST_PATIENTS)):
        own = {name: t[t["sample"].astype(str) == str(row["sample"])] for name, t in tables.items()}
        programmes = own["programmes"]
        patients.append({**row, "drivers": records(own["drivers"]), "programmes": records(programmes.head(NEAREST))})
        patients[-1]["like"] = _like(fifths, row["probability"])
    methods = found.methods.set_index("method")
    rule = {"name": found.rule, **records(methods.loc[[found.rule]])[0]}
    summary = {
        "patients": patients,
        "more": max(0, len(tables["scores"]) - MOST_PATIENTS),
        "rule": rule,
        "base": found.about["responders"] / found.about["samples"],
        "cohorts": len(found.cohorts),
        "about": dict(about),
        "arms": found.about["sentences"]["arms"],
    }
    return page("patient.html.j2", plain(summary))


def _like(fifths: pd.DataFrame, probability: float | None) -> dict[str, Any] | None:
    """The patients of cohorts left out whose probability was nearest."""
    if probability is None or not len(fifths):
        return None
    off = (fifths["from"] - probability).clip(lower=0) + (probability - fifths["to"]).clip(lower=0)
    return records(fifths.loc[[off.idxmin()]])[0]


def _forests(found: Response) -> dict[str, Any]:
    """Every programme in every cohort, for the picture that the reader chooses."""
    cohorts = found.cohorts["cohort"]
    over = found.programmes.set_index("name")
    place = pd.MultiIndex.from_product((over.index, cohorts), names=("name", "cohort"))
    each = found.effects.set_index(["name", "cohort"]).reindex(place)
    shape = len(over), len(cohorts)
    notes = [f"{row.responders} of {row.samples}" for row in found.cohorts.itertuples()]
    return {
        "cohorts": [{"name": str(name), "note": note} for name, note in zip(cohorts, notes, strict=True)],
        "name": list(over.index),
        "effects": each["effect"].to_numpy(float).round(4).reshape(shape).tolist(),
        "ses": each["se"].to_numpy(float).round(4).reshape(shape).tolist(),
        **{c: over[c].tolist() for c in ("effect", "low", "high", "tau2", "i2", "p", "q") if c in over},
    }


def _figures(found: Response) -> dict[str, dict[str, str]]:
    whole = found.programmes.set_index("name").T[SIGNATURE]
    effects = found.effects[found.effects["name"] == SIGNATURE]
    shown = tuple(dict.fromkeys((SIGNATURE, found.rule)))
    rows = 0.55 + 0.24 * len(found.cohorts)
    drawn = {
        **figure(
            lambda ax: auc_by_cohort(found, ax, methods=shown),
            name="cohorts",
            alt="AUC of each cohort left out.",
            height=rows + 0.6,
            width=6.4,
            table=found.cohorts,
        ),
        **figure(
            lambda ax: forest(found.programmes, ax),
            name="forest",
            alt="How far programmes differ with response, over cohorts, with intervals.",
            height=4.2,
            width=6.4,
            table=found.programmes,
        ),
        **figure(
            lambda ax: one_forest(effects, whole, ax),
            name="signature",
            alt="The signature's effect in each cohort.",
            height=rows + 0.6,
            width=6.4,
            table=effects,
        ),
        **figure(
            lambda ax: probabilities(found.calibration, ax),
            name="calibration",
            alt="Probability against the share that responded.",
            table=found.calibration,
        ),
        **figure(
            lambda ax: decision(found.decision, ax),
            name="decision",
            alt="Net benefit by threshold of treatment.",
            table=found.decision,
        ),
    }
    if len(found.curve):
        drawn |= figure(
            lambda ax: learning(found, ax),
            name="curve",
            alt="AUC on cohorts left out by how many were learned from.",
            table=found.curve,
        )
    return drawn
