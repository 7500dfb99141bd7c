"""The steps in order. Every step leaves its artefact; one whose inputs have not changed is not done again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .._core.printed import Card, Printed
from .._core.progress import stage
from .._core.provenance import Ledger, check_seal, read_json, sealed, versions, write_json
from .._core.threads import threads_taken
from ..errors import FormatError
from ..models.training.device import repeatable
from ._inputs import Inputs
from ._settings import Study
from .steps import STEPS, Bench, Step

RECORD = "run.json"


@dataclass(frozen=True, repr=False)
class Outcome(Printed):
    """Where a run's results are, and what it found.

    Attributes
    ----------
    folder, report
        Paths of the run folder and of its report.
    findings
        Five sentences.
    accounts
        What became of the sample sheet's rows and of columns that were no genes.
    """

    folder: Path
    report: Path
    findings: tuple[str, ...]
    accounts: tuple[str, ...] = ()

    def _card(self) -> Card:
        return f"run in {self.folder}", [
            ("report", str(self.report)),
            ("found", self.findings[0] if self.findings else ""),
            ("also", f"{len(self.findings) - 1} more in findings" if len(self.findings) > 1 else ""),
        ]


def run(study: Study, out: str | Path, *, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Run a study from expression to report.

    Parameters
    ----------
    study
        What to do, see :class:`Study`.
    out
        Run folder. Steps that it already holds, made from the same inputs, are not done again.
    say
        Called with a few words as each step begins.

    Raises
    ------
    GenelightError
        If an input does not fit; a new folder is not made then, and an older one stays as it was.

    Notes
    -----
    Cost: folds + 1 trainings, one search of the network, and matched draws for every node. Files are the same to the
    byte for any number of threads (BLAS and torch keep to one, see
    :func:`~genelight.models.training.device.repeatable`) and for any order of samples and genes in the table, which
    are sorted by name.

    Examples
    --------
    >>> import genelight as gl
    >>> outcome = gl.study.run(gl.study.Study.demo(), "runs/demo")  # doctest: +SKIP
    """
    say("reading and checking")
    with stage("reading and checking"):
        inputs = Inputs.read(study)
    bench, ledger = Bench(inputs, Path(out)), Ledger(Path(out))
    made: dict[str, str] = {}
    planned = [step for step in STEPS if _planned(step, bench)]
    with ledger.held(), repeatable():
        _drop_altered(bench.folder / RECORD)
        for step in STEPS:
            if step.wanted(bench):
                number = planned.index(step) + 1 if step in planned else 0
                with stage(step.says, number=number, total=len(planned) if number else 0):
                    made[step.name] = _do(step, bench, ledger=ledger, made=made, say=say)
            else:
                ledger.drop(step.name)
        findings = tuple(read_json(bench.folder / "report.json")["findings"])
        _record(bench, result=made["report"])
    return Outcome(bench.folder, bench.folder / "report.html", findings, inputs.accounts)


def _planned(step: Step, bench: Bench) -> bool:
    """Whether a step counts among those to come; one that asks for files of earlier steps may still be left out."""
    try:
        return step.wanted(bench)
    except FormatError:
        return True


def _do(step: Step, bench: Bench, *, ledger: Ledger, made: dict[str, str], say: Callable[[str], None]) -> str:
    """Do a step unless it was done; returns the digest of what it made."""

    def work() -> None:
        say(step.says)
        step.work(bench)

    before = made if step.after is None else [name for name in step.after if name in made]
    inputs = [*(made[name] for name in before), *step.depends(bench)]
    return ledger.step(step.name, inputs=inputs, outputs=step.outputs(bench), work=work)


def _record(bench: Bench, *, result: str) -> None:
    """Write run.json, the last file: a folder that has it is complete."""
    path = bench.folder / RECORD
    if path.is_file() and _is_of(path, result):
        return
    record = {
        "format": 1,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "versions": versions(),
        "threads": threads_taken(),
        "seed": bench.seed,
        "expression": bench.inputs.digest,
        "priors": bench.inputs.priors,
        "result": result,
    }
    if bench.inputs.reference is not None:
        record["reference"] = bench.inputs.reference.digest
    write_json(path, sealed(record))


def _is_of(path: Path, result: str) -> bool:
    """Whether a record is whole, and of this result."""
    try:
        return bool(check_seal(read_json(path), where=path)["result"] == result)
    except (FormatError, KeyError):
        return False


def _drop_altered(path: Path) -> None:
    """Remove a record that was changed by hand, so that no report shows it."""
    try:
        if path.is_file():
            check_seal(read_json(path), where=path)
    except FormatError:
        path.unlink()
