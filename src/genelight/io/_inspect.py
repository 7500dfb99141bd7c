"""What a table holds, before anything is done with it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from .._core.printed import Card, Printed, leading
from ..errors import first_three
from ..nouns.confounding import BATCH
from ._read import find_reader, read
from .id_kinds import ID_KINDS, PLATFORMS, PROBES, IdKind, detect_ids
from .scales import SCALE_NAMES, Scale, detect_scale, find_floor, levels
from .sheet import match_sheet
from .sides._axis import knows_none
from .sides._odd_samples import said_of
from .stores._bucket import located

if TYPE_CHECKING:
    from anndata import AnnData

_ROWS = 1024
_MOST_LABELS = 12
_USUAL = ("format", "separator", "decimal", "annotations", "copies")
_VERSIONED = re.compile(r".*\.\d+$")
_MANGLED = re.compile(r"\d{1,2}-(Mar|Sep|Dec|Oct|Nov|Apr|Feb)$", re.IGNORECASE)
# How titles say a visit behind a person; most titles do, and people are more than a handful.
_VISITS = ("[Vv][0-9]+", "[ _.,-]+(?i:visit|time|tp|day|week|month|hour|rep|[vtdwmh])[ _.-]?[0-9]+")
_MOST, _FEWEST = 0.5, 5
_NO_SCALE = {
    "zscore": "look for the values before they were standardised: a model needs them",
    "ratio": "look for the values before they were divided by a reference: a model needs them",
    "ranks": "look for the values before they were ranked: a model needs them",
    "unknown": "check the values: no scale of expression fits them",
}
_WORDS = {
    "batch": BATCH,
    "subject": r"subject|patient|donor|individual|participant|person|volunteer|animal|\bcase.?id",
    "label": r"disease|condition|diagnosis|group|status|phenotype|tumou?r|treatment|response|class|label|state|outcome",
}


@dataclass(frozen=True)
class Column:
    """A column of ``obs`` with how many samples have each value.

    With a pattern, its values are taken by what that finds in its brackets: a person's part of a sample's title.
    A column of numbers is compared with numbers in a query.
    """

    name: str
    counts: Mapping[str, int]
    pattern: str | None = None
    numeric: bool = False

    def __str__(self) -> str:
        values = first_three((f"{value} {count}" for value, count in self.counts.items()), n=4)
        name = self.name if self.pattern is None else f"{self.name} by subject_pattern {self.pattern!r}"
        return f"{name} ({len(self.counts)} values: {values})"


@dataclass(frozen=True, repr=False)
class Inspection(Printed):
    """What a table holds.

    Attributes
    ----------
    path, format
        The file, and how it is written.
    samples, genes
        The shape.
    ids
        Kind of gene id, the share of ids that look like it, examples.
    platform
        GEO's name for the array of probes, as the file says or else the usual one; empty where there is none.
    versioned, mangled, repeated
        Genes whose Ensembl id carries a version, that a spreadsheet made a date of, that occur again.
    scale
        Scale of the values and the evidence for it.
    floor
        The value that many share as the lowest, and their share; None where there is none.
    missing, infinite
        Values that are NaN or infinite.
    batches, labels, subjects
        Columns of ``obs`` that may say so.
    columns
        Every column of ``obs``, with counts where it has at most twelve values.
    notes
        What reading found out.
    next
        The command to type next.
    levels
        What is odd about the samples' levels; empty for nothing.
    no_genes
        Whether no name is a gene's, by the shipped table or by its shape: a sample sheet, or other omics.
    copies
        Samples that hold exactly the values of another one; empty for none.
    sheet
        What became of the rows of a sample sheet; None without one.
    """

    path: str
    format: str
    samples: int
    genes: int
    ids: IdKind
    platform: str
    versioned: int
    mangled: int
    repeated: int
    scale: Scale
    floor: tuple[float, float] | None
    missing: int
    infinite: int
    batches: tuple[Column, ...]
    labels: tuple[Column, ...]
    subjects: tuple[Column, ...]
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    next: str
    levels: str = ""
    no_genes: bool = False
    copies: str = ""
    sheet: Mapping[str, Any] | None = None

    def _card(self) -> Card:
        said = {"labels": self.labels, "subjects": self.subjects, "batches": self.batches}
        odd = [what for what, found in (("levels", self.levels), ("copies", self.copies)) if found]
        return f"{self.samples:,} samples x {self.genes:,} genes", [
            ("file", f"{self.path}, {self.format}"),
            ("gene ids", f"{self.ids.kind}, {self.ids.share:.0%} of them"),
            ("scale", f"{self.scale.name} ({self.scale.evidence})"),
            ("gaps", f"{self.missing:,} missing, {self.infinite:,} infinite"),
            *((what, leading([column.name for column in columns])) for what, columns in said.items() if columns),
            ("mind", ", ".join(odd)),
            ("next", "to_text() has it all"),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, as JSON takes them."""
        plain = asdict(self)
        return {**plain, "ids": self.ids._asdict(), "scale": self.scale._asdict()}

    def to_text(self) -> str:
        """One line for each thing found."""
        ids = f"{self.ids.kind}: {ID_KINDS[self.ids.kind]}, {self.ids.share:.0%} ({', '.join(self.ids.examples)})"
        odd = {"with a version": self.versioned, "made a date by a spreadsheet": self.mangled, "again": self.repeated}
        lines = {
            "file": f"{self.path}, {self.format}",
            "shape": f"{self.samples:,} samples x {self.genes:,} genes",
            "gene ids": "; ".join([ids, *(f"{count} {what}" for what, count in odd.items() if count)]),
            "scale": f"{self.scale.name}: {SCALE_NAMES[self.scale.name]} ({self.scale.evidence})",
            "floor": "none" if self.floor is None else f"{self.floor[0]:g}, where {self.floor[1]:.0%} of values sit",
            "levels": self.levels,
            "copies": self.copies,
            "gaps": f"{self.missing:,} missing, {self.infinite:,} infinite",
            "labels": _listed(self.labels),
            "subjects": _listed(self.subjects),
            "batches": _listed(self.batches),
            "reading": "; ".join(self.notes),
            "next": self.next,
        }
        return "\n".join(f"{name:<9} {text}" for name, text in lines.items() if text)


