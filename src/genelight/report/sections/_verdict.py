"""The verdict that heads the page: how sure, whether a simpler method does as well, what would change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...nouns.labels import method_label
from .._evidence import SIGNIFICANT
from .._words import called, interval, known, listed, number, percent, tail

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALL = 10
"""Subjects in a group below which the page says first of all that the cohort is small."""
SIMPLER = ("de", "pca", "variance")


def verdict(summary: Mapping[str, Any]) -> dict[str, Any]:
    """A warning for small cohorts, two answers and the reasons for which they might change.

    Returns
    -------
    dict
        ``banner`` (a sentence, or None), ``answers`` (records of ``question``, ``short``, ``text``, ``tone``) and
        ``change`` (sentences).
    """
    module, held_out = summary.get("module"), summary.get("held_out") or {}
    contrast, reference = summary.get("contrast") or {}, summary.get("reference")
    sides = [(contrast.get(side) or {}).get("subjects") for side in ("cases", "controls")]
    return {
        "banner": _banner(sides, called(summary), given=reference is not None),
        "answers": [
            _sure(module, summary),
            _simpler(module),
            _answer("What does the reference add?", reference["short"], reference["text"], tone=reference["tone"])
            if reference
            else _deep(held_out.get("reconstruction")),
        ],
        "change": _change(summary, sides),
    }


def _banner(sides: list[Any], words: Mapping[str, str], *, given: bool) -> str | None:
    if not all(known(side) for side in sides) or min(sides) >= SMALL:
        return None
    return (
        f"Small cohort: {sides[0]} case and {sides[1]} control subjects. With fewer than {SMALL} in a group, intervals "
        f"are wide and rough, and how often a {words['one']} is selected says little. Read the {words['many']} as "
        "candidates"
        + (
            " and ask a second cohort."
            if given or words["one"] != "gene"
            else ", ask a second cohort, and read these samples, if they are human, through a model of thousands of "
            'others, which knows which genes change together: reference = "human" under [model] of the study file.'
        )
    )


def _answer(question: str, short: str, text: str, *, tone: str) -> dict[str, str]:
    return {"question": question, "short": short, "text": text, "tone": tone}


def _sure(module: Mapping[str, Any] | None, summary: Mapping[str, Any]) -> dict[str, str]:
    question = "How sure is it?"
    if module and module.get("cohorts"):
        return _answer(question, *_elsewhere(module["cohorts"]), tone="equal")
    if module is None or not known(module["auc"]):
        return _answer(question, "Not tested", "No score was tested on unseen subjects.", tone="equal")
    ends, p = module["auc_interval"], module["auc_permutation_p"]
    text = f"AUC {number(module['auc'])} on unseen subjects"
    text += f" (95% interval {interval(ends)})" if interval(ends) else ""
    text += f"; shuffled labels reach it with p = {tail(p)}" if known(p) else ""
    if known(module["stable"]):
        text += f". {module['stable']} of {module['size']} {called(summary)['many']} are in at least 90% of bootstraps"
    if _beyond(module):
        return _answer(question, "Beyond chance", f"{text}.", tone="better")
    return _answer(question, "Not beyond chance", f"{text}.", tone="worse")


def _elsewhere(cohorts: list[Mapping[str, Any]]) -> tuple[str, str]:
    """What each of several cohorts has of the genes that the others have."""
    judged = [c for c in cohorts if c["others"]]
    if not judged:
        return "Not shown", "No cohort could be asked: the others have no gene at this false discovery rate."
    sign, replicated = ([c[what] for c in judged] for what in ("same_sign", "replicated"))
    text = (
        f"Of the genes that the other cohorts have, a cohort has {percent(sum(sign) / len(sign))} with their sign "
        f"({percent(min(sign))} to {percent(max(sign))} in {len(judged)} of {len(cohorts)} cohorts) and "
        f"{percent(sum(replicated) / len(replicated))} with p ≤ 0.05 as well."
    )
    return f"{percent(sum(replicated) / len(replicated))} replicate", text


def _beyond(module: Mapping[str, Any]) -> bool:
    """Whether the AUC's interval lies above one half and shuffled labels rarely reach it."""
    ends, p = module["auc_interval"], module["auc_permutation_p"]
    return bool(interval(ends)) and ends[0] > 0.5 and (not known(p) or p <= SIGNIFICANT)


