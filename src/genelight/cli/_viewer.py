"""Finished runs in the browser of this machine: loopback, a random token, nothing but their pages."""

from __future__ import annotations

import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ResourceError
from ..report._compare import comparison
from ._command import Result, command

commands = typer.Typer()
ROOM = "Whole studies"
HOST = "127.0.0.1"


class Viewer(ThreadingHTTPServer):
    """Serves the reports of run folders, and a page that lays them side by side.

    Parameters
    ----------
    folders
        Run folders with reports.
    port
        0 for any that is free.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, folders: list[Path], *, port: int = 0) -> None:
        self.pages = {"": comparison(folders).encode()}
        self.pages |= {f"run/{i}/": (folder / "report.html").read_bytes() for i, folder in enumerate(folders)}
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            msg = f"port {port} cannot be used ({error.strerror}); leave --port out for any that is free"
            raise ResourceError(msg) from error

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a reader that left or fell silent."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        """Where to look; whoever lacks the token sees nothing."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: Viewer
    timeout = 30  # of a reader that says nothing

    def do_GET(self) -> None:
        """Answer with a page where host and token are right."""
        hosts = {f"{name}:{self.server.server_port}" for name in (HOST, "localhost")}
        # A page elsewhere may point a name of its own at this machine; then the host is not ours.
        if self.headers.get("Host") not in hosts:
            self.send_error(403, "only from this machine")
            return
        token, slash, page = self.path.partition("?")[0].removeprefix("/").partition("/")
        content = self.server.pages.get(page) if slash else None
        if not secrets.compare_digest(token.encode(), self.server.token.encode()) or content is None:
            self.send_error(404, "no such page")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer")):
            self.send_header(name, value)
        self.send_header("X-Frame-Options", "DENY")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as http.server has it
        """Say nothing: the token would be on the screen."""


@command(commands, room=ROOM, example="genelight view RUN")
def view(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="run folders with reports")],
    port: Annotated[int, typer.Option(help="0 for any that is free", min=0, max=65535)] = 0,
) -> Result:
    """Show finished runs in a browser of this machine, several beside one another."""
    with Viewer(folders, port=port) as viewer:
        print(f"{viewer.address}\npress Ctrl+C to stop", flush=True)
        try:
            viewer.serve_forever()
        except KeyboardInterrupt:
            return Result("stopped")
    return Result("")
