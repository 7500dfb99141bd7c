"""Download public data once: resumed where broken off, verified always, kept in a folder that can be shared.

The only file that reaches a network. Settings come from the environment, so that a lab sets them once:
``GENELIGHT_CACHE`` (folder), ``GENELIGHT_OFFLINE`` (anything but empty or 0: no network), ``GENELIGHT_MIRRORS`` (a TOML
file whose table ``[mirrors]`` has the start of an address on the left and what to put in its place on the right).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FormatError, ResourceError
from .disk import writing
from .progress import progress
from .provenance import read_json, read_toml, write_json
from .sources import Remote, find_source

if TYPE_CHECKING:
    import requests

__all__ = ["Cache", "fetch"]

LOCK = "checksums.json"
TRIES = 5
AT_ONCE = 1 << 16  # what a break may cost
LARGEST_RATIO = 200  # of text that says something; an archive of repetition alone reaches 1,000


def fetch(name: str, *, cache: Cache | None = None) -> list[Path]:
    """Files of a source, downloaded unless they are there already.

    Parameters
    ----------
    name
        A name in ``SOURCES``, a GEO series such as ``"GSE30550"``, a GEO platform such as ``"GPL570"``, or a
        recount3 project such as ``"recount3:tcga/BRCA"``.
    cache
        Where files are kept; by default as the environment says.

    Returns
    -------
    Paths; those in a zip archive unpacked.

    Raises
    ------
    UnknownNameError
        If there is no such source.
    ResourceError
        If a file cannot be had: offline, not found, or the connection broke off; what arrived is kept.
    FormatError
        If a file is not the one that was pinned, or that was recorded at first use.
    """
    cache = cache or Cache.of_environment()
    return [path for remote in find_source(name).files for path in cache.get(remote)]


@dataclass(frozen=True)
class Cache:
    """A folder of downloaded files, with the checksum of each.

    Attributes
    ----------
    folder
        Where they lie.
    offline
        Whether to do without a network.
    mirrors
        What to put in place of the start of an address.
    timeout
        Seconds without a byte after which a connection counts as broken.
    wait
        Seconds before the second try; twice as many before each further one.
    """

    folder: Path
    offline: bool = False
    mirrors: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0
    wait: float = 1.0

    @classmethod
    def of_environment(cls, *, offline: bool = False) -> Cache:
        """As ``GENELIGHT_CACHE``, ``GENELIGHT_OFFLINE`` and ``GENELIGHT_MIRRORS`` say.

        Raises
        ------
        FormatError
            If the file of mirrors cannot be read.
        """
        import pooch

        folder = Path(os.environ.get("GENELIGHT_CACHE") or pooch.os_cache("genelight")).expanduser()
        offline = offline or os.environ.get("GENELIGHT_OFFLINE", "0") not in ("", "0")
        file = os.environ.get("GENELIGHT_MIRRORS")
        return cls(folder, offline, _mirrors(Path(file)) if file else {})

    def url(self, remote: Remote) -> str:
        """Address of a file, on the mirror with the longest fitting start if there is one."""
        fitting = [start for start in self.mirrors if remote.url.startswith(start)]
        if not fitting:
            return remote.url
        start = max(fitting, key=len)
        return self.mirrors[start] + remote.url[len(start) :]

    def size(self, remote: Remote) -> int | None:
        """Bytes of a file: of the one that is here, else as its server says; None if it does not say.

        Raises
        ------
        ResourceError
            If its server does not have it or cannot be reached.
        """
        if (self.folder / remote.name).exists():
            return (self.folder / remote.name).stat().st_size
        if self.offline:
            return None
        try:
            with _answer("HEAD", self.url(remote), timeout=self.timeout) as response:
                length = response.headers.get("Content-Length")
        except _BrokenError as error:
            msg = f"{self.url(remote)} cannot be reached: {error}"
            raise ResourceError(msg) from error
        return int(length) if length else None

    def get(self, remote: Remote) -> list[Path]:
        """The file, verified; those inside it, where it is a zip archive.

        Raises
        ------
        ResourceError
            If it cannot be had.
        FormatError
            If it is another file than before.
        """
        with self._locked(remote.name):
            known = remote.sha256 or self._recorded().get(remote.name, {}).get("sha256")
            path = self.folder / remote.name
            if not path.exists() or (known and _sha256(path) != known):
                self._download(remote, known)
            if not known:
                self._record(remote)
            return _unpacked(path) if path.suffix == ".zip" else [path]

    def _download(self, remote: Remote, known: str | None) -> None:
        import pooch

        if self.offline:
            msg = (
                f"{remote.name} is not in {self.folder}, or not whole, and downloads are off; fetch it where there is "
                "a network, and copy the folder"
            )
            raise ResourceError(msg)
        registry = {remote.name: f"sha256:{known}" if known else None}
        store = pooch.create(self.folder, base_url="", registry=registry, urls={remote.name: self.url(remote)})
        pooch.get_logger().setLevel("ERROR")
        shutil.rmtree(self.folder / f"{remote.name}.unzip", ignore_errors=True)
        try:
            store.fetch(remote.name, downloader=_Resuming(self, remote.name))
        except ValueError as error:
            origin = "pinned" if remote.sha256 else f"recorded in {self.folder / LOCK}"
            msg = (
                f"{remote.name} from {self.url(remote)} is not the file whose checksum is {origin} ({known}); if its "
                "provider has replaced it, remove its entry there and fetch again"
            )
            raise FormatError(msg) from error

    def _recorded(self) -> dict[str, dict[str, Any]]:
        return read_json(self.folder / LOCK) if (self.folder / LOCK).exists() else {}

    def _record(self, remote: Remote) -> None:
        path = self.folder / remote.name
        entry = {"sha256": _sha256(path), "bytes": path.stat().st_size, "url": remote.url}
        with self._locked(LOCK):
            write_json(self.folder / LOCK, self._recorded() | {remote.name: entry})

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """One process at a time, also on a folder that several machines share."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = (self.folder / f".{name}.lock").open("w")
        except OSError as error:
            msg = f"cannot write {self.folder}: {error.strerror}; set GENELIGHT_CACHE to a folder of yours"
            raise ResourceError(msg) from error
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


