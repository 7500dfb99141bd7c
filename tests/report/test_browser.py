"""The report in headless Chromium: every click, word and picture of it, and no error on its console."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genelight import report

from .chrome import MARKS, PHONE, asked, hidden_from_some, opened, printed, saved, search, settled, shown, until, walked

LEADERS = ("IFI44L", "RSAD2")
pytest.importorskip("selenium", reason="no selenium here: pip install -e .[dev]")
pytestmark = MARKS
PAINT = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def page(planted: Path) -> Path:
    return report.report(planted)


@pytest.fixture
def driver(chrome: Any, page: Path) -> Iterator[Any]:
    """The planted report, freshly opened; nothing may be written to the console or asked of a network."""
    opened(chrome, page)
    yield chrome
    assert [entry["message"] for entry in chrome.get_log("browser")] == []
    assert asked(chrome) == []


def centred(driver: Any, element: Any) -> Any:
    driver.execute_script("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", element)
    return element


def pointer(driver: Any) -> Any:
    from selenium.webdriver import ActionChains

    return ActionChains(driver, duration=20)


def test_everything_on_the_page_can_be_used(chrome: Any, page: Path) -> None:
    assert walked(chrome, page) > 50


def test_an_alias_finds_its_gene_and_opens_it_by_keyboard(driver: Any) -> None:
    (first, *_) = search(driver, "ddx58")
    assert first.startswith(LEADERS[0])
    assert "also DDX58" in first
    assert "in the module" in first
    assert "log2 fold change" in first
    driver.find_element("id", "search").send_keys("\ue007")
    text = until(lambda: driver.find_element("id", "panel").text)
    for part in ("rank by the module's score", "1 of 200", "Nodes that it lights", "Gene sets", "Neighbours"):
        assert part in text
    assert LEADERS[1] in text
    driver.find_element("tag name", "body").send_keys("\ue00c")
    assert driver.execute_script("return document.getElementById('panel').hidden")


def test_the_box_finds_nodes_sets_and_samples(driver: Any) -> None:
    assert search(driver, "l2.1")[0].startswith("L2.1")
    assert any(r.startswith("Interferon alpha beta") for r in search(driver, "alpha beta"))
    assert search(driver, "sample 17")[0].startswith("sample 17")
    assert search(driver, "nothing like it") == ["Nothing of that name in this run"]


def test_of_names_that_fit_alike_the_better_rank_stands_first(driver: Any) -> None:
    ranks = [int(re.search(r"rank ([\d,]+)", option)[1].replace(",", "")) for option in search(driver, "gene1")[1:]]
    assert len(ranks) > 5
    assert ranks == sorted(ranks)


def test_numbers_as_the_page_writes_them_sort_as_numbers(driver: Any) -> None:
    written = ["1,234", "−0.5", "4 6%", "2 × 10⁻⁴", "0.31", "–"]
    read = driver.execute_script("return arguments[0].map(numeral).map((v) => (Number.isNaN(v) ? null : v))", written)
    assert read == [1234, -0.5, 4, pytest.approx(2e-4), 0.31, None]
    unsorted = driver.execute_script(
        "return [...document.querySelectorAll('main table:not(.fixed)')].filter((t) =>"
        " t.querySelectorAll('thead button').length !== t.tHead.rows[0].cells.length).length"
    )
    assert unsorted == 0


def test_every_node_gene_set_and_sample_can_be_opened(driver: Any) -> None:
    broken = driver.execute_script(
        "const broken = [];"
        "const visitAll = (kind, names) => { for (const name of names) { const shown = PAGES[kind](name);"
        " if (!shown || !shown.body.length) broken.push(`${kind} ${name}`); } };"
        "visitAll('node', DATA.lit.node); visitAll('gene', DATA.genes.gene);"
        "visitAll('set', DATA.sets.reference); visitAll('sample', DATA.samples.number); return broken;"
    )
    assert broken == []
    assert "What it stands for" in shown(driver, "node", "L1.1")
    assert "This run has no gene of that name" in shown(driver, "gene", "NOBODY")


def test_a_table_sorts_filters_and_is_saved_as_it_stands(driver: Any) -> None:
    rows = "[...document.querySelectorAll('#gene-table tbody tr:not([hidden])')].map((r) => r.dataset.gene)"
    before = driver.execute_script(f"return {rows}")
    head = driver.find_elements("css selector", "#gene-table thead button")[2]
    driver.execute_script("arguments[0].click()", head)
    after = driver.execute_script(f"return {rows}")
    assert after != before
    assert sorted(after) == sorted(before)
    bar = "#gene-table"
    find = driver.execute_script(
        "return document.querySelector(arguments[0]).closest('.scroll').previousElementSibling.querySelector('input')",
        bar,
    )
    find.send_keys("mx1")
    assert driver.execute_script(f"return {rows}") == ["MX1"]
    button = driver.find_element("css selector", "[aria-label='Save the table module_genes as CSV']")
    path = saved(driver, "module_genes*.csv", lambda: driver.execute_script("arguments[0].click()", button))
    with path.open(newline="") as handle:
        table = list(csv.reader(handle))
    assert [row[1] for row in table] == ["Gene", "MX1"]


def test_nodes_are_filtered_by_layer_and_word(driver: Any) -> None:
    count = driver.find_element("id", "node-count")
    assert count.text == "24 of 24 nodes"
    driver.execute_script(
        "const s = document.getElementById('node-layer'); s.value = 'L2'; s.dispatchEvent(new Event('input'))"
    )
    assert count.text == "8 of 24 nodes"


def test_every_picture_is_drawn_whole_and_saved_three_ways(driver: Any) -> None:
    driver.execute_script("document.querySelectorAll('figure.drawn').forEach((f) => f.drawNow?.())")
    names = driver.execute_script("return [...document.querySelectorAll('figure.drawn')].map((f) => f.dataset.draw)")
    assert set(names) == {"volcano", "ma", "heat", "running", "network", "map"}
    hidden = driver.execute_script(
        "return [...document.querySelectorAll('figure.drawn')].filter((f) => f.hidden).length"
    )
    assert hidden == 0
    outside = driver.execute_script(
        "const bad = []; for (const svg of document.querySelectorAll('main .frame > svg'))"
        " { const b = svg.getBBox(), v = svg.viewBox.baseVal;"
        " if (b.x < -1 || b.y < -1 || b.x + b.width > v.width + 1 || b.y + b.height > v.height + 1)"
        " bad.push([svg.closest('figure').id, b.x, b.y, b.width, b.height, v.width, v.height]); } return bad"
    )
    assert outside == []
    without = driver.execute_script(
        "return [...document.querySelectorAll('main figure')].filter((f) =>"
        " [...f.querySelectorAll('.saves button')].map((b) => b.textContent).join() !== 'SVG,PNG,CSV').map((f) => f.id)"
    )
    assert without == []
    buttons = driver.find_elements("css selector", "figure.drawn .saves button")
    # Of the first three figures, since a browser takes its time over many downloads.
    buttons = buttons[:9]
    for button in buttons:
        driver.execute_script("arguments[0].click()", button)

    def complete() -> list[Path]:
        found = settled(p for p in driver.saved.iterdir() if p.suffix in (".svg", ".png", ".csv"))
        return found if len({p.suffix for p in found}) == 3 and len(found) >= len(buttons) else []

    for path in until(complete, seconds=180):
        start = path.read_bytes()[:8]
        assert path.suffix != ".png" or start == b"\x89PNG\r\n\x1a\n", path
        assert path.suffix != ".svg" or (start.startswith(b"<svg") and b"var(--" not in path.read_bytes()), path


def test_the_network_is_filtered_and_names_who_is_apart(driver: Any) -> None:
    driver.execute_script("document.querySelector('[data-draw=network]').drawNow?.()")
    seen = "document.querySelector('[data-draw=network]').cy.nodes().filter((n) => !n.hasClass('off')).length"
    assert driver.execute_script(f"return {seen}") == 20
    driver.execute_script(
        "document.querySelectorAll('[data-draw=network] input[type=checkbox]').forEach((b) => b.click())"
    )
    assert driver.execute_script(f"return {seen}") == 12
    assert driver.find_element("css selector", "#module-network [href='#gene=GENE9']").text == "GENE9"


def test_the_network_answers_to_the_pointer_and_its_slider_to_every_step(driver: Any) -> None:
    figure = driver.find_element("css selector", "[data-draw=network]")
    driver.execute_script("arguments[0].drawNow?.()", figure)
    cy = "const { cy } = document.querySelector('[data-draw=network]'); "
    place = "const p = cy.getElementById('n0').renderedPosition(); return [p.x - cy.width() / 2, p.y - cy.height() / 2]"
    near = cy + "return cy.nodes('.near').map((e) => e.data('label')).sort()"
    ring = driver.execute_script("const { gene } = DATA.network; return [gene[0], gene[1], gene[14]].sort()")

    def hovered() -> bool:
        """Go there anew: figures above that are drawn late move the page, and other nodes lie on the way."""
        frame = centred(driver, figure.find_element("css selector", ".frame"))
        x, y = map(round, driver.execute_script(cy + place))
        for aside in (1, 0):
            pointer(driver).move_to_element_with_offset(frame, x + aside, y).perform()
        return bool(driver.execute_script(near) == ring)

    assert until(hovered)
    assert until(lambda: driver.execute_script(cy + "return cy.nodes('.dim').length") == 17)
    where = cy + "const { x, y } = cy.getElementById('n0').renderedPosition(); return [x, y]"
    before = driver.execute_script(where)
    pointer(driver).click_and_hold().move_by_offset(20, 15).move_by_offset(20, 10).release().perform()
    there = pytest.approx([before[0] + 40, before[1] + 25], abs=2)
    assert until(lambda: driver.execute_script(where) == there)
    slider = figure.find_element("css selector", "input[type=range]")
    seen = cy + "return cy.nodes().not('.off').length"
    for key, left in (("\ue014", 19), ("\ue010", 4), ("\ue011", 20)):  # a step to the right, the end, the beginning
        slider.send_keys(key)
        assert driver.execute_script(seen) == left
    legend = figure.find_element("css selector", ".legend").text
    for part in ("up in cases", "down in cases", "connects it", "more neighbours"):
        assert part in legend


def test_a_box_in_the_volcano_keeps_its_genes_in_the_table(driver: Any) -> None:
    driver.execute_script("document.querySelector('[data-draw=volcano]').drawNow?.()")
    svg = centred(driver, driver.find_element("css selector", "[data-draw=volcano] .frame > svg"))
    rows = "return [...document.querySelectorAll('#gene-table tbody tr:not([hidden])')].map((r) => r.dataset.gene)"
    everything = driver.execute_script(rows)
    right = driver.execute_script(
        "const { genes } = DATA; return arguments[0].filter((g) => genes.change[DATA.geneAt.get(g)] > 0)", everything
    )
    assert 0 < len(right) < len(everything)
    # From the dashed line at no change to the upper right corner.
    width, height, zero = driver.execute_script(
        "const { width, height } = arguments[0].getBoundingClientRect();"
        " const [x] = arguments[0].querySelector('[style*=dasharray]').getAttribute('d').match(/[\\d.]+/);"
        " return [width, height, (x * width) / arguments[0].viewBox.baseVal.width]",
        svg,
    )
    start = round(zero - width / 2) + 1, round(height / 2) - 10
    end = round(width / 2) - 4, 10 - round(height / 2)
    drag = pointer(driver).move_to_element_with_offset(svg, *start).click_and_hold()
    drag.move_to_element_with_offset(svg, *end).release().perform()
    assert driver.execute_script(rows) == right
    driver.execute_script("document.getElementById('clear-box').click()")
    assert driver.execute_script(rows) == everything


def test_the_search_goes_by_keys_and_what_is_copied_can_be_pasted(driver: Any) -> None:
    box, body = driver.find_element("id", "search"), driver.find_element("tag name", "body")
    for identity, name in (("paragraph", "the paragraph"), ("bibtex", "the BibTeX")):
        source = driver.find_element("id", identity)
        driver.execute_script("const d = arguments[0].closest('details'); if (d) d.open = true", source)
        button = centred(driver, driver.find_element("xpath", f"//button[.='Copy {name}']"))
        button.click()
        until(lambda button=button: button.text == "Copied")
        body.send_keys("/")
        assert driver.switch_to.active_element == box
        box.send_keys("\ue009v\ue000")
        assert box.get_attribute("value").split() == source.text.split(), name
        box.send_keys("\ue00c")
        driver.execute_script("document.activeElement.blur()")
    options = search(driver, "gene1")
    for key, at in (("\ue015", 1), ("\ue015", 2), ("\ue013", 1)):  # down, down, up
        box.send_keys(key)
        assert box.get_attribute("aria-activedescendant") == f"found-{at}"
    box.send_keys("\ue007")
    gene = until(lambda: driver.find_element("css selector", "#panel h2").text)
    assert options[1].split()[0] in gene


def test_the_map_takes_any_column_node_or_gene(driver: Any) -> None:
    driver.execute_script("document.querySelector('[data-draw=map]').drawNow?.()")
    fills = set()
    for asked_for in ("group", "column:sex", "column:age", "node:L2.1", f"gene:{LEADERS[0]}"):
        driver.execute_script("const f = mapFigure; f.choice.value = arguments[0]; f.draw()", asked_for)
        assert driver.execute_script("return mapFigure.choice.value") == asked_for
        fills.add(driver.execute_script("return mapFigure.querySelector('[data-sample]').style.fill"))
    assert len(fills) > 2
    assert driver.execute_script("return document.querySelectorAll('[data-sample]').length") == 60


def test_a_phone_shows_everything_within_its_width(driver: Any, page: Path) -> None:
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        opened(driver, page)
        driver.execute_script("document.querySelectorAll('figure.drawn').forEach((f) => f.drawNow?.())")
        assert driver.execute_script("return document.documentElement.scrollWidth") <= PHONE["width"]
        small = driver.execute_script(
            "const small = []; for (const t of document.querySelectorAll('main figure svg text'))"
            " { const svg = t.ownerSVGElement, s = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;"
            " const size = parseFloat(getComputedStyle(t).fontSize) * s; if (s && size < 8)"
            " small.push([svg.closest('figure').id, size]); } return small.slice(0, 3)"
        )
        assert small == []
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_no_serious_fault_for_those_who_cannot_see_it(driver: Any) -> None:
    driver.execute_script("document.querySelectorAll('figure.drawn').forEach((f) => f.drawNow?.())")
    shown(driver, "gene", LEADERS[0])
    assert hidden_from_some(driver) == []
    assert hidden_from_some(driver, dark=True) == []


def test_print_has_headers_on_every_page_and_no_controls(driver: Any) -> None:
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        style = "getComputedStyle(document.querySelector(arguments[0]))"
        assert driver.execute_script(f"return {style}.display", "#gene-table thead") == "table-header-group"
        assert driver.execute_script(f"return {style}.position", "#gene-table thead th") == "static"
        for control in (".bar", ".toc", ".saves", ".table-tools"):
            assert driver.execute_script(f"return {style}.display", control) == "none"
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    # A row of the table of nodes begins with its rank; wherever there is one, the heads stand above it.
    sheets = [text for text in printed(driver) if re.search(r"^\d+ L[12]\.\d+ ", text, re.MULTILINE)]
    assert len(sheets) > 1
    for text in sheets:
        assert "Rank Node" in text
        assert "Best gene set" in text


def test_without_scripts_the_page_reads(chrome: Any, page: Path) -> None:
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(chrome, page, scripted=False)
        text = chrome.find_element("tag name", "main").text
        for part in ("The verdict", LEADERS[0], "L1.1", "A paragraph for the paper"):
            assert part in text
    finally:
        chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_hostile_and_long_names_stay_text(chrome: Any, make_run: Callable[..., Path]) -> None:
    genes = (HOSTILE, "Ä" * 300, 'A|B,"C"', *(f"G{i}" for i in range(197)))
    hostile = report.report(make_run(genes=genes, title=HOSTILE))
    opened(chrome, hostile)
    for gene in genes[:3]:
        assert gene[:40] in shown(chrome, "gene", gene)
    assert chrome.title == f"{HOSTILE} · genelight"
    assert chrome.find_elements("css selector", "img") == []
    assert chrome.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_an_error_would_be_seen(chrome: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text("<!doctype html><title>x</title><script>missing()</script>", encoding="utf-8")
    opened(chrome, broken, scripted=False)
    assert "missing is not defined" in "".join(entry["message"] for entry in chrome.get_log("browser"))


def test_thirty_thousand_genes_and_fifteen_hundred_nodes(chrome: Any, large_run: Path) -> None:
    large = report.report(large_run)
    assert large.stat().st_size < 10e6
    paints = []
    for _ in range(3):
        opened(chrome, large)
        paints.append(until(lambda: chrome.execute_script(PAINT)))
    assert min(paints) < 1000
    assert len(chrome.execute_script("return DATA.genes.gene")) == 30_000
    times = chrome.execute_script(
        "return ['gene2', 'L2.77', 'ifi', 'sample', 'zzz'].map((words) => Math.min(...[0, 1, 2].map(() => {"
        " const t = performance.now(); search(words); return performance.now() - t; })))"
    )
    assert max(times) < 100
    timed = "const t = performance.now(); PAGES.gene(arguments[0]); return performance.now() - t"
    chrome.execute_script(timed, LEADERS[0])
    assert chrome.execute_script(timed, LEADERS[1]) < 500
    assert "Nodes that it lights" in shown(chrome, "gene", LEADERS[0])
    assert [entry["message"] for entry in chrome.get_log("browser")] == []
    assert walked(chrome, large, most=60) > 20
