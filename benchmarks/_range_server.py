"""A server of files on this machine that answers late, as object storage does: GET with ranges, to HTTP and S3 clients.

An S3 client that reads asks the same of ``/BUCKET/KEY``; its signature is not looked at.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["serving"]

MISSING = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"


@contextmanager
def serving(folder: Path, *, seconds: float) -> Iterator[str]:
    """The address of a server, in a process of its own, of what is in a folder; each answer comes after `seconds`."""
    command = [sys.executable, "-m", "benchmarks._range_server", str(folder), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"  # type: ignore[union-attr]
        finally:
            server.terminate()


class _Files(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder, seconds = Path(), 0.0

    def do_HEAD(self) -> None:
        self._answer(head=True)

    def do_GET(self) -> None:
        self._answer(head=False)

    def _answer(self, *, head: bool) -> None:
        time.sleep(self.seconds)
        path = self.folder / unquote(urlsplit(self.path).path).lstrip("/")
        if not path.is_file():
            self.send_response(404)
            self.send_header("Content-Length", str(len(MISSING)))
            self.end_headers()
            self.wfile.write(b"" if head else MISSING)
            return
        with path.open("rb") as file:
            size = path.stat().st_size
            first, last = _asked(self.headers.get("Range"), size)
            part = self.headers.get("Range") is not None
            self.send_response(206 if part else 200)
            self.send_header("Content-Length", str(last - first))
            self.send_header("Accept-Ranges", "bytes")
            if part:
                self.send_header("Content-Range", f"bytes {first}-{last - 1}/{size}")
            self.end_headers()
            if not head:
                self.wfile.flush()
                self.connection.sendfile(file, first, last - first)

    def log_message(self, *_: object) -> None:
        pass


def _asked(text: str | None, size: int) -> tuple[int, int]:
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", text or "")
    if not found:
        return 0, size
    if not found[1]:
        return max(0, size - int(found[2])), size
    return int(found[1]), min(size, int(found[2]) + 1) if found[2] else size


def main() -> None:
    """Serve until told to end, or whoever began it is gone."""
    _Files.folder, _Files.seconds = Path(sys.argv[1]), float(sys.argv[2])
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