def _listed(columns: tuple[Column, ...]) -> str:
    return "; ".join(str(column) for column in columns[:4]) + (f"; {len(columns) - 4} more" if len(columns) > 4 else "")


def inspect(
    path: str | Path,
    *,
    orientation: str | None = None,
    modality: str | None = None,
    column: str | None = None,
    annotations: Sequence[str] | None = None,
    drop_empty: bool = False,
    samples: str | Path | None = None,
    samples_id: str | None = None,
) -> Inspection:
    """Say what a table holds: shape, kind of gene id, scale, gaps, and what to do with it next.

    Parameters
    ----------
    path
        Anything that :func:`read` reads.
    orientation, modality, column, annotations, drop_empty
        As for :func:`read`.
    samples, samples_id
        A sample sheet and its column of names, as for :func:`match_sheet`.

    Returns
    -------
    Inspection
        ``to_text()`` for a person, ``to_dict()`` for a program.

    Raises
    ------
    GenelightError
        What :func:`read` and :func:`match_sheet` raise.

    Notes
    -----
    AnnData's own formats are looked through 1,024 samples at a time; others are read whole, once. Scale and floor
    are judged on up to 256 samples, gaps are counted in all.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "flu.h5ad"
    ...     gl.demo.cohort().write_h5ad(path)
    ...     found = gl.io.inspect(path)
    >>> found.samples, found.ids.kind, found.scale.name, [c.name for c in found.subjects]
    (252, 'symbol', 'log2', ['subject'])
    """
    path = located(path)
    backed = "backed" in find_reader(path).options and samples is None
    adata = read(
        path,
        orientation=orientation,
        modality=modality,
        column=column,
        backed=backed,
        annotations=annotations,
        drop_empty=drop_empty,
    )
    try:
        sheet = None if samples is None else match_sheet(adata, samples, samples_id=samples_id)
        found = _look(adata if sheet is None else sheet.join(adata), path)
        told = None if annotations is None else ",".join(annotations) or "none"
        given = {"orientation": orientation, "modality": modality, "column": column, "annotations": told}
        given["drop-empty"] = "" if drop_empty else None
        found = replace(found, next=_next(found, given, samples=samples))
        return found if sheet is None else replace(found, sheet=sheet.to_dict(), notes=(*found.notes, str(sheet)))
    finally:
        if backed and adata.isbacked:
            adata.file.close()


def _look(adata: AnnData, path: Path) -> Inspection:
    missing, infinite = _gaps(adata.X)
    genes = [str(gene) for gene in adata.var_names]
    ids, scale = detect_ids(genes), detect_scale(adata.X)
    columns = {role: tuple(_columns(adata.obs, role)) for role in _WORDS}
    told = adata.uns.get("read", {})
    return Inspection(
        path=str(path),
        format=_format(path, told),
        samples=adata.n_obs,
        genes=adata.n_vars,
        ids=ids,
        versioned=sum(map(bool, map(_VERSIONED.match, genes))) if ids.kind.startswith("ens") else 0,
        # A table that map-ids wrote has genes, whatever the array was.
        platform=str(told.get("platform") or PLATFORMS.get(ids.kind, "")) if ids.kind in PROBES | {"unknown"} else "",
        mangled=sum(map(bool, map(_MANGLED.match, genes))),
        repeated=int(adata.var_names.duplicated().sum()),
        scale=scale,
        floor=find_floor(adata.X),
        missing=missing,
        infinite=infinite,
        batches=columns["batch"],
        labels=columns["label"],
        subjects=columns["subject"] or tuple(_people(adata.obs)),
        columns=tuple(_summaries(adata.obs)),
        notes=tuple(
            f"{key.replace('_', ' ')}: {value}"
            for key, value in told.items()
            if key not in _USUAL and value and (key != "platform" or ids.kind in PROBES)
        ),
        next="",
        no_genes=ids.kind in ("symbol", "unknown") and knows_none(genes),
        copies=said_of(adata.X, list(map(str, adata.obs_names))),
        levels="" if scale.name in ("scores", "ranks", "zscore") else levels(adata.X),
    )


