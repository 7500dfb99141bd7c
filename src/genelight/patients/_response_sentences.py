"""What was found of response, in sentences, the same for the command line and the page."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import first_three
from ..nouns.response import Response
from ._response_rules import CHOSEN, SIGNATURE

LEVEL = 0.05


def sentences(found: Response, *, treated: str | None) -> dict[str, str]:
    """By what they are of, in the order in which they are to be read."""
    methods = found.methods.set_index("method")
    return {
        "recommend": _recommend(found, methods),
        "heterogeneity": _heterogeneity(methods.T[SIGNATURE], len(found.cohorts)),
        "curve": _curve(found.curve),
        "bounds": _bounds(found.bounds),
        "programmes": _programmes(found.programmes),
        "calibration": _calibration(found),
        "decision": _worth(found.decision),
        "arms": _arms(found.interaction, treated),
        "declined": _declined(found),
    }


def _recommend(found: Response, methods: pd.DataFrame) -> str:
    signature, chosen = methods.loc[SIGNATURE], methods.loc[CHOSEN]
    gain = f"{chosen['gain']:+.3f} ({chosen['gain_low']:+.3f} to {chosen['gain_high']:+.3f})"
    if found.rule != SIGNATURE:
        return (
            f"On cohorts left out the rule {CHOSEN} has an AUC of {chosen['auc']:.3f} ({chosen['low']:.3f} to "
            f"{chosen['high']:.3f}), {gain} over the {SIGNATURE}: it is recommended."
        )
    own = signature["low"] <= 0.5 <= signature["high"]
    weak = (
        " Its interval holds 0.5: in these cohorts even the signature isn't shown to foretell response." if own else ""
    )
    inside = f"what was {CHOSEN} inside the training cohorts gained {gain}"
    if chosen["gain_low"] == chosen["gain_high"] == 0:
        inside = "inside the training cohorts nothing beat it either"
    return (
        f"No rule beat the {SIGNATURE} on cohorts left out, so it is recommended: AUC {signature['auc']:.3f} "
        f"({signature['low']:.3f} to {signature['high']:.3f}); {inside}.{weak}"
    )


def _heterogeneity(signature: pd.Series, cohorts: int) -> str:
    if not np.isfinite(signature["heterogeneity_p"]):
        return ""
    differs = "differs" if signature["heterogeneity_p"] < LEVEL else "isn't seen to differ"
    return (
        f"The signature's AUC {differs} between the {cohorts} cohorts beyond chance (standard deviation "
        f"{np.sqrt(signature['tau2']):.3f}, p {signature['heterogeneity_p']:.2g})."
    )


def _curve(curve: pd.DataFrame) -> str:
    """What more cohorts to learn from bring, beside the signature on the same cohorts."""
    fewest, most = int(curve["cohorts"].min()), int(curve["cohorts"].max())
    if fewest == most:
        return f"No learning curve: rules can be learned from {most} cohorts at most, with one left out."
    auc = curve.pivot_table(index="method", columns="cohorts", values="auc", sort=False)
    signature, auc = float(auc[most].to_dict()[SIGNATURE]), auc.drop(index=SIGNATURE)
    said = "; ".join(f"{row.Index} {row[1]:.3f} to {row[-1]:.3f}" for row in auc.itertuples())
    best = auc[most].max()
    more = "none reaches" if best < signature else "the best reaches"
    return (
        f"AUC on cohorts left out, learned from {fewest} to {most} others: {said}; {more} the {signature:.3f} of the "
        f"{SIGNATURE}, which learns nothing."
    )


def _bounds(bounds: pd.DataFrame) -> str:
    """What could hold the signature down."""
    auc = bounds.set_index("bound")["auc"]
    own, noise, wrong = auc.iloc[0], auc.iloc[1], auc.iloc[2]
    without = f"without noise of its genes {noise:.3f}" if np.isfinite(noise) else "the noise of its genes isn't known"
    return (
        f"What could hold the signature's {own:.3f} down: {without}; where a further {bounds['value'].iloc[2]:.0%} of "
        f"responses were called wrongly it falls to {wrong:.3f}, so as many wrong calls hide about {own - wrong:.3f}."
    )


def _programmes(table: pd.DataFrame) -> str:
    sure = table[(table["q"] <= LEVEL) & table["same_sign"]]
    said = f"Of {len(table)} programmes {len(sure)} go with response at a false discovery rate of {LEVEL:g}"
    if not len(sure):
        if not table["q"].notna().any():
            return "No programme has an effect that can be told: too few patients or cohorts are left after adjustment."
        best = table.iloc[0]
        return f"{said}; the nearest is {best['name']} ({best['effect']:+.2f} standard deviations, q {best['q']:.2g})."
    named = first_three(f"{row.name_} {row.effect:+.2f}" for row in sure.rename(columns={"name": "name_"}).itertuples())
    return f"{said}, with the same sign whichever cohort is left out: {named} standard deviations."


def _calibration(found: Response) -> str:
    slopes = found.about["slopes"]
    parts = [f"{v['slope']:.2f} ({v['low']:.2f} to {v['high']:.2f}) {name}" for name, v in slopes.items()]
    return f"Calibration slope, where 1 is right: {'; '.join(parts)}, by {found.about['local']} patients a cohort."


def _worth(decision: pd.DataFrame) -> str:
    """What the rule adds to the share of responders that the local patients show."""
    beside = decision[["local_share", "treat_all", "treat_none"]].max(axis=1)
    gain = decision["rule"] - beside
    best, worst = gain.idxmax(), gain.idxmin()
    return (
        "After recalibration slope and net benefit hold the cohort's share of responders too, which needs no score "
        f"(a constant one has no slope). Over that share alone, treating all and none the rule adds {gain[worst]:+.3f} "
        f"(threshold {decision['threshold'][worst]:g}) to {gain[best]:+.3f} "
        f"(threshold {decision['threshold'][best]:g})."
    )


def _arms(interaction: pd.DataFrame, treated: str | None) -> str:
    if treated is None or not len(interaction):
        why = "every cohort has one arm" if treated is None else "no cohort has both classes in both arms"
        return (
            f"Prognostic or predictive can't be told: {why}. What goes with response here may go with a better "
            "course under any treatment; only patients drawn into two arms tell."
        )
    sure = interaction[interaction["q"] <= LEVEL]
    if not len(sure):
        return (
            f"No programme is shown to be predictive: of {len(interaction)}, none differs between the arms at a false "
            f"discovery rate of {LEVEL:g}. What goes with response may be prognostic alone."
        )
    return (
        f"{len(sure)} of {len(interaction)} programmes are predictive, their difference is another in the treated arm "
        f"({first_three(sure['name'])}); by itself this says so only if the arms were drawn by lot."
    )


def _declined(found: Response) -> str:
    share = 1 - float(found.held_out["inside"].mean())
    most = found.cohorts.loc[found.cohorts["declined"].idxmax()]
    return f"For {share:.0%} of the patients it declines to answer, for the other cohorts hold nobody like them" + (
        f", most in {most['cohort']} ({most['declined']:.0%})." if most["declined"] > 0 else "."
    )
