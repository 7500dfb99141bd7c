"""From a file to what a model sees: map-ids, project, prepare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from .._core.tables import write_h5ad
from ..errors import InputError, ResourceError, first_three
from ..io.id_kinds import PROBES, detect_ids
from ..pp.adjust import BATCH_METHODS
from ..pp.collapse import COLLAPSES
from ..pp.normalise import NORMALISATIONS
from ._cohort import Cohort, Table, found_in
from ._command import Result, command
from ._shared import Features, File, Scale, fresh, listed, model_folder

commands = typer.Typer(rich_help_panel="Data")

Ids = Annotated[str, typer.Option(help="kind of gene id in the file, or auto to tell it from the ids")]
Collapse = Annotated[str, typer.Option(help=f"several columns of one gene: {', '.join(COLLAPSES)}")]
Several = Annotated[str, typer.Option(help="a column of several genes: drop, or copy to each")]


@command(commands, "genelight map-ids probes.csv --table GPL570 --out mapped.h5ad")
def map_ids(
    cohort: Cohort,
    out: File,
    to: Annotated[str, typer.Option(help="symbol, entrez or ensembl")] = "symbol",
    model: Annotated[
        Path | None,
        typer.Option("--model", callback=model_folder, help="map to the genes of a model instead: folder or name"),
    ] = None,
    ids: Ids = "auto",
    collapse: Collapse = "highest_mean",
    several: Several = "drop",
) -> Result:
    """Turn columns named by any kind of id into one column per gene, and say what became of each."""
    from ..models.bundle import preparation_of
    from ..pp.map_ids import IdMap

    fresh(out)
    adata = cohort.read(dense=False)
    wanted = to if model is None else preparation_of(model).genes
    learned = IdMap.of(adata, to=wanted, ids=ids, collapse=collapse, several=several, table=cohort.probes)
    mapped = learned.transform(adata)
    write_h5ad(out, mapped)
    return Result(str(learned), {"samples": mapped.n_obs, "genes": mapped.n_vars, "account": str(learned), "out": out})


@command(commands, "genelight project cohort.csv --model RUN/03_model --out projected.h5ad")
def project(
    tables: Annotated[list[Path], typer.Argument(help="expression tables in any format that read knows")],
    model: Annotated[
        Path | None,
        typer.Option("--model", callback=model_folder, help="model folder, such as RUN/03_model, or registered name"),
    ] = None,
    genes: Annotated[
        Path | None,
        typer.Option(help="in place of a model: text file with one gene per line, or h5ad whose genes to take"),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="h5ad file to write; of several tables, a folder")] = None,
    samples: Annotated[
        Path | None, typer.Option(help="sample sheet: CSV, TSV or Excel, joined by name to each of the tables")
    ] = None,
    samples_id: Annotated[str | None, typer.Option(help="its column of sample names")] = None,
    ids: Ids = "auto",
    collapse: Collapse = "highest_mean",
    several: Several = "drop",
    probes: Annotated[
        Path | None, typer.Option("--table", help="table of ids and genes, or a GEO platform such as GPL570")
    ] = None,
) -> Result:
    """Bring tables of any platform to a model's genes, or to a list of genes, and say what became of each column."""
    from ..models.bundle import preparation_of
    from ..pp.map_ids import IdMap
    from ..pp.project import map_for

    preparation = None if model is None else preparation_of(model)
    wanted = _gene_list(genes) if preparation is None else preparation.genes
    learn = partial(IdMap.of, to=wanted) if preparation is None else partial(map_for, preparation=preparation)
    lines, summary, facts = [], [], []
    for table, place in zip(tables, _places(tables, out), strict=True):
        adata = Cohort(table=table, samples=samples, samples_id=samples_id).read(dense=False)
        # One table of probes among several tables is for those that have probes.
        own = probes if len(tables) == 1 or detect_ids(adata.var_names).kind in PROBES else None
        learned = learn(adata, ids=ids, collapse=collapse, several=several, table=own)
        mapped = adata if learned is None else learned.transform(adata)
        lines.append(f"{table}\n{learned or 'the genes are there under their names'}")
        if preparation is not None:
            lines.append(found_in(preparation, mapped))
        if place is not None:
            write_h5ad(place, mapped)
        found = wanted.align(mapped.var_names).found
        summary.append(f"{table.name}: {mapped.n_obs} samples, {found:,} of {len(wanted):,} genes")
        facts.append({"table": table, "samples": mapped.n_obs, "found": found, "wanted": len(wanted), "out": place})
    return Result("\n".join(lines + (summary if len(tables) > 1 else [])), {"tables": facts})


