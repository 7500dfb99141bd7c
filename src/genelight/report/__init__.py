r"""One page that shows a run: run folder -> plain dict -> a self-contained HTML file, JSON or Markdown.

>>> import pathlib, tempfile
>>> import genelight as gl
>>> with tempfile.TemporaryDirectory() as folder:
...     _ = pathlib.Path(folder, "study.toml").write_text('[contrast]\nname = "ill against well"')
...     sorted(path.name for path in gl.report.report(folder).parent.glob("report.*"))
['report.html', 'report.json']
"""

from __future__ import annotations

from ._compare import compare
from ._summary import report

__all__ = [
    "compare",
    "report",
]
