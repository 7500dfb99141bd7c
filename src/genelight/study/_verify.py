"""Whether what lies on disk is what genelight wrote: every digest of a run, a model or a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import models
from .._core.disk import PREFIX
from .._core.printed import Card, Printed, leading
from .._core.provenance import STEPS, altered_files, check_seal, file_digest, read_json, read_steps
from ..errors import FormatError, InputError
from ..io.stores._bucket import Url, located
from ..io.stores.store import altered_parts

RECORD = "run.json"


@dataclass(frozen=True, repr=False)
class Verified(Printed):
    """What was compared with its digest, and what did not fit.

    Attributes
    ----------
    path
        What was asked about.
    kind
        ``"run"``, ``"model"``, ``"ensemble"`` or ``"store"``.
    checked
        Number of files compared.
    wrong
        By file, within `path`, what is wrong with it: ``"altered"``, ``"missing"``, or what reading it said.
    unknown
        Files that no digest speaks of.
    """

    path: Path
    kind: str
    checked: int
    wrong: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def _card(self) -> Card:
        return f"{self.path}: {self.kind}", [
            ("compared", f"{self.checked} files"),
            (
                "wrong",
                f"{len(self.wrong)}: {leading([f'{file} {said}' for file, said in self.wrong.items()])}"
                if self.wrong
                else "none",
            ),
            ("not noted", f"{len(self.unknown)} files" if self.unknown else ""),
        ]

    @property
    def whole(self) -> bool:
        """Whether nothing was found."""
        return not self.wrong

    def to_text(self) -> str:
        """One line for each file that does not fit, and a sentence."""
        lines = [f"{file}: {said}" for file, said in sorted(self.wrong.items())]
        lines += [f"{file}: not noted, nothing is known of it" for file in self.unknown]
        verdict = "as it was written" if self.whole else f"{len(self.wrong)} files are not as they were written"
        return "\n".join([*lines, f"{self.path}: {self.kind}, {self.checked} files compared, {verdict}"])


def verify(path: str | Path) -> Verified:
    """Compare everything in a run folder, a model folder, an ensemble or a store with the digests kept of it.

    Parameters
    ----------
    path
        What ``genelight run``, ``model.save`` or ``genelight pack`` wrote.

    Returns
    -------
    Verified
        It names what was altered; to find nothing is no proof against someone who writes new digests too.

    Raises
    ------
    InputError
        If `path` is none of these.

    Notes
    -----
    Cost: every byte is read once, about a second for each gigabyte.

    Examples
    --------
    >>> import genelight as gl, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     gl.models.PCA(8).fit(gl.demo.cohort()).save(folder + "/pca")
    ...     gl.study.verify(folder + "/pca").whole
    True
    """
    path = located(path)
    if isinstance(path, Url):
        return _store(path)
    for mark, look in (
        (STEPS, _run),
        ("config.json", _model),
        ("ensemble.json", _ensemble),
        ("zarr.json", _store),
    ):
        if (path / mark).is_file():
            return look(path)
    msg = (
        f"{path} is no run folder, no model folder and no store; give what genelight run, fit or pack wrote with --out"
    )
    raise InputError(msg)


def _run(path: Path) -> Verified:
    try:
        noted = [file for step in read_steps(path).values() for file in step["outputs"]]
        wrong = altered_files(path)
    except FormatError as error:
        return Verified(path, "run", 1, {STEPS: str(error)})
    if (path / RECORD).is_file():
        wrong |= _sealed(path / RECORD, RECORD)
    else:
        wrong[RECORD] = "missing: the run was not finished, run it again"
    there = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file() and PREFIX not in str(file)}
    unknown = sorted(there - set(noted) - {STEPS, RECORD})
    return Verified(path, "run", len(noted) + 1, wrong, tuple(unknown))


def _sealed(path: Path, name: str) -> dict[str, str]:
    try:
        check_seal(read_json(path), where=path)
    except FormatError as error:
        return {name: str(error)}
    return {}


def _model(path: Path) -> Verified:
    wrong = _sealed(path / "config.json", "config.json")
    if wrong:
        return Verified(path, "model", 1, wrong)
    noted = read_json(path / "config.json").get("files", {})
    for file, known in noted.items():
        if not (path / file).is_file():
            wrong[file] = "missing"
        elif file_digest(path / file) != known:
            wrong[file] = "altered"
    if not wrong:
        try:
            models.load(path)
        except FormatError as error:
            wrong["config.json"] = str(error)
    unknown = sorted(file.name for file in path.iterdir() if file.name not in {*noted, "config.json"})
    return Verified(path, "model", len(noted) + 1, wrong, tuple(unknown))


def _ensemble(path: Path) -> Verified:
    wrong = _sealed(path / "ensemble.json", "ensemble.json")
    checked = 1
    for name in () if wrong else read_json(path / "ensemble.json")["members"]:
        member = _model(path / name) if (path / name / "config.json").is_file() else None
        wrong |= {name: "missing"} if member is None else {f"{name}/{f}": said for f, said in member.wrong.items()}
        checked += 0 if member is None else member.checked
    return Verified(path, "ensemble", checked, wrong)


def _store(path: Path) -> Verified:
    checked, wrong = altered_parts(path)
    return Verified(path, "store", checked, wrong)
