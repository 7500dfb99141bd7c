"""Response over cohorts as a page, and a page for new patients: one file each that loads nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from .._core.tables import records
from ..pl._picture import svg
from ..pl._response import auc_by_cohort, decision, forest, learning, one_forest, probabilities
from ._payload import encoded
from ._render import TEMPLATES, _environment, policy_of, scripts_of
from ._words import plain

if TYPE_CHECKING:
    from ..nouns import Response

__all__ = ["Page", "patient_pages", "response_page"]

SIGNATURE = "interferon-gamma signature"
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
    scripts = scripts_of(SCRIPTS)
    shown = {
        **summary,
        "figures": figures,
        "scripts": scripts,
        "policy": policy_of(scripts),
        "payload": Markup(encoded(plain({"figures": numbers, "forest": _forests(found)}))),  # noqa: S704  base64
    }
    return Page(_html("response.html.j2", shown), text)


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
    return _html("patient.html.j2", plain(summary))


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
        "cohorts": svg(
            lambda ax: auc_by_cohort(found, ax, methods=shown),
            name="cohorts",
            alt="AUC of each cohort left out.",
            size=(6.4, rows + 0.6),
        ),
        "forest": svg(
            lambda ax: forest(found.programmes, ax),
            name="forest",
            alt="How far programmes differ with response, over cohorts, with intervals.",
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
    if len(found.curve):
        drawn["curve"] = svg(
            lambda ax: learning(found, ax), name="curve", alt="AUC on cohorts left out by how many were learned from."
        )
    tables = {
        "cohorts": found.cohorts,
        "forest": found.programmes,
        "signature": effects,
        "calibration": found.calibration,
        "decision": found.decision,
        "curve": found.curve,
    }
    return {
        name: {"svg": text, "caption": "", "csv": tables[name].to_csv(index=False, float_format="%.6g")}
        for name, text in drawn.items()
    }


def _html(template: str, summary: Mapping[str, Any]) -> str:
    style = Markup((TEMPLATES / "report.css").read_text("utf-8"))  # noqa: S704  our own
    return _environment().get_template(template).render(**summary, style=style)
