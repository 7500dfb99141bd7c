"""Whether this machine is fit to run genelight: versions, threads, memory, folders, extras."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import typer

import genelight as gl

from .._core.fetch import Cache
from ._command import Result, command

commands = typer.Typer(rich_help_panel="Whole studies")

PACKAGES = ("torch", "numpy", "scipy", "pandas", "anndata", "scikit-learn", "numba", "pyarrow", "zarr", "h5py")
EXTRAS = {
    "attribution": ("captum",),
    "cloud": ("s3fs", "gcsfs"),
    "cluster": ("distributed",),
    "survival": ("lifelines",),
    "sweep": ("optuna",),
}
LEAST_GB = 4.0
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@command(commands, "genelight doctor")
def doctor() -> Result:
    """Say whether this machine is fit: versions, threads, memory, folders that must be writable, optional extras."""
    from ..models.training.device import torch_build

    # Those that this process may use.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    facts: dict[str, Any] = {
        "genelight": gl.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "torch": torch_build(),
        "threads": {"cores": cores, **{name: os.environ[name] for name in THREADS if name in os.environ}},
        "memory_gb": {name: round(size / 2**30, 1) for name, size in _memory().items()},
        "folders": dict(_folders()),
        "extras": {extra: {name: _version(name) for name in names} for extra, names in EXTRAS.items()},
    }
    facts["faults"] = list(_faults(facts))
    return Result("\n".join(_lines(facts)), facts, code=1 if facts["faults"] else 0)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _memory() -> dict[str, int]:
    """Bytes there are, and free where the system says so."""
    page = os.sysconf("SC_PAGE_SIZE")
    found = {"all": page * os.sysconf("SC_PHYS_PAGES")}
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        found["free"] = page * os.sysconf("SC_AVPHYS_PAGES")
    return found


def _folders() -> Iterator[tuple[str, dict[str, Any]]]:
    """Folders that are written to, and whether that can be done."""
    places = {
        "downloads": Cache.of_environment().folder,
        "temporary files": Path(tempfile.gettempdir()),
        "here": Path.cwd(),
    }
    for name, path in places.items():
        there = next(each for each in (path, *path.parents) if each.exists())
        yield name, {"path": str(path), "writable": _writable(there)}


def _writable(folder: Path) -> bool:
    """Whether a file can be made there; rights alone say too much for root, and on a read-only disk."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _faults(facts: dict[str, Any]) -> Iterator[str]:
    for name, version in facts["packages"].items():
        if version is None:
            yield f"{name} is not installed; type: pip install genelight"
    for name, folder in facts["folders"].items():
        if not folder["writable"]:
            hint = "; set GENELIGHT_CACHE to a folder that is" if name == "downloads" else ""
            yield f"{folder['path']} ({name}) is not writable{hint}"
    if facts["memory_gb"]["all"] < LEAST_GB:
        yield f"{facts['memory_gb']['all']} GB of memory are few; in [data] of a study, write: variable = 5000"
    for name in THREADS:
        asked = facts["threads"].get(name, "")
        if asked.isdigit() and int(asked) > facts["threads"]["cores"]:
            yield f"{name} is {asked}, but {facts['threads']['cores']} cores may be used; type: unset {name}"


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    yield f"genelight  {facts['genelight']}, Python {facts['python']}, {facts['system']}"
    packages = ", ".join(f"{name} {version or 'absent'}" for name, version in facts["packages"].items())
    yield f"packages   {packages}"
    yield f"torch      {', '.join(f'{name} {value}' for name, value in facts['torch'].items())}"
    yield f"threads    {', '.join(f'{name} {value}' for name, value in facts['threads'].items())}"
    yield f"memory     {', '.join(f'{name} {size} GB' for name, size in facts['memory_gb'].items())}"
    for name, folder in facts["folders"].items():
        yield f"folder     {name}: {folder['path']}, {'writable' if folder['writable'] else 'NOT writable'}"
    for extra, parts in facts["extras"].items():
        absent = [name for name, version in parts.items() if version is None]
        there = ", ".join(f"{name} {version}" for name, version in parts.items())
        yield f"extra      {extra}: " + (f"absent; pip install 'genelight[{extra}]'" if absent else there)
    faults = facts["faults"]
    yield "to be mended:" if faults else "all is well"
    yield from (f"- {fault}" for fault in faults)
