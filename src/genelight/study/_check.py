"""Everything that is wrong in a study, before anything is computed, and what computing it would take."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .._core.printed import Card, Printed
from .._core.provenance import parse_toml
from ..errors import FormatError, GenelightError, InputError, ResourceError
from ._inputs import Inputs
from ._reference import SMALL_SAYS, reference_for
from ._settings import Study, explain

# Fitted to whole runs on one core, see the notes of `check`.
_BASE_GB, _MATRICES, _SCORES = 0.95, 9.0, 10.0
_BASE_S, _TRAINING_S, _VALUE_S, _NODE_S = 40.0, 1.0, 1.2e-6, 0.15


FEW = f'{SMALL_SAYS}: reference = "human" under [model]'


@dataclass(frozen=True, repr=False)
class Checked(Printed):
    """What was found wrong in a study.

    Attributes
    ----------
    path
        The study file.
    problems
        One sentence each, with what to write instead; none where the study can run.
    accounts
        What became of the sample sheet's rows and of columns that were no genes.
    facts
        Samples, subjects, cases, controls, genes, layers; trainings, ``seconds`` and ``memory_gb`` expected. Empty
        where there are problems.
    """

    path: str
    problems: tuple[str, ...]
    accounts: tuple[str, ...]
    facts: dict[str, Any]

    def _card(self) -> Card:
        facts = self.facts
        many = f"{len(self.problems)} in the way" if self.problems else "can run"
        return f"{self.path}: {many}", [
            ("table", f"{facts['samples']} samples x {facts['genes']:,} {facts['called']}" if facts else ""),
            ("contrast", f"{facts['cases']} cases and {facts['controls']} controls" if facts else ""),
            ("trainings", f"{facts['trainings']}" if facts else ""),
            ("next", "str() has it in words"),
        ]

    def __str__(self) -> str:
        if self.problems:
            many = "1 thing stands" if len(self.problems) == 1 else f"{len(self.problems)} things stand"
            return "\n".join([f"{self.path}: {many} in the way", *(f"- {problem}" for problem in self.problems)])
        facts = self.facts
        low, high = (_minutes(facts["seconds"] * factor) for factor in (0.5, 2))
        return "\n".join(
            [
                *self.accounts,
                f"{self.path} can run: {facts['samples']} samples x {facts['genes']:,} {facts['called']}, "
                f"{facts['cases']} cases and {facts['controls']} controls, "
                f"layers of {', '.join(map(str, facts['widths']))}",
                f"expected: {facts['trainings']} trainings, {low} to {high} on an idle machine, about "
                f"{facts['memory_gb']:.1f} of {facts['memory_there_gb']:.1f} GB of memory",
                *([FEW] if facts["few"] else []),
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, as JSON takes them."""
        return {"path": self.path, "problems": self.problems, "accounts": self.accounts, **self.facts}


def check(path: str | Path) -> Checked:
    """Look at every key and every file of a study, and list all that does not fit.

    Parameters
    ----------
    path
        The study file.

    Raises
    ------
    ResourceError
        If there is no such file.
    FormatError
        If it is no TOML.

    Notes
    -----
    Cost: reads and prepares the tables and priors, trains nothing. What computing takes is told from samples, genes,
    nodes, trainings and bootstraps, fitted to three whole runs: 13 samples x 28,428 genes (68 s of one core, 1.45 GB;
    expected 64 s, 1.4 GB), the embedded 252 x 4,147 (89 s, 1.04 GB; 110 s, 1.08 GB) and 177 x 28,428 (175 s,
    1.67 GB; 169 s, 1.71 GB). For much larger tables it is a guess. Time may be half or twice that.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "study.toml"
    ...     _ = path.write_text('''[data]
    ... expression = "embedded"
    ... variable = 120
    ... [contrast]
    ... case = "hours >= 45"
    ... control = "hour == 0"
    ... [module]
    ... size = 20
    ... ''')
    ...     found = gl.study.check(path)
    >>> for problem in found.problems:
    ...     print(problem)
    unknown obs column 'hour' in control = 'hour == 0'; did you mean 'hours'?
    [tests] n_top = 150, but only 120 genes are kept, by variable = 120 of [data]; write n_top = 12
    """
    path = Path(path)
    study, problems = _read_study(path)
    if any(isinstance(problem, FormatError | ResourceError) for problem in problems):
        raise problems[0]
    inputs: Inputs | None = None
    if study is not None:
        inputs, more = Inputs.check(study)
        problems = [*problems, *more]
    if problems or inputs is None:
        return Checked(str(path), tuple(map(str, problems)), (), {})
    facts = _facts(inputs)
    if facts["memory_gb"] > facts["memory_there_gb"]:
        problem = _too_large(facts)
        return Checked(str(path), (str(problem),), (), {})
    return Checked(str(path), (), inputs.accounts, facts)


def _read_study(path: Path) -> tuple[Study | None, list[GenelightError]]:
    """A study with whatever is wrong in its file; what does not fit is left out, so that the rest can be looked at.

    None where too little is left.
    """
    try:
        return Study.load(path), []
    except InputError as error:
        first: list[GenelightError] = [error]
    raw = parse_toml(path.read_text(encoding="utf-8"), where=str(path))
    problems: list[GenelightError] = []
    while True:
        try:
            return Study.model_validate(raw)._relative_to(path.parent), problems or first
        except ValidationError as error:
            found = error.errors()
        said = set(map(str, problems))
        problems += [each for each in (explain(e, str(path)) for e in found) if str(each) not in said]
        unfit = [each["loc"] for each in found if each["type"] != "missing"]
        for place in unfit:
            _remove(raw, place)
        if not unfit:
            return None, problems


def _remove(raw: dict[str, Any], place: Sequence[Any]) -> None:
    """Take out the innermost key that is there; behind it a place may name the types that were tried."""
    here: Any = raw
    holder, key = raw, ""
    for part in place:
        if isinstance(here, dict) and part in here:
            holder, key = here, part
        elif not (isinstance(here, list) and isinstance(part, int) and part < len(here)):
            break
        here = here[part]
    holder.pop(key, None)


def _facts(inputs: Inputs) -> dict[str, Any]:
    study, contrast = inputs.study, inputs.contrast
    samples, genes = inputs.adata.n_obs, len(inputs.preparation.genes)
    trainings = study.module.folds + 1 + study.model.seeds
    if study.patients is not None:
        trainings += study.module.folds
    if inputs.reference is not None:
        trainings = 0
    nodes = sum(inputs.widths)
    values = samples * inputs.adata.n_vars
    scores = _SCORES * study.module.bootstraps * inputs.adata.n_vars
    return {
        "samples": samples,
        "genes": genes,
        "called": "genes" if inputs.of_genes else "features",
        "cases": int(contrast.case_n.sum()),
        "controls": int(contrast.control_n.sum()),
        "widths": list(inputs.widths),
        "trainings": trainings,
        "few": inputs.reference is None and reference_for(inputs.adata, [inputs.fewest]) is not None,
        "seconds": _BASE_S + trainings * (_TRAINING_S + values * _VALUE_S) + nodes * _NODE_S,
        "memory_gb": _BASE_GB + (_MATRICES * values + scores) * 8 / 2**30,
        "memory_there_gb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
    }


def _too_large(facts: dict[str, Any]) -> GenelightError:
    return ResourceError(
        f"[data] needs about {facts['memory_gb']:.1f} GB of memory where there are {facts['memory_there_gb']:.1f}; "
        "keep the most variable genes: variable = 5000"
    )


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
