"""A run done again, and compared with what it left the first time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .._core.printed import Card, Printed, leading
from .._core.provenance import altered_files, check_seal, read_json, read_steps, versions
from ..errors import InputError, first_three
from ._inputs import Inputs
from ._run import RECORD, run
from ._settings import Study


@dataclass(frozen=True, repr=False)
class Compared(Printed):
    """What a second run gave.

    Attributes
    ----------
    same
        Files that are equal to the byte.
    differ
        By file, in what it differs.
    versions
        Libraries that were other ones the first time: name, then, now.
    """

    folder: Path
    same: tuple[str, ...]
    differ: Mapping[str, str]
    versions: tuple[tuple[str, str, str], ...]

    def _card(self) -> Card:
        return f"{self.folder}: done again", [
            ("same", f"{len(self.same)} files"),
            ("differ", f"{len(self.differ)}: {leading(list(self.differ))}" if self.differ else "none"),
            ("versions", leading([f"{name} was {then}, is {now}" for name, then, now in self.versions])),
        ]

    def to_text(self) -> str:
        """One line for each file that differs, and a sentence."""
        lines = [f"{name} was {then}, is {now}" for name, then, now in self.versions]
        lines += [f"{file}: {what}" for file, what in self.differ.items()]
        verdict = f"{len(self.differ)} differ" if self.differ else "none differs"
        return "\n".join([*lines, f"{self.folder}: done again; {len(self.same)} files are the same, {verdict}"])


def rerun(folder: str | Path, *, say: Callable[[str], None] = lambda _: None) -> Compared:
    """Do a run again from its own ``study.toml`` and the data that it names, and compare file by file.

    Parameters
    ----------
    folder
        Run folder; it is left as it is. The second run lies beside it, and is removed at the end.
    say
        Called with a few words as each step begins.

    Raises
    ------
    InputError
        If it is no finished run, its files were altered, or its data are not those it was made from; nothing is done
        then.

    Notes
    -----
    Cost: that of the run. Files are the same to the byte on one machine with the same libraries and any number of
    threads; other processors and other versions differ in last digits, which is said.

    Examples
    --------
    >>> import genelight as gl
    >>> print(gl.study.rerun("runs/demo").to_text())  # doctest: +SKIP
    runs/demo: done again; 89 files are the same, none differs
    """
    folder = Path(folder)
    if not (folder / "study.toml").is_file() or not (folder / RECORD).is_file():
        msg = f"{folder} is no finished run (it has no study.toml, or no {RECORD}); run it first"
        raise InputError(msg)
    record = check_seal(read_json(folder / RECORD), where=folder / RECORD)
    if wrong := altered_files(folder):
        msg = f"{folder} is not as it was written ({first_three(wrong)}); see: genelight verify {folder}"
        raise InputError(msg)
    study = Study.load(folder / "study.toml")
    _check_data(folder, Inputs.read(study), record)
    # Beside the first one, for the paths in its study file; a second try goes on where a kill stopped the first.
    second = folder.absolute().with_name(f"{folder.absolute().name}.again")
    run(study, second, say=say)
    found = _compare(folder, second, record)
    shutil.rmtree(second)
    return found


def _check_data(folder: Path, inputs: Inputs, record: Mapping[str, object]) -> None:
    """Stop before anything is done again where the data are others."""
    reference = None if inputs.reference is None else inputs.reference.digest
    now = {"expression table": inputs.digest, "network or gene sets": inputs.priors, "reference model": reference}
    for (what, found), key in zip(now.items(), ("expression", "priors", "reference"), strict=True):
        if found != record.get(key):
            msg = f"the {what} of {folder} is another one now: its digest was {record[key]}, and is {found}"
            raise InputError(msg)


def _compare(folder: Path, second: Path, record: Mapping[str, object]) -> Compared:
    noted = {f: known for step in read_steps(folder).values() for f, known in step["outputs"].items()}
    made = {f: known for step in read_steps(second).values() for f, known in step["outputs"].items()}
    differ: dict[str, str] = {}
    for file in sorted(noted.keys() | made.keys()):
        if file not in made or file not in noted:
            differ[file] = "only there the first time" if file in noted else "only there the second time"
        elif made[file] != noted[file]:
            differ[file] = _difference(folder / file, second / file)
    before, after = record.get("versions"), versions()
    others = [(n, str(v), after.get(n, "absent")) for n, v in dict(before or {}).items() if after.get(n) != v]  # type: ignore[call-overload]
    return Compared(folder, tuple(sorted(made.keys() & noted.keys() - differ.keys())), differ, tuple(others))


def _difference(one: Path, other: Path) -> str:
    """The largest difference of two tables of numbers; of other files only that there is one."""
    try:
        tables = [_numbers(path) for path in (one, other)]
    except (OSError, ValueError):
        return "differs"
    if tables[0].shape != tables[1].shape:
        return f"differs: {tables[0].shape} numbers the first time, {tables[1].shape} the second"
    gap = np.abs(tables[0] - tables[1])
    return f"differs by at most {np.nanmax(gap, initial=0.0):.2g}"


def _numbers(path: Path) -> np.ndarray:
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": pd.read_parquet,
        ".tsv": lambda p: pd.read_csv(p, sep="\t", comment="#"),
        ".csv": pd.read_csv,
    }
    if path.suffix not in readers:
        msg = "no table"
        raise ValueError(msg)
    return readers[path.suffix](path).select_dtypes("number").to_numpy(np.float64)
