"""One page that shows a run: run folder -> plain dict -> a self-contained HTML file, JSON or Markdown.

>>> from genelight import report
>>> report.render({"title": "A & B", "findings": []}, format="markdown").splitlines()[0]
'# A &amp; B'
"""

from __future__ import annotations

from ._compare import compare
from ._render import render
from ._summary import summarise
from ._write import report

__all__ = [
    "compare",
    "render",
    "report",
    "summarise",
]
