"""Where a result comes from: digests, versions, seals, JSON that says what it is, and the ledger of a run folder.

The ledger says what was done from what, so that nothing is done twice and nothing altered is believed.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError, InputError, ResourceError
from .disk import PREFIX, clean, locked, reason, writing

__all__ = [
    "STEPS",
    "Ledger",
    "altered_files",
    "check_seal",
    "digest",
    "file_digest",
    "file_name",
    "parse_json",
    "parse_toml",
    "read_json",
    "read_steps",
    "read_toml",
    "seal_of",
    "sealed",
    "software",
    "versions",
    "write_json",
]

DEEPEST = 100
STEPS = "steps.json"
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


class Ledger:
    """The steps of a run folder, kept in its ``steps.json``.

    A step is skipped when the digest of its inputs is the one it was last done with and every file it
    made is still there unchanged. The folder is made when the first step is done.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / STEPS
        try:
            strange = folder.exists() and not self._path.is_file()
            # What a kill left of ours makes a folder no other's.
            if strange and folder.is_dir():
                strange = any(not path.name.startswith(PREFIX) for path in folder.iterdir())
        except OSError as error:
            msg = f"{folder} cannot be a run folder: {reason(error)}; choose another --out"
            raise ResourceError(msg) from error
        if strange:
            msg = (
                f"{folder} exists and is no run folder (it has no {STEPS}); choose another --out, nothing was written "
                "there"
            )
            raise InputError(msg)
        self.steps = read_steps(folder)

    def held(self) -> AbstractContextManager[None]:
        """Keep other processes from working in the folder.

        Raises
        ------
        ResourceError
            If one does, or the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            clean(self.folder)
        except OSError as error:
            msg = f"cannot write {self.folder}: {reason(error)}; choose another --out"
            raise ResourceError(msg) from error
        busy = f"another process is working in {self.folder}; wait for it, or choose another --out"
        return locked(self.folder, busy=busy)

    def step(self, name: str, *, inputs: Sequence[object], outputs: Sequence[str], work: Callable[[], None]) -> str:
        """Do `work` unless it was done; returns a digest of what it made, an input of later steps."""
        key = digest(name, *inputs)
        done = self.steps.get(name)
        if done is None or done["inputs"] != key or done["outputs"] != self._digests(outputs):
            # While a step is worked at, what it left before vouches for nothing.
            self.steps[name] = {"inputs": "", "outputs": done["outputs"] if done else {}}
            write_json(self._path, sealed(self.steps))
            work()
            self._remove(name, unless=(made := self._digests(outputs)))
            self.steps[name] = {"inputs": key, "outputs": made}
            write_json(self._path, sealed(self.steps))
        return digest(self.steps[name]["outputs"])

    def renew(self, name: str, outputs: Sequence[str]) -> None:
        """Note files that were made again outside of a run; the next run does the step anew."""
        if name in self.steps:
            kept = {**self.steps[name]["outputs"], **self._digests(outputs)}
            self.steps[name] = {"inputs": "made again", "outputs": kept}
            write_json(self._path, sealed(self.steps))

    def drop(self, name: str) -> None:
        """Remove what a step left that the study does not have any more, so that no report shows it."""
        if name in self.steps:
            self._remove(name)
            del self.steps[name]
            write_json(self._path, sealed(self.steps))

    def _remove(self, name: str, *, unless: Collection[str] = ()) -> None:
        """Remove the files that a step made when it was last done, unless it has just made them again."""
        before: Collection[str] = self.steps.get(name, {}).get("outputs", ())
        for file in filter(_is_inside, set(before) - set(unless)):
            (self.folder / file).unlink(missing_ok=True)

    def _digests(self, outputs: Sequence[str]) -> dict[str, str]:
        found = {}
        for output in outputs:
            path = self.folder / output
            for file in sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]:
                found[str(file.relative_to(self.folder))] = file_digest(file) if file.is_file() else "missing"
        return found


def read_steps(folder: Path) -> dict[str, dict[str, Any]]:
    """The steps that a run folder notes, empty where it notes none.

    Raises
    ------
    FormatError
        If its ledger is none, or was altered.
    """
    path = folder / STEPS
    if not path.is_file():
        return {}
    steps = read_json(path)
    if isinstance(steps, dict) and "seal" in steps:
        steps = {name: step for name, step in check_seal(steps, where=path).items() if name != "seal"}
    if not isinstance(steps, dict) or not all(map(_is_step, steps.values())):
        msg = f"{path} is no ledger of a run; remove it with the rest of {folder}, and run the study again"
        raise FormatError(msg)
    return steps


def altered_files(folder: Path, *, but: Collection[str] = ()) -> dict[str, str]:
    """Files of a run, `but` some, that are not as their step left them, each as ``"altered"`` or ``"missing"``.

    A folder without a ledger vouches for nothing.

    Raises
    ------
    FormatError
        If its ledger is none.
    """
    wrong = {}
    for step in read_steps(folder).values():
        for file, noted in step["outputs"].items() if step["inputs"] else ():
            path = folder / file
            if file in but or noted == "missing":
                continue
            if not path.is_file():
                wrong[file] = "missing"
            elif file_digest(path) != noted:
                wrong[file] = "altered"
    return wrong


def _is_step(step: object) -> bool:
    """Whether a note has the form of ours, and names no file outside the folder."""
    if not isinstance(step, Mapping) or not isinstance(step.get("inputs"), str):
        return False
    outputs = step.get("outputs")
    return isinstance(outputs, Mapping) and all(
        isinstance(noted, str) and _is_inside(file) for file, noted in outputs.items()
    )


def _is_inside(file: str) -> bool:
    return ".." not in Path(file).parts and not Path(file).is_absolute()