class _Resuming:
    """A downloader for pooch that keeps what has arrived, and asks for the rest."""

    def __init__(self, cache: Cache, name: str) -> None:
        self.cache = cache
        self.part = cache.folder / f"{name}.part"
        self.tag = cache.folder / f"{name}.part.json"

    def __call__(self, url: str, output_file: str, pooch: object) -> None:  # noqa: ARG002 - as pooch calls it
        wait = self.cache.wait
        for left in reversed(range(TRIES)):
            try:
                self._receive(url)
                break
            except _BrokenError as error:
                if not left:
                    have = self.part.stat().st_size if self.part.exists() else 0
                    msg = f"{url} broke off {TRIES} times ({error}); {have} bytes are kept, run it again to go on"
                    raise ResourceError(msg) from error
                time.sleep(wait)
                wait *= 2
        self.part.replace(output_file)
        self.tag.unlink(missing_ok=True)

    def _receive(self, url: str) -> None:
        """Add what is missing to the part, or begin it anew where the server cannot go on or has another file."""
        tag = json.loads(self.tag.read_text(encoding="utf-8")) if self.tag.exists() else {}
        have = self.part.stat().st_size if self.part.exists() and tag.get("url") == url else 0
        headers = {"Range": f"bytes={have}-", "If-Range": tag["version"]} if have and tag.get("version") else {}
        with _answer("GET", url, timeout=self.cache.timeout, headers=headers) as response:
            goes_on = response.status_code == 206
            begun = have if goes_on else 0
            version = response.headers.get("ETag") or response.headers.get("Last-Modified")
            self.tag.write_text(json.dumps({"url": url, "version": version}), encoding="utf-8")
            length = response.headers.get("Content-Length")
            total = begun + int(length) if length else None
            _pour(response, self.part, begun=begun, total=total)


