"""Where a result comes from: digests, versions, seals, and JSON that says what it is."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError
from .disk import writing

__all__ = [
    "check_seal",
    "digest",
    "file_digest",
    "file_name",
    "parse_json",
    "parse_toml",
    "read_json",
    "read_toml",
    "seal_of",
    "sealed",
    "software",
    "versions",
    "write_json",
]

DEEPEST = 100
_STACK = ("genelight", "numpy", "scipy", "pandas", "anndata", "scikit-learn", "numba", "torch")


def digest(*parts: object) -> str:
    """Sixteen hexadecimal digits that identify `parts`: arrays, numbers, texts, dicts, lists, bytes."""
    hasher = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            hasher.update(f"{part.dtype}{part.shape}".encode())
            hasher.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, bytes):
            hasher.update(part)
        else:
            hasher.update(json.dumps(part, sort_keys=True, default=str).encode())
        hasher.update(b"\0")
    return hasher.hexdigest()[:16]


def file_digest(path: Path) -> str:
    """Sixteen hexadecimal digits of a file's content."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]


def file_name(text: str) -> str:
    """A name from data as one that any file system takes, and that names no other folder.

    Examples
    --------
    >>> file_name("../lupus: SLE")
    'lupus_SLE'
    """
    return re.sub(r"[^-.0-9A-Za-z]+", "_", text).strip("._")[:100] or "unnamed"


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in _STACK:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


@cache
def software() -> str:
    """What a number depends on beside its data: versions, and the identity of genelight's own source files."""
    hasher, home = hashlib.sha256(), Path(__file__).parents[1]
    for path in sorted(home.rglob("*.py")):
        hasher.update(str(path.relative_to(home)).encode() + path.read_bytes())
    known = "".join(f", {name} {version}" for name, version in versions().items())
    return f"genelight code {hasher.hexdigest()[:12]}{known}"


def write_json(path: Path, content: Any) -> None:
    """Write JSON that people can read, whole or not at all."""
    with writing(path) as draft:
        draft.write_text(_json(content) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises
    ------
    FormatError
        If the file is absent or not JSON; names the line.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        msg = f"{path} is missing"
        raise FormatError(msg) from error
    return parse_json(content, where=str(path))


def parse_json(content: bytes, *, where: str) -> Any:
    """What JSON says.

    Raises
    ------
    FormatError
        If it is not JSON; names the line.
    """
    try:
        return json.loads(content.decode("utf-8"))
    # Brackets a thousand deep, and numbers of thousands of digits, are refused by Python's own limits.
    except (ValueError, RecursionError) as error:
        msg = f"{where} is not readable as JSON: {error}"
        raise FormatError(msg) from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read TOML.

    Raises
    ------
    FormatError
        If the file is absent or not TOML; names the line.
    """
    try:
        return parse_toml(Path(path).read_text(encoding="utf-8"), where=str(path))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise FormatError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path} is no text file: {error}"
        raise FormatError(msg) from error


def parse_toml(text: str, *, where: str) -> dict[str, Any]:
    """TOML as a dict.

    Raises
    ------
    FormatError
        If it is not TOML; names the line.
    """
    # Python's reader takes hours over a key of a hundred thousand parts.
    keys = (line.partition("=")[0] for line in text.splitlines())
    if any("," not in key and key.count(".") > DEEPEST for key in keys):
        msg = f"{where} has a key of more than {DEEPEST} parts; a study has keys of one or two"
        raise FormatError(msg)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"{where} is not valid TOML: {error}"
        raise FormatError(msg) from error


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object with its seal: the digest of all else in it, as it will be read back.

    Examples
    --------
    >>> kept = sealed({"r2": 0.5})
    >>> kept["seal"] == seal_of(kept), kept["seal"] == seal_of(kept | {"r2": 0.9})
    (True, False)
    """
    plain = json.loads(_json({key: value for key, value in content.items() if key != "seal"}))
    return {**plain, "seal": seal_of(plain)}


def seal_of(content: Mapping[str, Any]) -> str:
    """The seal that a JSON object is to have."""
    return digest({key: value for key, value in content.items() if key != "seal"})


def check_seal(content: object, *, where: Path | str) -> dict[str, Any]:
    """An object that :func:`sealed` made, its seal whole.

    Raises
    ------
    FormatError
        If it is none, or anything in it was altered.
    """
    if not isinstance(content, dict) or "seal" not in content:
        msg = f"{where} has no seal: genelight did not write it, or it was altered"
        raise FormatError(msg)
    if seal_of(content) != content["seal"]:
        msg = f"{where} was altered since it was written (its seal does not fit); copy or make it again"
        raise FormatError(msg)
    return content


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    msg = f"{type(value).__name__} does not go into JSON"
    raise TypeError(msg)
