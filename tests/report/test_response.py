"""The page of response and that of a patient: safe with hostile names, one file, and says what it must."""

import csv
import json
import re
from dataclasses import replace
from html import unescape

import pandas as pd
import pytest

import genelight as gl
from genelight.patients import ResponsePlan, score_response
from genelight.report._response import patient_pages, response_page

from .chrome import PHONE, asked, hidden_from_some, in_browser, opened, saved


@pytest.fixture(scope="module")
def found(treated):
    given = treated.cohorts(3, signature=2.0)
    for adata in given.values():
        adata.obs["arm"] = ["none", *["drug"] * 39]
    return gl.response(
        {"<script>alert(1)</script>": given["c1"], "b & c": given["c2"], "c3": given["c3"]},
        plan=ResponsePlan(draws=0, treated="arm == 'drug'"),
    )


def test_the_page_is_one_safe_file(found):
    page = response_page(found)
    assert "<script>alert" not in page.html
    assert "&lt;script&gt;" in page.html
    assert "b &amp; c" in page.html
    assert not re.search(r"(src|href)=\"(?!data:,)http", page.html)
    assert page == response_page(found)
    for text in found.about["sentences"].values():
        assert text in unescape(page.html)
    assert "recommended" in page.html
    assert "can&#39;t be told: no cohort has both classes in both arms" in page.html
    assert "NaN" not in page.json
    assert "What more cohorts bring, and what bounds it" in page.html
    assert {"curve", "bounds"} <= set(json.loads(page.json))
    first = replace(found, curve=pd.DataFrame(), bounds=pd.DataFrame())  # as the first files have it
    assert "What more cohorts bring" not in response_page(first).html


@in_browser
def test_any_programme_has_its_forest(chrome, found, tmp_path):
    page = tmp_path / "response.html"
    page.write_text(response_page(found).html, encoding="utf-8")
    opened(chrome, page)
    figure = chrome.find_element("css selector", "[data-draw=programme]")
    chrome.execute_script("arguments[0].drawNow?.()", figure)
    row = found.programmes.iloc[-1]
    box = figure.find_element("css selector", "input[type=search]")
    chrome.execute_script("arguments[0].value = ''", box)
    box.send_keys(row["name"])
    words = figure.find_element("css selector", ".frame").text
    for part in ("<script>alert(1)</script>"[:8], "b & c", "c3", "together", "I² "):
        assert part in words
    assert f"{row['effect']:.2f}".replace("-", "−") in words
    saving = "[...document.querySelectorAll('main figure')].map((f) => f.querySelector('.saves')?.textContent)"
    assert set(chrome.execute_script(f"return {saving}")) == {"SVGPNGCSV"}
    button = "document.querySelector('[data-draw=programme] .saves button:last-child').click()"
    chosen = saved(chrome, "forest_of_a_programme*.csv", lambda: chrome.execute_script(button))
    table = {line[0]: line[1:] for line in csv.reader(chosen.read_text().splitlines())}
    assert table["programme"] == [row["name"]]
    own = found.effects[found.effects["name"] == row["name"]].set_index("cohort")["effect"]
    assert float(table["c3"][0]) == pytest.approx(own["c3"], abs=1e-3)
    assert float(table["together"][0]) == pytest.approx(row["effect"], abs=1e-3)
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        assert chrome.execute_script("return document.documentElement.scrollWidth") <= PHONE["width"]
    finally:
        chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert [entry["message"] for entry in chrome.get_log("browser")] == []
    assert asked(chrome) == []


@pytest.fixture(scope="module")
def patients(found, treated):
    """The page of three new patients, of whom one is refused."""
    new = treated.cohort(3, signature=2.0, seed=77)
    new.obs_names = ["<b>one</b>", "two", "three"]
    scores = score_response(new, response=found)
    table = scores.table.copy()
    table.loc[0, ["inside", "reasons"]] = [False, "its genes are not spanned"]
    table.loc[0, ["score", "probability", "low", "high", "share_above"]] = float("nan")
    tables = {"scores": table, "drivers": scores.drivers, "programmes": scores.programmes}
    return patient_pages(found, tables, scores.about)


def test_a_patient_that_is_refused_has_no_number(patients):
    assert "<b>one</b>" not in patients
    assert "<strong>No answer.</strong>" in patients
    assert patients.count("Probability of response") == 2
    assert patients.count("Checked on cohorts left out: of") == 2
    assert patients.count("Not a medical device") >= 1
    assert "can&#39;t be told" in patients


@in_browser
def test_each_patient_has_a_scale_that_shows_the_probability(chrome, patients, tmp_path):
    page = tmp_path / "patient.html"
    page.write_text(patients, encoding="utf-8")
    opened(chrome, page, scripted=False)
    scales = chrome.find_elements("css selector", ".scale")
    assert len(scales) == 2
    for scale in scales:
        part = {name: scale.find_element("class name", name).rect for name in ("range", "at", "base")}
        said = int(re.search(r"Probability (\d+)%", scale.get_attribute("aria-label"))[1])
        middle = part["at"]["x"] + part["at"]["width"] / 2
        assert 100 * (middle - scale.rect["x"]) / scale.rect["width"] == pytest.approx(said, abs=1)
        assert part["range"]["x"] <= middle <= part["range"]["x"] + part["range"]["width"]
        assert scale.rect["x"] < part["base"]["x"] < scale.rect["x"] + scale.rect["width"]
    assert hidden_from_some(chrome) == []
    assert hidden_from_some(chrome, dark=True) == []
    assert [entry["message"] for entry in chrome.get_log("browser")] == []
    assert asked(chrome) == []