def _simpler(module: Mapping[str, Any] | None) -> dict[str, str]:
    question = "Does a simpler method do as well?"
    own = None if module is None else module["auc"]
    found = {} if module is None else module["auc_by_method"]
    others = {m: v for m, v in found.items() if m in SIMPLER and known(v.get("auc"))}
    if module is None or not known(own) or not others:
        return _answer(question, "Not compared", "No baseline was judged on the same unseen subjects.", tone="equal")
    named = listed([f"{method_label(m)} {number(v['auc'])}{_apart(v)}" for m, v in others.items()])
    text = f"AUC on the same unseen subjects: this module {number(own)}, {named}."
    if any(known(v.get("difference_high")) and v["difference_high"] < 0 for v in others.values()):
        return _answer(question, "Better", text, tone="worse")
    if all(known(v.get("difference_low")) and v["difference_low"] > 0 for v in others.values()) and _beyond(module):
        return _answer(question, "No", text, tone="better")
    return _answer(question, "As far as is shown", text, tone="equal")


def _apart(other: Mapping[str, Any]) -> str:
    """The interval of this module's AUC less another's, on the same subjects."""
    ends = interval([other.get("difference_low"), other.get("difference_high")])
    return f" (difference {ends})" if ends else ""


def _deep(found: Mapping[str, Any] | None) -> dict[str, str]:
    question = "Does the deep model say more than PCA?"
    if not found:
        return _answer(question, "Not tested", "Reconstruction was not measured on unseen subjects.", tone="equal")
    short = {"better": "A little" if found["difference"] < 0.05 else "Yes", "equal": "No", "worse": "Less"}
    standing = found["verdict"]
    if standing == "better" and found.get("weighed"):
        standing = found.get("weighed_verdict") or "untested"
        short |= {"equal": "By weighing alone", "worse": "By weighing alone"}
    text = f"R² on unseen subjects {number(found['r2'], 3)}, PCA of the same width {number(found['pca_r2'], 3)}"
    ends = interval(found["difference_interval"], 3)
    text += f"; difference {number(found['difference'], 3)} ({ends})." if ends else "."
    if found.get("weighed") and known(found.get("weighed_pca_r2")):
        apart = interval(found["weighed_difference_interval"], 3)
        text += f" PCA of samples weighed alike {number(found['weighed_pca_r2'], 3)}"
        text += f"; difference {number(found['weighed_difference'], 3)} ({apart})." if apart else "."
    tone = standing if standing in short else "equal"
    return _answer(question, short.get(standing, "Not tested"), text, tone=tone)


def _change(summary: Mapping[str, Any], sides: list[Any]) -> list[str]:
    """What, if it were otherwise or were done, could turn the verdict."""
    module, reasons = summary.get("module"), []
    if module is None:
        return ["A contrast with cases and controls: without one there is no module to judge."]
    if all(known(side) for side in sides) and min(sides) < 3 * SMALL:
        reasons.append(
            f"More subjects: {sides[0]} cases and {sides[1]} controls leave room for a few people to decide the result."
        )
    second = summary.get("second_cohort")
    if second is None:
        reasons.append(
            "A second cohort: none was asked. A module that is not there in another cohort is not of the "
            "disease ([second] in the study file)."
        )
    elif second["verdict"] != "preserved":
        reasons.append(f"The second cohort: there the module is {second['verdict']}.")
    if known(module["stable"]) and module["stable"] < module["size"] / 2:
        reasons.append(
            f"Other draws of the subjects: only {module['stable']} of {module['size']} {called(summary)['many']} are "
            "in 90% of bootstraps."
        )
    if not module["pathways"]:
        reasons.append("Gene sets: none were tested, so what the genes do is not known ([[sets]] in the study file).")
    reasons.append(
        "Cell mixture, batch, treatment and age, where they differ between the groups: see the table of samples below."
    )
    return reasons
