"""Which models there are: folders at hand, and those that a registry file names."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from .._core.fetch import Cache
from .._core.provenance import read_json, read_toml, seal_of
from .._core.sources import Remote
from ..errors import FormatError, UnknownNameError

__all__ = ["REGISTRY", "Found", "Registered", "fetch_model", "find_models", "read_registry"]

REGISTRY = "GENELIGHT_MODELS"
"""Environment variable that names a registry file, so that its models go by name wherever a folder would."""


KEYS = {"name", "url", "sha256", "about"}


@dataclass(frozen=True)
class Found:
    """A saved model at hand, as its configuration tells of it; its weights are not read.

    Attributes
    ----------
    folder
        Where it is.
    kind
        Kind of model.
    widths
        Nodes of its layers.
    r2, pca_r2
        On held-out subjects; None where it was not measured.
    altered
        Whether its configuration was changed after it was saved, so that no figure in it is to be trusted.
    """

    folder: Path
    kind: str
    widths: tuple[int, ...]
    r2: float | None
    pca_r2: float | None
    altered: bool = False


@dataclass(frozen=True)
class Registered:
    """A model that someone shares.

    Attributes
    ----------
    name
        What to call it by.
    url
        Where its archive is: the zip file of a model folder.
    sha256
        Of the archive, 64 hexadecimal digits.
    about
        What it is, in a line.
    """

    name: str
    url: str
    sha256: str
    about: str = ""


def find_models(folder: Path, *, depth: int = 3) -> list[Found]:
    """Saved models in a folder and in the folders within it.

    Parameters
    ----------
    folder
        Where to look.
    depth
        How many levels down.

    Raises
    ------
    FormatError
        If `folder` is no folder.

    Examples
    --------
    >>> import genelight as gl, tempfile
    >>> from genelight.models.shelf import find_models
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     gl.models.PCA(8).fit(gl.demo.cohort()).save(folder + "/pca8")
    ...     [(found.kind, found.widths) for found in find_models(folder)]
    [('pca', (8,))]
    """
    folder = Path(folder)
    if not folder.is_dir():
        msg = f"{folder} is no folder; name the one that holds your models or runs"
        raise FormatError(msg)
    paths = (path for level in range(depth + 1) for path in folder.glob("*/" * level + "config.json"))
    found = [_found(path) for path in sorted(paths)]
    return [model for model in found if model]


def _found(path: Path) -> Found | None:
    """The model that a configuration belongs to; None if it is something else's."""
    try:
        config = read_json(path)
        settings = config["settings"]
        widths = settings.get("widths") or [settings["width"]]
        held_out = config.get("held_out") or {}
        sizes = tuple(int(width) for width in widths)
        altered = seal_of(config) != config.get("seal")
        figures = (None, None) if altered else (held_out.get("r2"), held_out.get("pca_r2"))
        return Found(path.parent, str(config["kind"]), sizes, *figures, altered)
    except (FormatError, KeyError, TypeError, ValueError, AttributeError):
        return None


def read_registry(path: Path) -> dict[str, Registered]:
    r"""Shared models by name, from a TOML file.

    ::

        [[model]]
        name = "blood-2026"
        url = "https://example.org/blood-2026.zip"
        sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        about = "whole blood, 40,000 samples"

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    FormatError
        If it is missing or not of this form; names the entry.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from genelight.models.shelf import read_registry
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "models.toml"
    ...     _ = file.write_text('[[model]]\nname = "a"\nurl = "https://x.org/a.zip"\nsha256 = "' + "0" * 64 + '"')
    ...     list(read_registry(file))
    ['a']
    """
    entries = read_toml(Path(path)).get("model", [])
    if not isinstance(entries, list):
        msg = f"registry {path}: models are written as [[model]], each with name, url and sha256"
        raise FormatError(msg)
    found: dict[str, Registered] = {}
    for number, entry in enumerate(entries, start=1):
        model = _registered(entry, f"registry {path}, model {number}")
        if model.name in found:
            msg = f"registry {path}, model {number}: the name {model.name!r} is there twice"
            raise FormatError(msg)
        found[model.name] = model
    return found


def fetch_model(name: str, *, registry: Path | None = None, cache: Cache | None = None) -> Path:
    """Folder of a model that a registry shares, downloaded unless it is in the cache already.

    Parameters
    ----------
    name
        In the registry.
    registry
        TOML file, see :func:`read_registry`; by default the one that ``GENELIGHT_MODELS`` names.
    cache
        Where downloads are kept; by default as for ``genelight fetch``.

    Raises
    ------
    UnknownNameError
        If no registry has it.
    ResourceError
        If the archive cannot be had.
    FormatError
        If the archive is another one than the registry's checksum says, or no archive of a model.
    """
    chosen = registry or os.environ.get(REGISTRY)
    shared = read_registry(Path(chosen)) if chosen else {}
    if name not in shared:
        where = f"registry {chosen}" if chosen else f"any registry ({REGISTRY} names none)"
        raise UnknownNameError("model", name, list(shared), where=where)
    model = shared[name]
    remote = Remote(model.url, f"{name}-{model.sha256[:12]}.zip", model.sha256)
    files = (cache or Cache.of_environment()).get(remote)
    folders = [path.parent for path in files if path.name == "config.json"]
    if len(folders) != 1:
        msg = f"{model.url} is the zip archive of {len(folders)} model folders; share one of a single folder"
        raise FormatError(msg)
    return folders[0]


def _registered(entry: object, where: str) -> Registered:
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        msg = f"{where}: a model is a table of texts: name, url, sha256, about"
        raise FormatError(msg)
    for key in entry:
        if key not in KEYS:
            raise UnknownNameError("key", key, sorted(KEYS), where=where)
    absent = [key for key in ("name", "url", "sha256") if not entry.get(key)]
    if absent:
        msg = f"{where} lacks {', '.join(absent)}"
        raise FormatError(msg)
    if not entry["url"].startswith("https://"):
        msg = f"{where}: url {entry['url']!r} does not begin with https://"
        raise FormatError(msg)
    if not entry["url"].endswith(".zip"):
        msg = f"{where}: url {entry['url']!r} does not end with .zip; zip the model folder"
        raise FormatError(msg)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", entry["name"]):
        msg = f"{where}: the name {entry['name']!r} has other signs than letters, digits, dot, dash and underscore"
        raise FormatError(msg)
    if not re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]):
        msg = f"{where}: sha256 is to have 64 hexadecimal digits; sha256sum prints it"
        raise FormatError(msg)
    return Registered(**entry)
