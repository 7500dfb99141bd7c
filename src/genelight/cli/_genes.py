"""What the commands share about gene ids: options, and lists of genes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from ..errors import InputError, ResourceError
from ..io.id_kinds import detect_ids
from ..pp.collapse import COLLAPSES

__all__ = ["Collapse", "Ids", "Several", "gene_list"]

Ids = Annotated[str, typer.Option(help="kind of gene id in the file, or auto to tell it from the ids")]
Collapse = Annotated[str, typer.Option(help=f"several columns of one gene: {', '.join(COLLAPSES)}")]
Several = Annotated[str, typer.Option(help="a column of several genes: drop, or copy to each")]


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
