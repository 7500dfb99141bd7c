"""Links of the documentation lead somewhere, and its front page leads to every page."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINKS = runpy.run_path(str(ROOT / "scripts" / "links.py"))


def test_every_link_inside_leads_somewhere():
    broken, outside = LINKS["followed"]()
    assert broken == []
    assert any("doi.org" in link for link in outside)


def test_a_link_to_nothing_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One thing\n\n[a](page.md#one-thing) [b](page.md#another) [c](gone.md) `[d](code.md)`\n")
    text = LINKS["prose"](page)
    assert "code.md" not in text
    found = dict.fromkeys(LINKS["LINK"].findall(text))
    assert list(found) == ["page.md#one-thing", "page.md#another", "gone.md"]
    assert LINKS["anchors"](page) == {"one-thing"}


def test_the_front_page_leads_to_every_page():
    docs = ROOT / "docs"
    listed = set()
    for page in (docs / "index.md", docs / "api.md"):
        for block in re.findall(r"```\{toctree\}(.*?)```", page.read_text("utf-8"), re.DOTALL):
            listed |= {line.strip() for line in block.splitlines() if line.strip() and not line.startswith(":")}
    pages = {str(p.relative_to(docs).with_suffix("")) for p in docs.rglob("*.md")} - {"index"}
    assert pages == listed


def test_every_room_has_a_page_that_is_run():
    for page in (ROOT / "docs" / "rooms").glob("*.md"):
        assert page.read_text("utf-8").count("```{code-cell} ipython3") >= 3, page
