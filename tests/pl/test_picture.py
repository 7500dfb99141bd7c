"""Inline SVG: the same every time, safe in a page, recoloured by it."""

from __future__ import annotations

import re

import pytest
from matplotlib.axes import Axes

from genelight.nouns.labels import set_label
from genelight.pl._picture import svg
from genelight.pl._style import PALETTE


def drawing(ax: Axes) -> None:
    ax.barh([0, 1], [1, 2], color=[PALETTE["up"], "#123456"])
    ax.scatter([1, 2], [0, 1], color=PALETTE["down"])
    ax.set_title('<script>alert("x")</script> & <!-- $a$', parse_math=False)


PICTURE = svg(drawing, name="bars", alt='two "bars" & <dots>')


def test_same_text_every_time() -> None:
    assert svg(drawing, name="bars", alt='two "bars" & <dots>') == PICTURE


def test_ids_are_the_pictures_own_and_resolve() -> None:
    ids = re.findall(r' id="([^"]+)"', PICTURE)
    assert ids
    assert all(i.startswith("bars-") for i in ids)
    assert len(set(ids)) == len(ids)
    used = re.findall(r'href="#([^"]+)"', PICTURE) + re.findall(r"url\(#([^)]+)\)", PICTURE)
    assert used
    assert set(used) <= set(ids)


def test_an_image_keeps_its_content() -> None:
    picture = svg(lambda ax: ax.imshow([[0.0, 1.0], [1.0, 0.0]]), name="map", alt="four fields")
    assert re.findall(r'href="([^"]{22})', picture) == ["data:image/png;base64,"]


def test_colours_of_the_palette_are_variables_others_stay() -> None:
    assert f"var(--up, {PALETTE['up']})" in PICTURE
    assert f"var(--down, {PALETTE['down']})" in PICTURE
    assert "fill: #123456" in PICTURE


def test_text_is_text_and_escaped() -> None:
    assert "<script" not in PICTURE
    assert '&lt;script&gt;alert("x")&lt;/script&gt; &amp; &lt;!-- $a$' in PICTURE
    assert 'aria-label="two &quot;bars&quot; &amp; &lt;dots&gt;"' in PICTURE


def test_nothing_leaks_out_of_it() -> None:
    assert not re.search(r"https?:|<style|<metadata|font-family|<\?xml|xmlns", PICTURE)
    assert PICTURE.startswith('<svg viewBox="0 0 ')


def test_a_glyph_this_machine_lacks_is_no_matter() -> None:
    assert "流感" in svg(lambda ax: ax.set_xlabel("流感"), name="x", alt="")


@pytest.mark.parametrize(
    ("reference", "collection", "name"),
    [
        ("Reactome: REACTOME_INTERFERON_ALPHA_BETA_SIGNALING", "Reactome", "Interferon alpha beta signaling"),
        ("Hallmark: HALLMARK_TNFA_SIGNALING_VIA_NFKB", "Hallmark", "TNFA signaling via NFKB"),
        ("Reactome: REACTOME_MRNA_SPLICING", "Reactome", "mRNA splicing"),
        ("GO: GOBP_2FE_2S_CLUSTER_ASSEMBLY", "GO", "2FE 2S cluster assembly"),
        ("mine: MINE_OWN_SET", "mine", "Own set"),
        ("mine: T cells: naive", "mine", "T cells: naive"),
        ("HALLMARK_HYPOXIA", "", "Hypoxia"),
        ("Reactome, 1615 pathways (CC BY 4.0): REACTOME_CELL_CYCLE", "Reactome", "Cell cycle"),
        ("Wiki: WP534", "Wiki", "WP534"),
    ],
)
def test_set_names_as_people_write_them(reference: str, collection: str, name: str) -> None:
    assert set_label(reference) == (collection, name)
