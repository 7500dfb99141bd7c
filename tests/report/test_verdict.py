"""The verdict, from a summary's numbers alone."""

from __future__ import annotations

from typing import Any

import pytest

from genelight.nouns.labels import feature_words
from genelight.report.sections import verdict


def apart(low: float, high: float) -> dict[str, float]:
    """A baseline whose AUC this module's 0.9 exceeds by something between these."""
    return {"auc": 0.9 - (low + high) / 2, "difference_low": low, "difference_high": high}


def summary(**changes: Any) -> dict[str, Any]:
    module = {"auc": 0.9, "auc_interval": [0.8, 1.0], "auc_permutation_p": 0.01, "stable": 15, "size": 20}
    module |= {"auc_by_method": {"pca": apart(0.05, 0.15), "de": apart(0.01, 0.1)}, "pathways": [{}]}
    module |= {k: v for k, v in changes.items() if k in module}
    subjects = changes.get("subjects", (40, 40))
    contrast = {"cases": {"subjects": subjects[0]}, "controls": {"subjects": subjects[1]}}
    return {"module": module, "contrast": contrast, "held_out": {}, "second_cohort": changes.get("second")}


@pytest.mark.parametrize(
    ("subjects", "small"), [((3, 40), True), ((9, 9), True), ((10, 10), False), ((None, 5), False)]
)
def test_a_small_cohort_is_said_first(subjects: tuple[int, int], *, small: bool) -> None:
    banner = verdict(summary(subjects=subjects))["banner"]
    assert (banner is not None) == small
    assert not small or f"{subjects[0]} case and {subjects[1]} control" in banner


def test_a_model_of_genes_is_no_advice_for_other_features() -> None:
    few = summary(subjects=(5, 5))
    assert "reference =" in str(verdict(few)["banner"])
    banner = str(verdict({**few, "words": feature_words("cpg", unit="M value")})["banner"])
    assert "Read the CpGs as candidates and ask a second cohort" in banner
    assert "reference" not in banner


@pytest.mark.parametrize(
    ("changes", "short"),
    [
        ({}, "Beyond chance"),
        ({"auc_interval": [0.45, 1.0]}, "Not beyond chance"),
        ({"auc_permutation_p": 0.2}, "Not beyond chance"),
        ({"auc": None}, "Not tested"),
    ],
)
def test_how_sure_it_is(changes: dict[str, Any], short: str) -> None:
    assert verdict(summary(**changes))["answers"][0]["short"] == short


@pytest.mark.parametrize(
    ("changes", "short"),
    [
        ({}, "No"),
        ({"auc_by_method": {"de": apart(-0.02, 0.1)}}, "As far as is shown"),
        ({"auc_by_method": {"variance": {"auc": 0.6}}}, "As far as is shown"),
        ({"auc_by_method": {"pca": apart(0.01, 0.1), "variance": apart(-0.09, -0.01)}}, "Better"),
        ({"auc_permutation_p": 0.2}, "As far as is shown"),
        ({"auc_by_method": {}}, "Not compared"),
    ],
)
def test_whether_a_simpler_method_does_as_well(changes: dict[str, Any], short: str) -> None:
    assert verdict(summary(**changes))["answers"][1]["short"] == short


@pytest.mark.parametrize(
    ("weighed", "ends", "short"),
    [(False, None, "A little"), (True, [0.01, 0.03], "A little"), (True, [-0.01, 0.01], "By weighing alone")],
)
def test_what_the_network_adds_stands_beside_pca_weighed_alike(
    weighed: bool, ends: list[float] | None, short: str
) -> None:
    found = {"r2": 0.6, "pca_r2": 0.58, "difference": 0.02, "difference_interval": [0.01, 0.03], "verdict": "better"}
    found |= {"weighed": weighed, "weighed_pca_r2": 0.59, "weighed_difference": 0.01}
    beyond = ends is not None and ends[0] > 0
    found |= {"weighed_difference_interval": ends, "weighed_verdict": "better" if beyond else "equal"}
    told = verdict(summary() | {"held_out": {"reconstruction": found}})["answers"][2]
    assert told["short"] == short
    assert ("weighed alike 0.590" in told["text"]) == weighed


def test_what_would_change_it() -> None:
    few = " ".join(verdict(summary(stable=3, pathways=[], subjects=(12, 12)))["change"])
    for reason in ("More subjects", "A second cohort: none", "only 3 of 20 genes", "Gene sets: none"):
        assert reason in few
    assert "not preserved" in " ".join(verdict(summary(second={"verdict": "not preserved"}))["change"])


def test_a_run_without_a_module_says_what_is_lacking() -> None:
    found = verdict({"module": None})
    assert [a["short"] for a in found["answers"]] == ["Not tested", "Not compared", "Not tested"]
    assert len(found["change"]) == 1


def test_a_module_of_several_cohorts_says_what_they_have_of_one_another() -> None:
    cohorts = [
        {"others": 50, "same_sign": 0.9, "replicated": 0.4},
        {"others": 70, "same_sign": 1.0, "replicated": 0.6},
        {"others": 0, "same_sign": None, "replicated": None},
    ]
    found = summary()
    found["module"]["cohorts"] = cohorts
    answer = verdict(found)["answers"][0]
    assert answer["short"] == "50% replicate"
    assert "95% with their sign (90% to 100% in 2 of 3 cohorts) and 50% with p ≤ 0.05" in answer["text"]
