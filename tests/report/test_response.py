"""The page of response and that of a patient: safe with hostile names, one file, and says what it must."""

import re
from html import unescape

import pytest

import genelight as gl
from genelight.patients import ResponsePlan, score_response
from genelight.report._response import patient_pages, response_page


@pytest.fixture(scope="module")
def found(treated):
    given = treated.cohorts(3, signature=2.0)
    for adata in given.values():
        adata.obs["arm"] = ["none", *["drug"] * 39]
    return gl.response(
        {"<script>alert(1)</script>": given["c1"], "b & c": given["c2"], "c3": given["c3"]},
        plan=ResponsePlan(permutations=0, treated="arm == 'drug'"),
    )


def test_the_page_is_one_safe_file(found):
    page = response_page(found)
    assert "<script" not in page.html
    assert "&lt;script&gt;" in page.html
    assert "b &amp; c" in page.html
    assert not re.search(r"(src|href)=\"(?!data:,)http", page.html)
    assert page == response_page(found)
    for text in found.about["sentences"].values():
        assert text in unescape(page.html)
    assert "recommended" in page.html
    assert "can&#39;t be told: no cohort has both classes in both arms" in page.html
    assert "NaN" not in page.json


def test_a_patient_that_is_refused_has_no_number(found, treated):
    new = treated.cohort(3, signature=2.0, seed=77)
    new.obs_names = ["<b>one</b>", "two", "three"]
    scores = score_response(new, response=found)
    table = scores.table.copy()
    table.loc[0, ["inside", "reasons"]] = [False, "its genes are not spanned"]
    table.loc[0, ["score", "probability", "low", "high", "share_above"]] = float("nan")
    tables = {"scores": table, "drivers": scores.drivers, "programmes": scores.programmes}
    page = patient_pages(found, tables, scores.about)
    assert "<b>one</b>" not in page
    assert "<strong>No answer.</strong>" in page
    assert page.count("Probability of response") == 2
    assert page.count("Not a medical device") >= 1
    assert "can&#39;t be told" in page
