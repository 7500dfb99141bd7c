"""A picture drawn off screen: as a file, or as inline SVG that follows the page."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.figure import Figure

from .._core.disk import writing
from ..errors import InputError
from ._style import INK, PALETTE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
"""What a picture's file name ends in."""
DPI = 160

_VARIABLES = {colour: f"var(--{role}, {colour})" for role, colour in PALETTE.items()}
_LOOK: Any = {
    "svg.fonttype": "none",
    "font.size": 9.8,  # small text of a picture as narrow as a phone is still of eight pixels
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.usetex": False,
    "axes.unicode_minus": True,
}


def save(draw: Callable[[Axes], object], path: Path, *, size: tuple[float, float] = (4.8, 3.2)) -> None:
    """Draw off screen and write a file, whole or not at all.

    The path's ending says the format, one of :data:`FORMATS`; `size` is in inches.

    Raises
    ------
    InputError
        If there is no such format.
    ResourceError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "line.png")
    ...     save(lambda ax: ax.plot([0, 1]), path)
    ...     path.read_bytes()[1:4]
    b'PNG'
    """
    if path.suffix not in FORMATS:
        msg = f"a picture cannot be written to {path}; choose a name that ends in {', '.join(FORMATS)}"
        raise InputError(msg)
    figure = Figure(figsize=size, layout="constrained")
    draw(figure.subplots())
    with writing(path) as draft:
        figure.savefig(draft, dpi=DPI)


def svg(draw: Callable[[Axes], object], *, name: str, alt: str, size: tuple[float, float] = (4.8, 3.2)) -> str:
    """Draw off screen and return one ``<svg>`` element to put into a page.

    The same drawing gives the same text every time; ids carry `name`, so several fit on one page. Colours of
    :data:`PALETTE` become ``var(--role, colour)``: a page that defines ``--ink``, ``--up`` and so on
    recolours the picture, for instance in a dark scheme.

    `alt` says what the picture shows, for readers who cannot see it; `size` is in inches.

    Examples
    --------
    >>> picture = svg(lambda ax: ax.plot([0, 1]), name="line", alt="A rising line.")
    >>> picture[:30]
    '<svg viewBox="0 0 345.6 230.4"'
    """
    buffer = io.StringIO()
    with mpl.rc_context({**_LOOK, "svg.hashsalt": name}), warnings.catch_warnings():
        # The browser draws the text with its own fonts, so a glyph this machine lacks does not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(buffer.getvalue(), name=name, alt=alt)


def _inline(text: str, *, name: str, alt: str) -> str:
    root = ET.fromstring(text)  # noqa: S314  matplotlib wrote it just now
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag.endswith(("}metadata", "}style"))]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {k.rpartition("}")[2]: _attribute(k, v, name) for k, v in element.attrib.items()}
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-label": alt,
        "style": "stroke-linejoin: round; stroke-linecap: butt",
    }
    return ET.tostring(root, encoding="unicode")


def _attribute(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key.endswith("href") and value.startswith("#"):
        return f"#{name}-{value.removeprefix('#')}"
    value = value.replace("url(#", f"url(#{name}-")
    if key == "style":
        value = re.sub(r"#[0-9a-f]{6}", lambda hit: _VARIABLES.get(hit[0], hit[0]), value)
        value = re.sub(r"font: ([\d.]+px)[^;]*", r"font-size: \1", value)
        value = re.sub(r"font-family: [^;]*;? ?", "", value)
    return value
