"""A study file filled in from what a table and its sample sheet show; what they leave open stands there commented."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .. import io
from .._core.expressions import quoted
from .._core.tables import plain_text
from ..errors import GenelightError, InputError, first_three
from ..io._inspect import Column, Inspection
from ..io.id_kinds import PROBES
from ..pp.features import FEATURES
from ._reference import SMALL, SMALL_SAYS, reference_for
from ._settings import Contrast as ContrastSettings
from ._settings import Data
from ._settings import Model as ModelSettings
from ._template import OPTIONAL, as_toml, section_lines, template

LEAST_SUBJECTS = 5  # of a group, as a contrast asks for
_HEALTHY = re.compile(
    r"^(healthy|control|ctrl|ctl|normal|none|no|non[-_ ]?\w+|hc|nc|unaffected|untreated|baseline|placebo|mock"
    r"|wild[-_ ]?type|wt|negative|neg|well|0|-|false)s?\b|\b(controls?|healthy|donors?)$",
    re.IGNORECASE,
)
_COVARIATE = re.compile(r"\b(age|sex|gender|batch|plate|site|cent(er|re)|rin|bmi|race|ethnicity)\b", re.IGNORECASE)
_SCALES = {"counts": "counts", "log2": "log2", "tpm": "linear", "intensity": "linear", "linear": "linear"}
_MOST_SHOWN = 4
_NO_GENES = (
    "",
    "# Network and gene sets know genes, and the columns are none. To ask them all the same, name a table of features",
    "# and their genes under [data], feature_genes, remove these two lines and the # of [network] and [[sets]].",
    "network = false",
    "sets = []",
)


def draft(
    table: str | Path,
    samples: str | Path | None = None,
    *,
    beside: str | Path = ".",
    samples_id: str | None = None,
    reading: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[str, Inspection]:
    """A study file for a table and its sample sheet.

    Parameters
    ----------
    table
        Expression table in any format.
    samples
        Sample sheet, joined by name.
    beside
        Folder that the study file will stand in; file names are relative to it.
    samples_id
        The sheet's column of sample names; unset for what fits best.
    reading
        Options of :func:`genelight.io.read`: ``{"orientation": "genes-in-rows"}``.

    Returns
    -------
    The text, and what it was filled in from.

    Raises
    ------
    GenelightError
        If the table or the sheet cannot be read, do not belong together, or stand in each other's place.

    Notes
    -----
    A column with two levels and more of at least five samples each makes a contrast; the level that is called as
    controls are is the control. Where none is, or several columns would do, the choices stand there as comments.
    Where a group has fewer than 20 samples, and the model that ships has their genes, it is written in as the reference
    to read them through, with the reason.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "flu.h5ad"
    ...     gl.demo.cohort().write_h5ad(path)
    ...     text, found = gl.study.draft(path, beside=folder)
    >>> print(text.splitlines()[5])
    expression = "flu.h5ad"                        # expression table in any format that genelight reads
    """
    given = {key: value for key, value in reading.items() if value not in (None, False)}
    found = io.inspect(table, samples=samples, samples_id=samples_id, **given)
    if samples is not None and found.no_genes and sum(column.numeric for column in found.columns) > found.genes:
        msg = (
            f"{table}: none of {found.genes} names ({first_three(found.ids.examples)}) is a gene's, and {samples} has "
            f"more columns of numbers; the table comes first, the sheet behind it: {samples} {table}"
        )
        raise InputError(msg)
    told = {**_data(found, table, samples, beside=Path(beside)), **given}
    data = section_lines(Data, set_to=told, asked=())
    asked = _contrast(found)
    replaced = {"[data]": data, "[contrast]": asked}
    people = _people(found, told=any(line.startswith("case = ") for line in asked))
    if reference := _reference(table, people, reading=given, id_table=told.get("id_table")):
        replaced["[model]"] = [
            f"# {' against '.join(map(str, people))} samples: {SMALL_SAYS}.",
            "# To train a model of your own all the same, remove this line (at least 5 people in a group):",
            *section_lines(ModelSettings, set_to={"reference": reference}, asked=()),
        ]
    if told.get("features"):
        return template(replaced=replaced, head=_NO_GENES, optional=(*OPTIONAL, "network", "sets")), found
    return template(replaced=replaced), found


def _people(found: Inspection, *, told: bool) -> list[int]:
    """Samples of either group where the file tells one contrast, else half of all samples."""
    column = next((c for c in found.columns if len(_levels(c)) == 2 and _control(c) is not None), None)
    if told and column is not None:
        return [column.counts[level] for level in _levels(column)]
    return [found.samples // 2, found.samples - found.samples // 2]


def _reference(table: str | Path, people: list[int], *, reading: Mapping[str, Any], id_table: object) -> str | None:
    """The model that so few samples are read through, where it has their genes."""
    if min(people) >= SMALL:
        return None
    try:
        adata = io.read(table, **reading)
    except GenelightError:
        return None
    return reference_for(adata, people, table=None if id_table is None else str(id_table))


def _data(found: Inspection, table: str | Path, samples: str | Path | None, *, beside: Path) -> dict[str, object]:
    """Keys of [data] that were told."""
    told: dict[str, object] = {"expression": _relative(table, beside)}
    if samples is not None and found.sheet is not None:
        told |= {"samples": _relative(samples, beside), "samples_id": found.sheet["id_column"]}
    if found.subjects:
        told["subject"] = found.subjects[0].name
        if found.subjects[0].pattern:
            told["subject_pattern"] = found.subjects[0].pattern
    kind = next((e.name for e in FEATURES.show() if e.what.by_ids and found.ids.kind in e.what.ids), None)
    if kind is not None:
        # Its scale is told from the values by what is known of the kind.
        return told | {"features": kind}
    if found.scale.name in _SCALES:
        told["scale"] = _SCALES[found.scale.name]
    if found.ids.kind in PROBES and found.platform:
        told["id_table"] = found.platform
    return told


def _relative(path: str | Path, beside: Path) -> str:
    return Path(os.path.relpath(Path(path).expanduser(), beside)).as_posix()


def _contrast(found: Inspection) -> list[str]:
    """Lines of [contrast]: one filled in where one alone is plain, else the choices."""
    labels = {column.name for column in found.labels}
    known = {found.sheet["id_column"]} if found.sheet else set()
    usable = [c for c in found.columns if len(_levels(c)) > 1 and c.name not in known and not _is_covariate(c.name)]
    usable = sorted(usable, key=lambda column: column.name not in labels)
    told = [column for column in usable if _control(column) is not None and (column.name in labels or not labels)]
    lines: list[str] = []
    if len(told) == 1 and len(_levels(told[0])) == 2:
        column, control = told[0], str(_control(told[0]))
        case = next(level for level in _levels(column) if level != control)
        lines += [f"case = {_query(column, case)}", f"control = {_query(column, control)}"]
    else:
        lines.append("# Which samples are cases, which are controls? Remove the # of one pair, or write your own:")
        for column in usable[:_MOST_SHOWN]:
            levels = _levels(column)
            control = _control(column) or levels[-1]
            for level in [level for level in levels if level != control][:_MOST_SHOWN]:
                lines += [f"# case = {_query(column, level)}", f"# control = {_query(column, control)}"]
        if not found.columns:
            lines += ["# nothing is known of the samples yet; name their sheet above, as samples, or type anew:"]
            lines += [f"# genelight init STUDY {plain_text(shlex.quote(str(found.path)))} SHEET"]
        elif not usable:
            lines += ["# no column has two values of at least five samples each; the columns are:"]
            lines += [f"#   {plain_text(str(column))}" for column in found.columns]
        if not usable:
            lines += ["# case = 'column == \"ill\"'", "# control = 'column == \"well\"'"]
    counts = [f"# {plain_text(str(column))}" for column in usable[:_MOST_SHOWN]]
    covariates = [column.name for column in found.columns if _is_covariate(column.name)]
    hints = [f"# covariates = {json.dumps(covariates, ensure_ascii=False)} # to adjust for them"] if covariates else []
    rest = section_lines(ContrastSettings, set_to={}, asked=())
    return [*counts, *lines, *hints, *(r for r in rest if not r.startswith("# covariates") or not hints)]


def _is_covariate(name: str) -> bool:
    return bool(_COVARIATE.search(re.sub(r"[_.]", " ", name)))


def _levels(column: Column) -> list[str]:
    """Values of at least five samples each."""
    return [value for value, count in column.counts.items() if count >= LEAST_SUBJECTS]


def _control(column: Column) -> str | None:
    """The one value that is called as controls are; None where none is, or several are."""
    found = [value for value in _levels(column) if _HEALTHY.search(value)]
    return found[0] if len(found) == 1 else None


def _query(column: Column, value: str) -> str:
    """``disease == "lupus"`` as TOML has it."""
    return as_toml(f"{quoted(column.name)} == {value if column.numeric else json.dumps(value, ensure_ascii=False)}")
