"""The page, the JSON and the Markdown: safe with hostile names, free of NaN, the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable
from colorsys import rgb_to_hls
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from genelight import pl, report
from genelight.errors import UnknownNameError
from genelight.pl._style import PALETTE
from genelight.report._render import render
from genelight.report._summary import summarise
from genelight.report.sections import SECTIONS

HOSTILE = '<script>alert("1")</script>'
TEMPLATES = Path(report.__file__).parent / "templates"


class Outline(HTMLParser):
    """Tags, ids and headings of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == name]


@pytest.fixture(scope="module")
def page(summary: dict[str, Any]) -> str:
    return render(summary)


def test_two_renders_of_two_summaries_are_equal(run_folder: Path, page: str) -> None:
    assert render(summarise(run_folder)) == page


def test_hostile_names_stay_text(make_run: Callable[..., Path]) -> None:
    genes = (HOSTILE, "$\\alpha$", "A|B", *(f"G{i}" for i in range(197)))
    summary = summarise(make_run(title=HOSTILE, genes=genes, case='x == "<img src=x onerror=alert(2)>"'))
    page = render(summary)
    scripts = Outline(page).all("script")
    assert [a.get("type") for a in scripts] == ["text/plain", None, None]
    assert Outline(page).all("img") == []
    assert "&lt;script&gt;alert" in page
    markdown = render(summary, "markdown")
    assert "<script" not in markdown
    assert "A\\|B" in markdown
    assert json.loads(render(summary, "json"))["title"] == HOSTILE


def test_nothing_is_fetched(page: str) -> None:
    links = re.findall(r"""(?:src|href)\s*=\s*["']?\s*((?:https?:)?//[^"' >]*)""", page)
    # What a reader may follow, never what the page loads.
    assert all(link.startswith("https://doi.org/") for link in links)
    assert not re.search(r"url\(\s*[\"']?(?:https?:)?//", page)
    assert "@import" not in page
    assert all(not a.get("src") for _, a in Outline(page).tags)


def test_policy_lets_these_scripts_run_and_no_other(page: str) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    (policy,) = [m["content"] for m in Outline(page).all("meta") if m.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert re.findall(r"'sha256-([^']*)'", policy) == hashes
    assert "unsafe-inline" not in policy.partition("script-src")[2]


def test_landmarks_captions_scopes_and_labels(page: str) -> None:
    outline = Outline(page)
    assert [len(outline.all(tag)) for tag in ("main", "nav", "footer", "h1")] == [1] * 4
    assert len(outline.all("header")) == 2
    assert len(outline.all("figure")) == len(outline.all("figcaption")) > 10
    assert len(outline.all("table")) - len(outline.all("caption")) <= 1
    assert all(th.get("scope") in ("col", "row") for th in outline.all("th"))
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in outline.all("svg"))
    ids = [a["id"] for _, a in outline.tags if "id" in a]
    assert len(ids) == len(set(ids))
    targets = [a["href"] or "" for a in outline.all("a")]
    looked_up = re.compile(r"#(gene|node|set)=.|https://doi\.org/")
    assert all(looked_up.match(t) or t.removeprefix("#") in ids for t in targets)


def test_says_once_that_it_is_no_medical_device(page: str) -> None:
    assert page.lower().count("medical device") == 1


def test_json_is_strict_and_without_drawings(summary: dict[str, Any]) -> None:
    text = render({**summary, "odd": [math.nan, math.inf]}, "json")
    content = json.loads(text, parse_constant=pytest.fail)
    assert content["odd"] == [None, None]
    assert content["findings"] == summary["findings"]
    assert "<svg" not in text
    json.dumps(summary, allow_nan=False)


def test_markdown_lists_findings_and_tables(summary: dict[str, Any]) -> None:
    text = render(summary, "markdown")
    assert "1. IFI44L (100%)" in text
    assert "| 1 | IFI44L | 3.000 | 100% |" in text
    assert "| Interferon alpha beta signaling | Reactome | 9 | 0.6 | 3 × 10⁻⁹ |" in text


