"""The report in headless Chromium: no error on its console, its script at work."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from genelight import report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync --enable-logging=stderr --v=0 --dump-dom"
)


def opened(page: Path, profile: Path) -> tuple[str, list[str]]:
    """The page's document after its script has run, and what was written to the console."""
    command = [str(CHROMIUM), *QUIET.split(), f"--user-data-dir={profile}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def test_opens_without_an_error(run_folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(report.render(report.summarise(run_folder)), encoding="utf-8")
    document, console = opened(page, tmp_path / "profile")
    assert console == []
    assert "24 of 24 nodes" in document
    assert re.search(r'<th scope="col"[^>]*><button type="button">', document)


def test_an_error_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "broken.html"
    page.write_text("<!doctype html><title>x</title><script>missing()</script>", encoding="utf-8")
    assert "missing is not defined" in "".join(opened(page, tmp_path / "profile")[1])
