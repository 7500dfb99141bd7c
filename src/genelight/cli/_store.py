"""Data on disk: pack, fetch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from .._core.fetch import Cache
from .._core.sources import PATTERNS, SOURCES, Remote, find_source

commands = typer.Typer()


@commands.command()
def pack(
    files: Annotated[list[Path], typer.Argument(help="tables that genelight reads, or stores")],
    out: Annotated[Path, typer.Option("--out", help="store to write, such as store.zarr")],
    genes: Annotated[str, typer.Option(help="intersection, or union: missing where not measured")] = "intersection",
    ids: Annotated[str, typer.Option(help="kind of gene id: symbol, entrez, ensembl, ensp")] = "symbol",
    repeats: Annotated[str, typer.Option(help="sample names that occur twice: stop, first, prefix")] = "stop",
    compress: Annotated[bool, typer.Option("--compress", help="smaller on disk, slower to read")] = False,
    append: Annotated[bool, typer.Option("--append", help="add samples to the store, in its genes")] = False,
) -> None:
    """Stream tables into one store on disk, larger than memory if need be; a killed run goes on where it was."""
    store = gl.io.pack(files, out, genes=genes, ids=ids, repeats=repeats, compress=compress, append=append)
    for entry in store.account["inputs"]:
        left_out = f", {entry['repeats']} repeats left out" if entry["repeats"] else ""
        print(
            f"{entry['input']}: {entry['samples']} samples{left_out}; {entry['genes_found']} genes found, "
            f"{entry['genes_missing']} missing, {entry['genes_not_used']} not used; "
            f"{entry['values_missing']} values missing, {_number(entry['lowest'])} to {_number(entry['highest'])}"
        )
    print(f"{out}: {store.n_obs} samples x {store.n_vars} genes, digest {store.digest}")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


@commands.command()
def fetch(
    name: Annotated[
        str | None, typer.Argument(help="a source, see --list; a GEO series such as GSE30550, a platform")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="say what there is, and end")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="say version, terms and size, and end")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="only what is in the cache")] = False,
) -> None:
    """Download public data once into a cache: resumed where broken off, verified, kept."""
    if show or name is None:
        for source in SOURCES.values():
            print(f"{source.name}: {source.what}; {source.version}; {source.licence}" + _aside(source.size))
        for pattern in PATTERNS:
            print(pattern)
        return
    source, cache = find_source(name), Cache.of_environment(offline=offline)
    print(f"{source.name}: {source.what}")
    print(f"version {source.version}; terms: {source.licence}")
    for remote in source.files:
        print(f"{remote.name}: {_size(cache, remote)}, from {cache.url(remote)}")
    if not dry:
        for remote in source.files:
            for path in cache.get(remote):
                print(path)


def _size(cache: Cache, remote: Remote) -> str:
    size = cache.size(remote)
    return "size not told" if size is None else f"{size / 1e6:.1f} MB"


def _aside(size: str) -> str:
    return f" ({size})" if size else ""