def _format(path: Path, told: Mapping[str, Any]) -> str:
    """How the file is written now, whatever it was made of."""
    reader = find_reader(path)
    made_of = "" if "backed" in reader.options else told.get("format")
    return str(made_of or path.suffix.lstrip(".") or (reader.__doc__ or "").rstrip("."))


def _gaps(x: Any) -> tuple[int, int]:
    """How many values are missing and how many infinite."""
    missing = infinite = 0
    for first in range(0, x.shape[0], _ROWS):
        block = x[first : first + _ROWS]
        values = block.data if sparse.issparse(block) else np.asarray(block)
        if values.dtype.kind != "f":
            break
        nan = int(np.isnan(values).sum())
        missing += nan
        infinite += values.size - nan - int(np.isfinite(values).sum())
    return missing, infinite


def _columns(obs: pd.DataFrame, role: str) -> Iterator[Column]:
    """Columns of ``obs`` whose name and values fit a role, those that fit best first."""
    for name in sorted(map(str, obs.columns), key=len):
        if not re.search(_WORDS[role], name.replace("_", " "), re.IGNORECASE):
            continue
        counts = obs[name].value_counts()
        few = 2 <= len(counts) <= _MOST_LABELS
        batch = 2 <= len(counts) <= len(obs) / 2
        several = 2 <= len(counts) < len(obs)
        if {"label": few, "batch": batch, "subject": several}[role]:
            yield Column(name, {str(value): int(count) for value, count in counts.items()})


def _summaries(obs: pd.DataFrame) -> Iterator[Column]:
    """Every column, with counts where it has few values."""
    for name in map(str, obs.columns):
        counts = obs[name].value_counts()
        few = counts if len(counts) <= _MOST_LABELS else counts.iloc[:0]
        numeric = pd.api.types.is_numeric_dtype(obs[name])
        yield Column(name, {str(value): int(count) for value, count in few.items()}, numeric=numeric)


def _people(obs: pd.DataFrame) -> Iterator[Column]:
    """Columns of titles that name a person and a visit, such as P07V2."""
    for name in map(str, obs.columns):
        if pd.api.types.is_numeric_dtype(obs[name]) or obs[name].isna().any():
            continue
        titles = obs[name].astype(str)
        for visit in _VISITS:
            pattern = f"(.+?)(?:{visit})?$"
            person = titles.str.extract(pattern, expand=False)
            if (person != titles).mean() > _MOST and _FEWEST <= person.nunique() < len(obs):
                yield Column(name, {str(who): int(count) for who, count in person.value_counts().items()}, pattern)
                break


def _from_probes(platform: str) -> tuple[str, str]:
    """The option that gives probes their genes, and where those are to be had."""
    own = "a table that you have: GEO's, the vendor's, or what Bioconductor's annotation package of the array prints"
    if not platform:
        where = f", where FILE is {own}; or the name of the array's GEO platform, such as GPL570, to fetch GEO's"
        return " --table FILE", where
    return f" --table {platform}", f" (fetches GEO's table of {platform} once; or give --table {own})"


def _next(found: Inspection, options: Mapping[str, str | None], *, samples: str | Path | None = None) -> str:
    """The command that comes next, or why none does."""
    file = shlex.quote(found.path)
    given = "".join(f" --{name} {shlex.quote(value)}" for name, value in options.items() if value)
    if found.scale.name in _NO_SCALE:
        return _NO_SCALE[found.scale.name]
    given += " --drop-empty" * (options.get("drop-empty") is not None)
    if samples is not None:
        sheet, joined = shlex.quote(str(samples)), f"genelight read {file}{given} --samples"
        return f"{joined} {sheet} --out cohort.h5ad" if given else f"genelight init study.toml {file} {sheet}"
    if given:
        return f"genelight read {file}{given} --out cohort.h5ad"
    if found.ids.kind not in ("symbol", "unknown") or found.mangled or found.repeated:
        table, where = _from_probes(found.platform) if found.ids.kind in PROBES else ("", "")
        return f"genelight map-ids {file}{table} --out mapped.h5ad{where}"
    if found.missing:
        return f"drop or impute the genes with missing values ({found.missing} in all): a model takes none"
    scale = {"counts": "counts", "log2": "log2", "ln": "ln", "scores": "log2"}.get(found.scale.name, "linear")
    whole = [column for column in found.subjects if column.pattern is None]
    subject = f" --subject {shlex.quote(whole[0].name)}" if whole else ""
    fit = f"genelight fit {file} --scale {scale}{subject} --out model"
    sheet = f"if this is a sample sheet, it goes behind its table: genelight init study.toml TABLE {file}"
    doubt = f"; if it is expression, {fit} (no name, such as {first_three(found.ids.examples)}, is a gene's)"
    return f"{sheet}{doubt}" if found.no_genes else fit
