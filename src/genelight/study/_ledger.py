"""What has been done in a run folder, from what, so that nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from .._core.provenance import digest, file_digest, read_json, write_json
from ..errors import InputError

__all__ = ["Ledger"]


class Ledger:
    """The steps of a run folder, kept in its ``steps.json``.

    A step is skipped when the digest of its inputs is the one it was last done with and every file it
    made is still there unchanged.

    Parameters
    ----------
    folder
        Run folder; made when the first step is done.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "steps.json"
        if folder.exists() and not self._path.is_file() and (not folder.is_dir() or any(folder.iterdir())):
            msg = f"{folder} exists and is no run folder; choose another --out, nothing was written there"
            raise InputError(msg)
        self.steps: dict[str, dict[str, Any]] = read_json(self._path) if self._path.is_file() else {}

    def step(self, name: str, *, inputs: Sequence[object], outputs: Sequence[str], work: Callable[[], None]) -> str:
        """Do `work` unless it was done; returns a digest of what it made, an input of later steps."""
        key = digest(name, *inputs)
        done = self.steps.get(name)
        if done is None or done["inputs"] != key or done["outputs"] != self._digests(outputs):
            self.folder.mkdir(parents=True, exist_ok=True)
            work()
            self._remove(name, unless=(made := self._digests(outputs)))
            self.steps[name] = {"inputs": key, "outputs": made}
            write_json(self._path, self.steps)
        return digest(self.steps[name]["outputs"])

    def drop(self, name: str) -> None:
        """Remove what a step left that the study does not have any more, so that no report shows it."""
        if name in self.steps:
            self._remove(name)
            del self.steps[name]
            write_json(self._path, self.steps)

    def _remove(self, name: str, *, unless: Collection[str] = ()) -> None:
        """Remove the files that a step made when it was last done, unless it has just made them again."""
        before: Collection[str] = self.steps.get(name, {}).get("outputs", ())
        for file in set(before) - set(unless):
            if ".." not in Path(file).parts and not Path(file).is_absolute():
                (self.folder / file).unlink(missing_ok=True)

    def _digests(self, outputs: Sequence[str]) -> dict[str, str]:
        found = {}
        for output in outputs:
            for file in _files(self.folder / output):
                found[str(file.relative_to(self.folder))] = file_digest(file) if file.is_file() else "missing"
        return found


def _files(path: Path) -> list[Path]:
    """The file itself, or all files of a folder."""
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
