"""The one loader: options of a table, its samples, its genes and the question asked of it, alike in every command."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from scipy import sparse

import genelight as gl

from .._core.checks import select_samples
from .._core.progress import waiting
from ..errors import InputError
from ..io.stores._bucket import located
from ..nouns.contrast_checks import check_people, left_over
from ..pp.features import FEATURES
from ..pp.project import map_for, map_where_needed
from ._command import note
from ._shared import listed

if TYPE_CHECKING:
    from anndata import AnnData

    from ..pp.map_ids import IdMap
    from ..pp.preparation import Preparation

table_option = partial(typer.Option, rich_help_panel="The table")
gene_option = partial(typer.Option, rich_help_panel="Its genes and values")
question_option = partial(typer.Option, rich_help_panel="The question")

Control = Annotated[str, question_option(help="which samples are controls, a query as well")]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a table is to be read, where it does not tell."""

    orientation: Annotated[
        str | None, table_option(help="genes-in-rows or samples-in-rows, where names do not tell")
    ] = None
    modality: Annotated[str | None, table_option(help="which modality of a MuData file, or sheet of a workbook")] = None
    column: Annotated[
        str | None,
        table_option(
            help="which column of a folder of tables of one sample each, or of a table with a row for each pair, "
            "or which of several measures of each sample, such as TPM"
        ),
    ] = None
    annotations: Annotated[
        str | None,
        table_option(
            help="columns or rows that describe samples or genes, with commas; what else does is told from the names, "
            "unless none stands last"
        ),
    ] = None
    drop_empty: Annotated[
        bool, table_option("--drop-empty", help="set samples aside whose every value is zero or missing")
    ] = False

    @property
    def told(self) -> tuple[str, ...] | None:
        """What --annotations names; nothing for the word none alone."""
        text = self.annotations
        return None if text is None else () if text.strip() == "none" else listed(text)

    @property
    def options(self) -> dict[str, Any]:
        """As `read`, `inspect` and a study take them."""
        return {
            "orientation": self.orientation,
            "modality": self.modality,
            "column": self.column,
            "annotations": self.told,
            "drop_empty": self.drop_empty,
        }


@dataclass(frozen=True, kw_only=True)
class Table(Reading):
    """A table in any format, with a sample sheet beside it."""

    table: Annotated[
        Path, typer.Argument(callback=located, help="expression table in any format that read knows, or a store's URL")
    ]
    samples: Annotated[Path | None, table_option(help="sample sheet: CSV, TSV or Excel, joined by sample name")] = None
    samples_id: Annotated[str | None, table_option(help="its column of sample names; unset for what fits best")] = None
    drop: Annotated[str | None, table_option(help="samples to leave out, a query on sample columns")] = None

    def read(self, *, dense: bool = True) -> AnnData:
        """The table as it is in the file, with what the sheet says of its samples, less those to drop."""
        with waiting(f"reading {self.table}"):
            adata = gl.io.read(self.table, dense=dense, **self.options)
        if copied := adata.uns.get("read", {}).get("copies"):
            note(copied)
        if self.samples is not None:
            found = gl.io.match_sheet(adata, self.samples, samples_id=self.samples_id)
            note(found)
            adata = found.join(adata)
        if self.drop is not None:
            dropped_n = select_samples(adata.obs, self.drop, role="drop")
            note(f"samples left out by --drop: {int(dropped_n.sum())} of {len(dropped_n)}")
            adata = adata[~dropped_n].copy()
        return adata


@dataclass(frozen=True, kw_only=True)
class Cohort(Table):
    """A table brought to genes, or to those of a model."""

    probes: Annotated[
        Path | None, gene_option("--table", help="table of ids and genes, or a GEO platform such as GPL570")
    ] = None

    def genes(self, *, to: str | gl.Genes = "symbol", features: str | None = None) -> tuple[AnnData, IdMap | None]:
        """With genes of one kind as columns; where they were of another, mapped, with the account.

        Features that are said to be no genes stay what they are.
        """
        adata = self.read(dense=features is None)
        if features is not None and ("=" in features or not FEATURES[features].genes):
            return adata, None
        id_map = map_where_needed(adata, to=to, table=self.probes)
        if id_map is None:
            return adata, None
        note(id_map)
        return id_map.transform(adata), id_map

    def store_or_genes(self, *, features: str | None = None) -> tuple[AnnData | gl.io.Store, IdMap | None]:
        """A store as it lies, anything else in memory with genes as columns."""
        from ..io.stores._open import is_store

        return (self.store(), None) if is_store(self.table) else self.genes(features=features)

    def store(self) -> gl.io.Store:
        """A store as it lies.

        Raises
        ------
        InputError
            If options were given that are for tables in memory.
        """
        names = ("samples", "drop", "orientation", "modality", "column", "annotations")
        given = [name for name in names if getattr(self, name) is not None]
        if given:
            typed = " ".join(f"--{name} {shlex.quote(str(getattr(self, name)))}" for name in given)
            msg = (
                f"{self.table} is a store, whose samples are fixed, so {' and '.join(f'--{name}' for name in given)} "
                f"cannot go with it; leave that out, or read the table that was packed with it and pack it anew: "
                f"genelight read TABLE {typed} --out cohort.h5ad"
            )
            raise InputError(msg)
        return gl.io.Store.open(self.table)


