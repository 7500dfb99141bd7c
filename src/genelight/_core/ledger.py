"""What has been done in a run folder, from what, so that nothing is done twice and nothing altered is believed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ..errors import FormatError, InputError, ResourceError
from .disk import PREFIX, clean, locked, reason
from .provenance import check_seal, digest, file_digest, read_json, sealed, write_json

__all__ = ["STEPS", "Ledger", "altered_files"]

STEPS = "steps.json"


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
        self._path = folder / STEPS
        try:
            strange = folder.exists() and not self._path.is_file() and (not folder.is_dir() or _visible(folder))
        except OSError as error:
            msg = f"{folder} cannot be a run folder: {reason(error)}; choose another --out"
            raise ResourceError(msg) from error
        if strange:
            msg = (
                f"{folder} exists and is no run folder (it has no {STEPS}); choose another --out, nothing was written "
                "there"
            )
            raise InputError(msg)
        self.steps: dict[str, dict[str, Any]] = read_steps(folder) if self._path.is_file() else {}

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
            for file in _files(self.folder / output):
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
    """Files of a run that are not as their step left them, each with what is wrong: ``"altered"``, ``"missing"``.

    Parameters
    ----------
    folder
        Run folder; one without a ledger vouches for nothing.
    but
        Files not to look at.

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


def _visible(folder: Path) -> bool:
    """Whether a folder holds anything but what a kill left of ours."""
    return any(not path.name.startswith(PREFIX) for path in folder.iterdir())


def _files(path: Path) -> list[Path]:
    """The file itself, or all files of a folder."""
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
