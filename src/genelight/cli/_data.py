"""Data: read, inspect, pack, fetch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from .._core.fetch import Cache
from .._core.sources import PATTERNS, SOURCES, Remote, find_source
from .._core.tables import write_h5ad
from ..io.stores._bucket import located
from ._cohort import Table
from ._command import Result, command, kept_when_stopped
from ._shared import fresh, places

commands = typer.Typer(rich_help_panel="Data")


@command(commands, "genelight read counts.csv.gz --samples sheet.xlsx --out cohort.h5ad")
def read(
    cohort: Table,
    out: Annotated[Path | None, typer.Option("--out", help="h5ad file to write the table to")] = None,
) -> Result:
    """Read a table and its sample sheet, say what they hold, and write both as h5ad if asked to."""
    fresh(out)
    adata = cohort.read(dense=False)
    low, high = float(adata.X.min()), float(adata.X.max())
    lines = [
        f"{adata.n_obs} samples x {adata.n_vars} genes, first {', '.join(adata.var_names[:3])}",
        f"values {low:g} to {high:g}",
    ]
    notes = adata.uns.get("read", {}).get("notes")
    if notes:
        lines.append(f"reading: {notes}")
    columns = {}
    for name, values in adata.obs.items():
        there = values.dropna().unique()
        first = list(map(str, there[:4]))
        columns[str(name)] = {"values": len(there), "first": first}
        more = ", ..." if len(there) > 4 else ""
        lines.append(f"obs {name}: {len(there)} values ({', '.join(first)}{more})")
    if out is not None:
        write_h5ad(out, adata)
        lines.append(f"wrote {out}")
    facts = {"samples": adata.n_obs, "genes": adata.n_vars, "lowest": low, "highest": high, "obs": columns, "out": out}
    return Result("\n".join(lines), facts)


@command(commands, "genelight inspect counts.csv.gz --samples sheet.csv")
def inspect(cohort: Table) -> Result:
    """Say what kind of genes, values and samples a table holds, and what to do next."""
    found = gl.io.inspect(cohort.table, samples=cohort.samples, samples_id=cohort.samples_id, **cohort.options)
    return Result(found.to_text(), found.to_dict())


@command(commands, "genelight pack one.h5ad two.h5ad --out store.zarr")
def pack(
    files: Annotated[list[Path], typer.Argument(callback=places, help="tables that genelight reads, or stores")],
    out: Annotated[
        Path,
        typer.Option("--out", callback=located, help="store to write, such as store.zarr or s3://bucket/store.zarr"),
    ],
    genes: Annotated[str, typer.Option(help="intersection, or union: missing where not measured")] = "intersection",
    ids: Annotated[str, typer.Option(help="kind of gene id: symbol, entrez, ensembl, ensp")] = "symbol",
    repeats: Annotated[str, typer.Option(help="sample names that occur twice: stop, first, prefix")] = "stop",
    compress: Annotated[bool, typer.Option("--compress", help="smaller on disk, slower to read")] = False,
    append: Annotated[bool, typer.Option("--append", help="add samples to the store, in its genes")] = False,
) -> Result:
    """Stream tables into one store on disk, larger than memory if need be; a killed run goes on where it was."""
    kept_when_stopped(lambda: f"the samples packed so far are kept beside {out}")
    store = gl.io.pack(files, out, genes=genes, ids=ids, repeats=repeats, compress=compress, append=append)
    lines = []
    for entry in store.account["inputs"]:
        left_out = f", {entry['repeats']} repeats left out" if entry["repeats"] else ""
        lines.append(
            f"{entry['input']}: {entry['samples']} samples{left_out}; {entry['genes_found']} genes found, "
            f"{entry['genes_missing']} missing, {entry['genes_not_used']} not used; "
            f"{entry['values_missing']} values missing, {_number(entry['lowest'])} to {_number(entry['highest'])}"
        )
    lines.append(f"{out}: {store.n_obs} samples x {store.n_vars} genes, digest {store.digest}")
    facts = {
        "samples": store.n_obs,
        "genes": store.n_vars,
        "digest": store.digest,
        "account": store.account,
        "out": out,
    }
    return Result("\n".join(lines), facts)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


@command(commands, "genelight fetch GSE30550 --dry-run")
def fetch(
    name: Annotated[
        str | None, typer.Argument(help="a source, see --list; a GEO series such as GSE30550, a platform")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="say what there is, and end")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="say version, terms and size, and end")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="only what is in the cache")] = False,
) -> Result:
    """Download public data once into a cache: resumed where broken off, verified, kept."""
    if show or name is None:
        known = [
            {"name": s.name, "what": s.what, "version": s.version, "licence": s.licence, "size": s.size}
            for s in SOURCES.values()
        ]
        lines = [
            f"{s.name}: {s.what}; {s.version}; {s.licence}{f' ({s.size})' if s.size else ''}" for s in SOURCES.values()
        ]
        return Result("\n".join([*lines, *PATTERNS]), {"sources": known, "patterns": list(PATTERNS)})
    source, cache = find_source(name), Cache.of_environment(offline=offline)
    kept_when_stopped(lambda: "what was downloaded so far is kept in the cache")
    lines = [
        f"{source.name}: {source.what}",
        f"version {source.version}; terms: {source.licence}",
        *(f"{remote.name}: {_size(cache, remote)}, from {cache.url(remote)}" for remote in source.files),
    ]
    paths = [] if dry else [path for remote in source.files for path in cache.get(remote)]
    facts = {"name": source.name, "version": source.version, "licence": source.licence, "paths": paths}
    return Result("\n".join([*lines, *map(str, paths)]), facts)


def _size(cache: Cache, remote: Remote) -> str:
    size = cache.size(remote)
    return "size not told" if size is None else f"{size / 1e6:.1f} MB"