@dataclass(frozen=True, kw_only=True)
class PeopledCohort(Cohort):
    """A table that says whose its samples are."""

    subject: Annotated[
        str | None, question_option(help="sample column: whose sample it is; a subject is never split")
    ] = None


@dataclass(frozen=True, kw_only=True)
class QuestionedCohort(PeopledCohort):
    """A table that is asked about a disease."""

    subject_pattern: Annotated[
        str | None,
        question_option(help="regular expression: its first group is the part of --subject that names the person"),
    ] = None
    covariates: Annotated[
        str | None, question_option(help="sample columns to adjust for, with commas: age,sex,batch")
    ] = None


@dataclass(frozen=True, kw_only=True)
class ContrastedCohort(QuestionedCohort):
    """A table and two groups of its samples."""

    case: Annotated[str, question_option(help="which samples are cases, a query on sample columns")]
    control: Control

    def contrast(self, adata: AnnData) -> gl.Contrast:
        """Cases against controls; samples in neither are told."""
        contrast = gl.Contrast.of(
            adata.obs,
            case=self.case,
            control=self.control,
            subject=self.subject,
            subject_pattern=self.subject_pattern,
            covariates=listed(self.covariates),
        )
        check_people(adata.obs, contrast)
        if rest := left_over(adata.obs, contrast, case=self.case, control=self.control):
            note(rest)
        return contrast


@dataclass(frozen=True, kw_only=True)
class Rescaled(Cohort):
    """A table that is read by a model, which was trained on some scale."""

    scale: Annotated[
        str | None, gene_option(help="scale of the values where it is not the model's: log2, counts or linear")
    ] = None

    def genes_of(self, model: Path) -> AnnData:
        """With a model's genes as columns, on its scale."""
        return as_genes_of(model, self.read(), probes=self.probes, scale=self.scale)


@dataclass(frozen=True, kw_only=True)
class RescaledPeopled(Rescaled, PeopledCohort):
    """The same of a table that says whose its samples are."""


@dataclass(frozen=True, kw_only=True)
class RescaledQuestioned(Rescaled, QuestionedCohort):
    """The same of a table that is asked about a disease."""


@dataclass(frozen=True, kw_only=True)
class RescaledContrasted(Rescaled, ContrastedCohort):
    """The same of a table and two groups of its samples."""


def as_genes_of(model: Path, adata: AnnData, *, probes: Path | None = None, scale: str | None = None) -> AnnData:
    """The table with a model's genes as columns; what is not there under its name is mapped and accounted for.

    With a `scale` the values are brought from it to the model's.
    """
    from ..models.bundle import preparation_of

    preparation = preparation_of(model)
    id_map = map_for(adata, preparation, table=probes)
    if id_map is not None:
        note(id_map)
        adata = id_map.transform(adata)
        note(found_in(preparation, adata))
    gaps = missing_in(preparation, adata)
    if gaps:
        note(gaps)
    return adata if scale is None else preparation.rescale(adata, scale)


def found_in(preparation: Preparation, adata: AnnData) -> str:
    """How many of a model's genes a table has, and what becomes of the others."""
    alignment = preparation.align(adata.var_names)
    rest = f"; the other {alignment.missing:,} are imputed from the model" if alignment.missing else ""
    return (
        f"{alignment.found:,} of the model's {len(preparation.genes):,} genes, with {alignment.weighted:.1%} of their "
        f"variance{rest}"
    )


def told_of(preparation: Preparation) -> str:
    """What was taken of features that are no genes, and by what; empty of genes."""
    account = preparation.account
    if "features" not in account:
        return ""
    missing = "".join(f"; {key.replace('_', ' ')}: {said}" for key, said in account.items() if key.endswith("missing"))
    return (
        f"features: {account['genes_kept']:,} of {account['genes_read']:,} of kind {account['features']}, told by "
        f"{account['features_told_by']}; values of scale {account['scale']}, learned from as {account['unit']}{missing}"
    )


def missing_in(preparation: Preparation, adata: AnnData) -> str:
    """How many single values of a model's genes are missing; empty where none is."""
    if sparse.issparse(adata.X) and not np.isnan(adata.X.data).any():
        return ""
    gap_ng = preparation.gaps(adata)
    single = gap_ng[:, ~gap_ng.all(0)]
    missing = int(single.sum())
    return f"{missing:,} single values ({single.mean():.2%}) are missing and come from the model" if missing else ""
