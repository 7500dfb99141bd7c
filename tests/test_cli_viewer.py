"""Finished runs on loopback: the right token sees them, nobody else anything."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genelight import report
from genelight.cli._viewer import Viewer
from genelight.errors import InputError, ResourceError


def finished(folder: Path, *, genes: dict[str, float], title: str) -> Path:
    folder.mkdir()
    (folder / "study.toml").write_text(f"[contrast]\nname = {json.dumps(title)}")
    page = report.report(folder)
    summary = json.loads((folder / "report.json").read_text())
    module = {"size": len(genes), "measured": 9, "auc": 0.9, "auc_interval": [0.8, 1.0], "method": "auto"}
    summary["module"] = module | {"layer": "L1", "pathways": []}
    summary["module"]["genes"] = [{"gene": g, "score": s} for g, s in genes.items()]
    (folder / "report.json").write_text(json.dumps(summary))
    return page.parent


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [
        finished(tmp_path / "one", genes={"MX1": 2.0, "IRS2": -1.0, "<b>": 1.0}, title="<script>one"),
        finished(tmp_path / "two", genes={"MX1": 1.0, "IRS2": 1.5}, title="two"),
    ]


@pytest.fixture
def viewer(folders: list[Path]) -> Iterator[Viewer]:
    with Viewer(folders) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def asked(viewer: Viewer, path: str, *, host: str | None = None, method: str = "GET") -> tuple[int, str]:
    line = http.client.HTTPConnection("127.0.0.1", viewer.server_port, timeout=10)
    try:
        line.request(method, path, headers={"Host": host} if host else {})
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


def test_the_token_opens_runs_and_their_comparison(viewer: Viewer, folders: list[Path]) -> None:
    assert viewer.server_address[0] == "127.0.0.1"
    status, page = asked(viewer, f"/{viewer.token}/")
    assert status == 200
    assert "one and two" in page
    assert "&lt;script&gt;one" in page
    assert "<script" not in page
    status, page = asked(viewer, f"/{viewer.token}/run/1/")
    assert status == 200
    assert page.replace(' data-served=""', "", 1) == (folders[1] / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    "path",
    ["/", "/wrong/", "/{}x/", "/{}", "/{}/run/2/", "/{}/../study.toml", "/{}/run/0/study.toml", "/{}/run/9/genes"],
)
def test_nothing_else_is_answered(viewer: Viewer, path: str) -> None:
    assert asked(viewer, path.format(viewer.token))[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example"])
def test_other_hosts_are_refused(viewer: Viewer, host: str) -> None:
    assert asked(viewer, f"/{viewer.token}/", host=host)[0] == 403
    assert asked(viewer, f"/{viewer.token}/", host=f"localhost:{viewer.server_port}")[0] == 200


def test_nothing_can_be_written(viewer: Viewer) -> None:
    assert asked(viewer, f"/{viewer.token}/", method="POST")[0] == 501


def test_tokens_are_never_the_same(folders: list[Path]) -> None:
    with Viewer(folders) as first, Viewer(folders) as second:
        assert first.token != second.token
        assert len(first.token) >= 32


def test_a_port_in_use_is_said(folders: list[Path], viewer: Viewer) -> None:
    with pytest.raises(ResourceError, match=f"port {viewer.server_port}"):
        Viewer(folders, port=viewer.server_port)


def test_two_hundred_readers_at_once(viewer: Viewer, capfd: pytest.CaptureFixture[str]) -> None:
    """Some leave before the page comes, some never ask; everybody else has the page, and nothing is left open."""
    wanted = asked(viewer, f"/{viewer.token}/run/0/")
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else None
    silent = [socket.create_connection(("127.0.0.1", viewer.server_port)) for _ in range(20)]
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", viewer.server_port)) as leaving:
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            host = f"127.0.0.1:{viewer.server_port}"
            leaving.sendall(f"GET /{viewer.token}/run/0/ HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
    with ThreadPoolExecutor(200) as readers:
        found = list(readers.map(lambda _: asked(viewer, f"/{viewer.token}/run/0/"), range(400)))
    assert found == [wanted] * 400
    for each in silent:
        each.close()
    for _ in range(100):
        if before is None or len(list(Path("/proc/self/fd").iterdir())) <= before:
            break
        time.sleep(0.05)
    else:
        pytest.fail("connections are left open")
    assert "Traceback" not in "".join(capfd.readouterr())


def test_what_two_modules_share(folders: list[Path]) -> None:
    found = report.compare(folders)
    assert [(p["shared"], p["same_sign"]) for p in found["pairs"]] == [(2, 1)]
    assert {g["gene"]: g["signs"] for g in found["genes"]} == {"IRS2": [-1, 1], "MX1": [1, 1]}


def test_what_two_runs_say_differently(tmp_path: Path, folders: list[Path]) -> None:
    for folder, size in zip(folders, (20, 40), strict=True):
        summary = json.loads((folder / "report.json").read_text())
        q = {"reference": "R: A", "name": "A", "collection": "R", "q": 0.01 * size}
        summary["module"]["pathways"] = [q, {**q, "reference": f"R: {size}", "name": str(size)}]
        summary["methods"]["settings"] = [
            {"section": "module", "setting": "size", "value": str(size)},
            {"section": "sets", "setting": "name", "value": "one"},
            {"section": "sets", "setting": "name", "value": "other"},
        ]
        (folder / "report.json").write_text(json.dumps(summary))
    found = report.compare(folders)
    assert found["settings"] == [{"section": "module", "setting": "size", "values": ["20", "40"]}]
    assert [(s["name"], s["q"]) for s in found["sets"]] == [("A", [0.2, 0.4]), ("20", [0.2, None]), ("40", [None, 0.4])]
    assert [g["gene"] for g in found["genes"] if g["opposite"]] == ["IRS2"]
    assert [run["alone"] for run in found["runs"]] == [{"count": 1, "first": ["<b>"]}, {"count": 0, "first": []}]
    with Viewer(folders) as viewer:
        page = viewer.pages[""].decode()
    for words in ("What differs", "Settings that differ", "Genes of opposite signs", 'href="run/0/#gene=%3Cb%3E"'):
        assert words in page


def test_a_run_without_a_report_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="genelight report"):
        report.compare([tmp_path])


@pytest.mark.parametrize("table", ["genes", "nodes", "node?of=L1.1", "gene?of=MX1", "tests?of=L1.1", "set.csv?of=a"])
def test_a_table_that_a_run_lacks_is_answered_in_words(viewer: Viewer, table: str) -> None:
    status, said = asked(viewer, f"/{viewer.token}/run/0/{table}")
    assert status == 404
    assert "did not come to this table" in said


def test_thousands_of_words_end_nothing(viewer: Viewer, folders: list[Path]) -> None:
    genes = pa.table({"gene": ["MX1", "IRS2"], "L1.1": [1.0, 2.0]})
    pq.write_table(genes, folders[0] / "04_nodes_L1.parquet")
    page = f"/{viewer.token}/run/0/node?of=L1.1&words="
    status, said = asked(viewer, page + "+".join(f"w{i}" for i in range(9000)))
    assert status == 404
    assert "ask for 20 at most" in said
    status, said = asked(viewer, page + "+".join(["mx"] * 9000))
    assert status == 200
    assert "MX1" in said
    assert "IRS2" not in said
