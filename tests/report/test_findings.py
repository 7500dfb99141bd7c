"""No sentence claims what the figures do not show, whatever the figures are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genelight.report.sections import findings

CLAIMS = re.compile(
    r"better than|worse than|above (?!controls|chance)|tells cases|Its best pathway is|carries|more than chance"
)
DENIED = re.compile(
    r"not shown to be better than [^;.]*|neither better nor worse than|not shown to tell cases|no more than chance"
)
near_half = st.floats(0.3, 0.7)
no_p = st.floats(0.051, 1)


def claims_of(sentence: str) -> list[str]:
    return CLAIMS.findall(DENIED.sub("", sentence))


def module(auc: float, p: float | None, others: dict[str, dict[str, float]], q: float) -> dict[str, Any]:
    gene = {"gene": "A", "score": 1.0, "rank": 1, "frequency": 0.3}
    pathway = {"name": "P", "collection": "C", "overlap": 3.0, "expected": 2.0, "q": q}
    return {
        "genes": [gene, gene | {"gene": "B", "score": -1.0}],
        "size": 2,
        "stable": 0,
        "auc": auc,
        "auc_interval": [auc - 0.2, auc + 0.2],
        "auc_permutation_p": p,
        "auc_by_method": others,
        "pathways": [pathway],
    }


def node(q: float) -> dict[str, Any]:
    figures = {"node": "L1.0", "layer": "L1", "state": "", "effect": 0.4, "share": 0.3}
    return figures | {"q": q, "trainings": 2, "of_trainings": 5, "reproducibility_q": 0.5}


@st.composite
def meaningless(draw: st.DrawFn) -> dict[str, Any]:
    """A summary of which nothing passes."""
    auc = draw(near_half)
    others: dict[str, dict[str, float]] = {}
    for method in ("pca", "de", "variance"):
        apart, half = draw(st.floats(-0.2, 0.2)), draw(st.floats(0.21, 0.4))
        ends = {"difference_low": apart - half, "difference_high": apart + half} if draw(st.booleans()) else {}
        others[method] = {"auc": auc - apart, **ends}
    r2 = draw(st.floats(0, 0.5))
    held_out = {"r2": r2, "pca_r2": r2 - 0.01, "pca_width": 4, "difference": 0.01, "weighed": draw(st.booleans())}
    held_out |= {"difference_interval": draw(st.sampled_from([[-0.02, 0.04], None]))}
    held_out |= {"verdict": "equal" if held_out["difference_interval"] else "better"}
    return {
        "contrast": {"units": draw(st.sampled_from(["subjects", "samples"]))},
        "module": module(auc, draw(no_p), others, draw(no_p)),
        "nodes": [node(draw(no_p))],
        "held_out": {"methods": [], "reconstruction": held_out},
    }


@given(meaningless())
def test_nothing_is_claimed_where_nothing_passes(summary: dict[str, Any]) -> None:
    said = findings(summary)
    assert len(said) == 5
    assert not [(sentence, claims_of(sentence)) for sentence in said if claims_of(sentence)]
    assert "so its genes are no finding" in said[0]
    assert said[1].startswith("No node is shown to differ")
    if summary["contrast"]["units"] == "samples":
        assert "subjects" not in said[3]
        assert "unseen subjects" not in " ".join(said)


@pytest.mark.parametrize(("low", "says"), [(0.01, True), (-0.01, False), (None, False)])
def test_better_than_needs_a_paired_interval_off_zero(low: float | None, says: bool) -> None:
    found = {"auc": 0.7} if low is None else {"auc": 0.7, "difference_low": low, "difference_high": 0.4}
    summary = {"module": module(0.9, 0.01, {"variance": found}, 0.01), "nodes": [], "held_out": {}}
    said = findings(summary)[4]
    assert "tells cases from controls with an AUC of 0.90 (95% interval 0.70 to 1.10, permutation p = 0.01)" in said
    assert ("better than variance alone (0.70)" in DENIED.sub("", said)) == says


def test_what_passes_is_said() -> None:
    others = {"pca": {"auc": 0.95, "difference_low": -0.1, "difference_high": -0.01}}
    summary = {"module": module(0.9, 0.01, others, 0.01), "nodes": [node(0.001)], "held_out": {}}
    lead, leading, pathway, _, certain = findings(summary)
    assert "no finding" not in lead
    assert leading.startswith("Node L1.0 of layer L1 holds 30% of the module's projection")
    assert pathway.startswith("Its best pathway is P (C)")
    assert "worse than PCA (0.95)" in certain
