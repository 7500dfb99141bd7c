"""Known disease genes: what each module shares with them, beside chance matched on expression and variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...nouns.labels import method_label
from .._evidence import MATCHED, PLAIN, SIGNIFICANT
from .._words import known, number, tail
from ._section import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from .._read import Run

CONTROL = "variance"


class Genetics(Section):
    """Lists of disease genes that the study named."""

    name = "genetics"
    anchor = "genetics"
    label = "Disease genes"
    empty = ()
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> list[dict[str, Any]]:
        """One record per list: how many are measured, what each module shares with them, a verdict."""
        return [_disease(run, rows) for _, rows in evidence[evidence["disease"]].groupby("reference", sort=False)]


def _disease(run: Run, rows: pd.DataFrame) -> dict[str, Any]:
    collection = str(rows["collection"].iloc[0])
    tests = rows[rows["test"].isin([PLAIN, MATCHED]) | rows["main"]]
    # A module's name reads "name [method]"; nodes, which are tested too, have no method and fall out.
    method = tests["tested"].str.extract(r" \[([^\]]+)\]$", expand=False)
    records = [_module(run, str(name), part) for name, part in tests.groupby(method, sort=False)]
    facts = _facts(run, collection)
    return {
        "disease": rows["reference"].iloc[0].removeprefix(f"{collection}: "),
        "collection": collection,
        "measured": facts.get("members measured"),
        "lost": facts.get("members not measured"),
        "universe": facts.get("universe"),
        "modules": records,
        **_verdict(records, facts),
    }


def _facts(run: Run, collection: str) -> dict[str, Any]:
    """Coverage of the collection; empty where it holds more than the one disease."""
    test = {} if run.evidence is None else run.evidence.about.get(PLAIN, {})
    account = test.get("collections", {}).get(collection, {})
    return {**account, "universe": test.get("universe")} if account.get("sets") == 1 else {}


def _module(run: Run, method: str, rows: pd.DataFrame) -> dict[str, Any]:
    by_test = rows.set_index("test").to_dict("index")
    plain, matched = by_test.get(PLAIN, {}), by_test.get(MATCHED, {})
    beyond = [row["p"] for test, row in by_test.items() if test not in (PLAIN, MATCHED)]
    own = run.module is not None and method == run.module.method
    return {
        "method": method,
        "label": f"the module ({method_label(method)})" if own else method_label(method),
        "own": own,
        "size": int(rows["n"].iloc[0]),
        "overlap": int(rows["statistic"].iloc[0]),
        "expected": plain.get("null_mean"),
        "p": plain.get("p"),
        "expected_matched": matched.get("null_mean"),
        "fold": matched.get("effect"),
        "p_matched": max([matched["p"], *beyond]) if matched else None,
    }


def _verdict(records: list[dict[str, Any]], facts: Mapping[str, Any]) -> dict[str, str]:
    """A word for the colour, a few for the label, and a sentence."""
    own = next((r for r in records if r["own"]), None)
    if own is None:
        return {"verdict": "equal", "short": "Not tested", "sentence": "The module was not tested against these genes."}
    of_all = f" of the {facts['members measured']}" if "members measured" in facts else ""
    holds = f"The {own['size']} genes of the module hold {own['overlap']}{of_all}"
    if not known(own["p_matched"]):
        return {
            "verdict": "equal",
            "short": "Not matched",
            "sentence": f"{holds}. They were not matched on expression and variance, so this proves nothing.",
        }
    random = f"as many random genes, matched on expression and variance, hold {number(own['expected_matched'], 1)}"
    p = f"p = {tail(own['p_matched'])}"
    if own["p_matched"] > SIGNIFICANT:
        tempting = known(own["p"]) and own["p"] <= SIGNIFICANT
        warning = f"; unmatched, p = {tail(own['p'])} would suggest otherwise" if tempting else ""
        sentence = f"{holds}; {random} on average, so this may be chance ({p}){warning}."
        return {"verdict": "equal", "short": "No more than chance", "sentence": sentence}
    return _above_chance(f"{holds}; {random} on average, so this is more than chance ({p})", own, records)


def _above_chance(holds: str, own: Mapping[str, Any], records: list[dict[str, Any]]) -> dict[str, str]:
    control = next((r for r in records if r["method"] == CONTROL), None)
    if control is None:
        return {"verdict": "better", "short": "More than chance", "sentence": f"{holds}."}
    against = f"the ranking by variance alone, which sees no labels ({control['overlap']})"
    if own["overlap"] > control["overlap"]:
        return {"verdict": "better", "short": "More than chance", "sentence": f"{holds}, and more than {against}."}
    return {"verdict": "equal", "short": "Cannot tell", "sentence": f"{holds}, but no more than {against}."}
