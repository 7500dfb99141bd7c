"""Response to a treatment over cohorts, and new patients by the rule that came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import genelight as gl

from .._core.disk import writing
from .._core.tables import write_plain
from ..errors import InputError, UnknownNameError
from ._cohort import Cohort, Reading, question_option, table_option
from ._command import Result, command, note
from ._meta_module import cohort_names
from ._shared import File, Seed, fresh, listed, model_or

if TYPE_CHECKING:
    from anndata import AnnData

commands = typer.Typer(rich_help_panel="Patients")
NO_MODEL = "none"
RULE = "response.parquet"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the columns of the samples mean."""

    response: Annotated[
        str,
        question_option(help="sample column: R, responder, CR, PR, yes, 1 or NR, PD, no, 0"),
    ] = "response"
    words: Annotated[
        list[str] | None, question_option(help="what a word counts as: SD=NR, mixed=drop, DCB=R; repeat")
    ] = None
    by: Annotated[str | None, question_option(help="sample column that names the cohort, of one table")] = None
    subject: Annotated[str | None, question_option(help="sample column: whose biopsy it is; averaged")] = None
    before: Annotated[str | None, question_option(help="which biopsies are from before the treatment, a query")] = None
    adjust: Annotated[str | None, question_option(help="sample columns to adjust for, with commas")] = None
    treated: Annotated[
        str | None,
        question_option(help="who had the treatment, a query, where there are two arms"),
    ] = None
    drop: Annotated[str | None, table_option(help="samples to leave out, a query on sample columns")] = None

    def plan(self, *, local: int, permutations: int) -> gl.patients.ResponsePlan:
        """As Python has it."""
        return gl.patients.ResponsePlan(
            response=self.response,
            words=_words(self.words or ()),
            by=self.by,
            subject=self.subject,
            before=self.before,
            adjust=listed(self.adjust),
            treated=self.treated,
            local=local,
            draws=permutations,
        )


@dataclass(frozen=True, kw_only=True)
class Local:
    """Patients of the hospital whose response is known."""

    local: Annotated[Path | None, typer.Option(help="table of the hospital's patients with known response")] = None
    local_samples: Annotated[Path | None, typer.Option(help="their sample sheet")] = None
    response: Annotated[str, typer.Option(help="its column of response")] = "response"
    words: Annotated[list[str] | None, typer.Option(help="what a word counts as: SD=NR; repeat")] = None
    subject: Annotated[str | None, typer.Option(help="their column: whose biopsy it is; averaged")] = None
    before: Annotated[str | None, typer.Option(help="which of theirs are from before the treatment, a query")] = None

    @property
    def plan(self) -> gl.patients.ResponsePlan:
        """As Python has it."""
        words = _words(self.words or ())
        return gl.patients.ResponsePlan(response=self.response, words=words, subject=self.subject, before=self.before)


ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        callback=model_or(NO_MODEL),
        help="whose nodes are programmes: human, which ships, a model folder, a registered name, or none",
    ),
]


@command(commands, "genelight response cohorts.h5ad --by study --words SD=drop --sets hallmark.gmt --out response")
def response(
    tables: Annotated[list[Path], typer.Argument(help="one table of all cohorts with --by, or a table of each")],
    asked: Asked,
    reading: Reading,
    out: File,
    samples: Annotated[
        list[Path] | None, table_option("--samples", help="sample sheet of each table, in their order")
    ] = None,
    model: ModelName = "human",
    sets: Annotated[str, typer.Option(help="gene sets: a GMT file, embedded (Reactome), or none")] = "none",
    local: Annotated[int, typer.Option(help="patients of a new cohort that recalibrate the probability")] = 10,
    permutations: Annotated[int, typer.Option(help="of response within cohorts")] = 200,
    seed: Seed = 0,
) -> Result:
    """Ask what goes with response over cohorts, and what foretells it in cohorts left out; with a page."""
    from ..report._response import response_page

    fresh(out)
    plan = asked.plan(local=local, permutations=permutations)
    cohorts = _tables(tables, samples or [], reading=reading, asked=asked)
    found = gl.response(
        cohorts,
        _model(model),
        sets=None if sets == "none" else _sets(sets),
        plan=plan,
        seed=seed,
    )
    with writing(out) as draft:
        draft.mkdir()
        found.save(draft / RULE)
        for name in ("cohorts", "programmes", "methods", "calibration", "decision", "interaction"):
            write_plain(draft / f"{name}.tsv", getattr(found, name))
        summary = response_page(found)
        (draft / "response.html").write_text(summary.html, encoding="utf-8")
        (draft / "response.json").write_text(summary.json, encoding="utf-8")
    for name, why in found.about["dropped"].items():
        note(f"{name}: {why}")
    for said in found.about["notes"]:
        note(said)
    shown = found.methods[["method", "auc", "low", "high", "gain", "gain_low", "gain_high", "p"]]
    lines = [shown.to_string(index=False, float_format="{:.3f}".format), *found.about["sentences"].values()]
    lines.append(f"{out}/response.html has the page")
    facts = {"out": out, "rule": found.rule, "methods": found.methods, "cohorts": found.cohorts}
    facts |= {"programmes": found.programmes.head(20), "sentences": found.about["sentences"]}
    return Result("\n".join(line for line in lines if line), facts)