class _BrokenError(Exception):
    """A connection that ended before the file did."""


def _pour(response: requests.Response, part: Path, *, begun: int, total: int | None) -> None:
    import requests

    arrived = begun
    try:
        with part.open("ab" if begun else "wb") as handle, progress(part.stem, total or 1) as step:
            step("", begun if total else 0)
            for piece in response.iter_content(AT_ONCE):
                handle.write(piece)
                arrived += len(piece)
                step(f"{arrived / 1e6:.0f} MB", len(piece) if total else 0)
    except requests.RequestException as error:
        raise _BrokenError(_reason(error)) from error
    except OSError as error:
        msg = f"cannot write {part}: {error.strerror}; {arrived} bytes are kept, free the disk and run it again"
        raise ResourceError(msg) from error
    if total is not None and arrived != total:
        msg = f"{arrived} of {total} bytes"
        raise _BrokenError(msg)


@contextmanager
def _answer(
    method: str, url: str, *, timeout: float, headers: Mapping[str, str] | None = None
) -> Iterator[requests.Response]:
    """A server's answer, redirects followed; its body as it lies there, not unpacked on the way."""
    import requests

    try:
        response = requests.request(
            method,
            url,
            stream=True,
            timeout=timeout,
            allow_redirects=True,
            headers={"Accept-Encoding": "identity", **(headers or {})},
        )
    except requests.RequestException as error:
        raise _BrokenError(_reason(error)) from error
    with response:
        if response.status_code >= 500 or response.status_code == 429:
            msg = f"answer {response.status_code}"
            raise _BrokenError(msg)
        if response.status_code >= 400:
            msg = (
                f"{url} answered {response.status_code} ({response.reason}); the provider may have moved it: see "
                "docs/downloads.md, or name where it is now in the file of GENELIGHT_MIRRORS"
            )
            raise ResourceError(msg)
        yield response


def _reason(error: Exception) -> str:
    inner = error.args[0] if error.args else error
    return str(getattr(inner, "reason", inner)).rpartition(">: ")[2] or type(error).__name__


def _unpacked(path: Path) -> list[Path]:
    """The files of an archive, in a folder beside it that is there whole or not at all."""
    folder = path.with_name(f"{path.name}.unzip")
    try:
        if not folder.is_dir():
            with zipfile.ZipFile(path) as archive:
                _check_size(path, sum(member.file_size for member in archive.infolist()))
                with writing(folder) as draft:
                    draft.mkdir()
                    archive.extractall(draft)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        msg = f"{path} is no whole zip archive ({error}); remove it and fetch again"
        raise FormatError(msg) from error
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _check_size(path: Path, size: int) -> None:
    """Stop where what an archive unpacks to is repetition, or more than the disk should take."""
    if size > LARGEST_RATIO * path.stat().st_size + (1 << 24):
        msg = f"{path} unpacks to {size >> 20:,} MB of repetition; these are no data"
        raise FormatError(msg)
    free = shutil.disk_usage(path.parent).free
    if size > 0.9 * free:
        msg = f"{path} unpacks to {size >> 20:,} MB where {free >> 20:,} are free; set GENELIGHT_CACHE to another disk"
        raise ResourceError(msg)


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _mirrors(path: Path) -> dict[str, str]:
    try:
        found = read_toml(path)["mirrors"]
        return {str(start): str(instead) for start, instead in found.items()}
    except (FormatError, KeyError, AttributeError) as error:
        msg = f"{path} of GENELIGHT_MIRRORS has no readable table [mirrors]: {error}"
        raise FormatError(msg) from error
