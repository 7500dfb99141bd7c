"""The nouns of patients as format 1 wrote them, read back for ever."""

from pathlib import Path

import numpy as np
import pytest

from genelight.nouns import Groups, Response, Severity
from genelight.nouns.changes import Changes
from genelight.patients.response_score import ResponseScores
from genelight.patients.score import Scores

V1 = Path(__file__).parent / "archive" / "v1"


def test_severity_1():
    found = Severity.load(V1 / "severity.parquet")
    assert (found.measure, found.parts, found.intercept) == ("sledai", ["L2", "genes"], 3.0)
    features = {"L2": np.array([[1.5, 3.0]], dtype=np.float32), "genes": np.array([[2.0]], dtype=np.float32)}
    # 3 + 2 * (1.5 - 0.5) - 0.25 * (3 + 1) + 1.5 * 2
    assert found.score(features)[0] == pytest.approx(7.0)
    low, high = found.interval(np.array([4.0]), coverage=0.9)
    assert (low[0], high[0]) == pytest.approx((0.0, 4.0 + 3 * 18 / 8))
    assert found.held_out["subject"].tolist() == [1, 1, 2]
    assert found.figures.loc[0, "coverage"] == 0.9
    assert np.isnan(found.calibration.loc[0, "low"])
    np.testing.assert_array_equal(found.applicability.error_s, [0.25, 0.5, 1.0])


def test_groups_1():
    found = Groups.load(V1 / "groups.parquet")
    assert (found.found, found.layer) == (2, "L2")
    assert found.verdict == "2 stable groups (p = 0.02)"
    names, sure = found.assign(np.array([[1.0, 1.0], [-1.0, 1.5]]))
    assert names == ["A", "B"]
    assert sure.min() > 0.99
    assert found.described.loc[0, "highest"] == "A"


def test_scores_and_changes_1():
    scores = Scores.load(V1 / "scores.tsv")
    assert scores.table["sample"].tolist() == ["001", "NA"]
    assert scores.refused == 1
    changes = Changes.load(V1 / "changes.tsv")
    assert changes.table.loc[0, "effect"] == 0.5
    assert changes.about["question"] == "change over days"


def test_response_1():
    found = Response.load(V1 / "response.parquet")
    assert found.rule == "interferon-gamma signature"
    assert found.methods.loc[0, "auc"] == pytest.approx(0.685, abs=5e-4)
    assert list(found.cohorts["samples"]) == [14, 14, 14]
    assert set(found.weights("genes")["feature"]) == {"IDO1", "CXCL10", "CXCL9", "HLA-DRA", "STAT1", "IFNG"}
    genes, known = found.domain()
    assert len(genes) == 205
    assert len(known.error_s) == 42
    assert "can't be told" in found.about["sentences"]["arms"]
    scores = ResponseScores.load(V1 / "response_scores.tsv")
    assert scores.refused == int((~scores.table["inside"]).sum())
    assert scores.table.loc[1, "probability"] == pytest.approx(0.5453543071370927)
    assert "Not a medical device" in scores.about["not_known"]
