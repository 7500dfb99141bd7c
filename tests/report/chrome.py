"""A headless Chromium for the tests of the page: opened, read, printed, and what it asked for."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
PHONE = {"width": 360, "height": 780, "deviceScaleFactor": 1, "mobile": True}
MARKS = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium here: apt-get install chromium chromium-driver"),
    # The driver's own sockets are closed when the interpreter gets to them.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


WALK = Path(__file__).with_name("walk.js").read_text("utf-8")


def walked(driver: Any, page: Path, *, most: int = 300) -> int:
    """Open a report and use all of it: links, search, sorting, filters, pictures, every button that saves, a phone.

    At most so many links are followed. Returns how many files were saved; there must be no fault, no error on the
    console, and nothing asked of a network.
    """
    opened(driver, page)
    found = driver.execute_async_script(WALK, most)
    assert found["faults"] == []
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        opened(driver, page)
        driver.execute_script("document.querySelectorAll('figure.drawn').forEach((f) => f.drawNow?.())")
        assert driver.execute_script("return document.documentElement.scrollWidth") <= PHONE["width"]
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert [entry["message"] for entry in driver.get_log("browser")] == []
    assert asked(driver) == []
    return int(found["saved"])


def in_browser(test: Callable[..., None]) -> Callable[..., None]:
    """Mark one test of a file whose others need no browser."""
    for mark in MARKS:
        test = mark(test)
    return test


@contextmanager
def browser(profile: Path, *, size: tuple[int, int] = (1280, 900)) -> Iterator[Any]:
    """A driver of a fresh browser that saves into ``profile / "saved"``."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*QUIET.split(), f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    saved = profile / "saved"
    saved.mkdir(parents=True)
    options.add_experimental_option(
        "prefs",
        {"download.default_directory": str(saved), "profile.default_content_setting_values.automatic_downloads": 1},
    )
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    driver.saved = saved
    # A machine that does other things too is slow to look at every element of a page.
    driver.set_script_timeout(300)
    driver.command_executor.client_config.timeout = 320
    try:
        yield driver
    finally:
        driver.quit()


def opened(driver: Any, page: Path, *, scripted: bool = True) -> Any:
    """Open a page and wait until its script has read the run's tables."""
    driver.get("about:blank")
    driver.get_log("browser")
    driver.get(page.as_uri())
    if scripted:
        until(lambda: driver.execute_script("return document.documentElement.dataset.ready"))
    return driver


def until(done: Any, *, seconds: float = 30.0) -> Any:
    """Wait for something to be true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = done()
        if found:
            return found
        time.sleep(0.05)
    msg = "waited in vain"
    raise AssertionError(msg)


def settled(files: Iterable[Path]) -> list[Path]:
    """The files that a browser is done with: it begins with a name, and fills it in."""
    sizes = {path: path.stat().st_size for path in files}
    time.sleep(0.1)
    return [path for path, size in sizes.items() if size and size == path.stat().st_size]


def saved(driver: Any, pattern: str, click: Callable[[], object]) -> Path:
    """The file that a page saves on a click: one that was not there before."""
    before = set(driver.saved.iterdir())
    click()
    (path,) = until(lambda: settled(set(driver.saved.glob(pattern)) - before))
    return Path(path)


def shown(driver: Any, kind: str, name: str) -> str:
    """Open one thing in the panel and read it."""
    driver.execute_script("location.hash = `#${arguments[0]}=${encodeURIComponent(arguments[1])}`", kind, name)
    until(lambda: driver.execute_script("return !document.getElementById('panel').hidden"))
    time.sleep(0.1)
    return str(driver.find_element("id", "panel").text)


def search(driver: Any, words: str) -> list[str]:
    """Type into the page's box; what it offers, best first."""
    box = driver.find_element("id", "search")
    box.clear()
    box.send_keys(words)
    return [option.text for option in driver.find_elements("css selector", "#found [role=option]")]


def hidden_from_some(driver: Any, *, dark: bool = False) -> list[tuple[str, str]]:
    """Serious faults that axe-core finds in the page as it stands; in the dark of contrast, as all else is the same."""
    package = pytest.importorskip("axe_playwright_python", reason="no axe-core here: pip install -e .[dev]")
    driver.execute_script((Path(package.__file__).parent / "axe.min.js").read_text("utf-8"))
    options = {"resultTypes": ["violations"], "preload": False} | ({"runOnly": ["color-contrast"]} if dark else {})
    features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        found = driver.execute_async_script(
            "axe.run(document, arguments[0]).then((r) => arguments[1](r.violations))", options
        )
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")]


def printed(driver: Any) -> list[str]:
    """The page as PDF: the text of every sheet."""
    pdf = pytest.importorskip("pypdfium2", reason="no pypdfium2 here: pip install -e .[dev]")
    document = pdf.PdfDocument(base64.b64decode(driver.print_page()))
    return [sheet.get_textpage().get_text_range() for sheet in document]


def asked(driver: Any) -> list[str]:
    """Addresses that the page asked for, besides itself and what it holds."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return [
        url for url in urls if not url.startswith(("file:", "data:", "blob:", "about:", "chrome:", "chrome-untrusted:"))
    ]
