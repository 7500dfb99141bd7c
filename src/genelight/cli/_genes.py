"""What the commands share about gene ids: options, and tables brought to genes with an account."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import genelight as gl

from ..errors import InputError, ResourceError
from ..io.id_kinds import detect_ids

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = [
    "Collapse",
    "Ids",
    "OtherScale",
    "Probes",
    "Several",
    "as_genes",
    "as_genes_of",
    "found_in",
    "gene_list",
    "read_as",
]

Ids = Annotated[str, typer.Option(help="kind of gene id in the file, or auto to tell it from the ids")]
Collapse = Annotated[str, typer.Option(help=f"several columns of one gene: {', '.join(gl.pp.COLLAPSES)}")]
Several = Annotated[str, typer.Option(help="a column of several genes: drop, or copy to each")]
Probes = Annotated[
    Path | None, typer.Option("--table", help="table of ids and genes, or a GEO platform such as GPL570")
]

OtherScale = Annotated[
    str | None, typer.Option("--scale", help="scale of the values where it is not the model's: log2, counts or linear")
]


def as_genes(
    adata: AnnData, *, to: str | gl.Genes = "symbol", probes: Path | None = None
) -> tuple[AnnData, gl.pp.IdMap | None]:
    """The table with genes of one kind as columns; where they were of another, mapped, and the account printed."""
    id_map = gl.pp.map_where_needed(adata, to=to, table=probes)
    if id_map is None:
        return adata, None
    print(id_map)
    return id_map.transform(adata), id_map


def as_genes_of(model: Path, adata: AnnData, *, probes: Path | None = None, scale: str | None = None) -> AnnData:
    """The table with a model's genes as columns; what is not there under its name is mapped and accounted for.

    With a `scale` the values are brought from it to the model's.
    """
    preparation = gl.pp.Preparation.load(model / "prepare.json")
    id_map = gl.pp.map_for(adata, preparation, table=probes)
    if id_map is not None:
        print(id_map)
        adata = id_map.transform(adata)
        print(found_in(preparation, adata))
    return adata if scale is None else preparation.rescale(adata, scale)


def read_as(model: Path, table: Path, *, probes: Path | None = None, scale: str | None = None) -> AnnData:
    """A table from its file, as `as_genes_of` brings it to a model's genes."""
    return as_genes_of(model, gl.read(table, dense=True), probes=probes, scale=scale)


def found_in(preparation: gl.pp.Preparation, adata: AnnData) -> str:
    """How many of a model's genes a table has, and what becomes of the others."""
    alignment = preparation.align(adata.var_names)
    rest = f"; the other {alignment.missing:,} are imputed from the model" if alignment.missing else ""
    return (
        f"{alignment.found:,} of the model's {len(preparation.genes):,} genes, with {alignment.weighted:.1%} of their "
        f"variance{rest}"
    )


def gene_list(path: Path | None) -> gl.Genes:
    """Genes of a table, or of a text file: the first cell of each line that is not a comment, each once.

    Raises
    ------
    InputError
        If there is none.
    ResourceError
        If the file cannot be read.
    """
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