def test_the_module_says_why_and_how_large(page: str, summary: dict[str, Any]) -> None:
    text = render(summary, "markdown")
    for said, escaped in ((page, "joint: scores replicate &lt;best&gt;"), (text, "joint: scores replicate")):
        assert f"Derived by {escaped}" in said
        assert "How large it could be: the data support a module of 14 genes." in said
        assert "Will it replicate: other cohorts are expected to find 13% of " in said
    assert "13% of &lt;200&gt; genes again." in page
    assert '<tr><td class="n">50</td><td class="n">14</td><td class="n">0.4</td><td class="n">0.61</td></tr>' in page


def test_unknown_format() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'html'"):
        render({}, "htm")


def test_report_writes_both_files_and_nothing_else(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    before = {p.name for p in folder.iterdir()}
    page = report.report(folder)
    assert page == folder / "report.html"
    assert {p.name for p in folder.iterdir()} - before == {"report.html", "report.json"}
    assert page.read_text("utf-8") == render(summarise(folder))
    assert json.loads((folder / "report.json").read_text("utf-8"))["title"] == "ill at 45 h or later against baseline"


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_colours_have_contrast_aa(scheme: int) -> None:
    blocks = re.findall(r":root \{(.*?)\}", (TEMPLATES / "report.css").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", blocks[scheme]))
    for ground in ("paper", "card"):
        for role in ("ink", "soft", "up", "down", "accent", "teal", "ochre"):
            light, dark = sorted((_luminance(colours[role]), _luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (role, ground)


def test_orange_and_blue_mean_up_and_down_and_nothing_else() -> None:
    pages = re.findall(r":root \{(.*?)\}", (TEMPLATES / "report.css").read_text(), re.DOTALL)
    for colours in (PALETTE, *(dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", page)) for page in pages)):
        up, down, *others = (_hue(colours[role]) for role in ("up", "down", *(colours.keys() - {"up", "down"})))
        for hue in filter(None, others):
            assert min(abs((hue - side + 0.5) % 1 - 0.5) for side in (up, down)) > 1 / 24
    (told_apart,) = re.findall(r"const HUES = (.*?);", (TEMPLATES / "js" / "samples.js").read_text())
    assert not {"up", "down"} & set(json.loads(told_apart))
    # Either colour is chosen by a sign: the other stands beside it, and no colour of things told apart.
    for path in Path(pl.__file__).parent.glob("_*.py"):
        for line in re.findall(r"^.*\b(?:UP|DOWN)\b.*$", path.read_text(), re.MULTILINE):
            if "import" in line or path.name == "_style.py":
                continue
            assert re.search(r"\bUP\b", line), (path.name, line)
            assert re.search(r"\bDOWN\b", line), (path.name, line)
            assert not re.search(r"\b(TEAL|OCHRE|ACCENT)\b", line), (path.name, line)


def _hue(colour: str) -> float:
    """The hue, from 0 to 1; 0 of greys."""
    hue, _, saturation = rgb_to_hls(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))
    return hue if saturation > 0.3 else 0.0


def test_every_section_has_its_own_name_anchor_and_template() -> None:
    for what in ("name", "anchor"):
        assert len({getattr(section, what) for section in SECTIONS}) == len(SECTIONS)
    templates = {path.name.removesuffix(".html.j2") for path in (TEMPLATES / "sections").glob("*.html.j2")}
    assert templates == {section.name for section in SECTIONS}


def test_no_picture_keeps_a_colour_that_the_dark_page_cannot_change(summary: dict[str, Any]) -> None:
    # A white patch behind a name is the page's paper. Shades between two colours are the network's own.
    for name in summary["figures"].keys() - {"module_network"}:
        assert not re.findall(r": #[0-9a-f]{6}", summary["figures"][name]["svg"]), name


def test_every_picture_brings_the_numbers_behind_it(summary: dict[str, Any]) -> None:
    assert len(summary["figures"]) > 8
    for name, figure in summary["figures"].items():
        head, *rows = figure["csv"].splitlines()
        assert "," in head, name
        assert rows, name
        assert not {"sample", "subject", "sample_id", "subject_id"} & set(head.split(",")), name
