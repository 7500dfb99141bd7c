"""Response over cohorts as a page, and a page for new patients: one file each that loads nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from .._core.tables import records
from ..pl._response import auc_by_cohort, decision, forest, one_forest, probabilities
from ..pl._svg import svg
from ._render import TEMPLATES, _environment
from ._words import plain

if TYPE_CHECKING:
    import pandas as pd

    from ..nouns import Response

__all__ = ["Page", "patient_pages", "response_page"]

SIGNATURE = "interferon-gamma signature"
MOST_PROGRAMMES, MOST_PATIENTS, NEAREST = 30, 20, 8
LABELS = {
    "recommend": "Which rule",
    "heterogeneity": "Between cohorts",
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
        "settings": {key: found.about[key] for key in ("adjusted", "words", "before", "treated", "local", "seed")},
        "dropped": found.about["dropped"],
        "notes": found.about["notes"],
    }
    summary = plain(summary)
    text = json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return Page(_html("response.html.j2", {**summary, "figures": _figures(found)}), text)


def patient_pages(found: Response, tables: Mapping[str, pd.DataFrame], about: Mapping[str, Any]) -> str:
    """A section for each new patient: probability with interval, drivers, programmes, what is not known."""
    patients = []
    for row in records(tables["scores"].head(MOST_PATIENTS)):
        own = {name: t[t["sample"].astype(str) == str(row["sample"])] for name, t in tables.items()}
        programmes = own["programmes"]
        patients.append({**row, "drivers": records(own["drivers"]), "programmes": records(programmes.head(NEAREST))})
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
    return _html("patient.html.j2", plain(summary))


def _figures(found: Response) -> dict[str, dict[str, str]]:
    whole = found.programmes.set_index("name").T[SIGNATURE]
    effects = found.effects[found.effects["name"] == SIGNATURE]
    shown = tuple(dict.fromkeys((SIGNATURE, found.rule)))
    rows = 0.55 + 0.24 * len(found.cohorts)
    drawn = {
        "cohorts": svg(
            lambda ax: auc_by_cohort(found, ax, methods=shown),
            name="cohorts",
            alt="AUC of each cohort left out.",
            size=(6.4, rows + 0.6),
        ),
        "forest": svg(
            lambda ax: forest(found.programmes, ax),
            name="forest",
            alt="Effects of programmes over cohorts with intervals.",
            size=(6.4, 4.2),
        ),
        "signature": svg(
            lambda ax: one_forest(effects, whole, ax),
            name="signature",
            alt="The signature's effect in each cohort.",
            size=(6.4, rows + 0.6),
        ),
        "calibration": svg(
            lambda ax: probabilities(found.calibration, ax),
            name="calibration",
            alt="Probability against the share that responded.",
        ),
        "decision": svg(
            lambda ax: decision(found.decision, ax), name="decision", alt="Net benefit by threshold of treatment."
        ),
    }
    return {name: {"svg": text, "caption": ""} for name, text in drawn.items()}


def _html(template: str, summary: Mapping[str, Any]) -> str:
    style = Markup((TEMPLATES / "report.css").read_text("utf-8"))  # noqa: S704  our own
    return _environment().get_template(template).render(**summary, style=style)
