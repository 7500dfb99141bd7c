"""Places on object storage: S3, Google Cloud, HTTP and whatever else fsspec reaches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PosixPath
from typing import Any
from urllib.parse import quote, unquote

from ...errors import GenelightError, InputError, ResourceError

# As typed, or as pathlib writes it, which folds the two slashes to one. One letter may be a drive.
_URL = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.DOTALL)
_WEB = ("http", "https")
# Who asks and the word that lets in, or a signature: a path is written into records, messages and logs.
_SECRET = re.compile(r"[^/@]*:[^/@]*@")
# What the libraries beneath call having no credentials, by the names of their errors.
_NO_ENTRY = re.compile(r"Credential|Token|Profile|Permission|Forbidden|Refresh|Unauthori[sz]ed")


class Url(PosixPath):
    """A URL that goes wherever a path goes, and is printed as a URL."""

    def __str__(self) -> str:
        scheme, _, rest = super().__str__().partition(":/")
        return f"{scheme}://{rest}"

    @property
    def scheme(self) -> str:
        """What stands before the colon, such as ``s3``."""
        return self.parts[0].rstrip(":")

    @property
    def on_web(self) -> bool:
        """Whether it is read only, by HTTP."""
        return self.scheme in _WEB


def located(path: str | Path) -> Path:
    """A path on a disk, or a URL.

    Raises
    ------
    InputError
        If a URL holds credentials, or what follows a question mark on the web; says it without them.

    Examples
    --------
    >>> from pathlib import Path
    >>> print(located("s3://bucket/store.zarr") / "X", located(Path("s3://bucket/store.zarr")), located("store.zarr"))
    s3://bucket/store.zarr/X s3://bucket/store.zarr store.zarr
    """
    found = _URL.fullmatch(str(path))
    if not found:
        return Path(path).expanduser()
    scheme, rest = found.groups()
    if scheme == "file":
        return Path("/", unquote(rest.removeprefix("localhost/")))
    at, _, asked = rest.partition("?")
    host, slash, place = at.partition("/")
    if _SECRET.match(host) or (scheme in _WEB and ("@" in host or asked)):
        plain = f"{scheme}://{host.rpartition('@')[2]}{slash}{place}"
        msg = (
            f"the URL of {plain} holds credentials or a signature, which would stand in records and messages; leave "
            f"them out, and {_LOG_IN}"
        )
        raise InputError(msg)
    return Url(f"{scheme}:/{rest}")


@dataclass(frozen=True)
class Bucket:
    """The objects under a URL; where they cannot be reached, a ResourceError says so."""

    url: Url

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """Content of objects by name, all asked for at once; those that are not there are left out.

        Raises
        ------
        ResourceError
            If they cannot be had.
        """
        names, (fs, _) = list(names), self._opened
        with reached(self.url):
            # From the first byte on: asked for as a whole, s3fs asks for the size before.
            found = fs.cat_ranges([self._place(name) for name in names], 0, None, on_error="return")
            for content in found:
                if isinstance(content, Exception) and not isinstance(content, FileNotFoundError):
                    raise content
        return {name: content for name, content in zip(names, found, strict=True) if isinstance(content, bytes)}

    def ranges(self, places: Sequence[tuple[str, int, int]]) -> list[bytes] | None:
        """Bytes of objects, by name, from where and up to where, all asked for at once; None if one is absent."""
        names, starts, ends = (list(part) for part in zip(*places, strict=True))
        fs, _ = self._opened
        with reached(self.url):
            try:
                return list(fs.cat_ranges([self._place(name) for name in names], starts, ends, on_error="raise"))
            except FileNotFoundError:
                return None

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Put objects, all at once."""
        fs, _ = self._opened
        with reached(self.url):
            fs.pipe({self._place(name): content for name, content in contents.items()})

    def upload(self, file: Path, name: str) -> None:
        """Put a file; the object is there as a whole or not at all."""
        fs, _ = self._opened
        with reached(self.url):
            fs.put_file(str(file), self._place(name))

    def get(self, name: str) -> bytes | None:
        """Content of an object; None where there is none.

        Raises
        ------
        ResourceError
            If it cannot be had, or there is no such bucket.
        """
        fs, _ = self._opened
        with reached(self.url):
            try:
                return bytes(fs.cat_file(self._place(name), start=0))
            except FileNotFoundError as error:
                if "bucket does not exist" in str(error):
                    raise
                return None

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        import fsspec

        with reached(self.url):
            return fsspec.core.url_to_fs(str(self.url))

    def _place(self, name: str) -> str:
        # Sample columns may be called by letters that mean something in an address.
        return f"{self._opened[1]}/{quote(name) if self.url.on_web else name}"


@contextmanager
def reached(url: Path) -> Iterator[None]:
    """Have what goes wrong on the way to object storage said in one line, with what to type; of a disk, pass it on.

    Raises
    ------
    ResourceError
        In place of what fsspec and the libraries beneath raise.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, GenelightError) or not isinstance(url, Url):
            raise
        raise ResourceError(_said(url, error)) from error


def _said(url: Path, error: Exception) -> str:
    names = [kind.__name__ for kind in type(error).__mro__]
    said = (str(error).partition("\n")[0] or names[0]).rstrip(".")
    if isinstance(error, ImportError):
        return f"{url} needs a package that is not installed ({said}); type pip install 'genelight[cloud]'"
    if isinstance(error, ValueError) and "rotocol not known" in said:
        return f"{url} has a beginning that means nothing here ({said}); type s3://, gs:// or https://"
    if isinstance(error, FileNotFoundError):
        return f"{url} does not exist ({said}); check the name of the bucket and of the store"
    if "xpired" in said:
        return f"{url} cannot be read, for your credentials have expired ({said}); {_LOG_IN}, and type the same again"
    # A web server's answer has its number.
    if any(map(_NO_ENTRY.search, names)) or getattr(error, "status", 0) in (401, 403):
        return (
            f"{url} does not let you in ({said}); {_LOG_IN}; for a public S3 bucket set FSSPEC_S3_ANON=true. Where the "
            "bucket may not be listed, this is also said of a name that does not exist"
        )
    return (
        f"{url} cannot be reached ({names[0]}: {said}); check the network, and the address in AWS_ENDPOINT_URL where "
        "that is set, and type the same again"
    )


_LOG_IN = (
    "for S3 set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for Google type gcloud auth "
    "application-default login"
)
