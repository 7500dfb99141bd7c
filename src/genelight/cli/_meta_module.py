"""Several cohorts at once: meta-module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

import genelight as gl

from .._core.checks import Looks, check_column, select_samples
from .._core.disk import writing
from .._core.tables import write_plain
from ..errors import InputError, first_three
from ..nouns.contrast import LEAST_SUBJECTS, persons
from ._cohort import ContrastedCohort, Reading, gene_option, question_option, table_option
from ._command import GROUPS, Result, command, note
from ._shared import File, Scale, fresh

if TYPE_CHECKING:
    from anndata import AnnData

commands = typer.Typer(rich_help_panel="Disease")
EACH = "once for all tables, or once for each in their order"
Cohorts = dict[str, tuple["AnnData", gl.Contrast]]


@dataclass(frozen=True, kw_only=True)
class SeveralCohorts(Reading):
    """Several tables, each with its sheet and question, or one table and a column that names the cohort."""

    tables: Annotated[
        list[Path], typer.Argument(metavar="TABLE...", help="one expression table for each cohort, or one for all")
    ]
    case: Annotated[list[str], question_option(help=f"which samples are cases, a query on sample columns; {EACH}")]
    control: Annotated[list[str], question_option(help=f"which samples are controls, a query as well; {EACH}")]
    by: Annotated[str | None, question_option(help="of one table: sample column that names the cohort")] = None
    samples: Annotated[list[Path] | None, table_option(help=f"sample sheet: CSV, TSV or Excel; {EACH}")] = None
    samples_id: Annotated[list[str] | None, table_option(help=f"its column of sample names; {EACH}")] = None
    drop: Annotated[list[str] | None, table_option(help=f"samples to leave out, a query; {EACH}")] = None
    subject: Annotated[list[str] | None, question_option(help=f"sample column: whose sample it is; {EACH}")] = None
    subject_pattern: Annotated[
        list[str] | None,
        question_option(
            help=f"regular expression: its first group is the part of --subject that names the person; {EACH}"
        ),
    ] = None
    covariates: Annotated[
        list[str] | None, question_option(help=f"sample columns to adjust for, with commas; {EACH}")
    ] = None
    probes: Annotated[
        list[Path] | None,
        gene_option("--table", help=f"table of ids and genes, or a GEO platform such as GPL570; {EACH}"),
    ] = None

    def cohorts(self) -> Cohorts:
        """Tables with their contrasts, by name of the cohort.

        Raises
        ------
        InputError
            If options and tables do not go together.
        """
        if self.by is not None:
            if len(self.tables) > 1:
                msg = (
                    f"--by {self.by} goes with one table, not with {len(self.tables)}; leave it out, or join the tables"
                )
                raise InputError(msg)
            return _levels(self._of(0), self.by)
        if len(self.tables) == 1:
            msg = (
                f"{self.tables[0]} is one table; give one for each cohort, or say which sample column names the "
                "cohort: --by study"
            )
            raise InputError(msg)
        found: Cohorts = {}
        looks = Looks(stop=False)
        for i, name in enumerate(cohort_names(self.tables)):
            cohort = self._of(i)
            note(f"cohort {name}: {self.tables[i]}")
            adata, _ = cohort.genes()
            contrast = looks.look(lambda: cohort.contrast(adata), where=f"cohort {name}")  # noqa: B023 - called at once
            if contrast is not None:
                found[name] = adata, contrast
        looks.settle()
        return found

    def _of(self, i: int) -> ContrastedCohort:
        """Options of one table."""
        reading = {field.name: getattr(self, field.name) for field in fields(Reading)}
        names = (
            "samples",
            "samples_id",
            "drop",
            "subject",
            "subject_pattern",
            "covariates",
            "probes",
            "case",
            "control",
        )
        return ContrastedCohort(table=self.tables[i], **reading, **{name: self._each(name, i) for name in names})

    def _each(self, name: str, i: int) -> Any:
        given = getattr(self, name)
        if not given:
            return None
        if len(given) not in (1, len(self.tables)):
            option = "--table" if name == "probes" else f"--{name.replace('_', '-')}"
            msg = (
                f"{option} is given {len(given)} times for {len(self.tables)} tables; give it once for all, or once "
                "for each in their order"
            )
            raise InputError(msg)
        return given[i if len(given) > 1 else 0]


@command(commands, f"genelight meta-module a.csv b.csv --samples a.xlsx --samples b.xlsx {GROUPS} --out meta.tsv")
def meta_module(
    several: SeveralCohorts,
    out: File,
    scale: Scale = "auto",
    effect: Annotated[
        str, typer.Option(help="standardised (any platforms), or logfc (all measured alike)")
    ] = "standardised",
    fdr: Annotated[float, typer.Option(help="false discovery rate of the module")] = 0.05,
    size: Annotated[int, typer.Option(help="so many leading genes in place of those; 0 for those")] = 0,
    forest: Annotated[Path | None, typer.Option(help="picture of one gene to draw: .svg, .png or .pdf")] = None,
    gene: Annotated[str | None, typer.Option(help="which gene; the leading one unless named")] = None,
    judged: Annotated[
        Path | None, typer.Option(help="TSV to write: what each cohort has of the others' module")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="folder to write: the module and its page, a forest plot of any gene in it")
    ] = None,
) -> Result:
    """Find the genes that change over several cohorts, how far cohorts differ, and what replicates where."""
    fresh(out, forest, judged, report)
    module = gl.meta_module(several.cohorts(), scale=scale, effect=effect, fdr=fdr, size=size or None)
    if forest:
        from ..pl._picture import save

        shown = gene or str(module.table["gene"].iloc[0])
        rows = len(module.about["cohorts"]) + 1
        save(lambda ax: gl.pl.forest(module, shown, ax), forest, size=(5.6, 1.4 + 0.36 * rows))
    module.save(out)
    cohorts = pd.DataFrame(module.about["cohorts"])
    if judged:
        write_plain(judged, cohorts)
    if report:
        with writing(report) as draft:
            draft.mkdir()
            module.save(draft / "05_module.tsv")
            gl.report.report(draft)
    first = f", first {', '.join(module.selected[:5])}" if module.selected else "; --size 200 takes the leading ones"
    lines = [
        cohorts.drop(columns="scale").round(2).to_string(index=False, na_rep="-"),
        "others: genes that the other cohorts have at this FDR; same_sign, replicated: the share of them here with "
        "their sign, and with p <= 0.05 as well; rank: correlation of all effects",
        module.about["because"],
        f"{out}: {len(module.selected)} genes{first}",
        *([f"{report / 'report.html'}: a forest plot of any gene"] if report else []),
    ]
    leading = module.table.drop(columns=[c for c in module.table if " " in str(c)]).head(20)
    facts = {"out": out, "genes": module.selected, "cohorts": cohorts, "leading": leading}
    return Result("\n".join(lines), {**facts, "because": module.about["because"]})


def cohort_names(tables: Sequence[Path]) -> list[str]:
    """Names of files without their endings, or their paths where those repeat.

    Raises
    ------
    InputError
        If a table is given twice.
    """
    if len({path.resolve() for path in tables}) < len(tables):
        msg = f"a table is given twice ({first_three([str(p) for p in tables])}); every cohort has a table of its own"
        raise InputError(msg)
    short = [path.name.partition(".")[0] for path in tables]
    return short if len(set(short)) == len(short) else [str(path) for path in tables]


def _levels(cohort: ContrastedCohort, by: str) -> Cohorts:
    """Parts of one table with enough cases and controls; the others are told."""
    adata, _ = cohort.genes()
    level_n = check_column(adata.obs, by, role="cohort").astype(object)
    sides = {side: select_samples(adata.obs, getattr(cohort, side), role=side) for side in ("case", "control")}
    person_n = persons(adata.obs, cohort.subject, cohort.subject_pattern)
    found: Cohorts = {}
    looks = Looks(stop=False)
    left: list[str] = []
    for level in sorted(level_n.dropna().unique(), key=str):
        here_n = (level_n == level).to_numpy()
        people = {side: len(set(person_n[mask_n & here_n])) for side, mask_n in sides.items()}
        if min(people.values()) < LEAST_SUBJECTS:
            if sum(people.values()):
                left.append(f"{level} ({people['case']} cases, {people['control']} controls)")
            continue
        part = adata[here_n].copy()
        contrast = looks.look(lambda: cohort.contrast(part), where=f"{by} {level}")  # noqa: B023 - called at once
        if contrast is not None:
            found[str(level)] = part, contrast
    looks.settle()
    if left:
        note(f"cohorts left out for fewer than {LEAST_SUBJECTS} subjects of a group: {len(left)} ({first_three(left)})")
    if len(found) < 2:
        msg = (
            f"{by} has {len(found)} cohorts with {LEAST_SUBJECTS} cases and {LEAST_SUBJECTS} controls, two are needed "
            f"(values: {first_three(sorted(map(str, level_n.dropna().unique())))}); check --case, --control and --by"
        )
        raise InputError(msg)
    return found
