"""Where a result comes from: digests, versions, and files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError, ResourceError

__all__ = ["digest", "file_digest", "file_name", "read_json", "versions", "write_json", "writing"]

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
    >>> from genelight._core.provenance import file_name
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


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its place on success and vanishes on failure.

    Raises
    ------
    ResourceError
        If the folder cannot be written or the disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}; choose another --out or free the disk"
        raise ResourceError(msg) from error
    draft = Path(name)
    try:
        yield draft
        # mkstemp makes files private; a result is as readable as any file the user creates.
        mask = os.umask(0)
        os.umask(mask)
        draft.chmod(0o666 & ~mask)
        draft.replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}"
        raise ResourceError(msg) from error
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON that people can read, whole or not at all."""
    with writing(path) as draft:
        draft.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=_plain) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises
    ------
    FormatError
        If the file is absent or not JSON; names the line.
    """
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError as error:
        msg = f"{path} is missing"
        raise FormatError(msg) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not readable as JSON: {error}"
        raise FormatError(msg) from error


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    msg = f"{type(value).__name__} does not go into JSON"
    raise TypeError(msg)