@command(commands, "genelight response-score new.csv --rule response --out patient", name="response-score")
def response_score(
    table: Annotated[Path, typer.Argument(help="one new patient or more, in any format that read knows")],
    reading: Reading,
    theirs: Local,
    rule: Annotated[Path, typer.Option("--rule", help="what genelight response wrote: the folder")],
    out: File,
    samples: Annotated[Path | None, table_option(help="sample sheet")] = None,
    patient: Annotated[str | None, typer.Option(help="whose page to write; unset for all, 20 at most")] = None,
    model: ModelName = NO_MODEL,
    coverage: Annotated[float, typer.Option(help="of the intervals")] = 0.9,
) -> Result:
    """Give new patients a probability of response with its interval, and say what drives it; with a page.

    Raises
    ------
    UnknownNameError
        If a patient is asked for who isn't there.
    """
    from ..report._response import patient_pages

    fresh(out)
    found = gl.nouns.Response.load(rule / RULE if rule.is_dir() else rule)
    adata = _read(table, samples, reading=reading)
    if patient is not None and patient not in set(adata.obs_names):
        raise UnknownNameError("patient", patient, adata.obs_names)
    scores = gl.patients.score_response(
        adata,
        _model(model),
        response=found,
        local=None if theirs.local is None else _read(theirs.local, theirs.local_samples, reading=reading),
        plan=theirs.plan,
        coverage=coverage,
    )
    tables = {"scores": scores.table, "drivers": scores.drivers, "programmes": scores.programmes}
    shown = {name: t if patient is None else t[t["sample"] == patient] for name, t in tables.items()}
    with writing(out) as draft:
        draft.mkdir()
        scores.save(draft / "scores.tsv")
        for name in ("drivers", "programmes"):
            write_plain(draft / f"{name}.tsv", tables[name])
        (draft / "patient.html").write_text(patient_pages(found, shown, scores.about), encoding="utf-8")
    columns = ["sample", "probability", "low", "high", "inside"]
    lines = [scores.table[columns].head(20).to_string(index=False, float_format="{:.2f}".format)]
    lines += [f"{scores.refused} of {len(scores.table)} refused", f"centred by {scores.about['centred_by']}"]
    lines += [str(scores.about["not_known"]), f"{out}/patient.html has the page"]
    return Result("\n".join(lines), {"out": out, "scores": scores.table, "about": dict(scores.about)})


def _tables(paths: list[Path], samples: list[Path], *, reading: Reading, asked: Asked) -> Any:
    """One table, or several by name."""
    if samples and len(samples) != len(paths):
        msg = (
            f"{len(samples)} sample sheets for {len(paths)} tables; give --samples once for each table, in their order"
        )
        raise InputError(msg)
    sheets: list[Path | None] = [*samples] or [None] * len(paths)
    read = [_read(p, s, reading=reading, drop=asked.drop) for p, s in zip(paths, sheets, strict=True)]
    if len(paths) == 1:
        return read[0]
    if asked.by is not None:
        msg = (
            f"--by {asked.by} goes with one table; {len(paths)} tables are as many cohorts by their names: leave it off"
        )
        raise InputError(msg)
    return dict(zip(cohort_names(paths), read, strict=True))


def _read(path: Path, samples: Path | None, *, reading: Reading, drop: str | None = None) -> AnnData:
    return Cohort(table=path, samples=samples, drop=drop, **vars(reading)).genes()[0]


def _sets(name: str) -> gl.Edges:
    return gl.demo.sets() if name == "embedded" else gl.io.read_sets(name, ids="symbol")


def _model(name: str) -> gl.Model | None:
    return None if name == NO_MODEL else gl.load(name)


def _words(texts: list[str] | tuple[str, ...]) -> dict[str, str]:
    """Pairs of an option such as ``SD=NR``."""
    pairs = [text.rpartition("=") for text in texts]
    wrong = [text for text, (_, sign, meaning) in zip(texts, pairs, strict=True) if not sign or not meaning]
    if wrong:
        msg = f"--words {wrong[0]!r} says nothing; write WORD=R, WORD=NR or WORD=drop, such as --words SD=NR"
        raise InputError(msg)
    return {word.strip(): meaning.strip() for word, _, meaning in pairs}