def _gene_list(path: Path | None) -> gl.Genes:
    """Genes of a table, or of a text file: the first cell of each line that is not a comment, each once."""
    if path is None:
        msg = "nothing to project onto; add --model FOLDER, --genes TABLE, or --genes FILE with one gene per line"
        raise InputError(msg)
    if path.suffix in (".h5ad", ".zarr"):
        return _genes(dict.fromkeys(gl.read(path, backed=True).var_names))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read as a list of genes ({error}); give a text file with one gene per line"
        raise ResourceError(msg) from error
    cells = [line.partition("\t")[0].strip() for line in lines if not line.startswith("#")]
    return _genes(dict.fromkeys(cell for cell in cells if cell not in ("", "gene")))


def _genes(ids: Iterable[str]) -> gl.Genes:
    ids = tuple(ids)
    kind = detect_ids(ids).kind
    return gl.Genes(ids, kind if kind in ("entrez", "ensembl", "ensp") else "symbol")


def _places(tables: list[Path], out: Path | None) -> list[Path | None]:
    """Where each table goes: the file asked for, or of several one of the same name in the folder asked for."""
    if out is None or len(tables) == 1:
        fresh(out)
        return [out] * len(tables)
    names = [table.name.partition(".")[0] for table in tables]
    if len(set(names)) < len(names):
        msg = f"two of the tables have the same name ({first_three(names)}); project them one by one, each to its --out"
        raise InputError(msg)
    fresh(out)
    return [out / f"{name}.h5ad" for name in names]


@command(commands, "genelight prepare cohort.h5ad --scale auto --out prepare.json")
def prepare(
    cohort: Cohort,
    out: File,
    scale: Scale = "log2",
    features: Features = None,
    above_floor: Annotated[
        float | None,
        typer.Option(
            help="keep a gene if it is above the floor (the lowest value, which many share: not detected) in this "
            "share of samples; by default 0.5, of taxa 0.1, of cells 0.01"
        ),
    ] = None,
    normalise: Annotated[str | None, typer.Option(help=f"one of {', '.join(NORMALISATIONS)}")] = None,
    standardise: Annotated[str, typer.Option(help="zscore, minmax or centre")] = "zscore",
    covariates: Annotated[str | None, typer.Option(help="sample columns to regress out, with commas")] = None,
    batch: Annotated[
        str | None, typer.Option(help="sample column of the batch: its mean is taken off; site:combat")
    ] = None,
) -> Result:
    """Learn how to prepare a table: genes kept, how their values are normalised, adjusted and standardised."""
    fresh(out)
    adata, id_map = cohort.genes(features=features)
    preparation = gl.prepare(
        adata,
        scale=scale,
        features=features,
        above_floor=above_floor,
        normalise=normalise,
        standardise=standardise,
        adjust=_adjust(covariates, batch),
    )
    replace(preparation, id_map=id_map).save(out)
    lines = [f"{name}: {value}" for name, value in preparation.account.items()]
    return Result("\n".join(lines), {"account": preparation.account, "genes": len(preparation.genes), "out": out})


@command(commands, "genelight pseudobulk cells.h5ad --subject donor --by cell_type --out bulk.h5ad")
def pseudobulk(
    cells: Table,
    subject: Annotated[str, typer.Option(help="sample column: whose each cell is")],
    out: File,
    by: Annotated[str | None, typer.Option(help="another column, such as the cell type: a sample for each")] = None,
    least_cells: Annotated[int, typer.Option(help="leave out sums over fewer cells")] = 10,
    layer: Annotated[str | None, typer.Option(help="where the counts are, if not in X")] = None,
) -> Result:
    """Add up the counts of each donor's cells, so that a sample is a person again."""
    fresh(out)
    bulk = gl.pp.pseudobulk(cells.read(dense=False), subject=subject, by=by, least_cells=least_cells, layer=layer)
    write_h5ad(out, bulk)
    account = bulk.uns["pseudobulk"]
    left = f"; {account['too few cells']} too small, left out ({account['left out']})" * bool(account["too few cells"])
    text = f"{out}: {account['samples']} samples of {account['cells']:,} cells{left}; go on with --scale counts"
    return Result(text, {"out": out, **account})


def _adjust(covariates: str | None, batch: str | None) -> gl.pp.Adjust | None:
    named = listed(covariates)
    column, _, method = (batch or "").rpartition(":")
    if method not in BATCH_METHODS:
        column, method = batch or "", "mean"
    return gl.pp.Adjust(named, column or None, method) if named or column else None
