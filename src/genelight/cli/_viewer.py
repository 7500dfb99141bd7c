"""Finished runs in the browser of this machine: loopback, a random token, nothing but their pages."""

from __future__ import annotations

import io
import re
import secrets
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Annotated, Any
from urllib.parse import parse_qsl, quote

import typer

from ..errors import GenelightError, InputError, ResourceError
from ._command import Result, command

commands = typer.Typer(rich_help_panel="Whole studies")
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
        # In a function, for a report loads matplotlib, which no other command has to wait for.
        from ..report._compare import comparison
        from ..report._full import at_hand
        from ..report._read import check_unaltered

        self.folders = folders
        self.pages = {"": comparison(folders).encode()}
        for i, folder in enumerate(folders):
            check_unaltered(folder)
            # The page's script then links what it shows in part to the full tables.
            served = f'<html lang="en" data-served="{" ".join(at_hand(folder))}">'.encode()
            self.pages[f"run/{i}/"] = (folder / "report.html").read_bytes().replace(b'<html lang="en">', served, 1)
        self.reading = threading.Lock()
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
        path, _, asked = self.path.partition("?")
        token, slash, page = path.removeprefix("/").partition("/")
        if not secrets.compare_digest(token.encode(), self.server.token.encode()) or not slash:
            self.send_error(404, "no such page")
        elif page in self.server.pages:
            self._answer(io.BytesIO(self.server.pages[page]))
        else:
            self._table(page, dict(parse_qsl(asked)))

    def _table(self, page: str, asked: dict[str, str]) -> None:
        """Answer with a page of a full table, or all of it as CSV; one reader at a time, so that memory is bounded."""
        from ..report._full import TABLES, Query, csv_of, page_of

        found = re.fullmatch(r"run/(\d+)/([a-z]+)(\.csv)?", page)
        if not found or found[2] not in TABLES or int(found[1]) >= len(self.server.folders):
            self.send_error(404, "no such page")
            return
        folder, name = self.server.folders[int(found[1])], found[2]
        number = asked.get("page", "")
        query = Query(
            of=asked.get("of", ""),
            words=asked.get("words", ""),
            sort=asked.get("sort", ""),
            down=bool(asked.get("down")),
            page=int(number) if re.fullmatch(r"\d{1,6}", number, re.ASCII) else 1,
        )
        try:
            # What was read waits in a file, so a slow reader keeps nobody waiting.
            with self.server.reading:
                file = csv_of(folder, name, query) if found[3] else io.BytesIO(page_of(folder, name, query).encode())
        except GenelightError as error:
            self.send_error(404 if isinstance(error, InputError) else 500, "no such table", str(error))
            return
        with file:
            self._answer(file, csv_name=f"{folder.resolve().name}_{name}.csv" if found[3] else None)

    def _answer(self, file: IO[bytes], *, csv_name: str | None = None) -> None:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        self.send_response(200)
        self.send_header("Content-Type", f"text/{'csv' if csv_name else 'html'}; charset=utf-8")
        self.send_header("Content-Length", str(size))
        if csv_name:
            self.send_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(csv_name, safe='')}")
        for name, value in (("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer")):
            self.send_header(name, value)
        self.send_header("X-Frame-Options", "DENY")
        self.end_headers()
        shutil.copyfileobj(file, self.wfile)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as http.server has it
        """Say nothing: the token would be on the screen."""


@command(commands, "genelight view RUN")
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
