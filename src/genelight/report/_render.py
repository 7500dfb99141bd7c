"""A summary as HTML, JSON or Markdown; every text from data is escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..errors import UnknownNameError
from ..nouns.labels import feature_words
from ._payload import encoded
from ._words import interval, number, percent, plain, shown, tail
from .sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("page", "served", "plot", "tables", "forest", "lookup", "panel", "figures", "samples", "network", "start")
"""Parts of the page's script, in order."""
FRAME: dict[str, Any] = {
    "title": "",
    "contrast": {"case": None, "control": None, "cases": None, "controls": None},
    "words": feature_words(),
    "findings": [],
    "verdict": {"banner": None, "answers": [], "change": []},
    "paragraph": {"text": "", "references": [], "bibtex": ""},
    "missing": {},
    "figures": {},
}


def render(summary: Mapping[str, Any], format: str = "html") -> str:  # noqa: A002  the word users look for
    """Write a summary out.

    Parameters
    ----------
    summary
        What :func:`.summarise` returned.
    format
        ``"html"`` for one page that needs nothing else, ``"json"`` (without the drawings), ``"markdown"``.

    Returns
    -------
    The text; the same summary gives the same text.

    Raises
    ------
    UnknownNameError
        If there is no such format.

    Examples
    --------
    >>> "<script>alert" in render({"title": "<script>alert(1)</script>"})
    False
    """
    if format not in _FORMATS:
        raise UnknownNameError("report format", format, _FORMATS)
    return _FORMATS[format](summary)


def _html(summary: Mapping[str, Any]) -> str:
    # The table behind each drawing, as CSV.
    numbers = {name: f["csv"] for name, f in summary.get("figures", {}).items() if "csv" in f}
    data = {**(summary.get("data") or {}), "figures": numbers}
    return page("report.html.j2", {**_filled(summary), **scripted(SCRIPTS, data)})


def page(template: str, values: Mapping[str, Any]) -> str:
    """A template filled in, in the style of all pages."""
    style = Markup((TEMPLATES / "report.css").read_text("utf-8"))  # noqa: S704  our own
    return _environment().get_template(template).render(**values, style=style)


def scripted(names: Sequence[str], data: Mapping[str, Any]) -> dict[str, Any]:
    """Parts of the page's script as one, in order, and what it draws.

    The page may run this and load nothing, whatever names its data bring along.
    """
    scripts = ["\n".join((TEMPLATES / "js" / f"{name}.js").read_text("utf-8") for name in names)]
    if data.get("network"):
        scripts.insert(0, (TEMPLATES / "vendor" / "cytoscape.min.js").read_text("utf-8"))
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return {
        "scripts": [Markup(text) for text in scripts],  # noqa: S704  our own
        "policy": f"default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src {allowed}",
        "payload": Markup(encoded(data)),  # noqa: S704  base64
    }


def _markdown(summary: Mapping[str, Any]) -> str:
    return _environment().get_template("report.md.j2").render(**_filled(summary))


def _json(summary: Mapping[str, Any]) -> str:
    drawn = {name: {"caption": figure["caption"]} for name, figure in summary.get("figures", {}).items()}
    # What the script looks up lies in the run folder as tables.
    content = plain({**{k: v for k, v in summary.items() if k != "data"}, "figures": drawn})
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


_FORMATS = {"html": _html, "json": _json, "markdown": _markdown}


def _filled(summary: Mapping[str, Any]) -> dict[str, Any]:
    empty = {section.name: section.empty for section in SECTIONS}
    shown = [section for section in SECTIONS if not section.optional or summary.get(section.name)]
    return {**FRAME, **empty, **summary, "sections": shown}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "percent": percent,
        "tail": tail,
        "interval": interval,
        "shown": shown,
        "by_test": _by_test,
        "drawing": lambda figure: Markup(figure["svg"]),  # noqa: S704  drawn by pl.svg, its texts escaped there
        "cell": lambda text: str(text).replace("|", "\\|").replace("\n", " "),
    }
    return environment


def _by_test(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Shares of layers as one row per test, its cells in the order in which layers first appear."""
    names = dict.fromkeys(row["layer"] for row in layers)
    tests = dict.fromkeys((row["kind"], row["test"]) for row in layers)
    cells = {(row["kind"], row["test"], row["layer"]): row for row in layers}
    return [{"kind": kind, "test": test, "cells": [cells.get((kind, test, n)) for n in names]} for kind, test in tests]
